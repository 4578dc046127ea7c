"""Book-keeping of draws on their way down a forest: who arrives where, under which path, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.space._design import Design, Value
from netwright.space._forest import Forest, Or, join_path
from netwright.space._scale import Ints

__all__ = ["Choices", "Columns", "Prefixes", "Tokens", "rows_of"]

Columns = dict[tuple[tuple[int, ...], int, str], list[tuple[Ints, list[Any]]]]


class Tokens:
    """What arrives at one node: which draw, under which path prefix, with which cost to spend."""

    def __init__(self) -> None:
        self.parts: list[tuple[Ints, Ints, Ints]] = []

    def add(self, draws: Ints, prefixes: Ints, values: Ints) -> None:
        """Let some draws arrive."""
        if len(draws):
            self.parts.append((draws, prefixes, values))

    def keep(self, kept: NDArray[np.bool_]) -> bool:
        """Forget the draws that are not kept; whether any are left."""
        draws, prefixes, values = self.take()
        alive = kept[draws]
        self.parts = []
        self.add(draws[alive], prefixes[alive], values[alive])
        return bool(self.parts)

    def take(self) -> tuple[Ints, Ints, Ints]:
        """All that have arrived."""
        if len(self.parts) == 1:
            return self.parts[0]
        draws, prefixes, values = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        return draws, prefixes, values


class Prefixes:
    """Paths met while drawing, by number, with their place in the order of the expression."""

    def __init__(self) -> None:
        self.paths: list[str] = [""]
        self.places: list[tuple[int, ...]] = [()]
        self._known: dict[tuple[int, str, int], int] = {}

    def below(self, prefixes: Ints, component: str, side: int) -> Ints:
        """Numbers of the prefixes extended by a component."""
        unique, inverse = np.unique(prefixes, return_inverse=True)
        return np.array([self._below(int(p), component, side) for p in unique], dtype=np.int64)[inverse]

    def below_each(self, prefixes: Ints, components: Ints, names: Sequence[str], side: int) -> Ints:
        """The same where each is extended by a component of its own, given by its number among the names."""
        unique, inverse = np.unique(prefixes * max(len(names), 1) + components, return_inverse=True)
        pairs = [divmod(pair, len(names)) for pair in unique.tolist()]
        return np.array([self._below(p, names[c], side) for p, c in pairs], dtype=np.int64)[inverse]

    def paths_of(self, prefixes: Ints, decisions: Ints, names: Sequence[str]) -> list[str]:
        """Paths of decisions under prefixes, each given by its number among the names."""
        unique, inverse = np.unique(prefixes * max(len(names), 1) + decisions, return_inverse=True)
        paths = np.empty(len(unique), dtype=object)
        pairs = (divmod(pair, len(names)) for pair in unique.tolist())
        paths[:] = [join_path(self.paths[prefix], names[name]) for prefix, name in pairs]
        found: list[str] = paths[inverse].tolist()
        return found

    def ranks(self) -> Ints:
        """Number of each prefix in the order of the expression, outer ones before those inside them."""
        order = sorted(range(len(self.places)), key=self.places.__getitem__)
        found = np.zeros(len(order), dtype=np.int64)
        found[order] = np.arange(len(order))
        return found

    def _below(self, prefix: int, component: str, side: int) -> int:
        key = (prefix, component, side)
        if key not in self._known:
            self._known[key] = len(self.paths)
            self.paths.append(join_path(self.paths[prefix], component))
            self.places.append((*self.places[prefix], side))
        return self._known[key]


class Choices:
    """Which alternative each draw chose at each union that it met."""

    def __init__(self) -> None:
        self._made: list[tuple[int, Ints, Ints, Ints]] = []

    def add(self, number: int, draws: Ints, prefixes: Ints, chosen: Ints) -> None:
        """Note the alternatives chosen at one node."""
        self._made.append((number, draws, prefixes, chosen))

    def columns(self, forest: Forest, prefixes: Prefixes, kept: NDArray[np.bool_]) -> Columns:
        """Decisions of the kept draws, by place in the order of the expression."""
        found: Columns = {}
        for number, draws, under, chosen in self._made:
            node = forest.nodes[number]
            if not isinstance(node, Or) or node.name is None:
                continue
            alive = kept[draws]
            draws, under, chosen = draws[alive], under[alive], chosen[alive]
            labels = [value for value, _ in node.alternatives]
            for prefix in np.unique(under):
                mine = under == prefix
                path = join_path(prefixes.paths[prefix], node.name)
                values = [labels[i] for i in chosen[mine].tolist()]
                found.setdefault((prefixes.places[prefix], -number, path), []).append((draws[mine], values))
        return found


def rows_of(kept: NDArray[np.bool_], columns: Columns) -> list[Design]:
    """Designs of the kept draws, decisions in the order of the derivation."""
    rows: list[dict[str, Value]] = [{} for _ in range(int(kept.sum()))]
    new = np.cumsum(kept) - 1
    for (_, _, path), entries in sorted(columns.items(), key=lambda item: item[0]):
        for draws, values in entries:
            for draw, value in zip(new[draws].tolist(), values, strict=True):
                rows[draw][path] = value
    return [Design.trusted(row) for row in rows]
