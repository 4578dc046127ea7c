"""Times told against a reference network that runs in between, so that the machine's own ups and downs cancel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netwright.errors import EvaluationError
from netwright.target._protocol import Clock, Timing, burst, resampled_medians, uncollected, warm_up

if TYPE_CHECKING:
    from netwright.graph import Graph

__all__ = ["measure_against", "reference_graph"]

Array = NDArray[np.float64]
Run = Callable[[], object]

_BURST_SECONDS = 0.0015
"""Length of a burst: shorter than the plateaus of a clock, longer than the reference's own burst."""
_MOST, _REFERENCE_RUNS = 20, 4
_AGREES = 0.015
"""Change of the reference over a burst up to which the burst counts."""
_MIN_ROUNDS, _MAX_ROUNDS = 10, 3000
_WARMUP_SHARE = 0.2


def measure_against(
    runs: Sequence[Run],
    reference: Run,
    *,
    seconds: float = 0.3,
    nominal: float | None = None,
    clock: Clock = time.perf_counter,
) -> list[Timing]:
    """Time several functions in turns, with a burst of the reference before and after the burst of each.

    >>> short, long = measure_against([lambda: sum(range(500)), lambda: sum(range(5000))], lambda: sum(range(2000)))
    >>> short.median_ms < long.median_ms
    True

    A burst tells its fastest run, over the mean of the reference's fastest runs around it; it counts where those two
    agree within 1.5 %, which they do not when the clock changes or a neighbour takes the core meanwhile. The median
    of these ratios, times the reference's own time on the machine at its best, is the time: two processes that
    met different clocks tell the same.

    seconds: time for each function. nominal: seconds of the reference at its best, where that is known; the fastest
    it was seen here otherwise. clock: seconds as time.perf_counter gives, or time.thread_time where all the work is
    done in this thread: time that other processes take then counts neither as work nor as time spent.

    Raises EvaluationError when there is nothing to time or the time makes no sense.
    """
    if not runs or not seconds > 0:
        raise EvaluationError(
            f"a function and `seconds > 0` are needed to measure, but got {len(runs)} and seconds={seconds}."
        )
    with uncollected():
        warm_up(reference, seconds * _WARMUP_SHARE / 2, clock)
        warmed = [warm_up(run, seconds * _WARMUP_SHARE, clock) for run in runs]
        counts = [min(_MOST, max(1, round(_BURST_SECONDS / max(typical, 1e-9)))) for _, _, typical in warmed]
        bursts: list[list[tuple[float, float, float]]] = [[] for _ in runs]
        end = clock() + sum(seconds - used for used, _, _ in warmed)
        before, order = _best(reference, _REFERENCE_RUNS, clock), np.random.default_rng(0)
        while len(bursts[0]) < _MIN_ROUNDS or (clock() < end and len(bursts[0]) < _MAX_ROUNDS):
            # What ran before leaves its traces, so that each comes after every other.
            for place in order.permutation(len(runs)):
                taken = _best(runs[place], counts[place], clock)
                after = _best(reference, _REFERENCE_RUNS, clock)
                bursts[place].append((before, taken, after))
                before = after
    found = [np.array(each) for each in bursts]
    scale = float(min(each[:, [0, 2]].min() for each in found)) if nominal is None else nominal
    return [_told(each, scale, count, warm) for each, count, (_, warm, _) in zip(found, counts, warmed, strict=True)]


def _best(run: Run, count: int, clock: Clock) -> float:
    """Fastest of a few runs; the first does not count where there are several: the others have taken the caches."""
    taken = burst(run, count + (count > 1), clock)
    return min(taken[1:] or taken)


def _told(bursts: Array, nominal: float, count: int, warmups: int) -> Timing:
    """Timing of one function from its bursts, a row for each with the reference's before and after it."""
    before, taken, after = bursts.T
    changes = np.abs(after - before) / np.minimum(before, after)
    # The calmest rounds stand in where too few are calm.
    allowed = max(_AGREES, float(np.sort(changes)[min(_MIN_ROUNDS, len(changes)) - 1]))
    ms = (2 * taken / (before + after))[changes <= allowed] * nominal * 1e3
    low, high = np.quantile(resampled_medians(ms), [0.025, 0.975])
    median, half = float(np.median(ms)), len(before) // 2
    return Timing(
        median_ms=median,
        mad_ms=float(np.median(np.abs(ms - median))),
        low_ms=float(low),
        high_ms=float(high),
        runs=len(ms) * count,
        warmups=warmups,
        drift=float(np.median(before[half:]) / np.median(before[:half]) - 1),
        slack=max(0.0, float(np.quantile(before, 0.05)) / nominal - 1),
    )


@lru_cache(maxsize=1)
def reference_graph() -> Graph:
    """A network of three convolutions that takes about 0.1 ms on one core: work that follows the clock.

    >>> reference_graph()
    <Graph 1x16x32x32 -> 1x16x32x32, 9 nodes, 15 parameters>
    """
    from netwright.blocks import conv
    from netwright.graph import Graph, image

    x = y = image(16, 32, 32)
    for _ in range(3):
        y = conv(y, 16)
    return Graph([x], [y])
