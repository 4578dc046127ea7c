"""Which widths of a network depend on each other: groups of units that can only be removed together.

The idea is that of DepGraph (Fang et al. 2023, "DepGraph: Towards Any Structural Pruning"); here it is followed for
every position of every axis instead of for whole layers, so that slices, concatenations, heads and groups need no
rules of their own further up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import UnknownNameError
from netwright.graph._dependency_rules import RULES, pin_all
from netwright.graph._graph import Graph
from netwright.graph._positions import PINNED, Axes, Ints, Walk
from netwright.graph._tensor import Constant, Input, Parameter, Tensor

__all__ = ["Dependencies", "WidthGroup"]


@dataclass(frozen=True, eq=False)
class WidthGroup:
    """Units that stand on the same axes, any number of which can be removed: a width of the network.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> (group,) = Dependencies(Graph([x], [conv(conv(x, 16), 4)])).groups
    >>> group.name, group.size, [axis for parameter, axis in group.places if parameter.rank == 4]
    ('conv.conv', 16, [0, 1])

    name: of the first layer that makes them. kind: "width", or "heads" for the heads of an attention.
    units: numbers by which the positions of a unit are known, in the order in which they stand.
    places: each parameter and axis on which the units stand.
    each: positions that a unit takes on the first of these: 1 for a channel, the width of a head for a head.
    """

    name: str
    kind: str
    units: Ints
    places: tuple[tuple[Parameter, int], ...]
    each: int = 1

    @property
    def size(self) -> int:
        """Number of units."""
        return len(self.units)

    def __repr__(self) -> str:
        return f"<{self.kind} of {self.name}: {self.size}>"


class Dependencies:
    """All width groups of a network, found from its operators.

    >>> from netwright.blocks import conv, residual_block
    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> y = residual_block(conv(x, 16), 16)
    >>> Dependencies(Graph([x], [y])).groups
    (<width of residual_block.conv1.conv: 16>,)

    The block's output is the network's, so that its 16 channels, and those of the convolution before it, must stay;
    only the width inside the block is free. A unit is a channel with its weights in every layer that reads or writes
    it; of grouped layers a whole group, of attention a head with its keys and values, of recurrent layers a hidden
    unit with all its gates. Positions of inputs, outputs, the batch, space and time never go, nor does anything that
    an operator without a rule touches.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.axes: dict[Tensor, Axes] = {}
        """Set of each position of each axis of each tensor; see `roots`."""
        walk = Walk(graph.users, _flowing(graph))
        for leaf in dict.fromkeys((*graph.inputs, *graph.leaves)):
            stays = isinstance(leaf, Input) or not isinstance(leaf, (Parameter, Constant))
            self.axes[leaf] = tuple(map(walk.sets.pinned if stays else walk.sets.fresh, leaf.shape))
        for node in graph.nodes:
            inputs = [() if t is None else self.axes[t] for t in node.inputs]
            made = RULES.get(node.op.name, pin_all)(walk, node, inputs)
            self.axes.update(zip(node.outputs, made, strict=True))
        for output in graph.outputs:
            walk.sets.pin(*self.axes[output])
        self._sets = walk.sets
        self._heads = walk.heads
        self._known: dict[int, Ints] = {}
        self._free: dict[Tensor, tuple[tuple[int, Ints], ...]] = {}

    def roots(self, axis: Ints) -> Ints:
        """Unit of each position of an axis of `axes`; 0 where it must stay."""
        known = self._known.get(id(axis))
        if known is None:
            known = self._known[id(axis)] = self._sets.roots(axis)
        return known

    def free(self, tensor: Tensor) -> tuple[tuple[int, Ints], ...]:
        """Each axis of a tensor of which positions may go, with the unit of each position."""
        known = self._free.get(tensor)
        if known is None:
            axes = ((at, self.roots(axis)) for at, axis in enumerate(self.axes[tensor]))
            known = self._free[tensor] = tuple((at, roots) for at, roots in axes if roots.any())
        return known

    @property
    def count(self) -> int:
        """One more than the largest number of a unit."""
        return len(self._sets)

    @cached_property
    def groups(self) -> tuple[WidthGroup, ...]:
        """Width groups in the order of the network.

        Units belong to one group when they stand on the same axes, each equally often: then the number that is kept
        decides every shape, whichever they are.
        """
        crowds = self._crowds()
        crowd_of = np.full(self.count, -1)
        for number, units in enumerate(crowds):
            crowd_of[units] = number
        places: dict[int, list[tuple[Parameter, int, int]]] = {}
        for parameter in self.graph.parameters.values():
            for at, axis in enumerate(self.axes[parameter]):
                found, counts = np.unique(crowd_of[self.roots(axis)], return_counts=True)
                for number, positions in zip(found.tolist(), counts.tolist(), strict=True):
                    if number >= 0:
                        places.setdefault(number, []).append((parameter, at, positions // len(crowds[number])))
        many = {number for axis in self._heads for number in crowd_of[self.roots(axis)].tolist()}
        names = _unique(self._layer(stands[0][0]) for stands in places.values())
        return tuple(
            WidthGroup(
                name,
                "heads" if number in many else "width",
                crowds[number],
                tuple((parameter, at) for parameter, at, _ in stands),
                stands[0][2],
            )
            for name, (number, stands) in zip(names, places.items(), strict=True)
        )

    def _crowds(self) -> list[Ints]:
        """Units by the axes that they stand on, told by the sum of a random number for each."""
        rng = np.random.default_rng(0)
        sums = np.zeros((2, self.count), dtype=np.uint64)
        distinct = {id(axis): axis for axes in self.axes.values() for axis in axes}
        for axis in distinct.values():
            lots = rng.integers(0, 2**63, 2, dtype=np.uint64)
            for row, lot in zip(sums, lots, strict=True):
                np.add.at(row, self.roots(axis), lot)
        units = np.unique(np.concatenate([self.roots(axis) for axis in distinct.values()] or [np.zeros(1, int)]))
        units = units[units != PINNED]
        _, inverse = np.unique(sums[:, units], axis=1, return_inverse=True)
        inverse = inverse.ravel()
        return [units[inverse == number] for number in range(inverse.max(initial=-1) + 1)]

    def _layer(self, parameter: Parameter) -> str:
        return self.graph.names[parameter].rpartition(".")[0] or self.graph.names[parameter]

    def group(self, name: str) -> WidthGroup:
        """Group by name; raises UnknownNameError that lists the names."""
        found = {group.name: group for group in self.groups}
        if name not in found:
            raise UnknownNameError("width group", name, found)
        return found[name]

    @cached_property
    def importance(self) -> NDArray[np.float64]:
        """Importance of each unit by its number: the sum of the squares of all weights that belong to it.

        The group norm of DepGraph. Statistics that are not trained do not count; without weights all are 0.
        """
        total = np.zeros(self.count)
        weights: Mapping[str, Any] = self.graph.weights or {}
        for name, array in weights.items():
            parameter = self.graph.parameters[name]
            for at, roots in self.free(parameter) if parameter.trainable else ():
                others = tuple(i for i in range(array.ndim) if i != at)
                squares = np.einsum(array, range(array.ndim), array, range(array.ndim), [at]) if others else array**2
                np.add.at(total, roots, np.asarray(squares, dtype=np.float64))
        return total

    def strongest(self, group: WidthGroup, count: int) -> Ints:
        """The most important units of a group, in the order in which they stand; of equal ones the first."""
        order = np.argsort(-self.importance[group.units], kind="stable")[:count]
        kept: Ints = group.units[np.sort(order)]
        return kept


def _flowing(graph: Graph) -> set[Tensor | None]:
    """Values that depend on the inputs."""
    found: set[Tensor | None] = set(graph.inputs)
    for node in graph.nodes:
        if not found.isdisjoint(node.inputs):
            found.update(node.outputs)
    return found


def _unique(names: Iterable[str]) -> list[str]:
    """Names told apart by a number where they repeat."""
    found: dict[str, None] = {}
    for name in names:
        unique, number = name, 0
        while unique in found:
            number += 1
            unique = f"{name}_{number}"
        found[unique] = None
    return list(found)
