"""A lower bound on the peak of every order: what must be live together while a step runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netwright.cost._memory._problem import Problem

__all__ = ["closures", "lower_bound"]

EFFORT = 20_000_000
"""Steps times long-lived buffers up to which those are looked at; the bound stays a bound without them."""


def lower_bound(problem: Problem) -> int:
    """Bytes that some step cannot do without, whatever the order.

    While a step runs, what it reads and what it makes is live, but once where one may be written over the other. So
    is every other buffer whose maker is an ancestor of the step and which a descendant still reads: a skip
    connection, for example. An output of the graph is live from its maker on.
    """
    count = len(problem.steps)
    need = np.zeros(count, dtype=np.int64)
    for number, step in enumerate(problem.steps):
        need[number] = sum(problem.sizes[buffer] for buffer in (*step.reads, *step.makes))
    before, after = closures(problem)
    for number, step in enumerate(problem.steps):
        last = [over for over in step.over if not any(after[number] >> r & 1 for r in problem.readers[over])]
        need[number] -= max((problem.sizes[over] for over in last), default=0)
    everything = (1 << count) - 1
    effort = EFFORT
    for buffer, size in enumerate(problem.sizes):
        maker, readers = problem.makers[buffer], problem.readers[buffer]
        later = everything if maker < 0 else after[maker]
        earlier = everything if buffer in problem.kept else 0
        for reader in readers:
            earlier |= before[reader]
        between = later & earlier
        for reader in readers:
            between &= ~(1 << reader)
        if between and effort > 0:
            effort -= count
            need[_bits(between, count)] += size
    return max(int(need.max(initial=0)), problem.at_start)


def closures(problem: Problem) -> tuple[list[int], list[int]]:
    """Ancestors and descendants of each step, as bit masks."""
    before, after = [0] * len(problem.steps), [0] * len(problem.steps)
    for number, step in enumerate(problem.steps):
        mask = 0
        for earlier in step.before:
            mask |= before[earlier] | 1 << earlier
        before[number] = mask
    for number in range(len(problem.steps) - 1, -1, -1):
        mask = 0
        for later in problem.steps[number].after:
            mask |= after[later] | 1 << later
        after[number] = mask
    return before, after


def _bits(mask: int, count: int) -> NDArray[np.bool_]:
    raw = np.frombuffer(mask.to_bytes((count + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(raw, count=count, bitorder="little").view(np.bool_)
