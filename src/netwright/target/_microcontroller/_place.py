"""Offsets for the buffers of an order: first fit, in several orders of placing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from netwright.cost._memory import Problem

__all__ = ["Lives", "Placement", "first_fit", "lives_of"]


@dataclass(frozen=True)
class Lives:
    """When each buffer of a problem is live in an order, by steps; and which is written over which."""

    first: tuple[int, ...]
    last: tuple[int, ...]
    over: Mapping[int, int]

    def groups(self) -> list[list[int]]:
        """Buffers that share their place, each group in order of time; most are alone."""
        found: dict[int, list[int]] = {}
        for buffer in sorted(range(len(self.first)), key=lambda b: self.first[b]):
            if buffer in self.over:
                members = found.pop(self.over[buffer])
                found[buffer] = [*members, buffer]
            else:
                found[buffer] = [buffer]
        return list(found.values())


@dataclass(frozen=True)
class Placement:
    """Offset of each buffer, and the end of the highest."""

    offsets: tuple[int, ...]
    peak: int


def lives_of(problem: Problem, order: Sequence[int]) -> Lives:
    """Lives of the buffers when the steps run in this order."""
    place = {number: i for i, number in enumerate(order)}
    end = max(len(order) - 1, 0)
    first = [0 if maker < 0 else place[maker] for maker in problem.makers]
    last = [
        end if buffer in problem.kept else max((place[r] for r in problem.readers[buffer]), default=first[buffer])
        for buffer in range(len(problem.sizes))
    ]
    over = {}
    for i, number in enumerate(order):
        step = problem.steps[number]
        ending = [buffer for buffer in step.over if last[buffer] == i]
        if ending:
            over[step.makes[0]] = ending[0]
    return Lives(tuple(first), tuple(last), over)


def first_fit(problem: Problem, lives: Lives, enough: int) -> Placement:
    """The best of several placements; stops at one that needs no more than `enough`.

    Each places the buffers one by one, at the lowest offset that is free for as long as they live: largest first (as
    TensorFlow Lite for Microcontrollers does), largest product of size and life first, those of the fullest step
    first (Pisarchyk & Lee 2020, greedy by breadth), and in order of time; and in that from both ends in turns.
    """
    groups = lives.groups()
    spans = [(lives.first[g[0]], lives.last[g[-1]], problem.sizes[g[0]]) for g in groups]
    best: Placement | None = None
    lowest = [(key, None) for key in (_by_size, _by_area, _by_breadth(spans), _by_time)]
    for key, top in (*lowest, (_by_time, enough), (_by_turn, enough)):
        order = sorted(range(len(spans)), key=lambda i, key=key: key(spans[i]))  # type: ignore[misc]
        starts = _placed(spans, order, top)
        peak = max((start + spans[i][2] for i, start in starts.items()), default=0)
        if best is None or peak < best.peak:
            offsets = {buffer: starts[i] for i, group in enumerate(groups) for buffer in group}
            best = Placement(tuple(offsets[b] for b in range(len(problem.sizes))), peak)
        if best.peak <= enough:
            break
    assert best is not None
    return best


_Span = tuple[int, int, int]
_Key = Callable[[_Span], tuple[float, ...]]


def _by_size(span: _Span) -> tuple[float, ...]:
    return (-span[2], span[0])


def _by_area(span: _Span) -> tuple[float, ...]:
    return (-span[2] * (span[1] - span[0] + 1), span[0])


def _by_time(span: _Span) -> tuple[float, ...]:
    return (span[0], -span[1])


def _by_turn(span: _Span) -> tuple[float, ...]:
    return (span[0], span[1])


def _by_breadth(spans: Iterable[_Span]) -> _Key:
    """Key by the most that is live at any step of a span."""
    spans = list(spans)
    level = [0] * (1 + max((last for _, last, _ in spans), default=0))
    for first, last, size in spans:
        for step in range(first, last + 1):
            level[step] += size
    return lambda span: (-max(level[span[0] : span[1] + 1]), -span[2], span[0])


def _placed(spans: Sequence[_Span], order: Sequence[int], top: int | None) -> dict[int, int]:
    """Start of each span, at the lowest place that is free; with a top, every other one at the highest below it.

    Values that follow each other at opposite ends are never in each other's way: a chain takes what two of them do.
    """
    starts: dict[int, int] = {}
    for turn, i in enumerate(order):
        first, last, size = spans[i]
        taken = [
            (start, start + spans[j][2])
            for j, start in starts.items()
            if spans[j][0] <= last and first <= spans[j][1]
        ]
        starts[i] = _lowest(taken, size)
        if top is not None and turn % 2:
            from_top = _lowest([(top - high, top - low) for low, high in taken], size)
            starts[i] = top - from_top - size if from_top + size <= top else starts[i]
    return starts


def _lowest(taken: Iterable[tuple[int, int]], size: int) -> int:
    start = 0
    for low, high in sorted(taken):
        if low - start >= size:
            break
        start = max(start, high)
    return start
