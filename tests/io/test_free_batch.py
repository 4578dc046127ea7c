"""A network written down with one row runs with any number of rows, or says that it does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from netwright.graph import Graph, Input, Opaque, Tensor, constant, image, ops, parameter
from netwright.io import initial_weights
from netwright.io._batch import shapes_at
from netwright.io._free_batch import free_batch
from netwright.testing import assert_exports_agree

Build = Callable[[Tensor], Tensor]


def freed(build: Build, *shape: int) -> Graph:
    x = Input((1, *shape))
    return free_batch(Graph([x], [build(x)]))


def token() -> Tensor:
    return parameter("token", (1, 1, 12))


def with_class_token(x: Tensor) -> Tensor:
    rows = ops.reshape(x, shape=(1, 6, 12))
    return ops.concat(ops.expand(token(), shape=(1, 1, 12)), rows, axis=1)


def windows(x: Tensor) -> Tensor:
    """The partition of a Swin transformer and back."""
    parts = ops.transpose(ops.reshape(x, shape=(1, 2, 2, 2, 2, 3)), perm=(0, 1, 3, 2, 4, 5))
    flat = ops.relu(ops.reshape(parts, shape=(4, 4, 3)))
    back = ops.transpose(ops.reshape(flat, shape=(1, 2, 2, 2, 2, 3)), perm=(0, 1, 3, 2, 4, 5))
    return ops.reshape(back, shape=(1, 4, 4, 3))


def length_first(x: Tensor) -> Tensor:
    turned = ops.transpose(x, perm=(1, 0, 2))
    heads = ops.transpose(ops.reshape(turned, shape=(5, 3, 4)), perm=(1, 0, 2))
    return ops.reshape(ops.transpose(heads * 2.0, perm=(1, 0, 2)), shape=(5, 1, 12))


CASES: dict[str, tuple[Build, tuple[int, ...], tuple[int, ...]]] = {
    "flat": (lambda x: ops.reshape(x, shape=(1, 48)), (3, 4, 4), (7, 48)),
    "inferred size that is not the batch": (lambda x: ops.reshape(x, shape=(1, -1)), (3, 4, 4), (7, 48)),
    "inferred size that is the batch": (lambda x: ops.reshape(x, shape=(-1, 48)), (3, 4, 4), (7, 48)),
    "copied": (lambda x: ops.reshape(x, shape=(0, 3, -1)), (3, 4, 4), (7, 3, 16)),
    "class token": (with_class_token, (6, 12), (7, 7, 12)),
    "windows": (windows, (4, 4, 3), (7, 4, 4, 3)),
    "length first": (length_first, (5, 12), (5, 7, 12)),
    "rows and tokens merged": (lambda x: ops.reshape(x, shape=(5, 12)), (5, 12), (35, 12)),
    "whole slice": (lambda x: ops.slice_(x, starts=(0,), ends=(1,), axes=(0,)), (5,), (7, 5)),
    "expanded": (lambda x: ops.expand(ops.reshape(x, shape=(1, 1, 5)), shape=(1, 3, 5)), (5,), (7, 3, 5)),
    "plain": (lambda x: ops.relu(x) + 1.0, (3, 4, 4), (7, 3, 4, 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_sizes_follow_the_batch(name: str) -> None:
    build, shape, wanted = CASES[name]
    graph = freed(build, *shape)
    assert graph.inputs[0].batch_axis == 0
    assert shapes_at(graph, 7)[graph.outputs[0]] == wanted


@pytest.mark.parametrize("name", sorted(set(CASES) - {"class token"}))
def test_the_rows_do_not_mix(name: str) -> None:
    build, shape, _ = CASES[name]
    assert assert_exports_agree(freed(build, *shape)) <= 1e-6


def test_parameters_and_weights_stay_the_same_objects() -> None:
    x = Input((1, 6, 12))
    graph = Graph([x], [with_class_token(x)])
    weights = initial_weights(graph)
    result = free_batch(graph.with_weights(weights))
    assert result.weights is not None
    assert list(result.parameters.values()) == list(graph.parameters.values())
    assert all(np.shares_memory(result.weights[name], weights[name]) for name in weights)


def test_initial_states_get_the_rows_of_the_sequence() -> None:
    x, w, r = Input((1, 5, 3)), parameter("w", (8, 3)), parameter("r", (8, 2))
    state = parameter("state", (1, 1, 2))
    y, *_ = ops.lstm(ops.transpose(x, perm=(1, 0, 2)), w, r, None, None, state, state)
    graph = free_batch(Graph([x], [y]))
    assert shapes_at(graph, 7)[graph.outputs[0]] == (5, 1, 7, 2)


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: ops.squeeze(x, axes=(0,)), (3, 4)),
        (lambda x: ops.split(ops.reshape(x, shape=(3, 4)), split=(1, 2), axis=0)[0], (3, 4)),
        (lambda x: ops.concat(x, x, axis=0), (3, 4)),
        (lambda x: ops.gather(ops.reshape(x, shape=(3, 4)), constant([0, 2], "int64"), axis=0), (3, 4)),
        (lambda x: ops.topk(ops.reshape(x, shape=(12,)), k=12, axis=0)[0], (3, 4)),
        (lambda x: ops.gather(ops.reshape(x, shape=(3, 4)), ops.arg_max(x, axis=2, keepdims=0), axis=0), (3, 4)),
        (lambda x: ops.gather_nd(x, ops.arg_max(x, axis=2)), (3, 4)),
        (lambda x: ops.conv(ops.reshape(x, shape=(1, 3, 4)), ops.reshape(x, shape=(4, 3, 1))), (3, 4)),
        (lambda x: Opaque("vendor::Fast", [((1, 4), "float32")])(x), (3, 4)),
    ],
    ids=[
        "batch squeezed away",
        "batch taken apart",
        "joined along the batch",
        "rows picked",
        "rows sorted",
        "places that data name",
        "positions that data name",
        "a kernel for each row",
        "opaque",
    ],
)
def test_what_cannot_be_freed_is_for_one_size(build: Build, shape: tuple[int, ...]) -> None:
    graph = freed(build, *shape)
    assert graph.inputs[0].batch_axis is None
    assert shapes_at(graph, 7) == shapes_at(graph, 1)


def test_a_network_for_one_size_stays_as_it_is() -> None:
    x = Input((1, 4), batch_axis=None)
    graph = Graph([x], [ops.relu(x)])
    assert free_batch(graph) is graph


def test_inputs_may_have_their_batch_elsewhere() -> None:
    x, state = image(3, 2, 2), Input((2, 1, 12), name="state", batch_axis=1)
    joined = ops.concat(ops.reshape(x, shape=(1, 1, 12)), state, axis=0)
    graph = free_batch(Graph([x, state], [joined]))
    assert graph.inputs[0].batch_axis is None, "rows stand on different axes, so they cannot be joined"
    turned = ops.transpose(ops.reshape(x, shape=(1, 1, 12)), perm=(1, 0, 2))
    graph = free_batch(Graph([x, state], [ops.concat(turned, state, axis=0)]))
    assert shapes_at(graph, 7)[graph.outputs[0]] == (3, 7, 12)


def test_a_sequence_and_the_batch_merge_into_the_rows_of_a_matrix() -> None:
    """What torch.nn.MultiheadAttention does before its last layer: (T, N, C) to (T N, C) and back."""
    x = Input((1, 5, 12))
    rows = ops.reshape(ops.transpose(x, perm=(1, 0, 2)), shape=(5, 12))
    made = ops.reshape(ops.gemm(rows, parameter("weight", (12, 12))), shape=(5, 1, 12))
    graph = free_batch(Graph([x], [ops.transpose(made, perm=(1, 0, 2))]))
    assert shapes_at(graph, 7)[graph.outputs[0]] == (7, 5, 12)
    assert_exports_agree(graph)


def test_windows_stay_behind_the_batch_when_an_axis_of_one_is_split_off() -> None:
    x = Input((1, 9, 4, 4))
    parts = ops.relu(ops.reshape(x, shape=(9, 4, 4)))
    graph = free_batch(Graph([x], [ops.reshape(parts, shape=(1, 9, 16))]))
    assert shapes_at(graph, 7)[graph.outputs[0]] == (7, 9, 16)


def test_a_batch_that_is_cut_is_not_free() -> None:
    x = Input((1, 3, 4))
    flat = ops.reshape(x, shape=(3, 4))
    graph = free_batch(Graph([x], [ops.slice_(flat, starts=(0,), ends=(2,), axes=(0,))]))
    assert graph.inputs[0].batch_axis is None


def test_rows_of_a_sequence_and_the_batch_are_not_taken_apart() -> None:
    x = Input((1, 5, 12))
    rows = ops.reshape(ops.transpose(x, perm=(1, 0, 2)), shape=(5, 12))
    graph = free_batch(Graph([x], [ops.slice_(rows, starts=(0,), ends=(2,), axes=(0,))]))
    assert graph.inputs[0].batch_axis is None


def test_the_batch_is_found_by_its_size_among_axes_of_one_element_before() -> None:
    x = Input((1, 4, 6, 8))
    flat = ops.reshape(ops.transpose(x, perm=(2, 3, 0, 1)), shape=(48, 1, 4))
    graph = free_batch(Graph([x], [flat]))
    assert shapes_at(graph, 7)[graph.outputs[0]] == (48, 7, 4)
