"""Order and offsets together, by OR-Tools CP-SAT: the least memory, or a bound on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from netwright._optional import require
from netwright.cost._memory import Problem, closures
from netwright.target._microcontroller._place import Lives, Placement, lives_of

__all__ = ["Solution", "solve"]


@dataclass(frozen=True)
class Solution:
    """The best order and placement found, and bytes that no other can do without."""

    order: tuple[int, ...]
    lives: Lives
    placement: Placement
    bound: int


def solve(
    problem: Problem, order: Sequence[int], lives: Lives, placement: Placement, bound: int, seconds: float
) -> Solution:
    """Search from a plan that is known; the same plan where none needs less, or none was found in time.

    Each step has a place in the order; each buffer is a rectangle of steps and bytes; no two may overlap. A step that
    writes over what it reads last gives its result the place of that.

    Raises MissingExtraError without OR-Tools.
    """
    cp_model = require("ortools.sat.python.cp_model", extra="mcu")
    unit = gcd(*problem.sizes) or 1
    model = _Model(cp_model, problem, unit, placement.peak)
    model.hint(order, lives, placement)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    status = solver.solve(model.model)
    proven = max(bound, round(solver.best_objective_bound) * unit)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE) or solver.objective_value * unit >= placement.peak:
        return Solution(tuple(order), lives, placement, min(proven, placement.peak))
    return model.read(solver, proven)


class _Model:
    """The constraints. Sizes are in units, which divide all of them."""

    def __init__(self, cp_model: Any, problem: Problem, unit: int, most: int) -> None:
        self.problem, self.unit, self.model = problem, unit, cp_model.CpModel()
        self.sizes = [size // unit for size in problem.sizes]
        self.steps = len(problem.steps)
        self.peak = self.model.new_int_var(0, most // unit, "peak")
        self.place = self._places()
        self.offset = [self.model.new_int_var(0, most // unit - size, "") for size in self.sizes]
        self.over = self._overwriting()
        self.first = [self._first(buffer) for buffer in range(len(self.sizes))]
        self.end = [self._end(buffer) for buffer in range(len(self.sizes))]
        self._no_overlap()
        self.model.minimize(self.peak)

    def _places(self) -> list[Any]:
        """Place of each step, between those that must come before and those that must come after."""
        before, after = closures(self.problem)
        places = [
            self.model.new_int_var(before[n].bit_count(), self.steps - 1 - after[n].bit_count(), "")
            for n in range(self.steps)
        ]
        self.model.add_all_different(places)
        for number, step in enumerate(self.problem.steps):
            for earlier in step.before:
                self.model.add(places[earlier] < places[number])
        return places

    def _overwriting(self) -> dict[tuple[int, int], Any]:
        """Whether a buffer is written over another one, by both their numbers."""
        found = {}
        for number, step in enumerate(self.problem.steps):
            choices = []
            for read in step.over:
                made = step.makes[0]
                chosen = self.model.new_bool_var("")
                choices.append(chosen)
                found[made, read] = chosen
                self.model.add(self.offset[made] == self.offset[read]).only_enforce_if(chosen)
                for other in self.problem.readers[read]:
                    if other != number:
                        self.model.add(self.place[other] < self.place[number]).only_enforce_if(chosen)
            if len(choices) > 1:
                self.model.add_at_most_one(choices)
        return found

    def _first(self, buffer: int) -> Any:
        """First step of the rectangle: one later where it is written over another one, which ends there."""
        maker = self.problem.makers[buffer]
        if maker < 0:
            return 0
        chosen = [chosen for (made, _), chosen in self.over.items() if made == buffer]
        if not chosen:
            return self.place[maker]
        first = self.model.new_int_var(0, self.steps, "")
        self.model.add(first == self.place[maker] + sum(chosen))
        return first

    def _end(self, buffer: int) -> Any:
        """The step behind the last one of the rectangle."""
        if buffer in self.problem.kept:
            return self.steps
        end = self.model.new_int_var(0, self.steps, "")
        for reader in self.problem.readers[buffer]:
            self.model.add(end >= self.place[reader] + 1)
        maker = self.problem.makers[buffer]
        self.model.add(end >= (1 if maker < 0 else self.place[maker] + 1))
        return end

    def _no_overlap(self) -> None:
        times, places = [], []
        for buffer, size in enumerate(self.sizes):
            length = self.model.new_int_var(0, self.steps, "")
            times.append(self.model.new_interval_var(self.first[buffer], length, self.end[buffer], ""))
            places.append(self.model.new_fixed_size_interval_var(self.offset[buffer], size, ""))
            self.model.add(self.offset[buffer] + size <= self.peak)
        self.model.add_no_overlap_2d(times, places)
        # It follows from the above, but the solver's bound is far better with it.
        self.model.add_cumulative(times, self.sizes, self.peak)

    def hint(self, order: Sequence[int], lives: Lives, placement: Placement) -> None:
        """Start from a plan."""
        for i, number in enumerate(order):
            self.model.add_hint(self.place[number], i)
        for buffer, offset in enumerate(placement.offsets):
            self.model.add_hint(self.offset[buffer], offset // self.unit)
            if not isinstance(self.end[buffer], int):
                self.model.add_hint(self.end[buffer], lives.last[buffer] + 1)
        for (made, read), chosen in self.over.items():
            self.model.add_hint(chosen, int(lives.over.get(made) == read))
        self.model.add_hint(self.peak, placement.peak // self.unit)

    def read(self, solver: Any, bound: int) -> Solution:
        """The plan that the solver found."""
        order = tuple(sorted(range(self.steps), key=lambda number: solver.value(self.place[number])))
        lives = lives_of(self.problem, order)
        over = {made: read for (made, read), chosen in self.over.items() if solver.value(chosen)}
        offsets = tuple(solver.value(offset) * self.unit for offset in self.offset)
        peak = max((o + s for o, s in zip(offsets, self.problem.sizes, strict=True)), default=0)
        return Solution(order, Lives(lives.first, lives.last, over), Placement(offsets, peak), min(bound, peak))
