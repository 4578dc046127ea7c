"""Plans of a network's buffers on a microcontroller."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.util import find_spec

from netwright.cost import COSTS
from netwright.cost._memory import Layout, Problem, Schedule, all_nodes, problem_of, schedule
from netwright.errors import EvaluationError, UnknownNameError
from netwright.graph import Graph, Tensor
from netwright.target._microcontroller._buffers import Buffer, BufferPlan, PatchPlan
from netwright.target._microcontroller._patches import Grid, Stage, around, patched, stages, tile_graph, tiles
from netwright.target._microcontroller._place import Lives, Placement, first_fit, lives_of
from netwright.target._microcontroller._runtime import int8_layout, root

__all__ = ["SOLVERS", "plan_buffers"]

SOLVERS = ("auto", "heuristic", "cp-sat")
SECONDS = 10.0
"""Time that CP-SAT may take."""
MOVES = 20_000
"""Effort of the search for an order, as in `memory_plan`."""


def plan_buffers(
    graph: Graph,
    *,
    in_place: bool = False,
    patches: Grid | None = None,
    solver: str = "auto",
    seconds: float = SECONDS,
) -> BufferPlan:
    """Order of execution and place of every buffer in 8 bits, with the least memory that was found.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> graph = Graph([x], [conv(conv(x, 8), 16, stride=2)])
    >>> plan = plan_buffers(graph)
    >>> plan.peak_bytes, plan.lower_bound, plan.gap
    (12576, 12576, 0.0)
    >>> plan_buffers(graph, patches=(2, 2)).peak_bytes
    9768

    in_place: let elementwise kernels, sums among them, write over what they read last. patches: rows and columns in
    which the first stage is computed; the stage ends where that needs least. solver: `heuristic` orders by search and
    places by first fit; `cp-sat` goes on from there for so many seconds with order and places together; `auto` does
    that where the heuristic does not reach the bound and OR-Tools is installed.

    Raises EvaluationError where no first stage can be computed in patches, UnknownNameError for another solver, and
    MissingExtraError for `cp-sat` without OR-Tools.
    """
    if solver not in SOLVERS:
        raise UnknownNameError("solver", solver, SOLVERS)
    start = time.perf_counter()
    if patches is None or patches == (1, 1):
        plan = _plan(graph, int8_layout(graph, in_place=in_place), solver, seconds)
    else:
        plan = _in_patches(graph, patches, in_place, solver, seconds)
    return replace(plan, seconds=time.perf_counter() - start, in_place=in_place)


def _plan(graph: Graph, layout: Layout, solver: str, seconds: float) -> BufferPlan:
    problem = problem_of(graph, layout)
    found = schedule(problem, MOVES)
    lives = lives_of(problem, found.order)
    placement = first_fit(problem, lives, found.bound)
    used, bound = "heuristic", found.bound
    wanted = solver == "cp-sat" or (solver == "auto" and find_spec("ortools") is not None)
    if wanted and placement.peak > bound:
        from netwright.target._microcontroller._solver import solve

        better = solve(problem, found.order, lives, placement, bound, seconds)
        bound = better.bound
        if better.placement.peak < placement.peak:
            used, lives, placement = "cp-sat", better.lives, better.placement
            found = replace(found, order=better.order, timeline=(0,) * len(better.order))
    return _written(graph, problem, found, lives, placement, used, bound)


def _written(
    graph: Graph, problem: Problem, found: Schedule, lives: Lives, placement: Placement, solver: str, bound: int
) -> BufferPlan:
    """The plan with the names of the graph."""
    steps = [problem.steps[number] for number in found.order]
    makers = {b: graph.names[step.node.output] for step in problem.steps for b in step.makes}
    # Inputs first, then in order of time; scratch memory is named after the step that it is for.
    order = sorted(range(len(problem.sizes)), key=lambda b: (problem.makers[b] >= 0, lives.first[b], b))
    number = {b: i for i, b in enumerate(order)}
    buffers = [
        Buffer(
            _name(graph, problem.tensors[b], makers.get(b, "")),
            problem.sizes[b], placement.offsets[b], lives.first[b], lives.last[b],
            number[lives.over[b]] if b in lives.over else None,
        )
        for b in order
    ]  # fmt: skip
    return BufferPlan(
        order=all_nodes(graph, problem, found)[0],
        steps=tuple(graph.names[step.node.output] for step in steps),
        buffers=tuple(buffers),
        peak_bytes=placement.peak,
        lower_bound=bound,
        own_order_bytes=found.own_peak,
        solver=solver,
        seconds=0.0,
    )


def _name(graph: Graph, tensor: Tensor | None, maker: str) -> str:
    return graph.names[tensor] if tensor is not None else f"{maker} (scratch)"


def _in_patches(graph: Graph, grid: Grid, in_place: bool, solver: str, seconds: float) -> BufferPlan:
    candidates = [stage for stage in stages(graph) if _fits_grid(stage, grid)]
    tried = [tried for stage in candidates if (tried := _tried(graph, stage, grid, in_place)) is not None]
    if not tried:
        raise EvaluationError(
            f"a first stage in {grid[0]}x{grid[1]} patches must be of local operators on values that large, but this"
            " network begins with none."
        )
    _, _, stage, tile = min(tried, key=lambda each: each[:2])
    split = patched(graph, stage, grid)
    assert split is not None
    plan = _around(graph, stage, tile, in_place, solver, seconds)
    macs = COSTS["macs"]
    whole = _plan(graph, int8_layout(graph, in_place=in_place), "heuristic", seconds).peak_bytes
    until = graph.names[stage.result]
    return replace(plan, patches=PatchPlan(grid, until, split, tile, int(macs.of(split)), int(macs.of(graph)), whole))


def _fits_grid(stage: Stage, grid: Grid) -> bool:
    space = stage.result.shape[2:]
    return all(count <= size for count, size in zip(grid, space, strict=False)) and (len(space) > 1 or grid[1] == 1)


def _tried(graph: Graph, stage: Stage, grid: Grid, in_place: bool) -> tuple[int, int, Stage, BufferPlan] | None:
    """Bytes and multiply-adds with a stage in patches, and the plan of its largest patch."""
    parts = [tile_graph(stage, region) for region in tiles(stage.result.shape, grid)]
    made = [part for part in parts if part is not None]
    if len(made) < len(parts):
        return None
    tile = max((_tile_plan(part, in_place) for part in made), key=lambda plan: plan.peak_bytes)
    plan = _around(graph, stage, tile, in_place, "heuristic", 0.0)
    return plan.peak_bytes, sum(int(COSTS["macs"].of(part)) for part in made), stage, tile


def _tile_plan(part: Graph, in_place: bool) -> BufferPlan:
    """Plan of one patch: it reads the input where it is, and writes its result into that of the stage."""
    slices = frozenset(node for node in part.nodes if node.op.name == "Slice")
    layout = int8_layout(part, in_place=in_place, views=slices)
    silent = frozenset(node for node in part.nodes if layout.silent(node))
    outside = {part.inputs[0]: 0, root(part.outputs[0], silent): 0}
    return _plan(part, int8_layout(part, in_place=in_place, views=slices, sizes=outside), "heuristic", 0.0)


def _around(graph: Graph, stage: Stage, tile: BufferPlan, in_place: bool, solver: str, seconds: float) -> BufferPlan:
    """Plan of the network in which the stage is one step that needs the memory of its largest patch."""
    rest = around(graph, stage)
    step = next(node for node in rest.nodes if node.op.name == "Patches")
    plan = _plan(rest, int8_layout(rest, in_place=in_place, extra={step: tile.peak_bytes}), solver, seconds)
    if tile.gap:
        least = problem_of(rest, int8_layout(rest, in_place=in_place, extra={step: tile.lower_bound}))
        plan = replace(plan, lower_bound=min(plan.lower_bound, schedule(least, MOVES).bound))
    return plan
