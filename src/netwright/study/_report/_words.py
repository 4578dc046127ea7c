"""Words of a report that are about trials and tests, and the intervals beside its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from netwright._page import finite, is_share, percent
from netwright._proportion import wilson

__all__ = [
    "difference",
    "direction_word",
    "interval_of",
    "proportion",
    "share",
]


def direction_word(direction: str) -> str:
    """Which end is better, in a word."""
    return "higher is better" if direction == "maximize" else "lower is better"


def share(low: Fraction, high: Fraction) -> str:
    """A share, or the bracket that holds it.

    >>> share(Fraction(1, 4), Fraction(1, 4)), share(Fraction(1, 4), Fraction(1, 3))
    ('25 %', 'between 25 % and 33.3 %')
    """
    one, other = percent(low), percent(high)
    return one if one == other else f"between {one} and {other}"


def difference(a: float, b: float, n: int) -> tuple[float, float]:
    """95 % interval of a - b for two proportions seen on n examples each.

    >>> low, high = difference(0.98, 0.97, 359)
    >>> low < 0 < high
    True

    Both are seen on the same examples here, so where they err together the true interval is narrower than this.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
    """
    (low_a, high_a), (low_b, high_b) = wilson(a, n), wilson(b, n)
    below = math.sqrt((a - low_a) ** 2 + (high_b - b) ** 2)
    above = math.sqrt((high_a - a) ** 2 + (b - low_b) ** 2)
    return a - b - below, a - b + above


def proportion(metric: str, value: Any, n: Any) -> bool:
    """Whether a value is a plain share of right answers on a known number of examples."""
    number = finite(value)
    return metric == "accuracy" and number is not None and is_share(metric, number) and isinstance(n, int) and n > 0


def interval_of(metrics: Mapping[str, Any], metric: str, n: Any) -> tuple[float, float] | None:
    """Interval of a test metric, or None where its size alone does not give one."""
    return wilson(metrics[metric], n) if proportion(metric, metrics.get(metric), n) else None
