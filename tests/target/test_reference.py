"""Times told against a reference, on a clock that the tests move by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from netwright.errors import EvaluationError
from netwright.target import Estimate, differ, measure_against


class Machine:
    """A clock that moves when a task runs, at the machine's speed of the moment, plus noise of a few per mille."""

    def __init__(self, slowdown: Callable[[float], float] = lambda now: 1.0, seed: int = 0) -> None:
        self.now = 0.0
        self.slowdown = slowdown
        self.rng = np.random.default_rng(seed)

    def __call__(self) -> float:
        return self.now

    def task(self, seconds: float) -> Callable[[], None]:
        def run() -> None:
            self.now += seconds * self.slowdown(self.now) * (1 + 0.002 * self.rng.random())

        return run


def plateaus(now: float) -> float:
    """A clock that is at its best for 30 ms of every 200."""
    return 1.0 if now % 0.2 < 0.03 else 1.12


def told(machine: Machine, *seconds: float, time: float = 1.0) -> list[float]:
    runs = [machine.task(each) for each in seconds]
    timings = measure_against(runs, machine.task(1e-4), seconds=time, clock=machine)
    return [timing.median_ms for timing in timings]


@pytest.mark.parametrize("seconds", [4e-5, 2e-4, 3e-3, 2e-2])
def test_plateaus_of_the_clock_cancel(seconds: float) -> None:
    assert told(Machine(plateaus), seconds) == pytest.approx([seconds * 1e3], rel=0.005)
    assert told(Machine(), seconds) == pytest.approx([seconds * 1e3], rel=0.005)


def test_machines_at_another_speed_tell_the_same_where_the_nominal_time_is_known() -> None:
    def at(speed: float) -> float:
        machine = Machine(lambda now: speed)
        [timing] = measure_against([machine.task(5e-4)], machine.task(1e-4), nominal=1e-4, clock=machine)
        return timing.median_ms

    assert at(1.0) == pytest.approx(0.5, rel=0.005)
    assert at(1.3) == pytest.approx(0.5, rel=0.005)


def test_rounds_in_which_the_machine_changes_are_left_out() -> None:
    def busy(now: float) -> float:
        return 3.0 if now % 0.05 < 0.004 else 1.0

    assert told(Machine(busy), 2e-3) == pytest.approx([2.0], rel=0.01)


def test_several_are_told_apart_in_turns() -> None:
    fast, slow = told(Machine(plateaus), 2e-4, 2.06e-4)
    assert slow / fast == pytest.approx(1.03, rel=0.003)


def test_drift_is_that_of_the_reference() -> None:
    machine = Machine(lambda now: 1.0 + 0.1 * now)
    [timing] = measure_against([machine.task(1e-3)], machine.task(1e-4), seconds=1.0, clock=machine)
    assert timing.drift == pytest.approx(0.05, abs=0.015)
    assert timing.slack > 0


def test_slack_is_nothing_where_the_machine_is_steady() -> None:
    machine = Machine()
    [timing] = measure_against([machine.task(1e-3)], machine.task(1e-4), seconds=0.2, clock=machine)
    assert 0 <= timing.slack < 0.003
    assert timing.runs >= 10


@pytest.mark.parametrize(("runs", "seconds"), [(0, 0.1), (1, 0.0), (1, float("nan"))])
def test_senseless_questions_are_an_error(runs: int, seconds: float) -> None:
    with pytest.raises(EvaluationError, match="`seconds > 0` are needed"):
        measure_against([lambda: None] * runs, lambda: None, seconds=seconds)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [((4.0, 0.1), (4.3, 0.1), True), ((4.0, 0.1), (4.15, 0.1), False), ((4.0, 0.01), (4.05, 0.01), False)],
)
def test_numbers_are_different_only_beyond_interval_and_margin(
    a: tuple[float, float], b: tuple[float, float], expected: bool
) -> None:
    one, other = (Estimate(ms, ms - wide, ms + wide, "ms", "measured") for ms, wide in (a, b))
    assert differ(one, other) is expected
    assert differ(other, one) is expected
