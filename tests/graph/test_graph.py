from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright import graph as room
from netwright.errors import GraphError
from netwright.graph import (
    Graph,
    Init,
    Tensor,
    constant,
    current_scope,
    image,
    ops,
    parameter,
    scope,
    tokens,
    topological_order,
    vector,
)


def layer(x: Tensor, name: str = "linear") -> Tensor:
    with scope(name):
        y: Tensor = ops.gemm(x, parameter("weight", (4, x.shape[1])), parameter("bias", (4,)))
    return y


def test_the_room_exports_its_public_names() -> None:
    public = {name for name in vars(room) if not name.startswith("_") and name != "annotations"}
    assert public == set(room.__all__)
    assert all(hasattr(room, name) for name in room.__all__)


def test_nodes_stand_after_what_they_read_and_dead_ones_do_not_stand() -> None:
    x = vector(4)
    a, b = ops.relu(x), ops.tanh(x)
    ops.sigmoid(a)  # nothing reads it
    graph = Graph([x], [b * a, a])
    assert [node.op.name for node in graph.nodes] == ["Tanh", "Relu", "Mul"]
    assert topological_order([a]) == (a.node,)


@given(st.integers(0, 2**16), st.integers(1, 30))
def test_the_order_is_topological_for_any_graph(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    x = vector(4)
    values: list[Tensor] = [x]
    for _ in range(size):
        i, j = rng.integers(len(values), size=2)
        values.append(values[i] + values[j])
    graph = Graph([x], [values[-1]])
    done: set[Tensor] = {x}
    for node in graph.nodes:
        assert all(t in done for t in node.inputs)
        done.update(node.outputs)
    assert graph.outputs[0] in done
    assert len(set(graph.nodes)) == len(graph.nodes)


def test_a_deep_graph_needs_no_recursion() -> None:
    x = y = vector(4)
    for _ in range(5000):
        y = ops.relu(y)
    assert len(Graph([x], [y]).nodes) == 5000


def test_parts_of_a_graph() -> None:
    x, unused = vector(4), image(1, 2, 2, name="unused")
    y = layer(ops.relu(x)) * 0.5
    graph = Graph([x, unused], [y, x])
    assert repr(graph) == "<Graph 1x4, 1x1x2x2 -> 1x4, 1x4, 3 nodes, 2 parameters>"
    assert [type(leaf).__name__ for leaf in graph.leaves] == ["Input", "Parameter", "Parameter", "Constant"]
    assert list(graph.parameters) == ["linear.weight", "linear.bias"]
    assert [node.op.name for node in graph.users[x]] == ["Relu"]
    assert y not in graph.users


def test_a_tensor_read_twice_has_two_uses() -> None:
    x = vector(4)
    y = ops.relu(x)
    graph = Graph([x], [y * y])
    assert [node.op.name for node in graph.users[y]] == ["Mul", "Mul"]


def test_an_input_must_be_listed() -> None:
    x, other = vector(4), vector(4, name="other")
    Graph([x, other], [x + other])
    with pytest.raises(GraphError, match=r"every input must be listed, but 'other' \(1, 4\) is not\."):
        Graph([x], [x + other])
    with pytest.raises(GraphError, match="every input must be listed"):
        Graph([x], [other])


# ---- names ---------------------------------------------------------------------------------------------------------


def test_scopes_give_paths_and_repeats_are_numbered() -> None:
    x = y = vector(4)
    for _ in range(2):
        with scope("stage"):
            y = layer(ops.relu(layer(y)))
    graph = Graph([x], [y])
    assert list(graph.parameters) == [
        f"{stage}.{linear}.{hint}"
        for stage in ("stage", "stage_1")
        for linear in ("linear", "linear_1")
        for hint in ("weight", "bias")
    ]
    assert [graph.scope_of(node) for node in graph.nodes][:3] == [
        ("stage", "linear"),
        ("stage",),
        ("stage", "linear_1"),
    ]
    assert graph.scope_of(graph.parameters["stage_1.linear.bias"]) == ("stage_1", "linear")
    assert graph.names[graph.outputs[0]] == "stage_1.linear_1.gemm"


def test_numbers_of_scopes_do_not_collide_with_names_that_look_numbered() -> None:
    x = y = vector(4)
    for name in ("a", "a_1", "a", "a"):
        y = layer(y, name)
    assert [name for name in Graph([x], [y]).parameters if "weight" in name] == [
        "a.weight", "a_1.weight", "a_2.weight", "a_3.weight",
    ]  # fmt: skip


def test_two_parameters_of_one_hint_have_two_names() -> None:
    x = vector(4)
    with scope("pair"):
        y = ops.gemm(ops.gemm(x, parameter("weight", (4, 4))), parameter("weight", (4, 4)))
    assert list(Graph([x], [y]).parameters) == ["pair.weight", "pair.weight_1"]


def test_a_shared_parameter_has_one_name() -> None:
    x = vector(4)
    weight = parameter("weight", (4, 4))
    assert list(Graph([x], [ops.gemm(ops.gemm(x, weight), weight)]).parameters) == ["weight"]


@given(
    st.lists(st.sampled_from(["a", "b", "a_1", "relu", "input", "weight"]), min_size=1, max_size=12), st.booleans()
)
def test_every_tensor_has_a_name_of_its_own(names: list[str], nested: bool) -> None:
    x = y = vector(4)
    for name in names:
        with scope(name):
            y = layer(ops.relu(y), names[0]) * 2.0 if nested else ops.relu(y)
            first, second = ops.split(y, split=(1, 3), axis=1)
            y = ops.concat(second, first, axis=1)
    graph = Graph([x], [y])
    tensors = {*graph.inputs, *graph.leaves, *(t for node in graph.nodes for t in node.outputs)}
    assert set(graph.names) == tensors
    assert len(set(graph.names.values())) == len(tensors)
    paths = {node.scope: graph.scope_of(node) for node in graph.nodes}
    assert len(set(paths.values())) == len(paths)


def test_names_do_not_depend_on_dead_branches() -> None:
    x = vector(4)
    layer(x)
    assert list(Graph([x], [layer(x)]).parameters) == ["linear.weight", "linear.bias"]


def test_scopes_nest_and_end() -> None:
    assert current_scope() is None
    with scope("outer") as outer, scope("inner") as inner:
        assert current_scope() is inner
        assert inner.parent is outer
        assert repr(inner) == "Scope('outer.inner')"
    assert current_scope() is None
    with pytest.raises(ValueError, match="broken"), scope("outer"):
        raise ValueError("broken")
    assert current_scope() is None


def test_threads_build_under_scopes_of_their_own() -> None:
    seen: list[object] = []
    with scope("here"):
        thread = threading.Thread(target=lambda: seen.append(current_scope()))
        thread.start()
        thread.join()
    assert seen == [None]


# ---- weights and leaves --------------------------------------------------------------------------------------------


def test_weights_must_name_every_parameter_with_its_shape() -> None:
    x = vector(4)
    graph = Graph([x], [layer(x)])
    good = {"linear.weight": np.zeros((4, 4)), "linear.bias": np.zeros(4)}
    weighted = graph.with_weights(good)
    assert weighted.weights is not None
    assert set(weighted.weights) == set(good)
    assert graph.weights is None
    assert weighted.nodes == graph.nodes
    message = (
        r"weights must name every parameter, but \['linear.bias'\] are missing and \['linear.shift'\] are unknown\."
    )
    with pytest.raises(GraphError, match=message):
        graph.with_weights({"linear.weight": np.zeros((4, 4)), "linear.shift": np.zeros(4)})
    with pytest.raises(GraphError, match=r"linear.bias must have shape \(4,\), but got \(5,\)\."):
        graph.with_weights(good | {"linear.bias": np.zeros(5)})
    with pytest.raises(TypeError):
        weighted.weights["linear.bias"] = np.ones(4)  # type: ignore[index]


def test_inputs_and_leaves() -> None:
    assert (image(3, 4, 5).shape, vector(7).shape, tokens(9).shape) == ((1, 3, 4, 5), (1, 7), (1, 9))
    assert (image(3, 4, 5).dtype, tokens(9).dtype, tokens(9, name="words").name) == ("float32", "int64", "words")
    weight = parameter("weight", [2, 3])
    assert (weight.shape, weight.init, weight.trainable, weight.scope) == ((2, 3), Init(), True, None)
    assert parameter("mean", (2,), Init("zeros"), trainable=False, dtype="float16").bytes == 4
    table = constant([[1, 2], [3, 4]], "int64")
    assert (table.shape, table.value.dtype) == ((2, 2), np.dtype("int64"))
    assert constant(0.5, "bfloat16").value.dtype == np.dtype("float32")
