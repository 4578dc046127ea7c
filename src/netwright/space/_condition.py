"""Forests with some decisions fixed, and the derivation of one design."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.space._design import Value
from netwright.space._forest import And, Forest, Leaf, Or, join_path

__all__ = ["Visit", "ancestors", "condition", "contained", "same", "trace"]

Allow = Callable[[str, Value | None], bool]


def ancestors(paths: Iterable[str]) -> set[str]:
    """Every path at or above the given ones.

    >>> sorted(ancestors(["a.b.c"]))
    ['', 'a', 'a.b', 'a.b.c']
    """
    found = {""}
    for path in paths:
        while path and path not in found:
            found.add(path)
            path = path.rpartition(".")[0]
    return found


Key = tuple[int, str | None]
"""A node under a path prefix; without a prefix where nothing is asked about what hangs below."""


@dataclass
class _Explored:
    """Nodes that can be reached through allowed decisions, and which of them still derive something."""

    links: dict[Key, list[tuple[Value | None, Key]]]
    alive: set[Key]


def _explore(forest: Forest, allow: Allow, touched: set[str] | None) -> _Explored:
    first: Key = (forest.root, "")
    pending, links = [first], {first: _links(forest, first, allow, touched)}
    while pending:
        for _, child in links[pending.pop()]:
            if child not in links:
                links[child] = _links(forest, child, allow, touched)
                pending.append(child)
    alive: set[Key] = set()
    for key in sorted(links, key=lambda item: item[0]):
        node, below = forest.nodes[key[0]], [child in alive for _, child in links[key]]
        if isinstance(node, Leaf) or (any(below) if isinstance(node, Or) else all(below)):
            alive.add(key)
    return _Explored(links, alive)


def _links(forest: Forest, key: Key, allow: Allow, touched: set[str] | None) -> list[tuple[Value | None, Key]]:
    number, prefix = key
    node = forest.nodes[number]
    if isinstance(node, Leaf):
        return []
    if isinstance(node, And):
        return [(None, (child, _inside(prefix, component, touched))) for component, child in (node.left, node.right)]
    if node.name is None or prefix is None:
        return [(value, (child, prefix)) for value, child in node.alternatives]
    path = join_path(prefix, node.name)
    return [(value, (child, prefix)) for value, child in node.alternatives if allow(path, value)]


def _inside(prefix: str | None, component: str, touched: set[str] | None) -> str | None:
    if prefix is None:
        return None
    path = join_path(prefix, component)
    return path if touched is None or path in touched else None


def condition(forest: Forest, allow: Allow, touched: set[str] | None) -> Forest | None:
    """The designs in which every decision is allowed; None when there are none.

    touched: prefixes below which decisions are asked about (None: everywhere). Elsewhere sub-forests stay shared, so
    a design with one free decision costs little more than its own length, whatever hangs below that decision.
    """
    found = _explore(forest, allow, touched)
    if (forest.root, "") not in found.alive:
        return None
    result = Forest()
    new: dict[Key, int] = {}
    for key in sorted(found.alive, key=lambda item: (item[0], item[1] or "")):
        node, links = forest.nodes[key[0]], found.links[key]
        if isinstance(node, Leaf):
            new[key] = result.leaf(node.graphs, node.decision)
        elif isinstance(node, And):
            new[key] = result.product((node.left[0], new[links[0][1]]), (node.right[0], new[links[1][1]]))
        else:
            kept = [(value, new[child]) for value, child in links if child in new]
            shares = dict(zip([value for value, _ in node.alternatives], node.weights or (), strict=False))
            weights = [shares[value] for value, _ in kept] if shares and node.name is not None else None
            new[key] = result.choice(node.name, kept, weights)
    result.root = new[forest.root, ""]
    return result.trimmed()


def same(a: Value | None, b: Value | None) -> bool:
    """Whether two values are the same decision: True and 1 are not, 1 and 1.0 are.

    >>> same(True, 1), same(1, 1.0)
    (False, True)
    """
    return a == b and isinstance(a, bool) == isinstance(b, bool)


@dataclass
class Visit:
    """One node of a derivation: where it stands, the decision made there, and the visits below it."""

    prefix: str
    number: int
    here: dict[str, Value]
    below: list[Visit]

    def all(self) -> list[Visit]:
        """This visit and all below it, in the order of the derivation."""
        found, stack = [], [self]
        while stack:
            visit = stack.pop()
            found.append(visit)
            stack.extend(reversed(visit.below))
        return found

    def decisions(self) -> dict[str, Value]:
        """All decisions at and below this node."""
        return {path: value for visit in self.all() for path, value in visit.here.items()}


def trace(forest: Forest, design: Mapping[str, Value]) -> Visit | None:
    """The derivation of a design; None when the space does not contain it.

    A design that decides more than its derivation asks is not contained.
    """

    def allow(path: str, value: Value | None) -> bool:
        return path in design and same(design[path], value)

    found = _explore(forest, allow, None)
    first: Key = (forest.root, "")
    if first not in found.alive:
        return None
    top = Visit("", forest.root, {}, [])
    stack = [(top, first)]
    while stack:
        visit, key = stack.pop()
        node = forest.nodes[key[0]]
        links = [link for link in found.links[key] if link[1] in found.alive]
        for value, child in links[:1] if isinstance(node, Or) else links:
            if isinstance(node, Or) and node.name is not None and value is not None:
                visit.here[join_path(visit.prefix, node.name)] = value
            visit.below.append(Visit(child[1] or "", child[0], {}, []))
            stack.append((visit.below[-1], child))
    return top if len(top.decisions()) == len(design) else None


Bits = NDArray[np.uint64]
"""Paths that each of several designs decides, as bits: (designs, words)."""

_NO_VALUE = object()
_WORDS = 8192
"""Words of bits at each node that are kept while designs are traced together."""


def contained(forest: Forest, designs: Sequence[Mapping[str, Value]]) -> list[bool]:
    """Whether each design has a derivation, as `trace` tells it, for many designs at once."""
    places: dict[str, int] = {}
    for design in designs:
        for path in design:
            places.setdefault(path, len(places))
    words = len(places) // 64 + 1
    step = max(1, _WORDS // words)
    parts = (designs[start : start + step] for start in range(0, len(designs), step))
    return [each for part in parts for each in _Together(forest, part, places, words).contained()]


class _Together:
    """Designs that are traced at once, each by the first derivation that it has at a node."""

    def __init__(
        self, forest: Forest, designs: Sequence[Mapping[str, Value]], places: Mapping[str, int], words: int
    ) -> None:
        self._forest, self._count = forest, len(designs)
        self._bit = {path: _bit(place, words) for path, place in places.items()}
        self._taken: dict[str, dict[Hashable, NDArray[np.bool_]]] = {}
        self._decided = np.zeros((len(designs), words), dtype=np.uint64)
        rows: dict[str, dict[Hashable, list[int]]] = {}
        for row, design in enumerate(designs):
            for path, value in design.items():
                # A list, as a file may hold, is no value of any decision.
                told = _told(value if isinstance(value, Hashable) else _NO_VALUE)
                rows.setdefault(path, {}).setdefault(told, []).append(row)
        for path, by_value in rows.items():
            self._taken[path] = {}
            for told, own in by_value.items():
                self._decided[own] |= self._bit[path]
                self._taken[path][told] = np.zeros(len(designs), dtype=bool)
                self._taken[path][told][own] = True

    def contained(self) -> list[bool]:
        """Whether a derivation of each design asks for what it decides, and for nothing else."""
        found = _explore(self._forest, lambda path, value: _told(value) in self._taken.get(path, ()), None)
        derived: dict[Key, tuple[NDArray[np.bool_], Bits]] = {}
        for key in sorted(found.alive, key=lambda item: item[0]):
            below = [(value, derived[child]) for value, child in found.links[key] if child in found.alive]
            derived[key] = self._at(key, below)
        known, decided = derived.get((self._forest.root, ""), (np.zeros(self._count, dtype=bool), self._decided))
        result: list[bool] = (known & (decided == self._decided).all(axis=1)).tolist()
        return result

    def _at(
        self, key: Key, below: list[tuple[Value | None, tuple[NDArray[np.bool_], Bits]]]
    ) -> tuple[NDArray[np.bool_], Bits]:
        """Which designs derive something at a node, and what they decide there and below."""
        node = self._forest.nodes[key[0]]
        if isinstance(node, Leaf):
            return np.ones(self._count, dtype=bool), np.zeros_like(self._decided)
        if isinstance(node, And):
            (_, (left, here)), (_, (right, there)) = below
            return left & right, here | there
        known, decided = np.zeros(self._count, dtype=bool), np.zeros_like(self._decided)
        path = None if node.name is None else join_path(key[1] or "", node.name)
        for value, (able, bits) in below:
            new = able & ~known if path is None else able & ~known & self._taken[path][_told(value)]
            own = bits if path is None or value is None else bits | self._bit[path]
            decided[new] = own[new]
            known |= new
        return known, decided


def _bit(place: int, words: int) -> Bits:
    bits = np.zeros(words, dtype=np.uint64)
    bits[place // 64] = np.uint64(1) << np.uint64(place % 64)
    return bits


def _told(value: object) -> Hashable:
    """What two values have in common that are the same decision."""
    return isinstance(value, bool), value
