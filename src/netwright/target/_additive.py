"""A quantity as a sum over the decisions of a design, fitted to measured designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from math import ceil
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright._optional import require
from netwright.errors import DataError

__all__ = ["AdditiveFit", "average_ranks", "rank_correlation"]

Array = NDArray[np.float64]

FOLDS = 5
RIDGES = (0.0, 1e-3, 1e-2, 1e-1, 1.0)
"""Strengths of the ridge that are tried; 0 is least squares."""
EXACT = 1e-6
"""Largest error, as a share of the largest value, at which a table is taken to be a sum up to its rounding."""
COVERAGE = 0.9
ODD = 5.0
"""Median errors beyond which a measurement is held for one that went wrong: 3.4 standard deviations of usual ones."""
MOST_CALM = 0.9
"""Share of the measurements of which at most that many are taken to be as they should."""
ROUNDS = 4
"""Without the oddest ones, others look odd."""
NOTHING = 1e-12
"""Share of the largest eigenvalue up to which another one is rounding."""


@dataclass(frozen=True)
class AdditiveFit:
    """What each decision costs, and how well the sum foretells designs that the fit has not seen.

    >>> designs = [{"a": a, "b": b} for a in (1, 2, 3) for b in ("x", "y", "z")]
    >>> fit = AdditiveFit.of(designs, [2.0 * d["a"] + (5.0 if d["b"] == "y" else 1.0) for d in designs])
    >>> round(fit.value({"a": 2, "b": "y"}), 9), fit.exact, round(fit.spearman, 6)
    (9.0, True, 1.0)

    prices: by path and value, none negative. base: what every design costs. designs: number fitted to.
    error: median error of held-out designs as a share of their value. reach: share of the value within which nine of
    ten of them lie. spearman: rank correlation of held-out values with the foretold ones. exact: whether no error is
    above the rounding of the numbers.
    """

    prices: Mapping[tuple[str, Any], float]
    base: float
    designs: int
    error: float
    reach: float
    spearman: float
    exact: bool

    @classmethod
    def of(cls, designs: Sequence[Mapping[str, Any]], values: ArrayLike) -> AdditiveFit:
        """Least squares on which decisions a design takes, with as much ridge as foretells held-out designs best.

        Measurements that went wrong are left out of it where those that are left foretell held-out designs, all of
        them, better without.

        Raises DataError for fewer than two designs.
        """
        y = np.asarray(values, dtype=np.float64)
        if len(y) < 2:
            raise DataError(f"a sum over decisions is fitted to at least 2 designs, but got {len(y)}.")
        columns, x = _one_hot(designs)
        order = np.random.default_rng(0).permutation(len(y))
        folds = np.empty(len(y), dtype=np.int64)
        folds[order] = np.arange(len(y)) % min(FOLDS, len(y))
        calm, ridge, guess = _calm(_Table(x, y, columns, folds))
        base, weights = _fit(_Moments.of(x[calm], y[calm]), columns, ridge)
        error, reach, spearman = _goodness(guess, y)
        exact = bool(np.abs(guess - y).max() <= EXACT * np.abs(y).max())
        return cls(dict(zip(columns, weights.tolist(), strict=True)), base, len(y), error, reach, spearman, exact)

    def value(self, design: Mapping[str, Any]) -> float:
        """The sum over the decisions of a design; one that no fitted design takes costs nothing."""
        return sum((self.prices.get(decision, 0.0) for decision in design.items()), start=self.base)

    def to_json(self) -> dict[str, Any]:
        """How good the fit is, without the prices."""
        return {
            "designs": self.designs,
            "error": self.error,
            "reach": self.reach,
            "spearman": self.spearman,
            "exact": self.exact,
        }

    def with_prices(self) -> dict[str, Any]:
        """The whole fit, as `from_json` reads it."""
        prices = [[path, value, price] for (path, value), price in self.prices.items()]
        return {**self.to_json(), "base": self.base, "prices": prices}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> AdditiveFit:
        """Fit that `with_prices` wrote.

        >>> fit = AdditiveFit.of([{"a": 1}, {"a": 2}, {"a": 3}], [3.0, 4.0, 6.0])
        >>> AdditiveFit.from_json(fit.with_prices()) == fit
        True
        """
        prices = {(path, value): float(price) for path, value, price in content["prices"]}
        numbers = {name: float(content[name]) for name in ("base", "error", "reach", "spearman")}
        return cls(prices=prices, designs=int(content["designs"]), exact=bool(content["exact"]), **numbers)


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's rank correlation, equal values at their mean rank; 0 where one of them does not vary.

    >>> rank_correlation([1, 2, 3], [10, 20, 15])
    0.5
    """
    first, second = average_ranks(np.asarray(a, dtype=np.float64)), average_ranks(np.asarray(b, dtype=np.float64))
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(first, second)[0, 1], -1.0, 1.0))


def average_ranks(values: Array) -> Array:
    """Rank of each value, 1 the least, equal ones at their mean.

    >>> average_ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    # Sums that are equal but for their last bits would be ranked by those.
    rounded = np.round(values / (np.abs(values).max() or 1.0), 9)
    _, inverse, counts = np.unique(rounded, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[inverse.ravel()]
    return ranks


def _one_hot(designs: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, Any]], Array]:
    columns: dict[tuple[str, Any], int] = {}
    places = [[columns.setdefault(decision, len(columns)) for decision in design.items()] for design in designs]
    x = np.zeros((len(designs), len(columns)))
    for row, taken in enumerate(places):
        x[row, taken] = 1.0
    return list(columns), x


def _goodness(guess: Array, y: Array) -> tuple[float, float, float]:
    """Median error, the reach of nine of ten, both as a share of the value, and the rank correlation."""
    shares = np.abs(guess - y) / np.maximum(np.abs(y), 1e-300)
    reach = np.sort(shares)[min(ceil((len(y) + 1) * COVERAGE), len(y)) - 1]
    return float(np.median(shares)), float(reach), rank_correlation(guess, y)


@dataclass(frozen=True)
class _Moments:
    """Sums over designs that a fit needs; those of many designs are as small as those of few, and can be added.

    count: of designs. x, y: sums of their decisions, a design taking each once or not at all, and of their values.
    xx, xy: sums of products.
    """

    count: int
    x: Array
    y: float
    xx: Array
    xy: Array

    @classmethod
    def of(cls, x: Array, y: Array) -> _Moments:
        return cls(len(y), x.sum(axis=0), float(y.sum()), x.T @ x, x.T @ y)

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(
            self.count + other.count, self.x + other.x, self.y + other.y, self.xx + other.xx, self.xy + other.xy
        )


@dataclass(frozen=True)
class _Table:
    """Measured designs in rows of 0 and 1, their values, and the fold that each is held out in."""

    x: Array
    y: Array
    columns: list[tuple[str, Any]]
    folds: NDArray[np.int64]

    def fold_moments(self, calm: NDArray[np.bool_]) -> list[_Moments]:
        """Sums over the calm designs of each fold."""
        chosen = [calm & (self.folds == fold) for fold in range(int(self.folds.max()) + 1)]
        return [_Moments.of(self.x[rows], self.y[rows]) for rows in chosen]


def _calm(table: _Table) -> tuple[NDArray[np.bool_], float, Array]:
    """Designs to fit to, fewer than all only where that is better; with what ridge; what is then foretold of each."""
    x, y = table.x, table.y
    kept = np.ones(len(y), dtype=bool)
    ridge, best = _with_ridge(table, kept)
    for _ in range(ROUNDS):
        # In logarithms, one of twice the time is as far off as one of half of it.
        misses = np.abs(np.log(np.maximum(best, 1e-3 * y) / y))
        calm = misses <= ODD * np.median(misses)
        # What only odd designs take must be told by them; where many are odd, the sum is at fault, and of few designs
        # each tells something that no other does.
        calm |= x[:, x[calm].sum(axis=0) == 0].any(axis=1)
        if 2 * len(y) < 3 * x.shape[1] or calm.mean() < MOST_CALM or (calm == kept).all():
            break
        other, told = _with_ridge(table, calm)
        (error, reach, spearman), (before, width, correlation) = _goodness(told, y), _goodness(best, y)
        if error >= before or reach > width or spearman < correlation:
            break
        kept, ridge, best = calm, other, told
    return kept, ridge, best


def _with_ridge(table: _Table, calm: NDArray[np.bool_]) -> tuple[float, Array]:
    """The ridge that foretells calm designs best when they are held out, and what it foretells of each design."""
    moments = table.fold_moments(calm)
    foretold = {ridge: _held_out(table, moments, ridge) for ridge in RIDGES}
    ridge = min(foretold, key=lambda each: float(np.mean((foretold[each] - table.y)[calm] ** 2)))
    return ridge, foretold[ridge]


def _held_out(table: _Table, moments: Sequence[_Moments], ridge: float) -> Array:
    """What each design is foretold by a fit to the calm ones of the others."""
    guess = np.empty(len(table.y))
    for fold in range(len(moments)):
        held = table.folds == fold
        known = reduce(add, (each for number, each in enumerate(moments) if number != fold))
        base, weights = _fit(known, table.columns, ridge)
        guess[held] = base + table.x[held] @ weights
    return guess


def _fit(of: _Moments, columns: Sequence[tuple[str, Any]], ridge: float) -> tuple[float, Array]:
    """Base and weights, none of them negative: a forest holds only costs that grow."""
    centre, mean = of.x / of.count, of.y / of.count
    penalty = ridge * of.count / max(len(columns), 1)
    square = of.xx - of.count * np.outer(centre, centre) + penalty * np.eye(len(columns))
    weights = np.asarray(np.linalg.lstsq(square, of.xy - of.count * centre * mean, rcond=1e-12)[0], dtype=np.float64)
    base = float(mean - centre @ weights)
    for path in {path for path, _ in columns}:
        own = [i for i, (of_path, _) in enumerate(columns) if of_path == path]
        # Where every design decides this, a part common to all its values is a part of the base.
        if of.x[own].sum() == of.count:
            least = weights[own].min()
            weights[own], base = weights[own] - least, base + float(least)
    if base >= 0 and (weights >= 0).all():
        return base, weights
    return _not_negative(of, penalty)


def _not_negative(of: _Moments, penalty: float) -> tuple[float, Array]:
    optimize = require("scipy.optimize", extra="train")
    square = np.block([[np.array([[float(of.count)]]), of.x[None, :]], [of.x[:, None], of.xx]])
    square[1:, 1:] += penalty * np.eye(len(of.x))
    # A root of the normal equations stands for all rows; what no design tells apart has no share in it.
    spectrum, basis = np.linalg.eigh(square)
    kept = spectrum > NOTHING * spectrum[-1]
    root = np.sqrt(spectrum[kept])
    told = basis[:, kept].T @ np.concatenate([[of.y], of.xy]) / root
    solution, _ = optimize.nnls(root[:, None] * basis[:, kept].T, told, maxiter=50 * len(square))
    return float(solution[0]), np.asarray(solution[1:])
