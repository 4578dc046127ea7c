"""The axis tracker: families of operators, and that what it calls untouched is untouched, by numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from drawn_networks import AXES, BLOCKS, windows
from test_operators import CASES

from netwright.graph import (
    Constant,
    Graph,
    Init,
    Input,
    Node,
    Opaque,
    Parameter,
    Tensor,
    image,
    ops,
    topological_order,
)
from netwright.io import initial_weights, to_module
from netwright.io._drawing._axes import Link, links_of
from netwright.io._drawing._axis_names import name_axes


def weight(*shape: int) -> Parameter:
    return Parameter("weight", shape, Init())


def node_of(made: Tensor) -> Node:
    assert made.node is not None
    return made.node


def kinds(made: Tensor) -> list[tuple[str, bool]]:
    """Kind of each link and whether the operator acts along it, in the order of the rule."""
    return [(link.kind, link.acts) for link in links_of(node_of(made))]


TOUCHED, PASSED = ("kept", True), ("kept", False)
ENDED, STARTED = ("contracted", True), ("created", True)


def x(*shape: int) -> Input:
    return Input((1, *shape))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (ops.relu(x(3, 4)), [TOUCHED, TOUCHED]),
        (ops.softmax(x(3, 4), axis=1), [TOUCHED, PASSED]),
        (ops.gemm(x(4), weight(5, 4)), [ENDED, STARTED]),
        (ops.conv(x(3, 8, 8), weight(5, 3, 3, 1), pads=(1, 0)), [ENDED, STARTED, TOUCHED, PASSED]),
        (ops.conv(x(4, 8, 8), weight(4, 1, 3, 3), group=4), [TOUCHED, TOUCHED, TOUCHED]),
        (ops.conv(x(4, 8, 8), weight(6, 2, 1, 1), group=2), [ENDED, STARTED, PASSED, PASSED]),
        (ops.global_average_pool(x(3, 8, 8)), [PASSED, ENDED, ENDED]),
        (ops.reduce_mean(x(3, 4, 5), axes=(2,), keepdims=0), [PASSED, ENDED, PASSED]),
        (ops.matmul(x(2, 3, 4), x(2, 4, 5)), [PASSED, PASSED, ENDED, PASSED]),
        (ops.matmul(weight(6, 4), x(2, 4, 5)), [STARTED, ENDED, PASSED, PASSED]),
        (ops.reshape(x(12, 8), shape=(0, 12, 2, 4)), [PASSED, ("split", True)]),
        (ops.reshape(x(3, 4, 8), shape=(0, 3, 32)), [PASSED, ("merged", True)]),
        (ops.flatten(x(3, 1, 1)), [PASSED]),
        (ops.transpose(x(3, 4), perm=(0, 2, 1)), [PASSED, PASSED]),
        (ops.expand(x(1, 4), shape=(1, 3, 4)), [STARTED, PASSED]),
        (x(3, 8, 8) * x(3, 1, 1), [TOUCHED, TOUCHED, TOUCHED]),
        (x(3, 8) * weight(8), [PASSED, TOUCHED]),
        (x(3, 8) * 2.0, [TOUCHED, TOUCHED]),
        (ops.concat(x(3, 8), x(4, 8), axis=1), [TOUCHED, PASSED]),
        (ops.gather(weight(100, 8), Input((1, 5), "int64")), [STARTED, PASSED]),
        (ops.layer_normalization(x(5, 8), weight(8)), [PASSED, TOUCHED]),
        (Opaque("a::B", [((1, 7), "float32")])(x(3, 4)), [ENDED, ENDED, STARTED]),
    ],
    ids=lambda value: value.node.op.name if isinstance(value, Tensor) else "",
)
def test_family_keeps_contracts_and_creates(made: Tensor, expected: list[tuple[str, bool]]) -> None:
    assert kinds(made) == expected


def test_broadcast_axis_is_created_where_an_expansion_makes_it_and_joined_where_another_value_has_it() -> None:
    gate = links_of(node_of(x(3, 8, 8) * x(3, 1, 1)))
    assert [link.sources for link in gate] == [((0, 1), (1, 1)), ((0, 2),), ((0, 3),)]


def test_attention_contracts_features_and_then_keys() -> None:
    q, k, v = x(2, 5, 4), x(2, 7, 4), x(2, 7, 6)
    found = {link.sources: link.kind for link in links_of(node_of(ops.attention(q, k, v)))}
    assert found == {
        ((0, 1), (1, 1), (2, 1)): "kept",
        ((0, 2),): "kept",
        ((0, 3), (1, 3)): "contracted",
        ((1, 2), (2, 2)): "contracted",
        ((2, 3),): "kept",
    }


def test_first_states_of_a_recurrent_layer_end_in_it() -> None:
    sequence = Input((7, 1, 4), batch_axis=1)
    h, c = (Input((1, 1, 5), name=name, batch_axis=1) for name in "hc")
    y, _, _ = ops.lstm(sequence, weight(1, 20, 4), weight(1, 20, 5), None, None, h, c)
    found = {link.sources: link.kind for link in links_of(node_of(y)) if link.sources}
    assert found == {
        ((0, 0),): "kept",
        ((0, 2),): "contracted",
        ((5, 2),): "contracted",
        ((6, 2),): "contracted",
    }


# Every operator -----------------------------------------------------------------------------------


def single_nodes() -> Iterator[tuple[str, Node]]:
    """Every operator of the vocabulary by itself, on the shapes of the exporters' cases."""
    for name, cases in CASES.items():
        for label, shape, build in cases:
            made = build(Input(shape))
            tensors = made if isinstance(made, tuple) else (made,)
            yield from ((f"{name} {label}", node) for node in topological_order(tensors) if node.op.name == name)


NODES = list(single_nodes())


def test_every_operator_that_has_a_case_is_among_them() -> None:
    assert {node.op.name for _, node in NODES} == CASES.keys()


def data(node: Node) -> dict[int, Tensor]:
    return {i: t for i, t in enumerate(node.inputs) if t is not None and not isinstance(t, Parameter | Constant)}


@pytest.mark.parametrize(("name", "node"), NODES, ids=[name for name, _ in NODES])
def test_every_axis_is_accounted_for_once(name: str, node: Node) -> None:
    links = links_of(node)
    sources = sorted(place for link in links for place in link.sources)
    targets = sorted(place for link in links for place in link.targets)
    assert sources == [(i, a) for i, t in data(node).items() for a, size in enumerate(t.shape) if size > 1]
    assert targets == [(i, a) for i, t in enumerate(node.outputs) for a, size in enumerate(t.shape) if size > 1]


def passing(node: Node) -> list[Link]:
    """Links along which the operator claims to do the same at each position."""
    return [link for link in links_of(node) if link.kind == "kept" and not link.acts]


FLOATING = [
    (name, node)
    for name, node in NODES
    if passing(node) and all(t.dtype == "float32" for t in (*data(node).values(), *node.outputs))
]


def test_enough_operators_pass_axes_for_the_test_below_to_mean_something() -> None:
    assert len({node.op.name for _, node in FLOATING}) >= 30


@pytest.mark.parametrize(("name", "node"), FLOATING, ids=[name for name, _ in FLOATING])
def test_positions_along_an_untouched_axis_do_not_see_each_other(name: str, node: Node) -> None:
    """Exchanging positions of an untouched axis in the inputs exchanges them in the outputs and does nothing else."""
    import torch

    inputs = {i: Input(t.shape, name=f"x{i}", batch_axis=None) for i, t in data(node).items()}
    made = node.op(*(inputs.get(i, t) for i, t in enumerate(node.inputs)), **dict(node.attrs))
    outputs = made if isinstance(made, tuple) else (made,)
    graph = Graph(list(inputs.values()), list(outputs))
    module = to_module(graph.with_weights(initial_weights(graph, seed=0))).eval()
    rng = np.random.default_rng(0)
    values = {i: torch.from_numpy(rng.normal(size=t.shape).astype("float32")) for i, t in inputs.items()}

    def run(given: dict[int, torch.Tensor]) -> list[torch.Tensor]:
        with torch.no_grad():
            result = module(*given.values())
        return list(result) if isinstance(result, tuple) else [result]

    before = run(values)
    for link in passing(node):
        order = torch.arange(inputs[link.sources[0][0]].shape[link.sources[0][1]]).flip(0)
        moved = dict(values)
        for i, axis in link.sources:
            moved[i] = moved[i].index_select(axis, order)
        expected = list(before)
        for i, axis in link.targets:
            expected[i] = expected[i].index_select(axis, order)
        for got, wanted in zip(run(moved), expected, strict=True):
            torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


# Names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [*BLOCKS.values(), *AXES.values()])
def test_every_axis_has_a_name(build: object) -> None:
    graph: Graph = build()  # type: ignore[operator]
    names = name_axes(graph.inputs, graph.nodes)
    for node in graph.nodes:
        for tensor in node.outputs:
            assert len(names[tensor]) == tensor.rank
            assert "axis" not in names[tensor]


def test_windows_are_told_from_tokens_and_heads() -> None:
    graph = windows((1,))
    names = name_axes(graph.inputs, graph.nodes)
    found = {node.op.name: names[node.output] for node in graph.nodes if node.output.rank == 4}
    assert found["Softmax"] == ("window", "head", "token", "key")


def test_names_of_images_follow_into_tokens_and_heads() -> None:
    source = image(3, 8, 8)
    y = ops.transpose(ops.reshape(ops.conv(source, weight(16, 3, 1, 1)), shape=(0, 16, 64)), perm=(0, 2, 1))
    z = ops.reshape(ops.matmul(y, weight(16, 16)), shape=(0, 64, 4, 4))
    graph = Graph([source], [z])
    names = name_axes(graph.inputs, graph.nodes)
    assert names[y] == ("batch", "token", "channel")
    assert names[z] == ("batch", "token", "head", "feature")


def test_heads_of_keys_that_are_repeated_for_the_queries_stay_heads() -> None:
    source = Input((1, 16, 32))
    keys = ops.transpose(ops.reshape(source, shape=(0, 16, 2, 16)), perm=(0, 2, 1, 3))
    wide = ops.expand(ops.unsqueeze(keys, axes=(2,)), shape=(1, 2, 3, 16, 16))
    repeated = ops.reshape(wide, shape=(0, 6, 16, 16))
    graph = Graph([source], [repeated])
    assert name_axes(graph.inputs, graph.nodes)[repeated] == ("batch", "head", "token", "feature")
