"""Documents of spaces as terms: calls, lists and values, each distinct one once, under a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Head", "Terms", "literal"]

LEAVES = ("oneof", "given", "take", "rule", "real")
"""Calls that are read as one value where nothing but values stands in them."""


@dataclass(frozen=True)
class Head:
    """What a term is, and the name of each of its parts: keywords of a call, keys of a map, empty for those by place.

    kind: call, function, parameter, formula, value, tuple, list or map.
    name: of what is called, or the source of a value.
    """

    kind: str
    name: str = ""
    names: tuple[str, ...] = ()


@dataclass
class Terms:
    """Terms by number, parts before what they are part of."""

    heads: list[Head] = field(default_factory=list)
    parts: list[tuple[int, ...]] = field(default_factory=list)
    leaf: list[bool] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)
    _numbers: dict[tuple[Head, tuple[int, ...]], int] = field(default_factory=dict)

    def add(self, head: Head, parts: Iterable[int] = ()) -> int:
        """Number of a term, the same for an equal one.

        >>> terms = Terms()
        >>> three = terms.add(Head("value", "3"))
        >>> terms.add(Head("value", "3")) == three, terms.leaf[three], terms.closed[three]
        (True, True, True)
        """
        key = head, tuple(parts)
        if key not in self._numbers:
            self._numbers[key] = len(self.heads)
            self.heads.append(head)
            self.parts.append(key[1])
            plain = head.kind != "call" or head.name in LEAVES
            self.leaf.append(plain and head.kind != "function" and all(self.leaf[part] for part in key[1]))
            self.closed.append(head.kind != "parameter" and all(self.closed[part] for part in key[1]))
        return self._numbers[key]

    def read(self, told: Any, known: Mapping[str, int]) -> int:
        """Term of a value of a document; known: its parts by name."""
        if isinstance(told, list):
            return self._listed("tuple", told, known)
        if not isinstance(told, Mapping):
            return self.add(Head("value", literal(told)))
        if "part" in told:
            return known[told["part"]]
        if "formula" in told:
            return self.add(Head("formula", str(told["formula"])))
        if "float" in told:
            return self.add(Head("value", f'float("{told["float"]}")'))
        if "list" in told:
            return self.add(
                Head("list", names=("",) * len(told["list"])), (self.read(i, known) for i in told["list"])
            )
        if "map" in told:
            keys = tuple(_key(key) for key, _ in told["map"])
            return self.add(Head("map", names=keys), (self.read(inner, known) for _, inner in told["map"]))
        placed, keywords = told.get("of", []), told.get("with", {})
        head = Head("call", str(told.get("call") or told["block"]), ("",) * len(placed) + tuple(keywords))
        return self.add(head, (self.read(inner, known) for inner in [*placed, *keywords.values()]))

    def _listed(self, kind: str, told: Sequence[Any], known: Mapping[str, int]) -> int:
        return self.add(Head(kind, names=("",) * len(told)), (self.read(inner, known) for inner in told))

    def below(self, roots: Iterable[int]) -> list[int]:
        """The terms that stand in some, and these, parts first."""
        found, waiting = set[int](), list(roots)
        while waiting:
            term = waiting.pop()
            if term not in found:
                found.add(term)
                waiting += self.parts[term]
        return sorted(found)

    def changed(self, root: int, change: Callable[[int], tuple[Head, tuple[int, ...]] | None]) -> int:
        """A term with others in place of some below it.

        change: head and parts of what takes a term's place, None where it stays.
        """
        known: dict[int, int] = {}

        def made(term: int) -> int:
            if term not in known:
                head, parts = change(term) or (self.heads[term], self.parts[term])
                known[term] = self.add(head, map(made, parts))
            return known[term]

        return made(root)


def literal(value: Any) -> str:
    """Source of a plain value.

    >>> literal('a "b"'), literal((1, None))
    ('"a \\\\"b\\\\""', '(1, None)')
    """
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return repr(value)


def _key(told: Any) -> str:
    """Source of a key: a value, or a tuple of them."""
    if isinstance(told, list):
        return f"({', '.join(map(_key, told))}{',' * (len(told) == 1)})"
    return literal(told)
