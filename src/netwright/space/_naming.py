"""Names in a printed space: of functions, of their parameters, and of parts that stand in several places."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from netwright.space._abbreviate import Program

__all__ = ["Definition", "Names"]

SHORT = 50
"""Characters of a part that is no easier to read under a name."""
DEEPEST, LONG = 5, 90
"""Calls inside one another, each longer than a line, before one of them is given a name."""
GENERAL = ("body", "parts", "value")
"""Names of arguments that do not say what stands there."""
Definition = tuple[str, int]
"""A function by its number, or a part by its term."""


@dataclass
class Names:
    """Names of functions and parts, in the order in which they are to be defined, and of parameters.

    taken: names that stand for something else.
    """

    program: Program
    taken: set[str]
    defined: dict[Definition, str] = field(default_factory=dict)
    parameters: dict[int, str] = field(default_factory=dict)
    _lengths: dict[int, int] = field(default_factory=dict)
    _places: dict[Definition, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        terms = self.program.terms
        for term in terms.below(self.program.everything):
            for part, hint in zip(terms.parts[term], self.program.hints(terms.heads[term]), strict=True):
                self._places.setdefault(self._definition(part), Counter())[hint] += 1
        for function in self.program.functions:
            inner = {*self.taken}
            for term, hint in zip(function.parameters, function.hints, strict=True):
                self.parameters[term] = _free(hint if hint.isidentifier() else "value", inner)
        # What a parameter is called must not hide a part that its function needs.
        self.taken |= {*self.parameters.values()}
        shared, seen = self._shared(), set[int]()
        for root in self.program.roots:
            self._define(root, shared, seen)

    def _definition(self, term: int) -> Definition:
        """What a term is known by: the function that it calls, or itself."""
        head = self.program.terms.heads[term]
        return ("function", int(head.name)) if head.kind == "function" else ("part", term)

    def _define(self, term: int, shared: Collection[int], seen: set[int]) -> None:
        """Give names to what a term needs, and to itself where it is shared."""
        if term in seen:
            return
        seen.add(term)
        for part in self.program.terms.parts[term]:
            self._define(part, shared, seen)
        kind, number = self._definition(term)
        if kind == "function" and (kind, number) not in self.defined:
            self._define(self.program.functions[number].body, shared, seen)
            self.defined[kind, number] = _free(self._label(kind, number), self.taken)
        if term in shared:
            self.defined["part", term] = _free(self._label("part", term), self.taken)

    def _shared(self) -> set[int]:
        """Parts that are given a name: those in several places, and those that hold too many calls in one another."""
        terms, everything = self.program.terms, self.program.everything
        uses = Counter(part for term in terms.below(everything) for part in terms.parts[term])
        depths, shared = dict[int, int](), set[int]()
        for term in terms.below(everything):
            inner = (depths[part] for part in terms.parts[term] if part not in shared)
            depths[term] = (self._length(term) > LONG) + max(inner, default=0)
            wanted = depths[term] > DEEPEST or (uses[term] > 1 and self._length(term) > SHORT)
            whole = terms.closed[term] and terms.heads[term].kind in ("call", "function")
            if wanted and whole and term not in everything:
                shared.add(term)
        return shared

    def _length(self, term: int) -> int:
        """Characters of a term on one line, with all that stands in it."""
        if term not in self._lengths:
            head = self.program.terms.heads[term]
            inner = sum(self._length(part) + 2 for part in self.program.terms.parts[term])
            self._lengths[term] = len(head.name) + 5 + sum(map(len, head.names)) + inner
        return self._lengths[term]

    def _label(self, kind: str, number: int) -> str:
        """What a function or a part is called: the name under which it mostly stands, or what it is."""
        places = self._places.get((kind, number), Counter[str]())
        for words in (places, _counted(places)):
            word, count = max(words.items(), key=lambda item: item[1], default=("", 0))
            if word.isidentifier() and len(word) > 1 and word not in GENERAL and 2 * count > places.total():
                return word
        terms = self.program.terms
        term = self.program.functions[number].body if kind == "function" else number
        head, parts = terms.heads[term], terms.parts[term]
        if head.kind == "function":
            return self._label(*self._definition(term))
        if head.name in ("named", "tied"):
            name = terms.heads[parts[0]].name.strip('"')
            return name if name.isidentifier() else self._label(*self._definition(parts[1]))
        return {"oneof": "choice"}.get(head.name, _word(head.name)) or "part"


def _free(name: str, taken: set[str]) -> str:
    """A name that is not taken yet, and is from now on."""
    number, found = 1, name
    while found in taken or keyword.iskeyword(found):
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def _counted(places: Mapping[str, int]) -> Counter[str]:
    """How often each name stands somewhere, whatever its number."""
    found = Counter[str]()
    for name, count in places.items():
        found[_word(name)] += count
    return found


def _word(name: str) -> str:
    """A name without its module and its number, empty where nothing is left.

    >>> _word("stage12"), _word("mine._blocks:_block"), _word("2")
    ('stage', 'block', '')
    """
    word = name.rpartition(":")[2].rpartition(".")[2].strip("_0123456789")
    return word if word.isidentifier() else ""
