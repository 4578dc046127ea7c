"""Names in a printed space: of functions, of their parameters, and of parts that stand in several places."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from netwright.space._abbreviate import Program

__all__ = ["Names"]

SHORT = 40
"""Characters of a part that is no easier to read under a name."""
DEEPEST, WIDTH = 5, 90
"""Levels of long calls inside one another before a part is given a name."""


@dataclass
class Names:
    """Names by number of the function, and by term."""

    program: Program
    taken: set[str]
    functions: dict[int, str] = field(default_factory=dict)
    parameters: dict[int, str] = field(default_factory=dict)
    parts: dict[int, str] = field(default_factory=dict)
    _lengths: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        terms, shared = self.program.terms, self._shared()
        places: dict[int, Counter[str]] = {}
        called: dict[int, Counter[str]] = {}
        for part, user, name in terms.uses(self.program.everything):
            head = terms.heads[part]
            if terms.heads[user].kind == "call":
                places.setdefault(part, Counter())[name] += 1
                if head.kind == "function":
                    called.setdefault(int(head.name), Counter())[name] += 1
        for number, function in enumerate(self.program.functions):
            self.functions[number] = self._free(self._label(function.body, called.get(number, Counter())), self.taken)
        for term in shared:
            self.parts[term] = self._free(self._label(term, places.get(term, Counter())), self.taken)
        for function in self.program.functions:
            inner = {*self.taken}
            for term, hint in zip(function.parameters, function.hints, strict=True):
                self.parameters[term] = self._free(_word(hint) or "value", inner)

    def _shared(self) -> list[int]:
        """Parts that are given a name: those in several places, and those deep inside others."""
        terms, everything = self.program.terms, self.program.everything
        uses = Counter(part for part, _, _ in terms.uses(everything))
        shared = {
            term
            for term in terms.below(everything)
            if terms.closed[term] and terms.heads[term].kind in ("call", "function")
            if uses[term] > 1 and self._length(term) > SHORT
        }
        depths: dict[int, int] = {}
        for term in terms.below(everything):
            wide = self._length(term) > WIDTH
            inner = (0 if part in shared else depths[part] for part in terms.parts[term])
            depths[term] = wide + max(inner, default=0)
            if depths[term] > DEEPEST and terms.closed[term] and terms.heads[term].kind == "call":
                shared.add(term)
        return sorted(shared - {*self.program.roots})

    def _length(self, term: int) -> int:
        """Characters of a term on one line, with all that stands in it."""
        if term not in self._lengths:
            head = self.program.terms.heads[term]
            inner = sum(self._length(part) + 2 for part in self.program.terms.parts[term])
            self._lengths[term] = len(head.name) + 5 + sum(map(len, head.names)) + inner
        return self._lengths[term]

    def _label(self, term: int, places: Mapping[str, int]) -> str:
        """What a part is called: the keyword under which it mostly stands, or what it is."""
        words = Counter[str]()
        for name, count in places.items():
            words[_word(name)] += count
        word, count = max(words.items(), key=lambda item: item[1], default=("", 0))
        if len(word) > 1 and 2 * count > words.total():
            return word
        terms = self.program.terms
        head, parts = terms.heads[term], terms.parts[term]
        if head.kind == "function":
            return self._label(self.program.functions[int(head.name)].body, {})
        if head.name in ("named", "tied"):
            name = terms.heads[parts[0]].name.strip('"')
            return name if name.isidentifier() else self._label(parts[1], {})
        return {"oneof": "choice"}.get(head.name, _word(head.name)) or "part"

    def _free(self, name: str, taken: set[str]) -> str:
        number, found = 1, name
        while found in taken or keyword.iskeyword(found):
            number += 1
            found = f"{name}_{number}"
        taken.add(found)
        return found


def _word(name: str) -> str:
    """A name without its module and its number, empty where it is none.

    >>> _word("stage12"), _word("mine._blocks:_block"), _word("2")
    ('stage', 'block', '')
    """
    word = name.rpartition(":")[2].rpartition(".")[2].strip("_0123456789")
    return word if word.isidentifier() else ""
