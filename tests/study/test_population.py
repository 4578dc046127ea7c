"""Populations, against brute force over all draws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.errors import StudyError
from netwright.study import Population, matched

VALUES = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=7)


def population(values, sign=-1, **more):
    return Population("some", "accuracy", sign, tuple(values), **more)


@given(VALUES, st.sampled_from([-1, 1]), st.data())
def test_the_expected_best_is_the_mean_over_all_draws(values, sign, data):
    trials = data.draw(st.integers(1, len(values)))
    best = [min(draw, key=lambda value: sign * value) for draw in combinations(values, trials)]
    assert population(values, sign).expected_best(trials) == pytest.approx(np.mean(best))
    curve = population(values, sign).efficiency()
    assert curve.trials[-1] == len(values)
    if trials in curve.trials:
        assert curve.spread[curve.trials.index(trials)] == pytest.approx(np.std(best), abs=1e-7)


@given(VALUES, st.sampled_from([-1, 1]))
def test_the_distribution_counts_designs(values, sign):
    found = population(values, sign)
    places, shares = found.distribution()
    assert shares[-1] == pytest.approx(1.0)
    for value, share in zip(places, shares, strict=True):
        assert found.share_reaching(value) == pytest.approx(np.mean([sign * v <= sign * value for v in values]))
        assert share <= found.share_reaching(value) + 1e-12


def test_quantiles_are_values_that_a_share_of_the_designs_reaches():
    found = population([0.1, 0.2, 0.3, 0.4])
    assert [found.quantile(share) for share in (0.0, 0.25, 0.5, 1.0)] == [0.4, 0.4, 0.3, 0.1]


def test_matching_leaves_the_same_spread_of_the_cost_in_each_population():
    rng = np.random.default_rng(0)
    both = [population(rng.random(400), costs={"macs": tuple(10 * rng.random(400) ** power)}) for power in (1, 2)]
    edges = np.linspace(0, 10, 5)
    before, after = (
        [np.histogram(p.costs["macs"], edges, weights=p.shares)[0] for p in each]
        for each in (both, matched(both, "macs"))
    )
    assert np.abs(after[0] - after[1]).max() < 0.3 * np.abs(before[0] - before[1]).max()


def test_no_population_is_empty_and_no_search_longer_than_it():
    with pytest.raises(StudyError, match="needs a design with a value"):
        population([])
    with pytest.raises(StudyError, match="1 <= trials <= 2"):
        population([1.0, 2.0]).expected_best(3)
    with pytest.raises(StudyError, match="as many and not all zero"):
        population([1.0, 2.0], weights=(0.0, 0.0))


def test_populations_that_share_no_cost_cannot_be_matched():
    apart = [population([1.0, 2.0], costs={"macs": costs}) for costs in ((1.0, 2.0), (8.0, 9.0))]
    with pytest.raises(StudyError, match="they share none"):
        matched(apart, "macs")
