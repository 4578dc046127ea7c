"""What parts of a space share: functions of the values that they differ in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from inspect import signature
from typing import Any

from netwright.space._term import Head, Terms

__all__ = ["Function", "Program", "abbreviated"]

DEEPEST = 8
"""Levels of calls that a function may share."""
MOST = 7
"""Parameters that a function may have."""
REFERENCE, DEFINITION, LEAST = 10, 60, 80
"""Characters of a name that stands for a part, of `def` and `return`, and those that a function must spare."""


@dataclass(frozen=True)
class Function:
    """A term in which parameters stand, and for what each stands: the name of the place and its own terms."""

    body: int
    parameters: tuple[int, ...]
    hints: tuple[str, ...]


@dataclass
class Program:
    """Terms to print, and the functions that are called in them by their number."""

    terms: Terms
    roots: list[int]
    functions: list[Function] = field(default_factory=list)

    @property
    def everything(self) -> list[int]:
        """The roots and the bodies of the functions."""
        return [*self.roots, *(function.body for function in self.functions)]

    def hints(self, head: Head) -> Sequence[str]:
        """What each part of a term is called where it stands: its keyword, its key, or the argument of a function."""
        if head.kind == "function":
            return self.functions[int(head.name)].hints
        placed = _arguments(head.name) if head.kind == "call" else ()
        return [
            name.strip('"') or (placed[place] if place < len(placed) else "") for place, name in enumerate(head.names)
        ]


@cache
def _arguments(name: str) -> tuple[str, ...]:
    """Arguments of a word of the language that are given by place."""
    import netwright.space as language

    function = getattr(language, name, None)
    parameters = signature(function).parameters.values() if function is not None else ()
    return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)


def abbreviated(terms: Terms, roots: Sequence[int]) -> Program:
    """A program in which calls that are alike but for a few values are calls of a function of these values.

    Greedy: again and again the function that spares most, of all that share the first levels of some calls, as in
    the compression of trees by patterns (Lohrey, Maneth and Mennicke 2013), until none spares a line.

    >>> terms = Terms()
    >>> told = [{"block": "mbconv", "with": {"channels": width, "activation": "hard_swish", "se": {"list": [3] * 20}}}
    ...         for width in (8, 16, 24, 32)]
    >>> program = abbreviated(terms, [terms.read({"call": "seq", "of": told}, {})])
    >>> [terms.heads[call].kind for call in terms.parts[program.roots[0]]], program.functions[0].hints
    (['function', 'function', 'function', 'function'], ('channels',))
    """
    program = Program(terms, list(roots))
    while (found := max(_candidates(program), key=lambda each: each.spared, default=None)) and found.spared > LEAST:
        _introduce(program, found)
    return program


@dataclass
class _Candidate:
    """Calls that share their first levels: the shared term, its parameters, and what stands for them in each call."""

    members: list[int]
    program: Program
    depth: int
    inside: list[tuple[int, ...]] = field(default_factory=list)
    holes: dict[tuple[int, ...], tuple[int, str]] = field(default_factory=dict)
    body: int = -1
    spared: float = 0

    def joined(self, column: tuple[int, ...], depth: int, hint: str) -> int:
        """The term that terms, one of each member, have in common; a parameter where that is none."""
        terms = self.program.terms
        if len(set(column)) == 1 and terms.closed[column[0]]:
            return column[0]
        head = terms.heads[column[0]]
        if depth and self._alike(column, head):
            columns = list(zip(*(terms.parts[term] for term in column), strict=True))
            self.inside.append(column)
            hints = self.program.hints(head)
            parts = [self.joined(c, depth - 1, name or hint) for name, c in zip(hints, columns, strict=True)]
            return terms.add(head, parts)
        if column not in self.holes:
            name = f"{len(self.program.functions)}.{len(self.holes)}"
            self.holes[column] = terms.add(Head("parameter", name)), hint
        return self.holes[column][0]

    def _alike(self, column: tuple[int, ...], head: Head) -> bool:
        terms = self.program.terms
        if head.kind not in ("call", "function", "tuple", "list", "map") or any(
            terms.heads[t] != head for t in column
        ):
            return False
        if not all(terms.leaf[term] for term in column):
            return True
        # One value that differs is better a parameter than all that stands around it; a choice is one value.
        differing = {c for c in zip(*(terms.parts[term] for term in column), strict=True) if len(set(c)) > 1}
        return head.name != "oneof" and len(differing - self.holes.keys()) <= 1


def _candidates(program: Program) -> Iterator[_Candidate]:
    """Functions that would shorten a program."""
    terms = program.terms
    below = terms.below(program.everything)
    calls = [term for term in below if not terms.leaf[term] and terms.heads[term].kind in ("call", "function")]
    users: dict[int, set[int]] = {}
    for term in below:
        for part in terms.parts[term]:
            users.setdefault(part, set()).add(term)
    own = {term: _own(terms, term) for term in below}
    shape: dict[int, Any] = dict.fromkeys(below)
    for depth in range(1, DEEPEST + 1):
        shape = {t: _shape(terms, t, shape) for t in below}
        groups: dict[Any, list[int]] = {}
        for term in calls:
            groups.setdefault(shape[term], []).append(term)
        for members in groups.values():
            if len(members) > 1:
                found = _Candidate(members, program, depth)
                found.body = found.joined(tuple(members), depth, "")
                # A function of nothing but its parameters says no more than what it calls.
                plain = {number for number, _ in found.holes.values()}.issuperset(terms.parts[found.body])
                if len(found.holes) <= MOST and not plain:
                    found.spared = _spared(found, own, users)
                    yield found


def _shape(terms: Terms, term: int, shape: dict[int, Any]) -> Any:
    """What a term and its parts to some depth are, leaves apart; shape: of the terms to one level less."""
    if terms.leaf[term]:
        return None
    return hash((terms.heads[term], *(shape[part] for part in terms.parts[term])))


def _own(terms: Terms, term: int) -> int:
    """Characters of a term, those of its parts that are no leaves apart."""
    head = terms.heads[term]
    if head.kind in ("value", "parameter", "formula"):
        return len(head.name) if head.kind == "value" else REFERENCE
    parts = sum(_own(terms, part) if terms.leaf[part] else REFERENCE for part in terms.parts[term])
    return (
        (REFERENCE if head.kind == "function" else len(head.name) + 5) + sum(len(n) + 2 for n in head.names) + parts
    )


def _spared(found: _Candidate, own: dict[int, int], users: dict[int, set[int]]) -> float:
    """Characters that a function spares: its calls in place of all that stood inside and nowhere else."""
    terms = found.program.terms
    inside = {term for column in found.inside for term in column if not terms.leaf[term]}
    gone = {term for term in inside if term in found.members or users.get(term, set()) <= inside}
    calls = sum(
        REFERENCE + sum(2 + (_own(terms, c[place]) if terms.leaf[c[place]] else REFERENCE) for c in found.holes)
        for place in range(len(found.members))
    )
    body = terms.below([found.body])
    definition = sum(_own(terms, term) for term in body if not terms.leaf[term] and not terms.closed[term])
    return sum(own[term] for term in gone) - calls - definition - DEFINITION - REFERENCE * len(found.holes)


def _introduce(program: Program, found: _Candidate) -> None:
    """Make a function of a candidate, and its members calls of it."""
    terms, holes = program.terms, [*found.holes]
    hints = tuple(hint for _, hint in found.holes.values())
    head = Head("function", str(len(program.functions)), ("",) * len(holes))
    calls = {term: (head, tuple(c[place] for c in holes)) for place, term in enumerate(found.members)}
    bodies = [terms.changed(function.body, calls.get) for function in program.functions]
    program.roots = [terms.changed(root, calls.get) for root in program.roots]
    program.functions = [Function(b, f.parameters, f.hints) for b, f in zip(bodies, program.functions, strict=True)]
    program.functions.append(Function(found.body, tuple(number for number, _ in found.holes.values()), hints))
