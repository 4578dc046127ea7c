"""Encodings of graphs and designs: exact values on small networks, and what must not change them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import blocks
from netwright.errors import DesignError, GraphError
from netwright.graph import Graph, Init, Parameter, Tensor, image, ops, parameter, scope, tokens, vector
from netwright.space import Space, encode, oneof, repeat, seq
from netwright.space.encode import (
    FEATURES,
    adjacency,
    feature_vector,
    graph_features,
    one_hot,
    one_hot_columns,
    operator_paths,
    path_encoding,
    text,
)


def conv(x: Tensor, channels: int, kernel: int = 3, stride: int = 1, group: int = 1) -> Tensor:
    weight = parameter("weight", (channels, x.shape[1] // group, kernel, kernel))
    return ops.conv(x, weight, strides=stride, pads=kernel // 2, group=group)


def residual_network() -> Graph:
    source = image(3, 8, 8)
    x = ops.relu(conv(source, 4, stride=2))
    x = x + conv(ops.relu(conv(x, 4)), 4, 1)
    x = conv(x, 4, 5, group=4)
    return Graph([source], [ops.gemm(ops.flatten(ops.global_average_pool(x)), parameter("w", (10, 4)))])


def test_all_names_are_public() -> None:
    assert all(hasattr(encode, name) for name in encode.__all__)
    assert encode.__all__ == sorted(encode.__all__)


# Graph features -----------------------------------------------------------------------------------


def test_features_of_a_residual_network() -> None:
    features = graph_features(residual_network())
    wanted = {
        "nodes": 10, "edges": 11, "count.convolution": 4, "count.join": 1, "count.linear": 1, "count.pool": 1,
        "count.pointwise": 1, "count.depthwise": 1, "count.strided": 1, "count.add": 1, "count.activation": 2,
        "depth": 10, "longest.convolution": 4, "shortest.convolution": 2, "longest.activation": 2,
        "log_paths": math.log(3), "width.min": 4, "width.mean": 5.2, "width.max": 10,
        "kernel.mean": 3, "kernel.max": 5, "resolution.changes": 2, "resolution.first": 6, "resolution.last": 0,
        "skips": 1, "skip_length": 3, "degree.in.max": 2, "degree.out.max": 2,
        "ngram.convolution>convolution": math.log(3), "ngram.convolution>join": math.log(3),
        "ngram.join>convolution": math.log(2), "ngram.convolution>convolution>join": math.log(2),
        "ngram.convolution>pool>linear": math.log(2), "ngram.attention>attention": 0,
        "log_params": math.log1p(4 * 27 + 4 * 36 + 16 + 100 + 40),
        "log_macs": math.log1p(16 * (4 * 27 + 4 * 36 + 16 + 100) + 40),
    }  # fmt: skip
    assert {name: features[name] for name in wanted} == pytest.approx(wanted)


def test_features_have_the_same_names_for_every_graph() -> None:
    source = vector(4)
    empty = Graph([source], [source])
    assert tuple(graph_features(empty)) == tuple(graph_features(residual_network())) == FEATURES
    assert len(set(FEATURES)) == len(FEATURES)
    assert all(math.isfinite(value) for value in graph_features(empty).values())


def test_feature_vector_stacks() -> None:
    graphs = [residual_network(), Graph([image(1, 2, 2)], [])]
    matrix, names = feature_vector(graphs)
    assert names == FEATURES
    assert matrix.shape == (2, len(FEATURES))
    assert matrix[0].tolist() == list(graph_features(graphs[0]).values())
    assert feature_vector([])[0].shape == (0, len(FEATURES))


def test_number_of_paths_may_be_astronomical() -> None:
    source = x = vector(4)
    for _ in range(2000):
        x = ops.relu(x) + ops.tanh(x)
    assert graph_features(Graph([source], [x]))["log_paths"] == pytest.approx(2000 * math.log(2))


def test_features_take_milliseconds() -> None:
    graph = residual_network()
    start = time.perf_counter()
    for _ in range(20):
        graph_features(graph)
    assert (time.perf_counter() - start) / 20 < 0.02


# Adjacency ----------------------------------------------------------------------------------------


def test_adjacency_leaves_parameters_out() -> None:
    matrix, labels = adjacency(residual_network())
    assert labels == (
        "Input", "Conv3x3", "Relu", "Conv3x3", "Relu", "Conv1x1", "Add", "DepthwiseConv5x5", "GlobalAveragePool",
        "Flatten", "Gemm", "Output",
    )  # fmt: skip
    assert matrix.dtype == np.uint8
    assert matrix.sum() == 12
    assert matrix[2].nonzero()[0].tolist() == [3, 6]
    assert not np.tril(matrix).any()


def test_adjacency_is_filled_up() -> None:
    matrix, labels = adjacency(residual_network(), max_nodes=20)
    assert matrix.shape == (20, 20)
    assert labels[12:] == ("",) * 8
    assert not matrix[12:].any()
    assert not matrix[:, 12:].any()


def test_adjacency_refuses_a_graph_that_is_too_large() -> None:
    with pytest.raises(GraphError, match="at most max_nodes=11 inputs, nodes and outputs, but has 12"):
        adjacency(residual_network(), max_nodes=11)


# Paths --------------------------------------------------------------------------------------------


def test_paths_of_a_residual_network() -> None:
    tail = ("Add", "DepthwiseConv5x5", "GlobalAveragePool", "Flatten", "Gemm")
    assert operator_paths(residual_network()) == {
        ("Conv3x3", "Relu", *tail), ("Conv3x3", "Relu", "Conv3x3", "Relu", "Conv1x1", *tail)
    }  # fmt: skip


def test_equal_paths_count_once() -> None:
    source = x = vector(4)
    for _ in range(200):
        x = ops.relu(x) + ops.relu(x)
    assert len(operator_paths(Graph([source], [x]))) == 1


def test_too_many_paths_are_refused() -> None:
    source = x = vector(4)
    for _ in range(20):
        x = ops.relu(x) + ops.tanh(x)
    with pytest.raises(GraphError, match="at most 10000 paths"):
        operator_paths(Graph([source], [x]))


def test_path_encoding_of_new_graphs_uses_the_old_columns() -> None:
    source = vector(4)
    one, two = Graph([source], [ops.relu(source)]), Graph([source], [ops.tanh(ops.relu(source))])
    _, columns = path_encoding([one])
    matrix, again = path_encoding([one, two], vocabulary=columns)
    assert again == columns == (("Relu",),)
    assert matrix.tolist() == [[1], [0]]


def test_path_encoding_is_cut_to_the_shortest() -> None:
    matrix, columns = path_encoding([residual_network()], length=1)
    assert [len(path) for path in columns] == [7]
    assert matrix.tolist() == [[1]]


@st.composite
def small_graphs(pick: st.DrawFn) -> Graph:
    source = vector(4)
    made: list[Tensor] = [source]
    for _ in range(pick(st.integers(1, 10))):
        a, b = pick(st.sampled_from(made)), pick(st.sampled_from(made))
        kind = pick(st.sampled_from(["add", "relu", "tanh"]))
        made.append(a + b if kind == "add" else ops.relu(a) if kind == "relu" else ops.tanh(a))
    return Graph([source], [made[-1]])


@settings(max_examples=80, deadline=None)
@given(small_graphs())
def test_paths_and_counts_agree_with_an_independent_enumeration(graph: Graph) -> None:
    reference = nx.MultiDiGraph()
    owner = {t: i for i, node in enumerate(graph.nodes, start=1) for t in node.outputs} | {graph.inputs[0]: 0}
    for i, node in enumerate(graph.nodes, start=1):
        reference.add_edges_from((owner[t], i) for t in node.inputs if t is not None)
    target = owner[graph.outputs[0]]
    ways = list(nx.all_simple_paths(reference, 0, target)) if target else [[0]]
    names = ["Input", *(node.op.name for node in graph.nodes)]
    assert operator_paths(graph) == {tuple(names[i] for i in way[1:]) for way in ways}
    features = graph_features(graph)
    assert features["log_paths"] == pytest.approx(math.log(1 + len(ways)))
    assert features["depth"] == max(len(way) - 1 for way in ways)
    joins = [sum(names[i] == "Add" for i in way) for way in ways]
    assert (features["shortest.join"], features["longest.join"]) == (min(joins), max(joins))


# Text ---------------------------------------------------------------------------------------------


def test_text_of_a_residual_network() -> None:
    assert text(residual_network()).splitlines() == [
        "0 Input -> 3x8x8",
        "1 Conv(0) kernel=3 pads=1 stride=2 -> 4x4x4",
        "2 Relu(1) -> 4x4x4",
        "3 Conv(2) kernel=3 pads=1 -> 4x4x4",
        "4 Relu(3) -> 4x4x4",
        "5 Conv(4) kernel=1 -> 4x4x4",
        "6 Add(2, 5) -> 4x4x4",
        "7 Conv(6) group=4 kernel=5 pads=2 -> 4x4x4",
        "8 GlobalAveragePool(7) -> 4x1x1",
        "9 Flatten(8) axis=1 -> 4",
        "10 Gemm(9) -> 10",
        "11 Output(10)",
    ]


def test_text_does_not_depend_on_names() -> None:
    def build(name: str) -> Graph:
        source = image(3, 4, 4, name=name)
        with scope(name):
            return Graph([source], [ops.relu(conv(source, 4))])

    assert text(build("a")) == text(build("b"))


def test_text_tells_shared_weights_from_separate_ones() -> None:
    source, weight = vector(4), Parameter("weight", (4, 4), Init())
    shared = Graph([source], [ops.gemm(ops.gemm(source, weight), weight)])
    apart = Graph([source], [ops.gemm(ops.gemm(source, weight), Parameter("weight", (4, 4), Init()))])
    assert "2 Gemm(1) weights of 1 -> 4" in text(shared)
    assert "2 Gemm(1) -> 4" in text(apart)


def test_text_names_learned_operands_scalars_and_parts() -> None:
    source = tokens(6)
    x = ops.gather(parameter("table", (100, 8)), source, axis=0)
    x = (x + parameter("position", (6, 8))) * 0.5
    a, b = ops.split(x, split=(3, 5), axis=2)
    assert text(Graph([source], [b, a])).splitlines() == [
        "0 Input int64 -> 6",
        "1 Gather(learned 100x8, 0) axis=0 -> 6x8",
        "2 Add(1, learned 6x8) -> 6x8",
        "3 Mul(2, 0.5) -> 6x8",
        "4 Split(3) axis=2 split=3,5 -> 6x3, 6x5",
        "5 Output(4.1)",
        "6 Output(4.0)",
    ]


def test_text_has_what_tells_attentions_apart() -> None:
    heads = image(2, 6, 8)
    plain = text(Graph([heads], [ops.attention(heads, heads, heads)]))
    assert "1 Attention(0, 0, 0) -> 2x6x8" in plain
    causal = text(Graph([heads], [ops.attention(heads, heads, heads, is_causal=1, scale=1.0)]))
    assert "1 Attention(0, 0, 0) causal=1 scale=1 -> 2x6x8" in causal


def test_text_has_biases() -> None:
    source = vector(4)
    y = ops.gemm(source, parameter("weight", (2, 4)), parameter("bias", (2,)))
    assert "1 Gemm(0) bias -> 2" in text(Graph([source], [y]))


# Designs ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    low: float
    high: float
    log: bool = False


class Toy:
    def decisions(self) -> dict[str, object]:
        return {
            "op": ("conv", "skip"),
            "width": (8, 16, 24),
            "se": (True, False),
            "times": (1,),
            "rate": Interval(1e-4, 1e-2, log=True),
            "drop": Interval(0.0, 0.5),
        }


COLUMNS = (
    "op=conv", "op=skip", "width=8", "width=16", "width=24", "width", "se=True", "se=False", "times=1",
    "rate", "drop",
)  # fmt: skip


def test_columns_are_named_by_path_and_value() -> None:
    assert one_hot_columns(Toy()) == COLUMNS


def test_one_hot_of_full_and_part_designs() -> None:
    full = {"op": "conv", "width": 16, "se": True, "times": 1, "rate": 1e-3, "drop": 0.1}
    matrix = one_hot(Toy(), [full, {"op": "skip", "se": False}, {}])
    assert matrix.tolist() == [
        pytest.approx([1, 0, 0, 1, 0, 0.5, 1, 0, 1, 0.5, 0.2]),
        [0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        [0] * 11,
    ]
    assert one_hot(Toy(), []).shape == (0, 11)


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"depth": 1}, "'depth' is not one"),
        ({"op": "pool"}, "'op' must be one of 'conv', 'skip', but the design has 'pool'"),
        ({"width": 12}, "'width' must be one of 8, 16, 24, but the design has 12"),
        ({"width": "8"}, "'width' must be a number from 8 to 24, but the design has '8'"),
        ({"se": 1}, "'se' must be one of True, False, but the design has 1"),
        ({"rate": 1.0}, "'rate' must be a number from 0.0001 to 0.01, but the design has 1.0"),
        ({"drop": True}, "'drop' must be a number from 0.0 to 0.5, but the design has True"),
    ],
)
def test_design_that_is_not_of_the_space_is_refused(design: dict[str, object], message: str) -> None:
    with pytest.raises(DesignError, match=message):
        one_hot(Toy(), [design])


def test_designs_of_a_space_are_told_apart() -> None:
    body = repeat(blocks.mbconv(kernel=oneof(3, 5)), times=oneof(1, 2))
    space = Space(seq(blocks.conv(oneof(8, 16)), body, blocks.classifier()), input=image(1, 8, 8))
    designs = list(space.enumerate())
    matrix = one_hot(space, designs)
    assert matrix.shape == (space.size(), len(one_hot_columns(space)))
    assert len(np.unique(matrix, axis=0)) == space.size() == 2 * (2 + 4)
