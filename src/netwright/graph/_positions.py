"""Which positions of the axes of a network's tensors stand or fall together: a union of sets over whole arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from netwright.graph._tensor import Node, Shape, Tensor

__all__ = ["PINNED", "Axes", "Ints", "Positions", "Walk"]

Ints = NDArray[np.int64]
Axes = tuple[Ints, ...]
"""For each axis of a tensor the number of the set that each of its positions belongs to."""

PINNED = 0
"""The set of positions that must stay: rows of the batch, pixels, inputs and outputs of the network."""


class Positions:
    """Sets of positions under construction; what is united stays united.

    >>> sets = Positions()
    >>> a, b = sets.fresh(3), sets.fresh(2)
    >>> sets.unite(a[:2], b)
    array([1, 2])
    >>> sets.pin(b[1:])
    >>> sets.roots(np.concatenate([a, b])).tolist()
    [1, 0, 3, 1, 0]
    """

    def __init__(self) -> None:
        self._parent: Ints = np.zeros(1, dtype=np.int64)
        self._count = 1
        self._edges: list[tuple[Ints, Ints]] = []

    def __len__(self) -> int:
        return self._count

    def fresh(self, size: int) -> Ints:
        """Sets for the positions of a new axis; a single position has nothing to be told from and is pinned."""
        if size == 1:
            return self.pinned(1)
        self._count += size
        return np.arange(self._count - size, self._count)

    def pinned(self, size: int) -> Ints:
        """An axis of which every position must stay."""
        return np.zeros(size, dtype=np.int64)

    def all_pinned(self, shape: Shape) -> Axes:
        """Axes of a tensor of which nothing may go."""
        return tuple(self.pinned(size) for size in shape)

    def unite(self, first: Ints, *others: Ints) -> Ints:
        """Unite equal positions of axes of one size, and give the first axis."""
        self._edges += [(first, other) for other in others if other is not first]
        return first

    def pin(self, *axes: Ints) -> None:
        """Let no position of these axes go."""
        self._edges += [(axis, self.pinned(len(axis))) for axis in axes]

    def tie_rows(self, table: Ints) -> Ints:
        """Unite all rows of an array (rows, positions), and give the first."""
        return self.unite(table[0], *table[1:])

    def roots(self, ids: Ints) -> Ints:
        """Smallest member of the set of each position; equal for positions that are united, `PINNED` where pinned."""
        self._solve()
        found: Ints = self._parent[ids]
        return found

    def units(self, ids: Ints) -> int:
        """Number of different sets on an axis that may go."""
        return len(np.setdiff1d(self.roots(ids), [PINNED]))

    def _solve(self) -> None:
        """Link each root to the smallest root that it is united with, until nothing is left to link."""
        new = np.arange(len(self._parent), self._count)
        parent = np.concatenate([self._parent, new])
        a, b = _joined(self._edges)
        self._edges = []
        while True:
            low, high = np.minimum(parent[a], parent[b]), np.maximum(parent[a], parent[b])
            apart = low != high
            if not apart.any():
                break
            a, b = a[apart], b[apart]
            np.minimum.at(parent, high[apart], low[apart])
            while not np.array_equal(further := parent[parent], parent):
                parent = further
        self._parent = parent


@dataclass
class Walk:
    """A network on the way through its nodes.

    users: who reads a value. flowing: values that depend on the inputs. sets: of positions so far. heads: axes of
    which each position is a head.
    """

    users: Mapping[Tensor, Sequence[Node]]
    flowing: set[Tensor | None] = field(default_factory=set)
    sets: Positions = field(default_factory=Positions)
    heads: list[Ints] = field(default_factory=list)

    def both_flow(self, node: Node) -> bool:
        """Whether a node multiplies two activations, not one with weights."""
        return self.flowing.issuperset(node.inputs[:2])


def _joined(edges: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    if not edges:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate([a for a, _ in edges]), np.concatenate([b for _, b in edges])
