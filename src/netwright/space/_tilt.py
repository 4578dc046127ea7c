"""Exponential tilting: which factor exp(rate * cost) on every design brings the mean cost into a window."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log

import numpy as np
from numpy.typing import NDArray

from netwright.space._forest import Forest, Leaf
from netwright.space._semiring import Semiring, evaluate

__all__ = ["tilts"]

Floats = NDArray[np.float64]
Moment = tuple[float, float, float]
STEPS = 60
"""Newton steps of one cost."""
SWEEPS = 3
"""Rounds over several costs."""


class _Tilted(Semiring[Moment]):
    """Logarithm of the tilted mass, and mean and variance of one cost under it: the tilted expectation semiring."""

    def __init__(self, exponents: Sequence[float], costs: Sequence[float], *, weighted: bool) -> None:
        self._exponents = exponents
        self._costs = costs
        self._weighted = weighted

    def leaf(self, number: int, node: Leaf) -> Moment:
        return self._exponents[number], self._costs[number], 0.0

    def times(self, left: Moment, right: Moment) -> Moment:
        return left[0] + right[0], left[1] + right[1], left[2] + right[2]

    def plus(self, values: Sequence[Moment], weights: Sequence[float] | None) -> Moment:
        top = max(value[0] for value in values)
        shares = [exp(value[0] - top) for value in values]
        if self._weighted and weights is not None:
            shares = [share * weight for share, weight in zip(shares, weights, strict=True)]
        total = sum(shares)
        mean = sum(share * value[1] for share, value in zip(shares, values, strict=True)) / total
        spread = sum(share * (value[2] + (value[1] - mean) ** 2) for share, value in zip(shares, values, strict=True))
        return top + log(total), mean, spread / total


def tilts(
    forest: Forest, costs: Sequence[Floats], windows: Sequence[tuple[float, float]], *, weighted: bool = False
) -> list[float]:
    """Rate of each cost, so that the mean of every cost lies in its window, or within its deviation of it.

    costs: of each node, for each budget. A mean that is in its window as it is gets the rate 0.
    """
    rates = [0.0] * len(costs)
    for _ in range(SWEEPS if len(costs) > 1 else 1):
        before = list(rates)
        for i, (low, high) in enumerate(windows):
            rates[i] = _rate(forest, costs, rates, i, low, high, weighted)
        if rates == before:
            break
    return rates


def _rate(
    forest: Forest, costs: Sequence[Floats], rates: Sequence[float], i: int, low: float, high: float, weighted: bool
) -> float:
    """Root of the mean, which falls with a falling rate, by Newton's method inside a bracket."""
    others = sum((rates[j] * costs[j] for j in range(len(costs)) if j != i), start=np.zeros(len(costs[i])))
    rate, below, above = rates[i], -inf, inf
    for _ in range(STEPS):
        semiring = _Tilted((others + rate * costs[i]).tolist(), costs[i].tolist(), weighted=weighted)
        _, mean, variance = evaluate(forest, semiring)[forest.root]
        miss = max(low - mean, 0.0) + min(high - mean, 0.0)
        if abs(miss) <= max(variance**0.5, 0.5):
            break
        below, above = (rate, above) if miss > 0 else (below, rate)
        step = rate + miss / max(variance, 1e-12)
        rate = step if below < step < above else _between(below, above)
    return rate


def _between(below: float, above: float) -> float:
    if below == -inf:
        return above - max(2 * abs(above), 1e-6)
    return below + max(2 * abs(below), 1e-6) if above == inf else (below + above) / 2
