"""The best order of the steps of one region, by search."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from netwright.cost._memory._problem import Problem

__all__ = ["Budget", "Found", "search"]


@dataclass
class Budget:
    """Moves that a search may still look at."""

    left: int


@dataclass(frozen=True)
class Found:
    """An order of a region, its peak, and whether no order has a smaller one above the floor."""

    order: list[int]
    peak: int
    proven: bool


@dataclass(frozen=True, slots=True)
class _State:
    """Which steps of a region are done and which could be next, as bit masks; bytes live now and at the most."""

    done: int
    ready: int
    live: int
    peak: int
    path: tuple[int, _State] | None = None
    depth: int = 0

    def order(self) -> list[int]:
        steps, state = [], self
        while state.path is not None:
            step, state = state.path
            steps.append(step)
        return steps[::-1]


class _Region:
    """The steps of a region by their places in it."""

    def __init__(self, problem: Problem, members: Sequence[int], live: int, floor: int) -> None:
        self.members = list(members)
        place = {number: i for i, number in enumerate(members)}
        inside = [[place[n] for n in problem.steps[number].before if n in place] for number in members]
        self.before = [_mask(places) for places in inside]
        self.after = [[place[n] for n in problem.steps[number].after if n in place] for number in members]
        self.makes = [sum(problem.sizes[b] for b in problem.steps[number].makes) for number in members]
        self.frees = [_frees(problem, number, place) for number in members]
        self.over = [_ends(problem, problem.steps[number].over, place) for number in members]
        ready = _mask([i for i, mask in enumerate(self.before) if not mask])
        self.start = _State(0, ready, live, floor)
        self.all = (1 << len(members)) - 1

    def moves(self, state: _State) -> Iterator[_State]:
        ready = state.ready
        while ready:
            bit = ready & -ready
            ready ^= bit
            yield self.after_move(state, bit)

    def after_move(self, state: _State, bit: int) -> _State:
        step = bit.bit_length() - 1
        done = state.done | bit
        during = state.live + self.makes[step]
        live = during - sum(size for readers, size in self.frees[step] if not readers & ~done)
        during -= max((size for readers, size in self.over[step] if not readers & ~done), default=0)
        ready = state.ready ^ bit
        for later in self.after[step]:
            if not self.before[later] & ~done:
                ready |= 1 << later
        return _State(done, ready, live, max(state.peak, during), (step, state), state.depth + 1)

    def found(self, state: _State, proven: bool) -> Found:
        return Found([self.members[i] for i in state.order()], state.peak, proven)


def search(problem: Problem, members: Sequence[int], live: int, floor: int, known: int, budget: Budget) -> Found:
    """Order of a region with the smallest peak, or the best one that the budget allows.

    live: bytes at its start. floor: peak below which nothing is gained.
    known: peak of the order as it is.

    The smallest peak so far goes first, and of equal ones the longest order. A step that frees as much as it makes
    and stays below the peak is taken at once: to take it later never needs less.
    """
    region = _Region(problem, members, live, floor)
    ticket = count()
    heap = [(region.start.peak, 0, 0, region.start)]
    seen: set[int] = set()
    deepest = region.start
    while heap:
        state = heapq.heappop(heap)[3]
        if state.done == region.all:
            return region.found(state, proven=True)
        if state.done in seen:
            continue
        seen.add(state.done)
        deepest = max(deepest, state, key=lambda s: s.depth)
        if budget.left <= 0:
            return _greedily(region, (region.start, deepest), known)
        moves = list(region.moves(state))
        budget.left -= len(moves)
        free = next((m for m in moves if m.peak == state.peak and m.live <= state.live), None)
        for move in [free] if free else moves:
            if move.peak < known and move.done not in seen:
                heapq.heappush(heap, (move.peak, -move.depth, next(ticket), move))
    return Found(list(members), known, proven=True)


def _greedily(region: _Region, starts: Sequence[_State], known: int) -> Found:
    """Go on from each state with the step that needs least, then leaves least; the known order if that is as good."""
    best: _State | None = None
    for state in starts:
        while state.done != region.all:
            state = min(region.moves(state), key=lambda move: (move.peak, move.live))
        if state.peak < (best.peak if best else known):
            best = state
    return region.found(best, proven=False) if best else Found(list(region.members), known, proven=False)


def _frees(problem: Problem, number: int, place: Mapping[int, int]) -> list[tuple[int, int]]:
    step = problem.steps[number]
    return _ends(problem, (*step.reads, *step.makes), place)


def _ends(problem: Problem, buffers: Iterable[int], place: Mapping[int, int]) -> list[tuple[int, int]]:
    """Those buffers that end in the region, once all their readers are done: the mask of these, and the bytes."""
    ends, last = [], max(place)
    for buffer in buffers:
        readers = problem.readers[buffer]
        here = [place[n] for n in readers if n in place]
        if max(readers, default=0) <= last and buffer not in problem.kept:
            ends.append((_mask(here), problem.sizes[buffer]))
    return ends


def _mask(places: Sequence[int]) -> int:
    mask = 0
    for place in places:
        mask |= 1 << place
    return mask
