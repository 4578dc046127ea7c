"""Tables for sampling under budgets: for each node, how many derivations there are by cost.

A table is *exact* while it has few distinct costs: sorted keys and their weights. Past that it lives on a *grid*: a
dense array over bins of a fixed step, made by rounding down the keys of its exact children, so an error enters once
for each exact child and never again, and no bin lies above the cost. Several costs share one key by Kronecker
substitution (each has its own stride), so all code below sees one number.
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
from netwright.space._convolve import convolve
from netwright.space._forest import And, Forest, Leaf, Or
from netwright.space._tilt import tilts

__all__ = ["Axis", "Scale", "Table", "build_tables"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bounds = Sequence[tuple[float, float]]
"""Smallest and largest useful cost of a node, for each axis."""
Errors = Sequence[tuple[float, float]]
"""Smallest and largest rounding, for each axis."""

EXACT_KEYS = 4096
"""Distinct costs up to which a table stays exact."""
EXACT_PAIRS = 1 << 20
"""Pairs of keys up to which an exact product is tried."""
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


class Table:
    """Derivations of one node by cost: exact keys with weights, or a dense array over bins.

    Weights are scaled by exp(log_scale), so counts of any size stay in range.
    """

    def __init__(
        self,
        scale: Scale,
        weights: Floats,
        log_scale: float,
        *,
        keys: Ints | None = None,
        offset: int = 0,
        errors: Errors = (),
    ) -> None:
        top = weights.max(initial=0.0)
        self.keys = keys
        self.weights = weights / top if top > 0 else weights
        self.log_scale = log_scale + (float(np.log(top)) if top > 0 else 0.0)
        self.offset = offset
        self._scale = scale
        self._errors = tuple(errors)

    @property
    def empty(self) -> bool:
        """Whether no derivation is within the budgets."""
        return not len(self.weights) or not self.weights.any()

    @cached_property
    def _binned(self) -> tuple[Ints, Ints]:
        """Order of the keys by bin, and the bins in that order."""
        assert self.keys is not None
        bins = self._scale.bins(self.keys)
        order = np.argsort(bins, kind="stable")
        return order, bins[order]

    @property
    def grid(self) -> tuple[int, Floats]:
        """Offset and dense tilted weights over bins."""
        return self._dense[:2]

    @property
    def grid_log_scale(self) -> float:
        """What `log_scale` is for the weights of `grid`."""
        return self._dense[2]

    @cached_property
    def _dense(self) -> tuple[int, Floats, float]:
        if self.keys is None:
            return self.offset, self.weights, self.log_scale
        order, bins = self._binned
        tilt = self._scale.tilt(bins)
        top = float(tilt.max())
        weights = self.weights[order] * np.exp(tilt - top)
        dense = np.bincount(bins - bins[0], weights=weights).astype(np.float64)
        return int(bins[0]), dense, self.log_scale + top

    @cached_property
    def errors(self) -> tuple[tuple[float, float], ...]:
        """Smallest and largest rounding that has entered when this table is read by bins, for each axis."""
        if self.keys is None:
            return self._errors
        return tuple((float(e.min()), float(e.max())) for e in self._scale.rounding(self.keys))

    def pick_keys(self, bins: Ints, rng: np.random.Generator) -> Ints:
        """Index of a key in each bin, drawn by weight."""
        order, sorted_bins = self._binned
        total = np.concatenate([[0.0], np.cumsum(self.weights[order])])
        first = np.searchsorted(sorted_bins, bins, side="left")
        last = np.searchsorted(sorted_bins, bins, side="right")
        aim = total[first] + rng.random(len(bins)) * (total[last] - total[first])
        place = np.clip(np.searchsorted(total, aim, side="right") - 1, first, last - 1)
        chosen: Ints = order[place]
        return chosen


def build_tables(forest: Forest, scale: Scale, *, weighted: bool = False) -> list[Table]:
    """Table of every node, children first; `weighted` multiplies in the probabilities of the choices."""
    keys = scale.leaf_keys() if scale.axes else np.zeros(len(forest), dtype=np.int64)
    per_axis = [useful(forest, axis) for axis in scale.axes]
    tables: list[Table] = []
    for i, node in enumerate(forest.nodes):
        bounds = [(float(low[i]), float(high[i])) for low, high in per_axis]
        if isinstance(node, Leaf):
            tables.append(_exact(scale, bounds, keys[i : i + 1], np.ones(1), 0.0))
        elif isinstance(node, And):
            tables.append(_product(scale, bounds, tables[node.left[1]], tables[node.right[1]]))
        else:
            shares = node.weights if weighted and node.weights is not None else (1.0,) * len(node.alternatives)
            tables.append(_union(scale, bounds, [tables[child] for _, child in node.alternatives], shares))
    return tables


def _exact(scale: Scale, bounds: Bounds, keys: Ints, weights: Floats, log_scale: float) -> Table:
    keep = scale.within(keys, bounds)
    return Table(scale, weights[keep], log_scale, keys=keys[keep])


def _merged(keys: Ints, weights: Floats) -> tuple[Ints, Floats]:
    unique, inverse = np.unique(keys, return_inverse=True)
    return unique, np.bincount(inverse.ravel(), weights=weights, minlength=len(unique)).astype(np.float64)


def _nothing(scale: Scale) -> Table:
    return Table(scale, np.zeros(0), 0.0, keys=np.zeros(0, dtype=np.int64))


def _product(scale: Scale, bounds: Bounds, left: Table, right: Table) -> Table:
    if left.empty or right.empty:
        return _nothing(scale)
    if left.keys is not None and right.keys is not None and len(left.keys) * len(right.keys) <= EXACT_PAIRS:
        if len(left.keys) == 1 or len(right.keys) == 1:
            sums, weights = left.keys + right.keys, left.weights * right.weights
        else:
            pairs = (left.keys[:, None] + right.keys).ravel()
            keep = scale.within(pairs, bounds)
            sums, weights = _merged(pairs[keep], np.outer(left.weights, right.weights).ravel()[keep])
        if len(sums) <= EXACT_KEYS:
            return _exact(scale, bounds, sums, weights, left.log_scale + right.log_scale)
    (a, x), (b, y) = left.grid, right.grid
    errors = [(e[0] + f[0], e[1] + f[1]) for e, f in zip(left.errors, right.errors, strict=True)]
    log_scale = left.grid_log_scale + right.grid_log_scale
    return _on_grid(scale, bounds, a + b, convolve(x, y), log_scale, errors)


def _union(scale: Scale, bounds: Bounds, parts: Sequence[Table], shares: Sequence[float]) -> Table:
    full = [(part, share) for part, share in zip(parts, shares, strict=True) if not part.empty]
    if not full:
        return _nothing(scale)
    if all(part.keys is not None for part, _ in full):
        top, factors = _factors([part.log_scale for part, _ in full], [share for _, share in full])
        keys, weights = _merged(
            np.concatenate([part.keys for part, _ in full if part.keys is not None]),
            np.concatenate([part.weights * f for (part, _), f in zip(full, factors, strict=True)]),
        )
        if len(keys) <= EXACT_KEYS:
            return _exact(scale, bounds, keys, weights, top)
    top, factors = _factors([part.grid_log_scale for part, _ in full], [share for _, share in full])
    grids = [part.grid for part, _ in full]
    start = min(offset for offset, _ in grids)
    dense = np.zeros(max(offset + len(w) for offset, w in grids) - start)
    for (offset, w), factor in zip(grids, factors, strict=True):
        dense[offset - start : offset - start + len(w)] += w * factor
    ranges = list(zip(*(part.errors for part, _ in full), strict=True))
    errors = [(min(e[0] for e in axis), max(e[1] for e in axis)) for axis in ranges]
    return _on_grid(scale, bounds, start, dense, top, errors)


def _factors(logs: Sequence[float], shares: Sequence[float]) -> tuple[float, list[float]]:
    top = max(logs)
    return top, [share * float(np.exp(log - top)) for log, share in zip(logs, shares, strict=True)]


def _on_grid(scale: Scale, bounds: Bounds, offset: int, dense: Floats, log_scale: float, errors: Errors) -> Table:
    """Dense table without the bins that no design within the budgets passes."""
    dense = np.where(scale.reachable(offset + np.arange(len(dense)), errors, bounds), dense, 0.0)
    full = np.flatnonzero(dense)
    if not len(full):
        return _nothing(scale)
    first, last = int(full[0]), int(full[-1]) + 1
    return Table(scale, dense[first:last], log_scale, offset=offset + first, errors=errors)
