"""The order of execution that needs least memory for activations, as far as it can be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.cost._memory._bound import lower_bound
from netwright.cost._memory._problem import VIEWS, Problem, problem_of
from netwright.cost._memory._regions import constant_steps, regions
from netwright.cost._memory._search import Budget, search
from netwright.graph import Graph, Node, Tensor

__all__ = ["MemoryPlan", "memory_plan", "peak_memory"]

MOVES = 20_000
"""Moves that the search for an order looks at: some 0.2 s where it needs them all."""


@dataclass(frozen=True)
class MemoryPlan:
    """An order of execution and the activation memory that it needs.

    order: all nodes. peak_bytes: of this order. timeline: bytes live while each node runs. lower_bound: bytes that no
    order can do without. exact: no order needs less than this one. graph_peak_bytes: peak of the graph's own order.
    """

    order: tuple[Node, ...]
    peak_bytes: int
    timeline: tuple[int, ...]
    lower_bound: int
    exact: bool
    graph_peak_bytes: int


def peak_memory(graph: Graph) -> int:
    """Largest sum of live activations in the order of the graph, in bytes.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 10, 10)
    >>> peak_memory(Graph([x], [ops.relu(ops.flatten(ops.exp(x)))]))
    800
    """
    problem = problem_of(graph)
    levels = problem.levels(range(len(problem.steps)))
    return max((during for during, _ in levels), default=problem.at_start)


def memory_plan(graph: Graph, moves: int = MOVES) -> MemoryPlan:
    """Order of execution with the smallest peak of live activations that was found, and a bound on every order's.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 10, 10)
    >>> wide = ops.concat(x, x, x, axis=1)
    >>> plan = memory_plan(Graph([x], [ops.add(ops.reduce_mean(ops.exp(x)), ops.reduce_mean(wide))]))
    >>> plan.graph_peak_bytes, plan.peak_bytes, plan.lower_bound, plan.exact
    (1604, 1604, 1604, True)

    moves: how much the search may look at. The graph's own order is kept where it already reaches the bound.

    A value is live from the node that makes it to the last one that reads it, inputs from the start and outputs to
    the end; a view is part of what it views; no node works in place. Weights are not part of it. Steps between two
    points through which every order passes are ordered on their own; the search in them is exact while it lasts, and
    greedy after that. Finding the best order is NP-complete in general (Sethi 1975, register allocation).
    """
    problem = problem_of(graph)
    order = list(range(len(problem.steps)))
    levels = list(problem.levels(order))
    own = max((during for during, _ in levels), default=problem.at_start)
    bound = lower_bound(problem)
    proven = own <= bound
    timeline, peak = [during for during, _ in levels], own
    if not proven:
        found, bound, proven = _improved(problem, levels, bound, Budget(moves))
        other = [during for during, _ in problem.levels(found)]
        if max(other) < own:
            order, timeline, peak = found, other, max(other)
    nodes, live = _with_views(graph, [problem.steps[i].node for i in order], timeline, problem.at_start)
    return MemoryPlan(nodes, peak, live, bound, proven or peak <= bound, own)


def _improved(
    problem: Problem, levels: Sequence[tuple[int, int]], bound: int, budget: Budget
) -> tuple[list[int], int, bool]:
    """Order with every region above the bound searched, a bound raised by what was proven, and whether all was."""
    constants = constant_steps(problem)
    parts = regions(problem, constants)
    start = problem.at_start
    if constants:
        levels = list(problem.levels([number for part in parts for number in part]))
    peaks, starts, place = [], [], 0
    for part in parts:
        starts.append(levels[place - 1][1] if place else start)
        peaks.append(max(during for during, _ in levels[place : place + len(part)]))
        place += len(part)
    proven, floor = True, bound
    for i in sorted(range(len(parts)), key=lambda i: -peaks[i]):
        if peaks[i] <= floor:
            break
        done = {number for part in parts[:i] for number in part}
        found = search(problem, parts[i], done, starts[i], floor, peaks[i], budget)
        parts[i] = found.order
        proven = proven and found.proven
        if found.proven and not constants:
            bound = max(bound, found.peak)
        # What cannot be had for less in one region need not be had for less in the others.
        floor = max(floor, found.peak)
    return [number for part in parts for number in part], bound, proven and not constants


def _with_views(
    graph: Graph, steps: Sequence[Node], timeline: Sequence[int], start: int
) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    """All nodes and bytes, each view right before the first node that needs it."""
    order: dict[Node, int] = {}
    level = start

    def place_views(tensors: Sequence[Tensor | None]) -> None:
        waiting = [t.node for t in tensors if t is not None and t.node is not None and t.node.op.name in VIEWS]
        while waiting:
            view = waiting[-1]
            above = view.inputs[0]
            source = above.node if above is not None else None
            if view not in order and source is not None and source.op.name in VIEWS and source not in order:
                waiting.append(source)
                continue
            order.setdefault(waiting.pop(), level)

    for step, bytes_live in zip(steps, timeline, strict=True):
        place_views(step.inputs)
        order[step] = level = bytes_live
    place_views(graph.outputs)
    return tuple(order), tuple(order.values())
