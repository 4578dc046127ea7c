from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from netwright.graph import (
    Constant,
    Graph,
    Init,
    Input,
    Node,
    Parameter,
    Tensor,
    canonical_hash,
    constant,
    image,
    ops,
    parameter,
    scope,
    simplify,
    tokens,
    vector,
    verify,
)

# ---- a small evaluator, independent of every exporter ------------------------------------------------------------


def _windows(node: Node, x: Any, fill: float) -> Any:
    top, left, bottom, right = node.attrs["pads"]
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    rows, columns = node.attrs["strides"]
    return sliding_window_view(padded, node.attrs["kernel_shape"], axis=(2, 3))[:, :, ::rows, ::columns]


def _conv(node: Node, x: Any, w: Any, b: Any = None) -> Any:
    y = np.einsum("nchwij,ocij->nohw", _windows(node, x, 0.0), w)
    return y if b is None else y + b[:, None, None]


def _average_pool(node: Node, x: Any) -> Any:
    return _windows(node, x, 0.0).sum((4, 5)) / _windows(node, np.ones_like(x), 0.0).sum((4, 5))


def _batch_norm(node: Node, x: Any, *statistics: Any) -> Any:
    scale, shift, mean, variance = (v[:, None, None] for v in statistics)
    return (x - mean) / np.sqrt(variance + node.attrs["epsilon"]) * scale + shift


def _reshape(node: Node, x: Any) -> Any:
    return x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(node.attrs["shape"])])


def _expand(node: Node, x: Any) -> Any:
    return np.broadcast_to(x, np.broadcast_shapes(x.shape, node.attrs["shape"]))


def _slice(node: Node, x: Any) -> Any:
    cuts = [slice(None)] * x.ndim
    for start, end, axis, step in zip(*(node.attrs[k] for k in ("starts", "ends", "axes", "steps")), strict=True):
        cuts[axis] = slice(start, end, step)
    return x[tuple(cuts)]


NUMPY_DTYPES = {"float32": np.float64, "float64": np.float64, "int64": np.int64}

FUNCTIONS: dict[str, Any] = {
    "Add": lambda node, a, b: a + b,
    "Sub": lambda node, a, b: a - b,
    "Mul": lambda node, a, b: a * b,
    "Div": lambda node, a, b: a / b,
    "Pow": lambda node, a, b: a**b,
    "Max": lambda node, *xs: np.max(np.broadcast_arrays(*xs), axis=0),
    "Sum": lambda node, *xs: sum(xs),
    "Neg": lambda node, x: -x,
    "Abs": lambda node, x: np.abs(x),
    "Relu": lambda node, x: np.maximum(x, 0),
    "Tanh": lambda node, x: np.tanh(x),
    "Sigmoid": lambda node, x: 1 / (1 + np.exp(-x)),
    "Identity": lambda node, x: x,
    "Cast": lambda node, x: x.astype(NUMPY_DTYPES[node.attrs["to"]]),
    "Transpose": lambda node, x: x.transpose(node.attrs["perm"]),
    "Concat": lambda node, *xs: np.concatenate(xs, axis=node.attrs["axis"]),
    "Split": lambda node, x: np.split(x, np.cumsum(node.attrs["split"])[:-1], axis=node.attrs["axis"]),
    "ReduceMean": lambda node, x: x.mean(node.attrs["axes"], keepdims=bool(node.attrs["keepdims"])),
    "GlobalAveragePool": lambda node, x: x.mean((2, 3), keepdims=True),
    "Flatten": lambda node, x: x.reshape(int(np.prod(x.shape[: node.attrs["axis"]])), -1),
    "MatMul": lambda node, a, b: a @ b,
    "Gemm": lambda node, a, b, c=0.0: a @ b.T + c,
    "Gather": lambda node, x, i: np.take(x, i, axis=node.attrs["axis"]),
    "MaxPool": lambda node, x: _windows(node, x, -np.inf).max((4, 5)),
    "AveragePool": _average_pool,
    "Conv": _conv,
    "BatchNormalization": _batch_norm,
    "Reshape": _reshape,
    "Expand": _expand,
    "Slice": _slice,
}


def evaluate(graph: Graph, inputs: dict[Input, Any]) -> list[Any]:
    assert graph.weights is not None
    values: dict[Tensor, Any] = dict(inputs)
    values.update({p: graph.weights[name] for name, p in graph.parameters.items()})
    values.update({leaf: leaf.value for leaf in graph.leaves if isinstance(leaf, Constant)})
    for node in graph.nodes:
        made = FUNCTIONS[node.op.name](node, *(values[t] for t in node.inputs if t is not None))
        for t, value in zip(node.outputs, made if node.op.name == "Split" else [made], strict=True):
            values[t] = value
    return [values[t] for t in graph.outputs]


def with_random_weights(graph: Graph, seed: int = 0) -> Graph:
    rng = np.random.default_rng(seed)
    return graph.with_weights({name: rng.uniform(0.5, 1.5, p.shape) for name, p in graph.parameters.items()})


def names_of(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def assert_same_function(graph: Graph, batch: int = 3) -> Graph:
    """Simplify, compare on a batch of another size than the graph was built with, and return the simple graph."""
    graph = with_random_weights(graph)
    simple = simplify(graph)
    verify(simple)
    rng = np.random.default_rng(1)
    inputs = {
        t: rng.normal(size=(batch, *t.shape[1:]))
        if t.dtype == "float32"
        else rng.integers(0, 4, (batch, *t.shape[1:]))
        for t in graph.inputs
    }
    for before, after in zip(evaluate(graph, inputs), evaluate(simple, inputs), strict=True):
        assert before.shape == after.shape
        np.testing.assert_allclose(before, after, rtol=1e-9, atol=1e-9)
    return simple


# ---- identities ---------------------------------------------------------------------------------------------------

IDENTITIES = {
    "Identity": lambda x: ops.identity(x),
    "Dropout of nothing": lambda x: ops.dropout(x, ratio=0.0),
    "Cast to its own dtype": lambda x: ops.cast(x, to="float32"),
    "times one": lambda x: x * 1.0,
    "one times": lambda x: 1.0 * x,
    "times ones of smaller shape": lambda x: x * constant(np.ones((4, 1, 1))),
    "over one": lambda x: x / 1.0,
    "to the power of one": lambda x: ops.pow(x, 1.0),
    "plus zero": lambda x: x + 0.0,
    "zero plus": lambda x: 0 + x,
    "plus zeros": lambda x: x + x * 0.0,
    "minus zero": lambda x: x - 0.0,
    "reshape to its own shape": lambda x: ops.reshape(x, shape=(0, 4, 5, 5)),
    "reshape with the batch inferred": lambda x: ops.reshape(x, shape=(-1, 4, 5, 5)),
    "reshape with the rest inferred": lambda x: ops.reshape(x, shape=(0, 0, 5, -1)),
    "transpose by nothing": lambda x: ops.transpose(x, perm=(0, 1, 2, 3)),
    "transpose there and back": lambda x: ops.transpose(ops.transpose(x, perm=(0, 2, 3, 1)), perm=(0, 3, 1, 2)),
    "expand to its own shape": lambda x: ops.expand(x, shape=(1, 4, 5, 5)),
    "whole slice": lambda x: ops.slice_(x, starts=(0,), ends=(99,), axes=(2,)),
    "pad by nothing": lambda x: ops.pad(x, pads=(0,) * 8),
    "tile once": lambda x: ops.tile(x, repeats=(1, 1, 1, 1)),
    "split into one": lambda x: ops.split(x, split=(4,), axis=1),
    "concat of one": lambda x: ops.concat(x, axis=1),
    "sum of one": lambda x: ops.sum(x),
    "resize to its own size": lambda x: ops.resize(x, sizes=(5, 5), mode="linear"),
    "pixel shuffle of one": lambda x: ops.depth_to_space(x, blocksize=1),
    "max pool of one pixel": lambda x: ops.max_pool(x, kernel_shape=1),
    "average pool of one pixel": lambda x: ops.average_pool(x, kernel_shape=(1, 1), strides=1, pads=0),
    "negation twice": lambda x: ops.neg(-x),
    "clip by nothing": lambda x: ops.clip(x),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities_vanish(name: str) -> None:
    x = image(4, 5, 5)
    graph = Graph([x], [ops.relu(IDENTITIES[name](x))])
    assert names_of(simplify(graph)) == ["Relu"]
    assert canonical_hash(graph) == canonical_hash(Graph([x], [ops.relu(x)]))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: ops.cast(x, to="float16"),
        lambda x: ops.dropout(x, ratio=0.5),
        lambda x: ops.dropout(x),
        lambda x: x * 2.0,
        lambda x: x + 1.0,
        lambda x: ops.div(1.0, x),
        lambda x: 0.0 - x,
        lambda x: ops.transpose(x, perm=(0, 1, 3, 2)),
        lambda x: ops.slice_(x, starts=(-1,), ends=(-99,), axes=(2,), steps=(-1,)),
        lambda x: ops.max_pool(x, kernel_shape=3, pads=1),
        lambda x: ops.average_pool(x, kernel_shape=1, strides=2),
        lambda x: ops.clip(x, min=0.0),
        lambda x: ops.logical_not(ops.logical_not(x)),
    ],
)
def test_what_changes_something_stays(build: Any) -> None:
    x = image(4, 5, 5)
    graph = Graph([x], [ops.sigmoid(build(x))])
    assert names_of(simplify(graph)) == names_of(graph)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: ops.reduce_mean(x, axes=(0,)),
        lambda x: ops.reduce_sum(x, axes=(0, 1)),
        lambda x: ops.slice_(x, starts=(0,), ends=(1,), axes=(0,)),
        lambda x: ops.reshape(x, shape=(1, -1, 3)),
        lambda x: ops.transpose(x, perm=(1, 0, 2)),
        lambda x: ops.tile(ops.transpose(x, perm=(1, 0, 2)), repeats=(1, 1, 1)) + 0.0,
    ],
)
def test_what_is_an_identity_only_for_a_batch_of_one_stays(build: Any) -> None:
    x = Input((1, 1, 3))
    y = build(x)
    assert y.shape == x.shape
    assert names_of(simplify(Graph([x], [ops.sigmoid(y)])))[0] != "Sigmoid"


def test_a_broadcast_to_the_batch_stays() -> None:
    x = image(4, 5, 5)
    position = parameter("position", (1, 4, 5, 5))
    simple = assert_same_function(Graph([x], [ops.relu(position + x * 0.0)]))
    assert "Add" in names_of(simple)
    simple = assert_same_function(Graph([x], [position * (x * 0.0 + 1.0) + x]))
    assert names_of(simple).count("Mul") == 2


def test_axes_of_one_reduce_to_themselves() -> None:
    x = image(4, 5, 5)
    y = ops.global_average_pool(ops.reduce_mean(ops.global_average_pool(x), axes=(2, 3)))
    assert names_of(assert_same_function(Graph([x], [y]))) == ["GlobalAveragePool"]


# ---- zeros --------------------------------------------------------------------------------------------------------


def conv(
    x: Tensor, channels: int = 4, kernel: int = 3, bias: bool = False, weight: Parameter | None = None
) -> Tensor:
    weight = weight or parameter("weight", (channels, x.shape[1], kernel, kernel))
    extra = (parameter("bias", (channels,)),) if bias else ()
    y: Tensor = ops.conv(x, weight, *extra, pads=kernel // 2)
    return y


def norm(x: Tensor) -> Tensor:
    channels = (x.shape[1],)
    learned = [parameter(hint, channels) for hint in ("weight", "bias")]
    running = [parameter(hint, channels, trainable=False) for hint in ("mean", "var")]
    y: Tensor = ops.batch_normalization(x, *learned, *running)
    return y


ZEROS = {
    "pool": lambda z: ops.average_pool(z, kernel_shape=3, pads=1),
    "max pool": lambda z: ops.max_pool(z, kernel_shape=3, pads=1),
    "relu": ops.relu,
    "conv": conv,
    "conv and pool": lambda z: ops.max_pool(conv(z), kernel_shape=3, pads=1),
    "product": lambda z: z * parameter("scale", (4, 1, 1)),
    "second factor": lambda z: parameter("scale", (4, 1, 1)) * z,
    "matmul": lambda z: ops.matmul(z, parameter("weight", (5, 5))),
    "sum": lambda z: ops.sum(z, ops.relu(z), ops.tanh(z)),
    "difference": lambda z: z - ops.relu(z),
    "concat and slice": lambda z: ops.slice_(ops.concat(z, ops.neg(z), axis=1), starts=(2,), ends=(6,), axes=(1,)),
    "split": lambda z: ops.concat(*ops.split(z, split=(1, 3), axis=1), axis=1),
    "transpose": lambda z: ops.transpose(z, perm=(0, 1, 3, 2)),
    "pad": lambda z: ops.slice_(ops.pad(z, pads=(0, 0, 1, 1, 0, 0, 0, 0)), starts=(1, 1), ends=(6, 6), axes=(2, 3)),
    "clip": lambda z: ops.clip(z, min=0.0, max=6.0),
    "pad by nothing": lambda z: ops.clip(ops.pad(z, pads=(0,) * 8, value=3.0), min=-1.0, max=1.0),
    "where": lambda z: ops.where(ops.greater(z, 1.0), z, ops.relu(z)),
    "gate": lambda z: z * ops.sigmoid(conv(z, bias=True)),
    "norm without shift": lambda z: ops.rms_normalization(z, parameter("scale", (5,))),
}


@pytest.mark.parametrize("name", ZEROS)
def test_zero_passes_and_is_dropped_from_sums(name: str) -> None:
    x = image(4, 5, 5)
    graph = Graph([x], [ops.relu(x) + ZEROS[name](x * 0.0)])
    assert names_of(simplify(graph)) == ["Relu"]


@pytest.mark.parametrize(
    "build",
    [
        norm,
        lambda z: norm(conv(z)),
        lambda z: conv(z, bias=True),
        ops.sigmoid,
        ops.softmax,
        ops.exp,
        lambda z: ops.clip(z, min=0.5),
        lambda z: ops.max_pool(ops.pad(z, pads=(0, 0, 1, 1, 0, 0, 1, 1), value=1.0), kernel_shape=3),
        lambda z: ops.layer_normalization(z, parameter("scale", (5,)), parameter("bias", (5,))),
    ],
)
def test_zero_does_not_pass_what_shifts_it(build: Any) -> None:
    x = image(4, 5, 5)
    graph = Graph([x], [ops.relu(x) + build(x * 0.0)])
    assert len(simplify(graph).nodes) > 3
    assert canonical_hash(graph) != canonical_hash(Graph([x], [ops.relu(x)]))


def test_a_layer_of_zeros_is_one_unit_with_the_norm_that_reads_it() -> None:
    x = image(4, 5, 5)
    y = conv(x * 0.0, kernel=3)
    simple = assert_same_function(Graph([x], [norm(ops.identity(y)) + ops.max_pool(y, kernel_shape=3, pads=1) + x]))
    assert names_of(simple)[-3:] == ["Conv", "BatchNormalization", "Add"]
    assert canonical_hash(Graph([x], [norm(conv(x * 0.0, kernel=3))])) != canonical_hash(
        Graph([x], [norm(conv(x * 0.0, kernel=1))])
    )


@pytest.mark.parametrize("source", [image(4, 5, 5), image(3, 8, 8), vector(7), tokens(6), Input((1,))])
def test_an_output_of_zeros_has_the_batch_of_the_input(source: Input) -> None:
    x = image(4, 5, 5, name="x")
    graph = Graph([source, x], [ops.relu(x * 0.0)])
    simple = assert_same_function(graph)
    assert len(simple.nodes) <= 5
    again = simplify(simple)
    assert names_of(again) == names_of(simple)
    assert canonical_hash(graph) == canonical_hash(Graph([source, x], [conv(conv(x) * 0.0)]))


def test_zeros_of_unknown_batch_stay_where_they_are() -> None:
    x = Input((1, 4, 3))
    merged = ops.reshape(x, shape=(-1, 3))  # 4 rows for each of the batch
    assert names_of(assert_same_function(Graph([x], [merged * 0.0]))) == ["Reshape", "Mul"]


# ---- sums and merging ---------------------------------------------------------------------------------------------


def test_nested_sums_become_one() -> None:
    x = image(4, 5, 5)
    a, b, c, d = (ops.relu(x), ops.tanh(x), conv(x), ops.max_pool(x, kernel_shape=3, pads=1))
    left = Graph([x], [ops.relu(((a + b) + c) + d)])
    right = Graph([x], [ops.relu(ops.sum(d, ops.identity(a + (c + b))))])
    assert names_of(assert_same_function(left))[-2:] == ["Sum", "Relu"]
    assert canonical_hash(left) == canonical_hash(right)
    assert names_of(simplify(Graph([x], [ops.sum(a, b)])))[-1] == "Add"


def test_terms_keep_their_number() -> None:
    x = image(4, 5, 5)
    twice, thrice = Graph([x], [ops.relu(x + x)]), Graph([x], [ops.relu(x + (x + x))])
    assert names_of(assert_same_function(thrice)) == ["Sum", "Relu"]
    assert canonical_hash(twice) != canonical_hash(thrice)


def test_a_sum_that_two_read_stays_shared_but_hashes_as_its_terms() -> None:
    x = image(4, 5, 5)
    a, b = ops.relu(x), ops.tanh(x)
    shared = a + b
    graph = Graph([x], [ops.sigmoid(shared), shared + x])
    assert names_of(assert_same_function(graph)).count("Add") == 2
    assert canonical_hash(graph) == canonical_hash(Graph([x], [ops.sigmoid(b + a), a + (b + x)]))
    assert canonical_hash(Graph([x], [shared + shared])) == canonical_hash(Graph([x], [(a + a) + (b + b)]))


def test_equal_nodes_merge_unless_their_weights_are_their_own() -> None:
    x = image(4, 5, 5)
    weight = parameter("weight", (4, 4, 3, 3))
    assert names_of(simplify(Graph([x], [ops.relu(x) * ops.relu(x)]))) == ["Relu", "Mul"]
    assert names_of(simplify(Graph([x], [conv(x) * conv(x)]))) == ["Conv", "Conv", "Mul"]
    assert names_of(simplify(Graph([x], [conv(x, weight=weight) * conv(x, weight=weight)]))) == ["Conv", "Mul"]
    assert names_of(simplify(Graph([x], [ops.dropout(x) * ops.dropout(x)]))) == ["Dropout", "Dropout", "Mul"]


def test_merging_looks_at_attributes_constants_and_order() -> None:
    x = image(4, 5, 5)

    def pools(*attributes: dict[str, Any]) -> int:
        graph = Graph([x], [ops.concat(*(ops.max_pool(x, pads=1, **a) for a in attributes))])
        return names_of(simplify(graph)).count("MaxPool")

    assert pools({"kernel_shape": 3}, {"strides": 1, "kernel_shape": (3, 3), "ceil_mode": 0}) == 1
    assert pools({"kernel_shape": 3}, {"kernel_shape": 3, "dilations": 1}, {"kernel_shape": (3, 3)}) == 1
    assert len(simplify(Graph([x], [(x - 2.0) * (x - 2.0)])).nodes) == 2
    assert len(simplify(Graph([x], [(x - 2.0) * (x - 3.0)])).nodes) == 3
    assert len(simplify(Graph([x], [(x * 2.0) / (2.0 * x)])).nodes) == 2
    assert len(simplify(Graph([x], [(x - 2.0) / (2.0 - x)])).nodes) == 3


def test_attributes_may_be_lists_and_arrays() -> None:
    x = image(4, 5, 5)
    y = ops.relu(x, note=[1, 2]) * ops.relu(x, note=np.array([1, 2]))
    assert names_of(simplify(Graph([x], [y]))) == ["Relu", "Mul"]


# ---- the graph around ---------------------------------------------------------------------------------------------


def test_dead_branches_go_and_inputs_stay() -> None:
    x, unused = image(4, 5, 5), vector(3, name="unused")
    parts = ops.split(ops.relu(x), split=(1, 3), axis=1)
    simple = simplify(Graph([x, unused], [parts[1], conv(x) * 0.0 + x]))
    assert names_of(simple) == ["Relu", "Split"]
    assert simple.inputs == (x, unused)
    assert simple.outputs[1] is x
    assert not simple.parameters


def test_names_scopes_and_weights_are_carried() -> None:
    x = image(4, 5, 5)
    with scope("dead"):
        y = conv(x) * 0.0
    with scope("stem"):
        y = conv(ops.identity(x)) + y
    graph = with_random_weights(Graph([x], [y]))
    simple = simplify(graph)
    assert list(simple.parameters) == ["stem.weight"]
    assert simple.weights is not None
    assert graph.weights is not None
    np.testing.assert_array_equal(simple.weights["stem.weight"], graph.weights["stem.weight"])


def test_nothing_to_do_gives_the_same_nodes() -> None:
    x = image(4, 5, 5)
    graph = Graph([x], [ops.relu(norm(conv(x))) + x])
    assert simplify(graph).nodes == graph.nodes


def test_a_deep_network_takes_no_recursion() -> None:
    x = image(4, 5, 5)
    y: Tensor = x
    for _ in range(1500):
        y = ops.relu(ops.identity(y)) + ops.average_pool(y * 0.0, kernel_shape=3, pads=1) + y
    simple = simplify(Graph([x], [y]))
    # relu of relu(x) + x and so on: nothing merges, every second sum is only zeros dropped
    assert len(simple.nodes) == 3000


def test_zero_sums_of_partial_sums_are_dropped_after_flattening() -> None:
    x = image(4, 5, 5)
    position = parameter("position", (1, 4, 5, 5))
    graph = Graph([x], [ops.relu((position + x * 0.0) + ops.tanh(x))])
    assert names_of(assert_same_function(graph)) == ["Tanh", "Add", "Relu"]


# ---- the same function on random graphs --------------------------------------------------------------------------

UNARY: list[Any] = [
    ops.relu,
    ops.neg,
    ops.abs,
    ops.identity,
    conv,
    norm,
    lambda x: conv(x, kernel=1, bias=True),
    lambda x: x * 0.0,
    lambda x: x * 1.0,
    lambda x: x + 0.0,
    lambda x: x - 1.5,
    lambda x: ops.average_pool(x, kernel_shape=3, pads=1),
    lambda x: ops.max_pool(x, kernel_shape=3, pads=1),
    lambda x: ops.max_pool(x, kernel_shape=1),
    lambda x: ops.transpose(x, perm=(0, 1, 3, 2)),
    lambda x: ops.reshape(x, shape=(0, 4, -1, 5)),
    lambda x: ops.expand(x, shape=(1, 4, 1, 5)),
    lambda x: ops.reshape(ops.reshape(x, shape=(0, 2, 2, 25)), shape=(-1, 4, 5, 5)),
    lambda x: x * ops.global_average_pool(x),
    lambda x: ops.reduce_mean(x, axes=(1,)) + x,
    lambda x: ops.concat(*ops.split(x, split=(1, 3), axis=1)[::-1], axis=1),
    lambda x: ops.matmul(x, parameter("weight", (5, 5))),
    lambda x: x + parameter("position", (1, 4, 1, 5)),
    lambda x: x * 0.0 + parameter("position", (1, 4, 5, 5)),
]
JOINS: list[Any] = [
    ops.add,
    ops.sum,
    ops.sub,
    ops.mul,
    ops.maximum,
    lambda a, b: a + b + a,
    lambda a, b: ops.slice_(ops.concat(a, b, axis=1), starts=(2,), ends=(6,), axes=(1,)),
]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    x = image(4, 5, 5)
    values: list[Tensor] = [x]
    for _ in range(draw(st.integers(1, 14))):
        pick = st.integers(max(0, len(values) - 5), len(values) - 1).map(values.__getitem__)
        if draw(st.booleans()):
            values.append(draw(st.sampled_from(UNARY))(draw(pick)))
        else:
            values.append(draw(st.sampled_from(JOINS))(draw(pick), draw(pick)))
    return Graph([x], [values[-1], *draw(st.lists(st.sampled_from(values), max_size=2))])


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_random_graphs_keep_their_function_and_simplify_once(graph: Graph) -> None:
    simple = assert_same_function(graph)
    again = simplify(simple)
    assert names_of(again) == names_of(simple)
    assert canonical_hash(simple) == canonical_hash(graph) == canonical_hash(again)
    assert len(simple.nodes) <= len(graph.nodes) + 5  # zeros made from the input


def test_parameters_that_are_not_trained_are_told_by_their_start() -> None:
    x = vector(4)

    def features(kind: str, trainable: bool) -> str:
        weight = parameter("weight", (4, 4), Init(kind, 1.0), trainable=trainable)
        return canonical_hash(Graph([x], [ops.matmul(x, weight)]))

    assert features("normal", True) == features("uniform", True)
    assert features("normal", False) != features("uniform", False)
