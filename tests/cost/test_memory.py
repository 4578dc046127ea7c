"""Memory plans against all orders of small graphs, and on the networks of the zoo."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.cost import cost, memory_plan
from netwright.cost._memory._problem import VIEWS
from netwright.graph import Graph, Input, Node, Opaque, Tensor, constant, image, ops, parameter


def work(*inputs: Tensor, size: int) -> Tensor:
    """A node that makes so many elements of whatever it reads."""
    made: Tensor = Opaque("test::Work", [((1, size), "float32")])(*inputs)
    return made


def orders(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """Every order of execution."""

    def extend(done: list[Node], left: list[Node]) -> Iterator[list[Node]]:
        if not left:
            yield list(done)
        for node in left:
            if all(t is None or t.node is None or t.node in done for t in node.inputs):
                yield from extend([*done, node], [n for n in left if n is not node])

    return extend([], list(nodes))


def root(tensor: Tensor) -> Tensor:
    while tensor.node is not None and tensor.node.op.name in VIEWS:
        source = tensor.node.inputs[0]
        assert source is not None
        tensor = source
    return tensor


def peak_of(graph: Graph, order: Sequence[Node]) -> int:
    """By definition: at each node, everything made so far, or being made, that it or a later node reads."""
    outputs = {root(t) for t in graph.outputs}
    inputs = {t for t in graph.leaves if isinstance(t, Input)}
    peak = sum(t.bytes for t in inputs)
    quiet = {n for n in graph.nodes if n.op.name in VIEWS} | graph.constant_nodes
    for place, node in enumerate(order):
        if node in quiet:
            continue
        made = {t for n in order[:place] if n not in quiet for t in n.outputs} | inputs
        needed = {root(t) for n in order[place:] if n not in quiet for t in n.inputs if t is not None}
        live = {t for t in made if t in needed or t in outputs} | set(node.outputs)
        peak = max(peak, sum(t.bytes for t in live))
    return peak


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Graph:
    sizes = st.integers(1, 9)
    inputs = [Input((1, draw(sizes)), name=f"x{i}") for i in range(draw(st.integers(1, 2)))]
    tensors: list[Tensor] = list(inputs)
    for _ in range(draw(st.integers(1, most))):
        reads = draw(st.lists(st.sampled_from(tensors), min_size=0 if draw(st.booleans()) else 1, max_size=3))
        if reads and draw(st.integers(0, 4)) == 0:
            tensors.append(ops.reshape(reads[0], shape=(1, -1, 1)))
        else:
            tensors.append(work(*reads, size=draw(sizes)))
    used = {t for t in tensors if t.node for t in t.node.inputs}
    ends = [t for t in tensors if t.node is not None and t not in used]
    more = draw(st.lists(st.sampled_from([t for t in tensors if t.node is not None]), max_size=1))
    return Graph(inputs, [*dict.fromkeys([*ends, *more])])


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(graphs())
def test_a_plan_is_the_best_of_all_orders(graph: Graph) -> None:
    plan = memory_plan(graph)
    best = min(peak_of(graph, order) for order in orders(graph.nodes))
    assert sorted(map(id, plan.order)) == sorted(map(id, graph.nodes))
    assert peak_of(graph, plan.order) == plan.peak_bytes
    assert plan.peak_bytes == max(plan.timeline, default=plan.peak_bytes)
    assert plan.graph_peak_bytes == peak_of(graph, graph.nodes) == cost("peak_memory").of(graph)
    assert plan.lower_bound <= best <= plan.peak_bytes <= plan.graph_peak_bytes
    assert not plan.exact or plan.peak_bytes == best


@settings(max_examples=100, deadline=None)
@given(graphs(), st.integers(0, 4))
def test_without_effort_a_plan_still_is_an_order_and_its_bound_a_bound(graph: Graph, moves: int) -> None:
    plan = memory_plan(graph, moves)
    best = min(peak_of(graph, order) for order in orders(graph.nodes))
    assert plan.lower_bound <= best <= plan.peak_bytes == peak_of(graph, plan.order)
    assert not plan.exact or plan.peak_bytes == best


def test_a_better_order_than_the_graph_s_is_found_and_proven() -> None:
    """Two branches that end small: one after the other, wide and narrow in turn, not both wide at once."""
    x = Input((1, 1))
    wide = [work(x, size=100) for _ in range(4)]
    narrow = [work(t, size=1) for t in wide]
    # Read in this order, the wide ones are all made before the first narrow one.
    both = work(*wide[:2], size=1)
    graph = Graph([x], [work(*narrow, both, size=1)])
    plan = memory_plan(graph)
    assert plan.exact
    assert plan.peak_bytes == min(peak_of(graph, order) for order in orders(graph.nodes))

    late = work(*[work(t, size=1) for t in wide], size=1)
    first = Graph([x], [work(*wide, size=1), late])
    assert memory_plan(first).peak_bytes == memory_plan(first).graph_peak_bytes


def test_branches_run_one_after_the_other() -> None:
    x = Input((1, 1))
    a, b = work(x, size=100), work(x, size=50)
    # The order of the inputs makes b first, keeps its wide result, and then makes a.
    shallow, deep = work(b, size=40), work(work(a, size=1), size=1)
    graph = Graph([x], [work(shallow, deep, size=1)])
    plan = memory_plan(graph)
    assert (plan.graph_peak_bytes, plan.peak_bytes) == (4 * 141, 4 * 102)
    assert plan.exact
    assert plan.lower_bound == plan.peak_bytes


def test_a_skip_connection_is_part_of_the_bound() -> None:
    x = image(4, 8, 8)
    y = ops.relu(x)
    graph = Graph([x], [ops.add(ops.exp(ops.relu(y)), y)])
    plan = memory_plan(graph)
    assert plan.lower_bound == plan.peak_bytes == 3 * 4 * 4 * 64


def test_a_view_is_part_of_what_it_views() -> None:
    x = image(4, 8, 8)
    y = ops.relu(x)
    flat = ops.flatten(y)
    twice = Graph([x], [flat, ops.exp(y)])
    assert memory_plan(twice).peak_bytes == 2 * 4 * 4 * 64
    assert [node.op.name for node in memory_plan(twice).order] == ["Relu", "Exp", "Flatten"]


def test_what_depends_on_no_input_holds_no_activations_and_stands_where_it_is_first_read() -> None:
    x, table = image(4, 8, 8), parameter("table", (1, 4, 8, 8))
    y = x
    for _ in range(3):
        y = ops.add(ops.relu(y), ops.exp(table))
    plan = memory_plan(Graph([x], [ops.mul(y, constant(2.0))]))
    assert plan.peak_bytes == 2 * 4 * 4 * 64
    assert [node.op.name for node in plan.order][:6] == ["Relu", "Exp", "Add", "Relu", "Exp", "Add"]


def test_a_long_network_is_planned_quickly() -> None:
    x = y = image(16, 8, 8)
    for _ in range(1250):
        left = ops.relu(ops.relu(y))
        y = ops.add(left, ops.exp(y))
    graph = Graph([x], [y])
    assert len(graph.nodes) == 5000
    start = time.perf_counter()
    plan = memory_plan(graph)
    # An idle core takes a tenth of that.
    assert time.perf_counter() - start < 2
    assert plan.exact


def test_a_network_of_dense_connections_is_planned_in_time() -> None:
    x = image(4, 8, 8)
    made = [x]
    for _ in range(300):
        made.append(work(*made[-40:], size=256))
    graph = Graph([x], [ops.concat(*made[1:], axis=1)])
    start = time.perf_counter()
    plan = memory_plan(graph)
    assert time.perf_counter() - start < 10
    assert plan.lower_bound <= plan.peak_bytes <= plan.graph_peak_bytes


@pytest.mark.parametrize("moves", [0, 20_000])
def test_an_order_found_by_greed_is_no_worse_than_the_graph_s(moves: int) -> None:
    x = Input((1, 64))
    branches = [work(work(x, size=1000 - 50 * i), size=10 * i + 1) for i in range(7)]
    plan = memory_plan(Graph([x], [work(*branches, size=1)]), moves)
    assert plan.lower_bound <= plan.peak_bytes <= plan.graph_peak_bytes
    assert plan.exact or moves == 0
