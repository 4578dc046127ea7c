"""Regions of a schedule that do not depend on each other."""

from __future__ import annotations

from netwright.cost._memory._problem import Problem

__all__ = ["regions"]


def regions(problem: Problem) -> list[list[int]]:
    """Runs of steps, each up to one that comes after all of them and before all the rest, whatever the order."""
    count = len(problem.steps)
    # A step that waits for none could run first, so before the last of those no point is passed by every order.
    first_cut = max((n for n, step in enumerate(problem.steps) if not step.before), default=0)
    found: list[list[int]] = [[]]
    reach = 0
    for number, step in enumerate(problem.steps):
        found[-1].append(number)
        if number >= first_cut and reach <= number:
            found.append([])
        reach = max(reach, max(step.after, default=count))
    return [members for members in found if members]
