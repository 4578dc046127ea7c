"""Timing protocol, on a clock that the tests move by hand."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from netwright.errors import EvaluationError
from netwright.target import Timing, measure, measure_interleaved
from netwright.target._protocol import summarise


class FakeClock:
    """Seconds that pass only when a function of `task` runs."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def __call__(self) -> float:
        return self.now

    def task(self, durations: Iterable[float], name: str = "") -> Callable[[], None]:
        upcoming = iter(durations)

        def run() -> None:
            self.now += next(upcoming)
            self.order.append(name)

        return run


def constant(seconds: float) -> Iterator[float]:
    while True:
        yield seconds


def noisy(seconds: float, seed: int, spread: float = 0.05) -> Iterator[float]:
    rng = np.random.default_rng(seed)
    while True:
        yield seconds * float(1 + spread * rng.random())


def test_constant_runs_give_their_time_and_no_spread() -> None:
    clock = FakeClock()
    timing = measure(clock.task(constant(0.002)), seconds=0.3, clock=clock)
    assert timing.median_ms == pytest.approx(2.0)
    assert timing.mad_ms == pytest.approx(0.0, abs=1e-9)
    assert timing.low_ms == pytest.approx(2.0)
    assert timing.high_ms == pytest.approx(2.0)
    assert timing.drift == pytest.approx(0.0, abs=1e-9)
    assert clock.now == pytest.approx(0.3, abs=0.012)


def test_warm_up_runs_until_the_time_is_steady() -> None:
    clock = FakeClock()
    cold = [0.010 * 0.8**i for i in range(20)]
    timing = measure(clock.task([*cold, *[0.0001] * 100_000]), seconds=1.0, clock=clock)
    assert timing.warmups > 20
    assert timing.median_ms == pytest.approx(0.1)


def test_warm_up_ends_when_its_share_of_the_time_is_over() -> None:
    clock = FakeClock()
    timing = measure(clock.task(1.01**i * 1e-3 for i in range(100_000)), seconds=0.2, clock=clock)
    assert timing.warmups < 100
    assert timing.drift > 0.05


def test_slow_functions_still_get_the_least_number_of_runs() -> None:
    clock = FakeClock()
    assert measure(clock.task(constant(5.0)), seconds=0.3, min_runs=30, clock=clock).runs == 30


def test_outliers_do_not_move_the_median() -> None:
    clock = FakeClock()
    spikes = (0.5 if i % 10 == 9 else 0.001 for i in range(100_000))
    assert measure(clock.task(spikes), seconds=20.0, clock=clock).median_ms == pytest.approx(1.0)


def test_contestants_run_in_turns_and_a_change_of_clock_meets_both() -> None:
    clock = FakeClock()

    def slowing(seconds: float) -> Iterator[float]:
        while True:
            yield seconds * (1.0 if clock.now < 0.5 else 1.5)

    fast, slow = measure_interleaved(
        [clock.task(slowing(0.001), "a"), clock.task(slowing(0.002), "b")], seconds=0.5, clock=clock
    )
    assert slow.median_ms / fast.median_ms == pytest.approx(2.0, rel=0.01)
    assert fast.runs == slow.runs
    counted = "".join(clock.order[20:])
    assert counted.startswith("a" * 6 + "b" * 6 + "a" * 6)


def test_first_run_of_a_burst_does_not_count_where_others_took_the_caches() -> None:
    clock = FakeClock()

    def cold_after_others(name: str) -> Callable[[], None]:
        def run() -> None:
            clock.now += 0.001 if clock.order[-1:] == [name] else 0.1
            clock.order.append(name)

        return run

    timings = measure_interleaved([cold_after_others("a"), cold_after_others("b")], seconds=1.0, clock=clock)
    assert [t.mad_ms for t in timings] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert [t.median_ms for t in timings] == pytest.approx([1.0, 1.0])


def test_more_noise_and_fewer_runs_widen_the_interval() -> None:
    def width(count: int, spread: float) -> float:
        upcoming = noisy(0.001, seed=1, spread=spread)
        timing = summarise([next(upcoming) for _ in range(count)])
        return timing.high_ms - timing.low_ms

    assert width(400, 0.02) < width(400, 0.2)
    assert width(2000, 0.2) < width(50, 0.2)


def test_interval_covers_the_median_of_the_runs() -> None:
    timing = summarise([next(noisy(0.001, seed)) for seed in range(200)])
    assert timing.low_ms <= timing.median_ms <= timing.high_ms


def test_times_that_come_in_plateaus_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    plateaus = np.repeat(rng.choice([1.0, 1.06], 20), 50) * 1e-3 * (1 + 0.001 * rng.random(1000))
    shuffled = rng.permutation(plateaus)

    def spread(times: np.ndarray) -> float:
        timing = summarise(list(times))
        return timing.high_ms - timing.low_ms

    assert spread(plateaus) >= spread(shuffled)


@pytest.mark.parametrize(
    ("factor", "margin", "expected"), [(1.1, 0.05, True), (1.03, 0.05, False), (1.1, 0.2, False)]
)
def test_differs_needs_intervals_apart_and_a_margin(factor: float, margin: float, expected: bool) -> None:
    one, other = summarise([0.001] * 20), summarise([0.001 * factor] * 20)
    assert one.differs(other, margin=margin) is expected
    assert other.differs(one, margin=margin) is expected


def test_one_run_is_a_timing() -> None:
    assert summarise([0.001]) == Timing(1.0, 0.0, 1.0, 1.0, runs=1, warmups=0, drift=0.0)


def test_garbage_collection_is_off_while_timing_and_on_again_after_an_error() -> None:
    seen: list[bool] = []

    def fails() -> None:
        seen.append(gc.isenabled())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measure(fails)
    assert seen == [False]
    assert gc.isenabled()


def test_nothing_to_time_is_an_error() -> None:
    with pytest.raises(EvaluationError, match="at least one function"):
        measure_interleaved([])


@pytest.mark.parametrize(("seconds", "runs"), [(0.0, 30), (float("nan"), 30), (0.1, 0)])
def test_senseless_numbers_are_an_error(seconds: float, runs: int) -> None:
    with pytest.raises(EvaluationError, match="seconds > 0"):
        measure(lambda: None, seconds=seconds, min_runs=runs)
