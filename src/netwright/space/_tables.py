"""Tables for sampling under budgets: for each node, how many derivations there are by cost.

A table is *exact* while it has few distinct costs: sorted keys and their weights. Past that it lives on a *grid*: a
dense array over bins of a fixed step, made by rounding down the keys of its exact children, so an error enters once
for each exact child and never again, and no bin lies above the cost. Several costs share one key by Kronecker
substitution (each has its own stride), so all code below sees one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from netwright.space._convolve import convolve
from netwright.space._forest import And, Forest, Leaf
from netwright.space._scale import Bounds, Errors, Floats, Ints, Scale, useful

__all__ = ["Table", "build_tables"]


EXACT_KEYS = 4096
"""Distinct costs up to which a table stays exact."""
EXACT_PAIRS = 1 << 20
"""Pairs of keys up to which an exact product is tried."""


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
