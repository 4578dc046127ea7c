"""Budgets: every form beside the forms that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.errors import StudyError
from netwright.study import Budget, Spent


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("100 trials", Budget(trials=100)),
        ("1 trial", Budget(trials=1)),
        ("3 min", Budget(seconds=180)),
        ("3m", Budget(seconds=180)),
        (" 90S ", Budget(seconds=90)),
        ("1h30m", Budget(seconds=5400)),
        ("1 h 30 min 5 s", Budget(seconds=5405)),
        ("1.5 hours", Budget(seconds=5400)),
        (".5 h", Budget(seconds=1800)),
        ("2 days", Budget(seconds=172800)),
        ("50 evaluations", Budget(evaluations=50)),
        ("10 min of evaluation", Budget(evaluation_seconds=600)),
        ("100 trials or 3 min", Budget(trials=100, seconds=180)),
        ("3 min, 7 evaluations,1 h of evaluation", Budget(seconds=180, evaluations=7, evaluation_seconds=3600)),
    ],
)
def test_forms_that_are_read(text, budget):
    assert Budget.parse(text) == budget


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "3", "min", "three min", "3 lightyears", "-3 min", "3 min extra", "1.5 trials", "3 trials 5 min",
        "3 min of training", "5 trials of evaluation", "3 min or", "1e3 trials", "9" * 99 + " trials", "3 мин",
        "inf s", "1 2 min",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_the_forms(text):
    with pytest.raises(StudyError, match=r"^a budget reads '3 min', .* but got "):
        Budget.parse(text)


@pytest.mark.parametrize("text", ["0 trials", "0 min"])
def test_nothing_is_no_budget(text):
    with pytest.raises(StudyError, match="must be positive and finite"):
        Budget.parse(text)


def test_two_bounds_of_one_kind_are_refused():
    with pytest.raises(StudyError, match="one bound on seconds, but got two in '3 min or 2 h'"):
        Budget.parse("3 min or 2 h")


def test_a_budget_needs_a_bound():
    with pytest.raises(StudyError, match="needs a bound"):
        Budget()


@pytest.mark.parametrize("bound", [float("nan"), float("inf"), -1.0])
def test_bounds_are_numbers(bound):
    with pytest.raises(StudyError, match="positive and finite"):
        Budget(seconds=bound)


@given(
    trials=st.none() | st.integers(1, 10**9),
    seconds=st.none() | st.integers(1, 10**7),
    evaluations=st.none() | st.integers(1, 10**9),
    evaluation_seconds=st.none() | st.integers(1, 10**7),
)
def test_what_is_written_is_read_back(**bounds):
    if any(bounds.values()):
        budget = Budget(**bounds)
        assert Budget.parse(str(budget)) == budget


def test_whichever_bound_comes_first_ends_it():
    budget = Budget.parse("10 trials or 1 min or 5 evaluations or 20 s of evaluation")
    assert budget.used_up(Spent(9, 59.9, 4, 19.9)) is None
    assert budget.used_up(Spent(10, 0, 0, 0)) == "10 trials"
    assert budget.used_up(Spent(9, 60, 4, 0)) == "1 min"
    assert budget.used_up(Spent(9, 0, 5, 0)) == "5 evaluations"
    assert budget.used_up(Spent(9, 0, 0, 20)) == "20 s of evaluation"
    assert budget.fraction(Spent(1, 30, 1, 4)) == 0.5
    assert budget.fraction(Spent(100, 300, 1, 4)) == 1.0
