"""Regions of a schedule that do not depend on each other."""

from __future__ import annotations

from netwright.cost._memory._problem import Problem

__all__ = ["constant_steps", "regions"]


def constant_steps(problem: Problem) -> set[int]:
    """Steps that depend on no input of the graph, such as those that shape a table of positions."""
    found: set[int] = set()
    for number, step in enumerate(problem.steps):
        made_so = all(problem.makers[read] in found for read in step.reads)
        if made_so and all(earlier in found for earlier in step.before):
            found.add(number)
    return found


def regions(problem: Problem, constants: set[int]) -> list[list[int]]:
    """Runs of steps, each up to one that comes after all of them and before all the rest, whatever the order.

    Steps that depend on no input could run at any time; each stands in the region that first reads it.
    """
    count, data = len(problem.steps), [n for n in range(len(problem.steps)) if n not in constants]
    sources = [n for n in data if all(earlier in constants for earlier in problem.steps[n].before)]
    first_cut = max(sources, default=0)
    found: list[list[int]] = [[]]
    region_of: dict[int, int] = {}
    reach = 0
    for number in data:
        found[-1].append(number)
        region_of[number] = len(found) - 1
        if number >= first_cut and reach <= number:
            found.append([])
        reach = max(reach, max(problem.steps[number].after, default=count))
    return _with_constants(problem, constants, found, region_of)


def _with_constants(
    problem: Problem, constants: set[int], found: list[list[int]], region_of: dict[int, int]
) -> list[list[int]]:
    for number in sorted(constants, reverse=True):
        region = min((region_of[later] for later in problem.steps[number].after), default=len(found) - 1)
        region_of[number] = region
        found[region].append(number)
    return [sorted(members) for members in found if members]
