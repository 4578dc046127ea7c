"""Splits: disjoint, complete, the same for the same seed, each class in its share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.errors import DataError
from netwright.quality.data._split import allot, quantile_strata, split_rows

COUNTS = st.lists(st.integers(5, 60), min_size=2, max_size=6)
SHARES = st.sampled_from([0.1, 0.2, 0.3, 0.4])


def strata_of(counts: list[int], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))


def split(strata: np.ndarray, seed: int = 0, valid: float = 0.2, test: float = 0.2) -> dict[str, np.ndarray]:
    return split_rows("x", strata, np.zeros(len(strata), np.uint8), valid=valid, test=test, seed=seed)


@settings(max_examples=60, deadline=None)
@given(counts=COUNTS, seed=st.integers(0, 99), valid=SHARES, test=SHARES)
def test_parts_are_disjoint_and_complete(counts: list[int], seed: int, valid: float, test: float) -> None:
    strata = strata_of(counts, seed)
    parts = split(strata, seed, valid, test)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(strata)))


@settings(max_examples=30, deadline=None)
@given(counts=COUNTS, seed=st.integers(0, 99))
def test_a_seed_fixes_the_split(counts: list[int], seed: int) -> None:
    strata = strata_of(counts, seed)
    first, second = split(strata, seed), split(strata, seed)
    assert all((first[part] == second[part]).all() for part in first)


def test_another_seed_gives_another_split() -> None:
    strata = strata_of([50, 50], 0)
    assert (split(strata, 0)["test"] != split(strata, 1)["test"]).any()


@settings(max_examples=60, deadline=None)
@given(counts=COUNTS, seed=st.integers(0, 99), valid=SHARES, test=SHARES)
def test_each_class_has_its_share_in_each_part(counts: list[int], seed: int, valid: float, test: float) -> None:
    strata = strata_of(counts, seed)
    parts = split(strata, seed, valid, test)
    for stratum, count in enumerate(counts):
        for part, share in (("valid", valid), ("test", test)):
            assert abs((strata[parts[part]] == stratum).sum() - share * count) <= 1


@given(count=st.integers(2, 200), valid=SHARES, test=SHARES)
def test_allot_always_leaves_something_to_train_on(count: int, valid: float, test: float) -> None:
    counts = allot(count, [test, valid])
    assert counts[0] >= 1
    assert sum(counts) < count


def test_a_part_that_the_file_brings_is_kept() -> None:
    part = np.repeat(np.array([0, 2], np.uint8), [40, 20])
    parts = split_rows("x", np.arange(60) % 2, part, valid=0.25, test=0.2, seed=0)
    assert parts["test"].tolist() == list(range(40, 60))
    assert len(parts["valid"]) == 10


def test_a_file_with_all_parts_is_not_cut() -> None:
    part = np.repeat(np.array([0, 1, 2], np.uint8), 2)
    parts = split_rows("x", np.arange(6) % 2, part, valid=0.25, test=0.2, seed=0)
    assert {name: rows.tolist() for name, rows in parts.items()} == {"train": [0, 1], "valid": [2, 3], "test": [4, 5]}


def test_values_are_spread_evenly_over_the_parts() -> None:
    values = np.random.default_rng(0).exponential(size=500)
    parts = split(quantile_strata(values))
    for rows in parts.values():
        assert abs((values[rows] > np.quantile(values, 0.9)).mean() - 0.1) < 0.01


def test_a_class_of_one_example_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"class 'owl' of x has 1 example to train on, but at least 2 are needed"):
        split_rows("x", np.array([0, 0, 0, 1]), np.zeros(4), valid=0.2, test=0.2, seed=0, names=("cat", "owl"))


def test_classes_of_two_leave_nothing_to_validate() -> None:
    with pytest.raises(DataError, match=r"x has too few examples: none is left for the valid part"):
        split(np.array([0, 0, 1, 1]))


@pytest.mark.parametrize(("valid", "test"), [(0, 0.2), (0.2, 0), (0.5, 0.5), (1.2, 0.1), (-0.1, 0.2)])
def test_shares_must_leave_something(valid: float, test: float) -> None:
    with pytest.raises(DataError, match=r"valid \+ test < 1 must hold, but got valid="):
        split(np.arange(20) % 2, 0, valid, test)
