"""The order of execution that needs least memory for activations, as far as it can be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netwright.cost._memory._bound import lower_bound
from netwright.cost._memory._problem import Problem, problem_of
from netwright.cost._memory._regions import regions
from netwright.cost._memory._search import Budget, search
from netwright.graph import Graph, Node, Tensor

__all__ = ["MemoryPlan", "Schedule", "all_nodes", "memory_plan", "peak_memory", "schedule"]

MOVES = 20_000
"""Moves that the search for an order looks at: some 0.2 s where it needs them all."""


@dataclass(frozen=True)
class MemoryPlan:
    """An order of execution and the activation memory that it needs.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 10, 10)
    >>> plan = memory_plan(Graph([x], [ops.relu(ops.flatten(ops.exp(x)))]))
    >>> [node.op.name for node in plan.order], plan.timeline, plan.peak_bytes, plan.exact
    (['Exp', 'Flatten', 'Relu'], (800, 800, 800), 800, True)

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
    found = schedule(problem, moves)
    nodes, live = all_nodes(graph, problem, found)
    return MemoryPlan(nodes, found.peak, live, found.bound, found.exact, found.own_peak)


@dataclass(frozen=True)
class Schedule:
    """Steps of a problem in an order, bytes live while each runs, the peak, and what is known of other orders."""

    order: tuple[int, ...]
    timeline: tuple[int, ...]
    peak: int
    bound: int
    exact: bool
    own_peak: int


def schedule(problem: Problem, moves: int = MOVES) -> Schedule:
    """The order with the smallest peak that was found; the problem's own one where that already reaches the bound."""
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
    return Schedule(tuple(order), tuple(timeline), peak, bound, proven or peak <= bound, own)


def _improved(
    problem: Problem, levels: Sequence[tuple[int, int]], bound: int, budget: Budget
) -> tuple[list[int], int, bool]:
    """Order with every region above the bound searched, a bound raised by what was proven, and whether all was."""
    parts = regions(problem)
    starts = [levels[part[0] - 1][1] if part[0] else problem.at_start for part in parts]
    peaks = [max(levels[number][0] for number in part) for part in parts]
    proven, floor = True, bound
    for i in sorted(range(len(parts)), key=lambda i: -peaks[i]):
        if peaks[i] <= floor:
            break
        found = search(problem, parts[i], starts[i], floor, peaks[i], budget)
        parts[i] = found.order
        proven = proven and found.proven
        if found.proven:
            bound = max(bound, found.peak)
        # What cannot be had for less in one region need not be had for less in the others.
        floor = max(floor, found.peak)
    return [number for part in parts for number in part], bound, proven


def all_nodes(graph: Graph, problem: Problem, found: Schedule) -> tuple[tuple[Node, ...], tuple[int, ...]]:
    """All nodes and bytes: those that touch no activations each right before the first node that needs them."""
    order: dict[Node, int] = {}
    steps = [problem.steps[number].node for number in found.order]
    loud = set(steps)

    def place(tensors: Sequence[Tensor | None], level: int) -> None:
        waiting = [node for node in _silent(tensors, loud) if node not in order]
        while waiting:
            before = [node for node in _silent(waiting[-1].inputs, loud) if node not in order]
            if before:
                waiting += before
            else:
                order.setdefault(waiting.pop(), level)

    level = problem.at_start
    for step, level_of_step in zip(steps, found.timeline, strict=True):
        place(step.inputs, level)
        order[step] = level = level_of_step
    place(graph.outputs, level)
    return tuple(order), tuple(order.values())


def _silent(tensors: Sequence[Tensor | None], loud: set[Node]) -> list[Node]:
    return [t.node for t in tensors if t is not None and t.node is not None and t.node not in loud]
