from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netwright.strategy
from netwright.errors import StudyError
from netwright.strategy import NSGA2, STRATEGIES, Objective, Outcome, Proposal, Random, RegularisedEvolution, Strategy
from netwright.testing import ToySpace


def test_all_lists_the_public_names() -> None:
    public = {
        name for name, value in vars(netwright.strategy).items() if not name.startswith("_") and not _is_module(value)
    }
    assert public == set(netwright.strategy.__all__)
    assert netwright.strategy.__all__ == sorted(netwright.strategy.__all__, key=_isort_key)


@pytest.mark.parametrize(
    ("text", "metric", "direction"),
    [
        ("maximize accuracy", "accuracy", "maximize"),
        ("  minimize   latency_ms@here ", "latency_ms@here", "minimize"),
        ("minimize val/loss", "val/loss", "minimize"),
    ],
)
def test_objective_parse(text: str, metric: str, direction: Any) -> None:
    assert Objective.parse(text) == Objective(metric, direction)
    assert Objective.parse(str(Objective(metric, direction))) == Objective(metric, direction)


@pytest.mark.parametrize(
    "text",
    ["", "accuracy", "maximise accuracy", "max accuracy", "maximize", "maximize 5", "maximize a b", "Maximize a"],
)
def test_objective_parse_refuses(text: str) -> None:
    with pytest.raises(
        StudyError, match="an objective reads 'maximize accuracy' or 'minimize latency_ms@here', but got"
    ):
        Objective.parse(text)


def test_sign_turns_objectives_into_minimisation(accuracy: Objective, macs: Objective) -> None:
    assert (accuracy.sign, macs.sign) == (-1, 1)


def test_objectives_are_some_and_different(accuracy: Objective) -> None:
    with pytest.raises(StudyError, match="one or more objectives on different metrics"):
        Random(ToySpace(), [])
    with pytest.raises(StudyError, match=r"\['accuracy', 'accuracy'\]"):
        Random(ToySpace(), [accuracy, Objective("accuracy", "minimize")])


@given(st.sampled_from(["complete", "infeasible", "failed", "pruned"]), st.floats(), st.booleans())
def test_scores_only_of_complete_and_finite_trials(state: Any, value: float, missing: bool) -> None:
    strategy = Random(ToySpace(), [Objective("accuracy", "maximize"), Objective("macs", "minimize")])
    values = {"macs": 1.0} if missing else {"macs": 1.0, "accuracy": value}
    outcome = Outcome(0, next(ToySpace().enumerate()), values, state)
    usable = state == "complete" and not missing and math.isfinite(value)
    assert strategy.scores(outcome) == ((value, 1.0) if usable else None)


def test_tell_keeps_history_and_knows_designs(accuracy: Objective) -> None:
    space = ToySpace()
    strategy = Random(space, [accuracy])
    told, other = space.sample(np.random.default_rng(1), 2)
    strategy.tell(Outcome(0, told, state="failed"))
    assert [outcome.number for outcome in strategy.history] == [0]
    assert strategy.told(told)
    assert not strategy.told(other)


def test_random_avoids_what_was_told_until_nothing_is_left(accuracy: Objective) -> None:
    space = ToySpace(layers=1, widths=5)
    strategy = Random(space, [accuracy])
    designs = list(space.enumerate())
    for number, design in enumerate(designs[:4]):
        strategy.tell(Outcome(number, design, {"accuracy": 0.5}))
    draws = [strategy.ask(np.random.default_rng(seed)).design for seed in range(200)]
    # 16 draws of 5 designs miss the last one with a chance of 0.8^16 = 2.8 %.
    assert sum(draw == designs[4] for draw in draws) > 180
    strategy.tell(Outcome(4, designs[4], {"accuracy": 0.5}))
    assert strategy.ask(np.random.default_rng(0)) in [Proposal(design) for design in designs]


def test_random_is_uniform_within_limits(accuracy: Objective) -> None:
    from netwright.cost import Limit

    space, limits = ToySpace(layers=3, widths=3), Limit.of("params <= 8")
    strategy = Random(space, [accuracy], limits)
    rng = np.random.default_rng(2)
    counts: dict[Any, int] = {}
    for _ in range(4000):
        design = strategy.ask(rng).design
        counts[design] = counts.get(design, 0) + 1
    fitting = [design for design in space.enumerate() if space.fits(design, limits)]
    assert set(counts) == set(fitting)
    expected = 4000 / len(fitting)
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi_square < 2.5 * len(fitting)


@pytest.mark.parametrize(
    ("make", "settings", "rule"),
    [
        (RegularisedEvolution, {"population": 0}, "`population >= 1` must hold, but got population=0."),
        (RegularisedEvolution, {"tournament": 0}, "`1 <= tournament <= 32` must hold, but got tournament=0."),
        (RegularisedEvolution, {"population": 4, "tournament": 5}, "`1 <= tournament <= 4` must hold"),
        (NSGA2, {"population": 1}, "`population >= 2` must hold"),
        (NSGA2, {"crossover": 1.5}, "`0 <= crossover <= 1` must hold, but got crossover=1.5."),
        (NSGA2, {"mutation": -0.1}, "`0 <= mutation <= 1` must hold"),
        (STRATEGIES["local-search"], {"starts": 0}, "`starts >= 1` must hold"),
    ],
)
def test_settings_out_of_range_are_refused(
    make: type[Strategy], settings: dict[str, Any], rule: str, accuracy: Objective
) -> None:
    with pytest.raises(StudyError) as caught:
        make(ToySpace(), [accuracy], **settings)
    assert rule in str(caught.value)


def _is_module(value: object) -> bool:
    return type(value).__name__ == "module"


def _isort_key(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
