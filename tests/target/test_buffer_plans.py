"""Plans of buffers: valid on any graph, the best on small ones, and patches that compute what the whole computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.blocks import conv, depthwise_separable, mbconv
from netwright.cost._memory import Layout, Problem, problem_of, schedule
from netwright.errors import EvaluationError, UnknownNameError
from netwright.graph import Graph, Input, Opaque, Tensor, constant, image, ops, parameter, verify
from netwright.target._microcontroller._buffers import BufferPlan
from netwright.target._microcontroller._patches import patched, stages
from netwright.target._microcontroller._place import first_fit, lives_of
from netwright.target._microcontroller._plan import plan_buffers
from netwright.target._microcontroller._runtime import fused, int8_size

HAS_ORTOOLS = find_spec("ortools") is not None
NEEDS_ORTOOLS = pytest.mark.skipif(not HAS_ORTOOLS, reason="needs OR-Tools")
OVERWRITING = Layout(size=lambda t: t.size, overwrites=lambda node: node.op.name != "test::Work")


def work(*inputs: Tensor, size: int) -> Tensor:
    """A node that makes so many elements of whatever it reads."""
    made: Tensor = Opaque("test::Work", [((1, size), "float32")])(*inputs)
    return made


@st.composite
def graphs(draw: st.DrawFn, most: int = 8) -> Graph:
    """Graphs of work, sums and activations, with values of few sizes so that some can be written over others."""
    x = Input((1, draw(st.integers(1, 4))), name="x")
    tensors: list[Tensor] = [x]
    for _ in range(draw(st.integers(1, most))):
        a, b = draw(st.sampled_from(tensors)), draw(st.sampled_from(tensors))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            tensors.append(ops.exp(a))
        elif kind == 1 and a.shape == b.shape:
            tensors.append(ops.add(a, b))
        else:
            tensors.append(work(*dict.fromkeys((a, b)), size=draw(st.integers(1, 4))))
    used = {t for made in tensors if made.node for t in made.node.inputs}
    return Graph([x], [t for t in tensors if t.node is not None and t not in used])


def check(graph: Graph, plan: BufferPlan) -> None:
    """By definition: nodes after what they read, and no byte in two values that are live at once."""
    done: set[Tensor] = set()
    for node in plan.order:
        assert all(t is None or t.node is None or t in done for t in node.inputs)
        done.update(node.outputs)
    assert sorted(map(id, plan.order)) == sorted(map(id, graph.nodes))
    names = {name: step for step, name in enumerate(plan.steps)}
    assert len(names) == len(plan.steps)
    for number, one in enumerate(plan.buffers):
        assert 0 <= one.offset <= one.end <= plan.peak_bytes
        for other_number, other in enumerate(plan.buffers[:number]):
            if one.over == other_number or other.over == number:
                early, late = (other, one) if one.over == other_number else (one, other)
                assert (early.offset, early.size, early.last) == (late.offset, late.size, late.first)
            else:
                assert not one.clashes(other)
    assert plan.lower_bound <= plan.peak_bytes == max((b.end for b in plan.buffers), default=0)
    assert max(plan.timeline, default=0) <= plan.peak_bytes


def check_lives(graph: Graph, plan: BufferPlan) -> None:
    """Each value is live from the step that makes it to the last that reads it; without views and fused nodes."""
    steps = {name: number for number, name in enumerate(plan.steps)}
    buffers = {buffer.name: buffer for buffer in plan.buffers}
    for tensor, readers in graph.users.items():
        buffer = buffers[graph.names[tensor]]
        assert buffer.first == (0 if tensor.node is None else steps[graph.names[tensor]])
        last = len(steps) - 1 if tensor in graph.outputs else max(steps[graph.names[n.output]] for n in readers)
        assert buffer.last == last
        assert buffer.size == int8_size(tensor)


@settings(max_examples=150, deadline=None)
@given(graphs(), st.booleans())
def test_a_plan_is_valid(graph: Graph, in_place: bool) -> None:
    plan = plan_buffers(graph, in_place=in_place, solver="heuristic")
    check(graph, plan)
    check_lives(graph, plan)
    assert in_place or all(buffer.over is None for buffer in plan.buffers)


def orders(problem: Problem) -> Iterator[list[int]]:
    for order in permutations(range(len(problem.steps))):
        place = {number: i for i, number in enumerate(order)}
        if all(place[b] < place[n] for n, step in enumerate(problem.steps) for b in step.before):
            yield list(order)


def most_live(problem: Problem, order: Sequence[int]) -> int:
    """Peak of an order by definition: what is made and still read, once where a result is written over it."""
    done: list[int] = []
    peak = problem.at_start
    for i, number in enumerate(order):
        done.append(number)
        made = {b for b, maker in enumerate(problem.makers) if maker < 0 or maker in done}
        later = set(order[i:])
        live = {b for b in made if b in problem.kept or later & set(problem.readers[b])}
        live |= set(problem.steps[number].makes)
        free = [
            b for b in problem.steps[number].over if set(problem.readers[b]) <= set(done) and b not in problem.kept
        ]
        peak = max(peak, sum(problem.sizes[b] for b in live) - max((problem.sizes[b] for b in free), default=0))
    return peak


@settings(max_examples=150, deadline=None)
@given(graphs(most=6))
def test_an_order_that_may_overwrite_is_the_best_of_all(graph: Graph) -> None:
    problem = problem_of(graph, OVERWRITING)
    found = schedule(problem)
    best = min(most_live(problem, order) for order in orders(problem))
    assert most_live(problem, found.order) == found.peak
    assert found.bound <= best <= found.peak
    assert not found.exact or found.peak == best


def least_memory(problem: Problem) -> int:
    """Over all orders, all choices of what is written over what, and all placements.

    Buffers of a packing can sink until each lies on another or on the ground, so that first fit in the order of their
    offsets makes a packing that is as good.
    """
    return min(
        _least_packing([(first, last, size) for first, last, size in spans])
        for order in orders(problem)
        for spans in _spans(problem, order)
    )


def _spans(problem: Problem, order: Sequence[int]) -> Iterator[list[tuple[int, int, int]]]:
    lives = lives_of(problem, order)
    choices = []
    for number in order:
        step = problem.steps[number]
        ends = [b for b in step.over if lives.last[b] == lives.first[step.makes[0]]]
        choices.append([(), *((step.makes[0], b) for b in ends)])
    for chosen in product(*choices):
        over = dict(pair for pair in chosen if pair)
        merged: dict[int, list[int]] = {}
        for b in sorted(range(len(problem.sizes)), key=lambda b: lives.first[b]):
            merged[b] = [*merged.pop(over[b]), b] if b in over else [b]
        yield [(lives.first[g[0]], lives.last[g[-1]], problem.sizes[g[0]]) for g in merged.values()]


def _least_packing(spans: Sequence[tuple[int, int, int]]) -> int:
    best = sum(size for _, _, size in spans)
    for order in permutations(spans):
        placed: list[tuple[tuple[int, int, int], int]] = []
        for span in order:
            starts = [0, *(start + other[2] for other, start in placed)]
            start = min(s for s in starts if not any(_meet(span, s, other, at) for other, at in placed))
            placed.append((span, start))
        best = min(best, max(start + span[2] for span, start in placed))
    return best


def _meet(a: tuple[int, int, int], at: int, b: tuple[int, int, int], other: int) -> bool:
    return a[0] <= b[1] and b[0] <= a[1] and at < other + b[2] and other < at + a[2]


@NEEDS_ORTOOLS
@settings(max_examples=25, deadline=None)
@given(graphs(most=4), st.booleans())
def test_the_solver_finds_the_least_memory_of_all_orders_and_placements(graph: Graph, in_place: bool) -> None:
    from netwright.target._microcontroller._solver import solve

    problem = problem_of(graph, OVERWRITING if in_place else Layout(size=lambda t: t.size))
    found = schedule(problem)
    lives = lives_of(problem, found.order)
    placed = first_fit(problem, lives, found.bound)
    solved = solve(problem, found.order, lives, placed, found.bound, 20.0)
    best = least_memory(problem)
    assert solved.placement.peak == solved.bound == best
    assert found.bound <= best <= placed.peak


@NEEDS_ORTOOLS
@settings(max_examples=30, deadline=None)
@given(graphs(), st.booleans())
def test_a_solved_plan_is_valid_and_between_the_bound_and_the_heuristic(graph: Graph, in_place: bool) -> None:
    quick = plan_buffers(graph, in_place=in_place, solver="heuristic")
    solved = plan_buffers(graph, in_place=in_place, solver="cp-sat", seconds=5.0)
    check(graph, solved)
    check_lives(graph, solved)
    assert quick.lower_bound <= solved.lower_bound <= solved.peak_bytes <= quick.peak_bytes


def scattered() -> Graph:
    """First fit leaves a hole in each of its ways: 35 bytes, where 32 are enough."""
    x = Input((1, 4), name="x")
    a, c = work(x, size=10), work(x, size=7)
    return Graph([x], [work(x, a, size=8), work(work(a, size=7), c, size=10)])


@NEEDS_ORTOOLS
def test_auto_asks_the_solver_only_where_the_heuristic_leaves_a_gap() -> None:
    quick, auto = plan_buffers(scattered(), solver="heuristic"), plan_buffers(scattered())
    assert (quick.peak_bytes, quick.solver, auto.peak_bytes, auto.solver) == (35, "heuristic", 32, "cp-sat")
    assert quick.gap > auto.gap == 0
    x = image(3, 8, 8)
    assert plan_buffers(Graph([x], [conv(x, 8)])).solver == "heuristic"


@pytest.mark.parametrize("seed", range(10))
def test_a_chain_needs_what_its_largest_step_does(seed: int) -> None:
    widths = np.random.default_rng(seed).integers(1, 12, 6).tolist()
    x = last = image(widths[0], 8, 8)
    for width in widths[1:]:
        last = conv(last, width, kernel=1, activation="relu")
    plan = plan_buffers(Graph([x], [last]), solver="heuristic")
    assert plan.peak_bytes == 64 * max(a + b for a, b in pairwise(widths))


def test_in_place_kernels_save_a_buffer() -> None:
    x = image(4, 8, 8)
    y = conv(x, 4, norm="none", activation="none")
    graph = Graph([x], [ops.add(ops.sigmoid(y), y)])
    apart, together = (plan_buffers(graph, in_place=flag).peak_bytes for flag in (False, True))
    # The sum needs both of its inputs; what it makes lies over one of them.
    assert (apart, together) == (3 * 256, 256 * 2 + 2 * 2 * 4 * 9)


def test_what_a_kernel_does_anyway_makes_no_buffer() -> None:
    x = image(4, 8, 8)
    plain = conv(x, 4, activation="none", norm="none")
    whole = conv(x, 4, activation="relu")
    assert plan_buffers(Graph([x], [whole])).peak_bytes == plan_buffers(Graph([x], [plain])).peak_bytes
    # What another node reads before the activation is a value of its own.
    twice = Graph([x], [ops.add(ops.relu(plain), plain)])
    assert not fused(twice)
    clamped = ops.relu(plain)
    scaled = Graph([x], [ops.mul(clamped, constant(np.float32(2.0)))])
    assert [node.op.name for node in fused(scaled)] == ["Relu"]
    shifted = ops.add(plain, parameter("shift", (8,)))
    assert not fused(Graph([x], [shifted])), "one number a column is none a channel"


def test_a_wrong_solver_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="no solver is named 'cpsat'; did you mean 'cp-sat'"):
        plan_buffers(Graph([x := image(1, 4, 4)], [conv(x, 2)]), solver="cpsat")


def pooled(x: Tensor) -> Tensor:
    y = conv(x, 8, kernel=5, stride=2)
    return ops.max_pool(y, kernel_shape=(3, 3), strides=2, pads=1)


def branches(x: Tensor) -> Tensor:
    y = conv(x, 6)
    left = conv(ops.average_pool(y, kernel_shape=(3, 3), strides=1, pads=1), 4, kernel=1)
    return ops.concat(left, conv(y, 4, kernel=3, dilation=2), axis=1)


def _added(x: Tensor) -> Tensor:
    y = conv(x, 8)
    return conv(ops.add(conv(conv(y, 8), 8), y), 12, stride=2)


NETWORKS = {
    "depthwise": lambda x: depthwise_separable(conv(x, 8, stride=2), 12, stride=2),
    "inverted residuals": lambda x: mbconv(mbconv(conv(x, 8, stride=2), 8, expand=2), 12, expand=3, stride=2),
    "pools": pooled,
    "branches": branches,
    "residual": _added,
}


@pytest.mark.parametrize("name", sorted(NETWORKS))
@pytest.mark.parametrize("grid", [(2, 2), (3, 1), (2, 4)])
def test_patches_compute_what_the_whole_computes(name: str, grid: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch")
    from netwright.io import to_module

    x = image(3, 21, 26)
    graph = with_random_weights(Graph([x], [conv(NETWORKS[name](x), 5)]))
    example = torch.randn(2, *x.shape[1:], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = to_module(graph).eval()(example)
        splits = [split for stage in stages(graph) if (split := patched(graph, stage, grid)) is not None]
        for split in splits:
            verify(split)
            assert torch.allclose(to_module(split).eval()(example), expected, rtol=1e-4, atol=1e-4)
    assert len(splits) >= 2


def with_random_weights(graph: Graph) -> Graph:
    """Weights, shifts and variances that are neither zero nor one, so that nothing cancels out."""
    draw = np.random.default_rng(0)
    weights = {name: draw.uniform(0.1, 0.4, p.shape).astype(np.float32) for name, p in graph.parameters.items()}
    return graph.with_weights(weights)


def test_a_halo_that_is_too_small_would_be_seen() -> None:
    torch = pytest.importorskip("torch")
    from netwright.io import to_module

    x = image(3, 16, 16)
    graph = with_random_weights(Graph([x], [conv(conv(x, 4), 4)]))
    split = patched(graph, list(stages(graph))[-1], (2, 2))
    assert split is not None
    first = next(node for node in split.nodes if node.op.name == "Slice")
    assert first.output.shape[2:] == (10, 10), "8 of the result, 2 more for two kernels of 3"
    example = torch.randn(1, *x.shape[1:])
    with torch.no_grad():
        whole = to_module(graph).eval()(example)
        alone = [to_module(graph).eval()(example[..., i : i + 8, j : j + 8]) for i in (0, 8) for j in (0, 8)]
        joined = torch.cat([torch.cat(alone[:2], 3), torch.cat(alone[2:], 3)], 2)
    assert not torch.allclose(joined, whole, rtol=1e-2)


def test_patches_need_less_memory_and_more_work() -> None:
    x = image(3, 96, 96)
    y = conv(x, 16, stride=2)
    for width in (16, 24, 32):
        y = mbconv(y, width, expand=4, stride=2)
    graph = Graph([x], [ops.flatten(ops.global_average_pool(y))])
    whole, plan = plan_buffers(graph), plan_buffers(graph, patches=(3, 3))
    assert plan.patches is not None
    assert plan.peak_bytes < 0.6 * whole.peak_bytes == 0.6 * plan.patches.whole_peak_bytes
    assert plan.patches.macs > plan.patches.whole_macs
    assert plan.patches.recomputed == pytest.approx(plan.patches.macs / plan.patches.whole_macs - 1)
    assert plan.patches.graph.outputs[0].shape == graph.outputs[0].shape
    assert plan.patches.graph.parameters.keys() == graph.parameters.keys()


def test_a_network_without_a_local_stage_is_not_cut() -> None:
    x = Input((1, 16))
    graph = Graph([x], [ops.gemm(x, parameter("weight", (4, 16)))])
    with pytest.raises(EvaluationError, match="begins with none"):
        plan_buffers(graph, patches=(2, 2))


def test_a_vision_transformer_is_planned_and_its_attention_is_part_of_it() -> None:
    from netwright.space.catalog import get_space

    space = get_space("vit-tiny")
    graph = space.network(space.sample(np.random.default_rng(0), 1)[0])
    apart, together = (plan_buffers(graph, in_place=flag) for flag in (False, True))
    check(graph, apart)
    check(graph, together)
    assert apart.gap == together.gap == 0
    assert together.peak_bytes <= apart.peak_bytes
