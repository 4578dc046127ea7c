"""One statistical test for all samplers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

__all__ = ["assert_follows", "assert_uniform"]

UNLIKELY = 4.5
"""Standard deviations; a right sampler passes this once in 300,000 seeds."""


def assert_follows(drawn: Iterable[Hashable], wanted: Mapping[Hashable, float]) -> None:
    """Hold draws against a distribution (Pearson's statistic, Wilson & Hilferty 1931 for its tail)."""
    counts, total = Counter(drawn), sum(wanted.values())
    assert counts.keys() <= wanted.keys(), f"drawn but not wanted: {next(iter(counts.keys() - wanted.keys()))}"
    n, freedom = counts.total(), len(wanted) - 1
    assert n >= 5 * len(wanted), "too few draws for this many outcomes"
    if freedom == 0:
        return
    statistic = sum((counts[key] - n * w / total) ** 2 / (n * w / total) for key, w in wanted.items())
    z = ((statistic / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))
    assert z < UNLIKELY, f"chi-square {statistic:.1f} at {freedom} degrees of freedom is {z:.1f} deviations off"


def assert_uniform(drawn: Iterable[Hashable], wanted: Iterable[Hashable]) -> None:
    assert_follows(drawn, dict.fromkeys(wanted, 1.0))
