"""Each bad form of an operator says its rule, beside the good form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netwright.errors import ShapeError
from netwright.graph import constant, image, ops, parameter, vector

X, V = image(4, 8, 8), vector(6)
STEPS = ops.reshape(X, shape=(8, 1, 32))
INDEX = constant([[0, 0]], "int64")
W = parameter("weight", (8, 4, 3, 3))

FORMS: list[tuple[Callable[[], Any], Callable[[], Any], str]] = [
    (lambda: ops.conv(X, W, strides=2), lambda: ops.conv(X, W, strides=0), "strides must be 2 numbers of at least 1"),
    (lambda: ops.conv(X, W, strides=(1, 2)), lambda: ops.conv(X, W, strides=(1,)), "strides must be 2 numbers"),
    (lambda: ops.conv(X, W, pads=1), lambda: ops.conv(X, W, pads=-1), "pads"),
    (
        lambda: ops.conv(X, W, parameter("bias", (8,))),
        lambda: ops.conv(X, W, parameter("bias", (4,))),
        r"the bias must have shape \(8,\)",
    ),
    (
        lambda: ops.gemm(V, parameter("w", (3, 6)), parameter("b", (3,))),
        lambda: ops.gemm(V, parameter("w", (3, 6)), parameter("b", (6,))),
        r"the bias must have shape \(3,\)",
    ),
    (lambda: ops.max_pool(X, kernel_shape=2), lambda: ops.max_pool(X), "kernel_shape must be 2 numbers"),
    (
        lambda: ops.slice_(X, starts=(0,), ends=(2,), axes=(1,)),
        lambda: ops.slice_(X, starts=(0, 0), ends=(2,), axes=(1,)),
        "must be as many",
    ),
    (lambda: ops.unsqueeze(V, axes=(0, 1)), lambda: ops.unsqueeze(V, axes=(0, 0)), "must differ"),
    (lambda: ops.flatten(X, axis=2), lambda: ops.flatten(X, axis=9), "axis"),
    (lambda: ops.resize(X, scales=(2, 2)), lambda: ops.resize(X, scales=(2,)), "one per spatial axis"),
    (lambda: ops.cast(V, to="float16"), lambda: ops.cast(V, to="complex"), "to` must be one of"),
    (
        lambda: ops.gemm(V, parameter("w", (6, 3)), parameter("b", (1, 3)), transB=0),
        lambda: ops.gemm(V, parameter("w", (6, 3)), parameter("b", (1, 1, 3)), transB=0),
        r"the bias must have shape \(3,\) or broadcast to \(1, 3\)",
    ),
    (
        lambda: ops.gemm(V, parameter("w", (3, 1)), transA=1),
        lambda: ops.gemm(V, parameter("w", (3, 6)), transA=1),
        r"A must be \(N, K\) and B \(M, K\)",
    ),
    (
        lambda: ops.attention(X, X, X, constant([True] * 8, "bool")),
        lambda: ops.attention(X, X, X, constant([True] * 6, "bool")),
        "sizes must be equal or 1",
    ),
    (
        lambda: ops.einsum(X, X, equation="abcd,abcd->ab"),
        lambda: ops.einsum(X, X, equation="abcd,abcb->ab"),
        "'b' must have one size",
    ),
    (lambda: ops.einsum(V, equation="ab->b"), lambda: ops.einsum(V, equation="ab"), "must have '->'"),
    (lambda: ops.einsum(V, equation="ab->b"), lambda: ops.einsum(V, equation="abc->b"), "a letter per axis"),
    (lambda: ops.einsum(V, equation="ab->b"), lambda: ops.einsum(V, equation="ab->c"), "letters of the inputs"),
    (lambda: ops.einsum(V, equation="ab->b"), lambda: ops.einsum(V, V, equation="ab->b"), "a term per input"),
    (
        lambda: ops.lstm(STEPS, parameter("w", (8, 32)), parameter("r", (8, 2))),
        lambda: ops.lstm(STEPS, parameter("w", (6, 32)), parameter("r", (8, 2))),
        "W must have 4 gates of H x I",
    ),
    (
        lambda: ops.gru(STEPS, parameter("w", (6, 32)), parameter("r", (6, 2)), gates="rzn"),
        lambda: ops.gru(STEPS, parameter("w", (6, 32)), parameter("r", (6, 2)), gates="nrz"),
        "gates must be one of zrh, rzn",
    ),
    (
        lambda: ops.rnn(STEPS, parameter("w", (2, 32)), parameter("r", (2, 2)), parameter("b", (4,))),
        lambda: ops.rnn(STEPS, parameter("w", (2, 32)), parameter("r", (2, 2)), parameter("b", (2,))),
        "B must hold two biases",
    ),
    (
        lambda: ops.quantize_linear(X, parameter("scale", (4,))),
        lambda: ops.quantize_linear(X, parameter("scale", (3,))),
        "scale must be one number or one per position",
    ),
    (
        lambda: ops.dequantize_linear(ops.cast(X, to="int8"), parameter("scale", ())),
        lambda: ops.dequantize_linear(X, parameter("scale", ())),
        "the input must be integers",
    ),
    (lambda: ops.lp_normalization(X), lambda: ops.lp_normalization(X, p=3), r"p \(3\) must be 1 or 2"),
    (
        lambda: ops.local_response_normalization(X, size=3),
        lambda: ops.local_response_normalization(V, size=3),
        "X must be",
    ),
    (
        lambda: ops.grid_sample(X, parameter("grid", (1, 3, 3, 2))),
        lambda: ops.grid_sample(X, parameter("grid", (1, 3, 3, 3))),
        "the grid",
    ),
    (
        lambda: ops.gather_nd(V, INDEX),
        lambda: ops.gather_nd(vector(3), constant([[0, 0, 0]], "int64")),
        "into k axes",
    ),
    (
        lambda: ops.scatter_nd(V, INDEX, constant([1.0])),
        lambda: ops.scatter_nd(V, INDEX, constant([1.0, 2.0])),
        "updates must have the shape",
    ),
    (lambda: ops.one_hot(INDEX, depth=2), lambda: ops.one_hot(INDEX, depth=2, axis=3), r"axis \(3\) must exist"),
    (lambda: ops.trilu(V), lambda: ops.trilu(constant([1.0])), "the rank must be at least 2"),
    (
        lambda: ops.expand(parameter("token", (1, 1, 4)), STEPS, shape=(0, 1, 1)),
        lambda: ops.expand(parameter("token", (1, 1, 4)), shape=(0, 1, 1)),
        "needs a second tensor",
    ),
    (
        lambda: ops.resize(X, sizes=(4, 4), mode="linear"),
        lambda: ops.resize(X, sizes=(4, 4), mode="lanczos"),
        "mode must be one of nearest, linear, cubic, but got 'lanczos'",
    ),
    (
        lambda: ops.resize(X, sizes=(4, 4), coordinate_transformation_mode="half_pixel"),
        lambda: ops.resize(X, sizes=(4, 4), coordinate_transformation_mode="tf_crop_and_resize"),
        "coordinate_transformation_mode must be one of",
    ),
    (
        lambda: ops.resize(X, sizes=(4, 4), nearest_mode="ceil"),
        lambda: ops.resize(X, sizes=(4, 4), nearest_mode="round"),
        "nearest_mode must be one of",
    ),
    (lambda: ops.add(V, V), lambda: ops.add(V, ops.cast(V, to="int64")), "must have one dtype"),
]


@pytest.mark.parametrize(("good", "bad", "words"), FORMS)
def test_a_bad_form_states_the_rule(good: Callable[[], Any], bad: Callable[[], Any], words: str) -> None:
    good()
    with pytest.raises(ShapeError, match=words):
        bad()


def test_a_number_can_be_divided_by_a_tensor() -> None:
    assert (1.0 / V).node.op.name == "Div"
