from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.errors import StudyError
from netwright.strategy import (
    Objective,
    best_first,
    crowding_distances,
    dominates,
    hypervolume,
    pareto_front,
    pareto_ranks,
)

Problem = tuple[list[list[float]], list[Objective]]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Points on a small grid, so that ties and duplicates are common."""
    columns = draw(st.integers(1, 4))
    directions = draw(st.lists(st.sampled_from(["maximize", "minimize"]), min_size=columns, max_size=columns))
    value = st.integers(-3, 3).map(float)
    row = st.lists(value, min_size=columns, max_size=columns)
    objectives = [Objective(f"m{index}", direction) for index, direction in enumerate(directions)]  # type: ignore[arg-type]
    return draw(st.lists(row, min_size=1, max_size=20)), objectives


def peeled(points: list[list[float]], objectives: list[Objective]) -> list[int]:
    """Ranks by the definition: take the front away, again and again."""
    ranks = [-1] * len(points)
    for rank in itertools.count():
        left = [index for index, known in enumerate(ranks) if known < 0]
        if not left:
            return ranks
        front = [i for i in left if not any(dominates(points[j], points[i], objectives) for j in left)]
        for index in front:
            ranks[index] = rank
    raise AssertionError


@given(problems())
def test_ranks_are_those_of_the_definition(problem: Problem) -> None:
    points, objectives = problem
    assert pareto_ranks(points, objectives).tolist() == peeled(points, objectives)


@given(problems())
def test_front_is_rank_zero(problem: Problem) -> None:
    ranks = pareto_ranks(*problem)
    assert pareto_front(*problem).tolist() == np.flatnonzero(ranks == 0).tolist()


@given(problems())
def test_directions_are_signs(problem: Problem) -> None:
    points, objectives = problem
    flipped = [
        Objective(objective.metric, "minimize" if objective.direction == "maximize" else "maximize")
        for objective in objectives
    ]
    negated = (-np.array(points)).tolist()
    assert pareto_ranks(points, objectives).tolist() == pareto_ranks(negated, flipped).tolist()


@given(problems())
def test_best_first_is_by_rank_then_crowding_then_order(problem: Problem) -> None:
    points, objectives = problem
    order = best_first(points, objectives).tolist()
    assert sorted(order) == list(range(len(points)))
    ranks = pareto_ranks(points, objectives)
    crowding = crowding_distances(points, ranks) if len(objectives) > 1 else np.zeros(len(points))
    keys = [(ranks[index], -crowding[index], index) for index in order]
    assert keys == sorted(keys)


@given(problems())
def test_crowding_has_infinite_ends_and_knows_no_other_front(problem: Problem) -> None:
    points, objectives = problem
    ranks = pareto_ranks(points, objectives)
    distances = crowding_distances(points, ranks)
    assert (distances >= 0).all()
    for rank in set(ranks.tolist()):
        members = np.flatnonzero(ranks == rank)
        assert np.isinf(distances[members]).any()
        assert distances[members].tolist() == crowding_distances(np.array(points)[members]).tolist()


def test_crowding_of_the_paper() -> None:
    points = [[1.0, 10.0], [2.0, 7.0], [4.0, 6.0], [9.0, 0.0]]
    assert crowding_distances(points).tolist() == pytest.approx([np.inf, 3 / 8 + 4 / 10, 7 / 8 + 7 / 10, np.inf])


def test_crowding_takes_huge_and_equal_values() -> None:
    largest = np.finfo(float).max
    assert crowding_distances([[-largest, 1.0], [0.0, 1.0], [largest, 1.0]]).tolist() == [np.inf, 1.0, np.inf]


@given(problems())
def test_hypervolume_by_counting_cells(problem: Problem) -> None:
    points, objectives = problem
    signs = np.array([objective.sign for objective in objectives])
    minimised = np.array(points) * signs
    cells = itertools.product(range(-3, 4), repeat=len(objectives))
    dominated = sum((minimised <= cell).all(axis=1).any() for cell in map(np.array, cells))
    assert hypervolume(points, objectives, reference=4.0 * signs) == pytest.approx(dominated)


def test_hypervolume_of_nothing_is_zero(accuracy: Objective, macs: Objective) -> None:
    assert hypervolume([], [accuracy, macs], reference=[0, 10]) == 0
    assert hypervolume([[0.9, 11.0]], [accuracy, macs], reference=[0, 10]) == 0


def test_no_points_have_no_front(accuracy: Objective, macs: Objective) -> None:
    for function in (pareto_front, pareto_ranks, best_first):
        assert function([], [accuracy, macs]).tolist() == []


@pytest.mark.parametrize("points", [[1.0, 2.0], [[1.0]], [[1.0, 2.0, 3.0]], [[[1.0, 2.0]]]])
def test_columns_are_objectives(points: object, accuracy: Objective, macs: Objective) -> None:
    with pytest.raises(StudyError, match="one column for each of 2 objectives"):
        pareto_ranks(points, [accuracy, macs])  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_points_are_finite(value: float, accuracy: Objective) -> None:
    with pytest.raises(StudyError, match="must be finite"):
        pareto_front([[value]], [accuracy])


def test_dominates_needs_a_strict_gain(accuracy: Objective, macs: Objective) -> None:
    assert dominates([0.9, 5], [0.9, 6], [accuracy, macs])
    assert not dominates([0.9, 5], [0.9, 5], [accuracy, macs])
    assert not dominates([0.9, 5], [0.8, 4], [accuracy, macs])
