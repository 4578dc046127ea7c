"""Budgeted costs as axes, and the scale that makes one number of several: exact keys, and bins of a grid.

Several costs share one key by Kronecker substitution (each has its own stride), so that tables see one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod

import numpy as np
from numpy.typing import NDArray

from netwright.cost import Cost
from netwright.errors import SpaceError
from netwright.space._forest import And, Forest, Leaf, Or
from netwright.space._tilt import tilts

__all__ = ["FINE", "Axis", "Bounds", "Errors", "Floats", "Ints", "Scale", "extremes", "useful"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bounds = Sequence[tuple[float, float]]
"""Smallest and largest useful cost of a node, for each axis."""
Errors = Sequence[tuple[float, float]]
"""Smallest and largest rounding, for each axis."""

MOST_UNEVEN = 64.0
"""How many times as many bins one axis may get for the narrower window on it."""
FINE = 1 << 24
"""Integer steps that a real-valued cost is divided into."""


@dataclass(frozen=True)
class Axis:
    """One budgeted cost: its value at each leaf in integer units, its reach over all designs, and its window.

    reach: smallest and largest cost as it is; all else is in units.
    """

    cost: Cost
    reach: tuple[float, float]
    unit: float
    leaves: Ints
    smallest: int
    largest: int
    low: float
    high: float
    slack: float

    @classmethod
    def of(cls, forest: Forest, cost: Cost, low: float | None, high: float | None, *, steps: int = 0) -> Axis:
        """Axis of a cost; integer costs are divided by their common divisor, others cut into `steps` or FINE."""
        values = np.asarray(forest.leaf_costs(cost), dtype=np.float64)
        if (values < 0).any():
            raise SpaceError(f"a budgeted cost must not be negative, but {cost.name} has {values.min()}.")
        reach = extremes(forest, values)
        whole = not steps and bool((values == np.floor(values)).all())
        unit = float(gcd(*map(int, values)) or 1) if whole else max(reach[1] / (steps or FINE), 1e-300)
        leaves = np.rint(values / unit).astype(np.int64)
        error = extremes(forest, values / unit - leaves)
        smallest, largest = extremes(forest, leaves.astype(np.float64))
        return cls(
            cost,
            reach,
            unit,
            leaves,
            int(smallest),
            int(largest),
            -np.inf if low is None else low / unit,
            np.inf if high is None else high / unit,
            0.0 if whole else max(abs(error[0]), abs(error[1])),
        )


def reaches(forest: Forest, leaves: Floats) -> tuple[Floats, Floats]:
    """Smallest and largest sum of a number per node, over the derivations of each node."""
    low, high = np.zeros(len(forest)), np.zeros(len(forest))
    for i, node in enumerate(forest.nodes):
        if isinstance(node, Leaf):
            low[i] = high[i] = leaves[i]
        elif isinstance(node, And):
            low[i] = low[node.left[1]] + low[node.right[1]]
            high[i] = high[node.left[1]] + high[node.right[1]]
        else:
            low[i] = min(low[child] for _, child in node.alternatives)
            high[i] = max(high[child] for _, child in node.alternatives)
    return low, high


def extremes(forest: Forest, leaves: Floats) -> tuple[float, float]:
    """Smallest and largest sum of a number per node over all designs."""
    low, high = reaches(forest, leaves)
    return float(low[forest.root]), float(high[forest.root])


def useful(forest: Forest, axis: Axis) -> tuple[Floats, Floats]:
    """Costs between which each node must stay for some whole design around it to meet the window.

    The rest of a design costs at least and at most so much (the outside of the node, as inside-outside parsing has
    it); what no rest can bring into the window needs no place in a table.
    """
    low, high = reaches(forest, axis.leaves.astype(np.float64))
    rest_low, rest_high = np.full(len(forest), np.inf), np.full(len(forest), -np.inf)
    rest_low[forest.root] = rest_high[forest.root] = 0.0
    for i in range(forest.root, -1, -1):
        node = forest.nodes[i]
        if isinstance(node, And):
            sides = [(node.left[1], node.right[1]), (node.right[1], node.left[1])]
        else:
            sides = [(child, -1) for _, child in node.alternatives] if isinstance(node, Or) else []
        for child, other in sides:
            least, most = (low[other], high[other]) if other >= 0 else (0.0, 0.0)
            rest_low[child] = min(rest_low[child], rest_low[i] + least)
            rest_high[child] = max(rest_high[child], rest_high[i] + most)
    return axis.low - axis.slack - rest_high, axis.high + axis.slack - rest_low


class Scale:
    """How costs become one key, and keys become bins.

    slots: bins over all axes together; where the whole reach of an axis fits, its bins are exact.

    On the grid, weights are tilted: those of bin b are kept times exp(tilt(b)), with a tilt that is linear in the bin
    and puts the mean cost of the tilted designs inside the windows (Asmussen, Glynn 2007, section VI.2). Parts that
    add up to one bin all carry one factor, so no draw changes, but what lies in the windows is never far below the
    largest weight of its table, where the rounding noise of a Fourier transform would swallow it.
    """

    def __init__(self, forest: Forest, axes: Sequence[Axis], slots: int, *, weighted: bool = False) -> None:
        self.axes = tuple(axes)
        self._forest, self._weighted = forest, weighted
        reach = [int(min(axis.largest, axis.high + axis.slack)) + 1 for axis in axes]
        # Bins of the last axis below its smallest cost take no room in a table.
        spans = [top - (axis.smallest if axis is axes[-1] else 0) for axis, top in zip(axes, reach, strict=True)]
        self.steps = [max(span / share, 1) for span, share in zip(spans, _shared(slots, spans, axes), strict=True)]
        sizes = [int(top / step) + 2 for top, step in zip(reach, self.steps, strict=True)]
        self.key_strides = _strides([axis.largest + 1 for axis in axes])
        self._key_sizes = [axis.largest + 1 for axis in axes]
        # Twice the room: the sum of two bins must not run into the bins of the next axis before it is cut.
        self._bin_sizes = [2 * size for size in sizes]
        self.bin_strides = _strides(self._bin_sizes)

    @staticmethod
    def fits(axes: Sequence[Axis]) -> bool:
        """Whether one machine word holds a key of all these axes."""
        return prod(axis.largest + 1 for axis in axes) < 1 << 62

    @property
    def exact(self) -> bool:
        """Whether bins lose nothing."""
        return all(step == 1 for step in self.steps)

    @cached_property
    def _rates(self) -> list[float]:
        bins = [axis.leaves / step for axis, step in zip(self.axes, self.steps, strict=True)]
        windows = [(low / step, high / step) for (low, high), step in zip(self.windows, self.steps, strict=True)]
        return tilts(self._forest, bins, windows, weighted=self._weighted)

    def tilt(self, bins: Ints) -> Floats:
        """Logarithm of the factor on the weights of each bin."""
        total = np.zeros(len(bins))
        for rate, stride, size in zip(self._rates, self.bin_strides, self._bin_sizes, strict=True):
            if rate:
                total += rate * (bins // stride % size)
        return total

    @property
    def windows(self) -> Bounds:
        """Smallest and largest cost of a whole design, in units, for each axis."""
        return [(axis.low - axis.slack, axis.high + axis.slack) for axis in self.axes]

    def leaf_keys(self) -> Ints:
        """Key of each node's own cost."""
        return sum(
            (axis.leaves * stride for axis, stride in zip(self.axes, self.key_strides, strict=True)),
            start=np.zeros(len(self.axes[0].leaves) if self.axes else 0, dtype=np.int64),
        )

    def bins(self, keys: Ints) -> Ints:
        """Bin of each key: every cost rounded down to its grid."""
        total = np.zeros_like(keys)
        for stride, size, step, into in zip(
            self.key_strides, self._key_sizes, self.steps, self.bin_strides, strict=True
        ):
            cost = keys // stride % size
            total += (cost if step == 1 else np.floor(cost / step).astype(np.int64)) * into
        return total

    def rounding(self, keys: Ints) -> list[Floats]:
        """Cost minus its bin, in units, for each axis and key."""
        errors = []
        for stride, size, step in zip(self.key_strides, self._key_sizes, self.steps, strict=True):
            cost = keys // stride % size
            errors.append(cost - np.floor(cost / step) * step)
        return errors

    def within(self, keys: Ints, bounds: Bounds) -> NDArray[np.bool_]:
        """Which keys may still be part of a design that keeps every budget."""
        keep = np.ones(len(keys), dtype=bool)
        columns = zip(bounds, self.key_strides, self._key_sizes, strict=True)
        for (low, high), stride, size in columns:
            costs = keys // stride % size
            keep &= (costs >= low) & (costs <= high)
        return keep

    def reachable(self, bins: Ints, errors: Errors, bounds: Bounds) -> NDArray[np.bool_]:
        """Which bins may hold a cost within the bounds, given the smallest and largest rounding of each axis."""
        keep = np.ones(len(bins), dtype=bool)
        columns = zip(bounds, self.bin_strides, self._bin_sizes, self.steps, errors, strict=True)
        for (low, high), stride, size, step, (least, most) in columns:
            costs = bins // stride % size * step
            keep &= (costs + most >= low) & (costs + least <= high)
        return keep

    def candidates(self, bins: Ints, errors: Errors) -> NDArray[np.bool_]:
        """Which bins of whole designs may hold a cost inside the windows."""
        return self.reachable(bins, errors, self.windows)


def _shared(slots: int, spans: Sequence[int], axes: Sequence[Axis]) -> list[float]:
    """Bins along each axis, so that all windows are as many bins wide as far as that goes."""
    ratios = []
    for span, axis in zip(spans, axes, strict=True):
        width = min(axis.high, axis.largest) - max(axis.low, axis.smallest) + 1
        ratios.append(min(max(span / max(width, 1), 1.0), MOST_UNEVEN))
    even = (slots / prod(ratios)) ** (1 / len(axes)) if axes else 0.0
    return [ratio * even for ratio in ratios]


def _strides(sizes: Sequence[int]) -> list[int]:
    strides, stride = [], 1
    for size in sizes:
        strides.append(stride)
        stride *= size
    return strides
