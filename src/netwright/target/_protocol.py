"""How a time is measured: warm-up until steady, contestants in turns, median of many, an honest interval."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, isqrt
from statistics import median

import numpy as np
from numpy.typing import NDArray

from netwright.errors import EvaluationError

__all__ = [
    "Clock",
    "Timing",
    "burst",
    "measure",
    "measure_interleaved",
    "resampled_medians",
    "together",
    "uncollected",
    "warm_up",
]

Clock = Callable[[], float]

_WARMUP_SHARE = 0.25
"""Part of the time that warming up may take."""
_WINDOW = 5
"""Runs in one window of the warm-up; two windows in a row whose medians agree are steady."""
_STEADY = 0.02
_BURST = 5
"""Runs of one contestant before it is the next one's turn."""
_MAX_RUNS = 5_000
_RESAMPLES = 300


@dataclass(frozen=True)
class Timing:
    """What many runs of one thing took.

    >>> timing = Timing(median_ms=1.1, mad_ms=0.02, low_ms=1.08, high_ms=1.13, runs=30, warmups=10, drift=0.0)
    >>> timing.median_ms, timing.slack
    (1.1, 0.0)

    median_ms: median of the runs, in ms.
    mad_ms: median absolute deviation from the median, in ms.
    low_ms, high_ms: 95 % bootstrap interval of the median, in ms.
    runs, warmups: runs that count, and runs before them that do not.
    drift: median of the second half of the runs over that of the first half, minus 1; of the reference's runs
    where one was measured in between.
    slack: how far the machine's best may have been missed: what the reference took in its fastest twentieth over the
    fastest of all, minus 1; 0 without a reference.
    """

    median_ms: float
    mad_ms: float
    low_ms: float
    high_ms: float
    runs: int
    warmups: int
    drift: float
    slack: float = 0.0

    def differs(self, other: Timing, *, margin: float = 0.05) -> bool:
        """Whether the intervals are apart and the medians differ by more than `margin`.

        >>> fast, slow = (Timing(ms, 0.0, 0.99 * ms, 1.01 * ms, runs=30, warmups=10, drift=0.0) for ms in (1.0, 1.1))
        >>> fast.differs(slow), fast.differs(slow, margin=0.2)
        (True, False)

        Clocks have plateaus some 6 % apart, so a smaller margin needs both timings from one interleaved run.
        """
        apart = self.high_ms < other.low_ms or other.high_ms < self.low_ms
        low, high = sorted((self.median_ms, other.median_ms))
        return apart and high > low * (1 + margin)


def measure(
    run: Callable[[], object],
    *,
    seconds: float = 0.3,
    min_runs: int = 30,
    clock: Clock = time.perf_counter,
) -> Timing:
    """Time one function by the protocol of `measure_interleaved`.

    >>> measure(lambda: sum(range(100)), seconds=0.01).runs >= 30
    True

    seconds: time to spend, warm-up included; `min_runs` is kept even where it takes longer.
    """
    return measure_interleaved([run], seconds=seconds, min_runs=min_runs, clock=clock)[0]


def measure_interleaved(
    runs: Sequence[Callable[[], object]],
    *,
    seconds: float = 0.3,
    min_runs: int = 30,
    clock: Clock = time.perf_counter,
) -> list[Timing]:
    """Time several functions in turns, so that a change of clock or load meets all of them alike.

    >>> short, long = measure_interleaved([lambda: sum(range(50)), lambda: sum(range(5000))], seconds=0.02)
    >>> short.median_ms < long.median_ms
    True

    Each function is first run until the medians of two windows of runs agree within 2 %. Then each has a burst of
    runs in turn; where there are several, the first run of a burst does not count, because the others have taken
    the caches. The garbage collector is off meanwhile.

    seconds: time for each function. clock: seconds since some moment, as time.perf_counter gives.

    Raises EvaluationError when there is nothing to time or the numbers make no sense.
    """
    if not runs:
        raise EvaluationError("at least one function is needed to measure times, but got none.")
    if not seconds > 0 or min_runs < 1:
        raise EvaluationError(
            f"`seconds > 0` and `min_runs >= 1` must hold, but got seconds={seconds}, min_runs={min_runs}."
        )
    with uncollected():
        warmed = [warm_up(run, seconds * _WARMUP_SHARE, clock) for run in runs]
        times: list[list[float]] = [[] for _ in runs]
        lead_in = 1 if len(runs) > 1 else 0
        end = clock() + sum(seconds - used for used, _, _ in warmed)
        while len(times[0]) < min_runs or (clock() < end and len(times[0]) < _MAX_RUNS):
            for run, taken in zip(runs, times, strict=True):
                taken.extend(burst(run, lead_in + _BURST, clock)[lead_in:])
    return [summarise(taken, warmups=warm) for taken, (_, warm, _) in zip(times, warmed, strict=True)]


def summarise(times: Sequence[float], *, warmups: int = 0) -> Timing:
    """Timing of runs that took `times` seconds, in the order in which they ran.

    The interval comes from a moving-block bootstrap (Künsch 1989): runs close in time are alike, and resampling
    them one by one would make the interval too narrow.
    """
    ms = np.asarray(times, dtype=np.float64) * 1e3
    middle = float(np.median(ms))
    half = len(ms) // 2
    first, second = (np.median(ms[:half]), np.median(ms[half:])) if half else (middle, middle)
    low, high = np.quantile(resampled_medians(ms), [0.025, 0.975])
    return Timing(
        median_ms=middle,
        mad_ms=float(np.median(np.abs(ms - middle))),
        low_ms=float(low),
        high_ms=float(high),
        runs=len(ms),
        warmups=warmups,
        drift=float(second / first - 1) if first > 0 else 0.0,
    )


def resampled_medians(ms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians of resampled blocks of runs."""
    size = max(1, isqrt(len(ms)))
    blocks = ceil(len(ms) / size)
    starts = np.random.default_rng(0).integers(0, len(ms) - size + 1, (_RESAMPLES, blocks, 1))
    resampled = ms[(starts + np.arange(size)).reshape(_RESAMPLES, -1)[:, : len(ms)]]
    medians: NDArray[np.float64] = np.median(resampled, axis=1)
    return medians


def together(timings: Sequence[Timing]) -> Timing:
    """One timing of the same thing set up several times: the median, and an interval that holds all of theirs.

    >>> def timing(ms):
    ...     return Timing(ms, 0.0, 0.99 * ms, 1.01 * ms, runs=30, warmups=10, drift=0.0)
    >>> found = together([timing(1.0), timing(1.1), timing(1.2)])
    >>> found.median_ms, found.low_ms, found.high_ms, found.runs
    (1.1, 0.99, 1.212, 90)
    """
    return Timing(
        median_ms=median(each.median_ms for each in timings),
        mad_ms=median(each.mad_ms for each in timings),
        low_ms=min(each.low_ms for each in timings),
        high_ms=max(each.high_ms for each in timings),
        runs=sum(each.runs for each in timings),
        warmups=sum(each.warmups for each in timings),
        drift=median(each.drift for each in timings),
        slack=max(each.slack for each in timings),
    )


def burst(run: Callable[[], object], count: int, clock: Clock) -> list[float]:
    """Seconds of each of `count` runs."""
    times = []
    for _ in range(count):
        start = clock()
        run()
        times.append(clock() - start)
    return times


def warm_up(run: Callable[[], object], seconds: float, clock: Clock) -> tuple[float, int, float]:
    """Run until two windows agree or the time is over; seconds and runs that it took, and the last median."""
    start = clock()
    count, before = 0, float("inf")
    while True:
        now = float(np.median(burst(run, _WINDOW, clock)))
        count += _WINDOW
        if abs(now - before) <= _STEADY * now or clock() - start >= seconds:
            return clock() - start, count, now
        before = now


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
