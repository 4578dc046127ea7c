"""Each bad form of an operator says its rule, beside the good form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netwright.errors import ShapeError
from netwright.graph import image, ops, parameter, vector

X, V = image(4, 8, 8), vector(6)
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
    (lambda: ops.add(V, V), lambda: ops.add(V, ops.cast(V, to="int64")), "must have one dtype"),
]


@pytest.mark.parametrize(("good", "bad", "words"), FORMS)
def test_a_bad_form_states_the_rule(good: Callable[[], Any], bad: Callable[[], Any], words: str) -> None:
    good()
    with pytest.raises(ShapeError, match=words):
        bad()


def test_a_number_can_be_divided_by_a_tensor() -> None:
    assert (1.0 / V).node.op.name == "Div"
