"""A quantity as a sum over the decisions of a design, fitted to measured designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import ceil
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright._optional import require
from netwright.errors import DataError
from netwright.target._design_table import DesignTable

__all__ = ["AdditiveFit", "average_ranks", "rank_correlation"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

FOLDS = 5
RIDGES = (0.0, 1e-3, 1e-2, 1e-1, 1.0)
"""Strengths of the ridge that are tried; 0 is least squares."""
EXACT = 1e-6
"""Largest error, as a share of the largest value, at which a table is taken to be a sum up to its rounding."""
DIGITS = 12
"""Of the largest value of an exact sum: what a fit leaves behind them is rounding."""
COVERAGE = 0.9
ODD = 5.0
"""Median errors beyond which a measurement is held for one that went wrong: 3.4 standard deviations of usual ones."""
MOST_CALM = 0.9
"""Share of the measurements of which at most that many are taken to be as they should."""
ROUNDS = 4
"""Without the oddest ones, others look odd."""
TOGETHER = 2**14
"""Designs whose products are taken at a time, so that many need no more memory than these."""
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

        Raises DataError for fewer than two designs, and for values that are not positive and finite.
        """
        y = np.asarray(values, dtype=np.float64)
        if len(y) < 2:
            raise DataError(f"a sum over decisions is fitted to at least 2 designs, but got {len(y)}.")
        wrong = y[~(np.isfinite(y) & (y > 0))]
        if len(wrong):
            raise DataError(f"a sum over decisions is fitted to positive, finite values, but got {wrong[0]:g}.")
        table = DesignTable.of(designs)
        order = np.random.default_rng(0).permutation(len(y))
        folds = np.empty(len(y), dtype=np.int64)
        folds[order] = np.arange(len(y)) % min(FOLDS, len(y))
        columns = table.columns
        measured = _Table(table.numbers(), y, _by_path(columns), folds)
        calm, ridge, guess = _calm(measured)
        base, weights = _fit(measured.moments(calm), measured.places, ridge)
        error, reach, spearman = _goodness(guess, y)
        exact = bool(np.abs(guess - y).max() <= EXACT * y.max())
        if exact:
            base, weights = _decimal(measured, base, weights)
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


def _goodness(guess: Array, y: Array) -> tuple[float, float, float]:
    """Median error, the reach of nine of ten, both as a share of the value, and the rank correlation."""
    shares = np.abs(guess - y) / y
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

    @cached_property
    def spectrum(self) -> tuple[Array, Array]:
        """Eigenvalues, from the least on, and eigenvectors of the products of what differs from the mean design."""
        found = np.linalg.eigh(self.xx - np.outer(self.x, self.x) / self.count)
        return np.asarray(found[0]), np.asarray(found[1])

    def __add__(self, other: _Moments) -> _Moments:
        return _Moments(
            self.count + other.count, self.x + other.x, self.y + other.y, self.xx + other.xx, self.xy + other.xy
        )


@dataclass(frozen=True)
class _Table:
    """Measured designs as the numbers of the decisions that they take, their values, and the fold of each.

    taken: (designs, places); the number of columns stands for no decision. places: columns of each. folds: in which a
    design is held out.
    """

    taken: Rows
    y: Array
    places: Sequence[Rows]
    folds: Rows

    @cached_property
    def columns(self) -> int:
        """Number of decisions."""
        return sum(map(len, self.places))

    def moments(self, rows: NDArray[np.bool_]) -> _Moments:
        """Sums over some designs."""
        taken, y = self.taken[rows], self.y[rows]
        width = self.columns + 1
        xx = np.zeros((width, width))
        for start in range(0, len(y), TOGETHER):
            part = taken[start : start + TOGETHER]
            # Counts up to `TOGETHER` are exact in 32 bits, in which products take half the time.
            x = np.zeros((len(part), width), dtype=np.float32)
            x[np.arange(len(part))[:, None], part] = 1.0
            xx += x.T @ x
        xy: Array = np.bincount(taken.ravel(), np.repeat(y, taken.shape[1]), width).astype(np.float64)
        return _Moments(len(y), np.diag(xx)[:-1].copy(), float(y.sum()), xx[:-1, :-1], xy[:-1])

    def fold_moments(self, calm: NDArray[np.bool_]) -> list[_Moments]:
        """Sums over the calm designs of each fold."""
        return [self.moments(calm & (self.folds == fold)) for fold in range(int(self.folds.max()) + 1)]

    def sums(self, weights: Array, rows: NDArray[np.bool_]) -> Array:
        """Sum of the weights of what some designs take."""
        found: Array = np.append(weights, 0.0)[self.taken[rows]].sum(axis=1)
        return found

    def needed(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Designs that take a decision which none of those in `rows` takes."""
        counts = np.bincount(self.taken[rows].ravel(), minlength=self.columns + 1)
        lacking = counts == 0
        lacking[-1] = False
        found: NDArray[np.bool_] = lacking[self.taken].any(axis=1)
        return found


def _decimal(table: _Table, base: float, weights: Array) -> tuple[float, Array]:
    """Base and weights without the last digits, which are rounding, where the sums are then no further off.

    A design of 5.64 ms that is told 5.640000000000002 would be lost to a limit of 5.64.
    """
    every = np.ones(len(table.y), dtype=bool)
    places = DIGITS - ceil(np.log10(table.y.max()))
    shorter, less = round(base, places), np.round(weights, places)
    before = np.abs(base + table.sums(weights, every) - table.y).max()
    after = np.abs(shorter + table.sums(less, every) - table.y).max()
    return (shorter, less) if after <= before else (base, weights)


def _calm(table: _Table) -> tuple[NDArray[np.bool_], float, Array]:
    """Designs to fit to, fewer than all only where that is better; with what ridge; what is then foretold of each."""
    y = table.y
    kept = np.ones(len(y), dtype=bool)
    ridge, best = _with_ridge(table, kept)
    for _ in range(ROUNDS):
        # In logarithms, one of twice the time is as far off as one of half of it.
        misses = np.abs(np.log(np.maximum(best, 1e-3 * y) / y))
        calm = misses <= ODD * np.median(misses)
        # What only odd designs take must be told by them; where many are odd, the sum is at fault, and of few designs
        # each tells something that no other does.
        calm |= table.needed(calm)
        if 2 * len(y) < 3 * table.columns or calm.mean() < MOST_CALM or (calm == kept).all():
            break
        other, told = _with_ridge(table, calm)
        (error, reach, spearman), (before, width, correlation) = _goodness(told, y), _goodness(best, y)
        if error >= before or reach > width or spearman < correlation:
            break
        kept, ridge, best = calm, other, told
    return kept, ridge, best


def _with_ridge(table: _Table, calm: NDArray[np.bool_]) -> tuple[float, Array]:
    """The ridge that foretells calm designs best when they are held out, and what it foretells of each design."""
    folds = table.fold_moments(calm)
    others = [reduce(add, (each for each in folds if each is not own)) for own in folds]
    foretold = {ridge: _held_out(table, others, ridge) for ridge in RIDGES}
    ridge = min(foretold, key=lambda each: float(np.mean((foretold[each] - table.y)[calm] ** 2)))
    return ridge, foretold[ridge]


def _held_out(table: _Table, others: Sequence[_Moments], ridge: float) -> Array:
    """What each design is foretold by a fit to the calm ones of the other folds."""
    guess = np.empty(len(table.y))
    for fold, known in enumerate(others):
        held = table.folds == fold
        base, weights = _fit(known, table.places, ridge)
        guess[held] = base + table.sums(weights, held)
    return guess


def _by_path(columns: Sequence[tuple[str, Any]]) -> list[Rows]:
    """Numbers of the columns of each path."""
    found: dict[str, list[int]] = {}
    for number, (path, _) in enumerate(columns):
        found.setdefault(path, []).append(number)
    return [np.array(numbers) for numbers in found.values()]


def _fit(of: _Moments, places: Sequence[Rows], ridge: float) -> tuple[float, Array]:
    """Base and weights, none of them negative: a forest holds only costs that grow."""
    centre, mean = of.x / of.count, of.y / of.count
    penalty = ridge * of.count / max(len(of.x), 1)
    spectrum, basis = of.spectrum
    # What no design tells apart has no share in it.
    kept = spectrum + penalty > NOTHING * (spectrum[-1:] + penalty)
    told = basis[:, kept].T @ (of.xy - of.count * centre * mean)
    weights: Array = basis[:, kept] @ (told / (spectrum[kept] + penalty))
    base = float(mean - centre @ weights)
    for own in places:
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
