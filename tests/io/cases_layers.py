"""Matrix products, attention, recurrence, normalisation and quantisation, in small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from operator_parts import IMAGE, TOKENS, Build, Case, bits, elementwise, weight, whole

from netwright.graph import Init, Tensor, constant, ops, parameter

__all__ = ["CASES"]


def unseen() -> Tensor:
    """Which of five keys each of five queries sees: two bands."""
    distance = np.subtract.outer(np.arange(5), np.arange(5))
    return constant(distance % 3 != 1, "bool")


def norm_of(op: Callable[..., Tensor], shape: tuple[int, ...], **attrs: object) -> Build:
    return lambda x: op(x, weight(*shape, init="uniform"), weight(*shape, hint="bias"), **attrs)


def batch_norm(shape: tuple[int, ...], **attrs: object) -> Build:
    def build(x: Tensor) -> Tensor:
        mean = parameter("running_mean", shape, Init("normal", 0.3), trainable=False)
        variance = parameter("running_var", shape, Init("ones"), trainable=False)
        return ops.batch_normalization(x, weight(*shape), weight(*shape, hint="bias"), mean, variance, **attrs)

    return build


def attention(mask: Callable[[Tensor], Tensor], **attrs: object) -> Build:
    """Attention of four heads with two groups of keys, under a mask made of the scores' source."""
    return lambda x: ops.attention(x, *ops.split(x, split=(2, 2), axis=1), mask(x), **attrs)


def seen(x: Tensor) -> Tensor:
    """Bits (N, 1, T, T), some rows of which are all False."""
    return ops.slice_(bits(ops.concat(x - 0.5, -x - 1.0, axis=3)), starts=(0, 0), ends=(1, 5), axes=(1, 3))


def recurrent(
    op: Callable[..., Any],
    count: int,
    *,
    states: int = 1,
    directions: int = 1,
    axis: bool = False,
    bias: bool = True,
    starts: bool = False,
    **attrs: object,
) -> Build:
    """A layer over (N, T, I), turned to (T, N, I) and back, and its last states with the batch first."""
    lead = (directions,) if directions > 1 or axis else ()
    direction = {"direction": "bidirectional"} if directions > 1 else {}

    def build(x: Tensor) -> tuple[Tensor, ...]:
        turned = ops.transpose(x, perm=(1, 0, 2))
        inputs = [turned, weight(*lead, count * 6, 12), weight(*lead, count * 6, 6, hint="recurrent")]
        inputs += [weight(*lead, 2 * count * 6, hint="bias")] if bias else []
        if starts:
            first = ops.slice_(turned, starts=(0, 0), ends=(directions, 6), axes=(0, 2))
            inputs += [None] * (5 - len(inputs)) + [first * (0.5 + i) for i in range(states)]
        y, *last = op(*inputs, **direction, **attrs)
        return ops.transpose(y, perm=(2, 0, 1, 3)), *(ops.transpose(h, perm=(1, 0, 2)) for h in last)

    return build


def recurrent_cases(op: Callable[..., Any], count: int, orders: tuple[str, str], **attrs: Any) -> list[Case]:
    theirs, torchs = ({"gates": order, **attrs} for order in orders)
    return [
        ("onnx order", TOKENS, recurrent(op, count, **theirs)),
        ("torch order", TOKENS, recurrent(op, count, **torchs)),
        ("axis of directions", TOKENS, recurrent(op, count, axis=True, **torchs)),
        ("no bias", TOKENS, recurrent(op, count, bias=False, **torchs)),
        ("starts", TOKENS, recurrent(op, count, starts=True, **theirs)),
        ("reverse", TOKENS, recurrent(op, count, starts=True, direction="reverse", **torchs)),
        ("both", TOKENS, recurrent(op, count, directions=2, **theirs)),
        ("both from starts", TOKENS, recurrent(op, count, directions=2, starts=True, bias=False, **torchs)),
    ]


CASES: dict[str, list[Case]] = {
    "MatMul": [
        ("weight", TOKENS, lambda x: ops.matmul(x, weight(12, 7))),
        ("tensors", (1, 2, 5, 12), lambda x: x @ ops.transpose(x * 0.5, perm=(0, 1, 3, 2))),
        ("order", (1, 5, 5), lambda x: (x @ (x @ x)) * (x * 2.0 @ x)),
    ],
    "Gemm": [
        ("", (1, 12), lambda x: ops.gemm(x, weight(3, 12), weight(3, hint="bias"))),
        ("plain", (1, 12), lambda x: ops.gemm(x, weight(12, 3), transB=0)),
        (
            "alpha and beta",
            (1, 12),
            lambda x: ops.gemm(x, weight(3, 12), weight(3, hint="bias"), alpha=0.5, beta=2.0),
        ),
        ("alpha", (1, 12), lambda x: ops.gemm(x, weight(12, 3), transB=0, alpha=0.5)),
        ("row", (1, 12), lambda x: ops.gemm(x, weight(3, 12), weight(1, 3, hint="bias"))),
        ("number", (1, 12), lambda x: ops.gemm(x, weight(3, 12), constant(1.5))),
        ("tensor", (1, 12), lambda x: ops.gemm(x, weight(12, 12), x * 2.0, beta=0.5)),
        ("turned", (1, 12), lambda x: ops.gemm(ops.transpose(x, perm=(1, 0)), weight(3, 12), weight(3), transA=1)),
        ("of a sum", (1, 12), lambda x: ops.gemm(x, weight(12, 3) + 1.0, transB=0)),
    ],
    "Attention": [
        ("", (1, 4, 5, 6), lambda x: ops.attention(x, x * 0.5, x + 1.0)),
        ("causal", (1, 4, 5, 6), lambda x: ops.attention(x, x * 0.5, x + 1.0, is_causal=1, scale=0.3)),
        ("groups", (1, 4, 5, 6), lambda x: ops.attention(x, *ops.split(x, split=(2, 2), axis=1))),
        (
            "one group",
            (1, 4, 5, 6),
            lambda x: ops.attention(x, *ops.split(x, split=(1, 3), axis=1)[:1] * 2, is_causal=1),
        ),
        ("mask", (1, 4, 5, 5), lambda x: ops.attention(x, x * 0.5, x, x * 2.0)),
        ("groups and shared mask", (1, 4, 5, 6), attention(lambda x: weight(5, 5))),
        ("bits", (1, 4, 5, 6), attention(seen)),
        ("constant bits", (1, 4, 5, 6), attention(lambda x: constant(np.tri(5, dtype=bool), "bool"))),
        ("mask and causal", (1, 4, 5, 6), attention(lambda x: weight(4, 5, 5), is_causal=1)),
        ("constant bits and causal", (1, 4, 5, 6), attention(lambda x: constant([[True] * 5], "bool"), is_causal=1)),
        ("weight as mask", (1, 4, 5, 6), lambda x: ops.attention(x, x, x, weight(4, 1, 5))),
        ("hidden", (1, 4, 5, 6), lambda x: ops.attention(x, x, x, unseen())),
        ("hidden, causal", (1, 4, 5, 6), lambda x: ops.attention(x, x, x, unseen(), is_causal=1)),
        (
            "mask, causal, groups",
            (1, 4, 5, 6),
            lambda x: ops.attention(x, *ops.split(x, split=(2, 2), axis=1), weight(5, 5), is_causal=1),
        ),
        ("widths", (1, 4, 5, 6), lambda x: ops.attention(x, x, ops.slice_(x, starts=(1,), ends=(5,), axes=(3,)))),
        (
            "lengths",
            (1, 4, 5, 6),
            lambda x: ops.attention(x, *[ops.slice_(x, starts=(0,), ends=(3,), axes=(2,))] * 2, is_causal=1),
        ),
    ],
    "Einsum": [
        ("attention", (1, 5, 2, 6), lambda x: ops.einsum(x, x * 0.5, equation="bthd,bshd->bhts")),
        ("weight", TOKENS, lambda x: ops.einsum(x, weight(12, 3), equation="b t i, i o -> b t o")),
        ("three", TOKENS, lambda x: ops.einsum(x, weight(12), x, equation="bti,i,bsi->bts")),
        ("one", TOKENS, lambda x: ops.einsum(x, equation="bti->bi")),
    ],
    "LSTM": recurrent_cases(ops.lstm, 4, ("iofc", "ifgo"), states=2),
    "GRU": [
        *recurrent_cases(ops.gru, 3, ("zrh", "rzn"), linear_before_reset=1),
        *[
            (f"{label} reset first", shape, build)
            for label, shape, build in recurrent_cases(ops.gru, 3, ("zrh", "rzn"), linear_before_reset=0)
        ],
    ],
    "RNN": [
        *recurrent_cases(ops.rnn, 1, ("i", "h")),
        ("relu", TOKENS, recurrent(ops.rnn, 1, directions=2, activation="Relu")),
    ],
    "BatchNormalization": [
        ("", IMAGE, batch_norm((4,))),
        ("rows", (1, 7), batch_norm((7,), epsilon=1e-3)),
        ("series", (1, 4, 9), batch_norm((4,), momentum=0.99)),
        ("volume", (1, 4, 2, 3, 5), batch_norm((4,))),
    ],
    "GroupNormalization": [
        ("", IMAGE, norm_of(ops.group_normalization, (4,), num_groups=2)),
        ("rows", (1, 8), norm_of(ops.group_normalization, (8,), num_groups=2)),
        ("no shift", IMAGE, lambda x: ops.group_normalization(x, weight(4), num_groups=4)),
    ],
    "InstanceNormalization": [
        ("", IMAGE, norm_of(ops.instance_normalization, (4,))),
        ("plain", IMAGE, ops.instance_normalization),
    ],
    "LayerNormalization": [
        ("", TOKENS, norm_of(ops.layer_normalization, (12,))),
        ("two axes", TOKENS, norm_of(ops.layer_normalization, (5, 12), axis=1)),
        ("plain", TOKENS, ops.layer_normalization),
        ("plain, two axes", TOKENS, lambda x: ops.layer_normalization(x, axis=1)),
        ("all axes but the batch", IMAGE, norm_of(ops.layer_normalization, (4, 6, 8), axis=1)),
        ("shift", TOKENS, lambda x: ops.layer_normalization(x, None, weight(12, hint="bias"))),
    ],
    "RMSNormalization": [
        ("", TOKENS, lambda x: ops.rms_normalization(x, weight(12))),
        ("shift", TOKENS, norm_of(ops.rms_normalization, (12,), epsilon=1e-2)),
        ("two axes", TOKENS, lambda x: ops.rms_normalization(x, weight(5, 12), axis=1)),
        ("plain", TOKENS, ops.rms_normalization),
        ("plain, two axes", TOKENS, lambda x: ops.rms_normalization(x, axis=-2)),
    ],
    "LRN": [
        elementwise(ops.local_response_normalization, size=3, alpha=0.5),
        elementwise(ops.local_response_normalization, size=4, alpha=0.5, beta=0.6, bias=2.0),
        ("series", (1, 5, 9), lambda x: ops.local_response_normalization(x, size=5, alpha=0.5)),
        ("volume", (1, 5, 2, 3, 4), lambda x: ops.local_response_normalization(x, size=2, alpha=0.5)),
    ],
    "LpNormalization": [
        elementwise(ops.lp_normalization, axis=1),
        elementwise(ops.lp_normalization, p=1),
    ],
    "QuantizeLinear": [
        ("", IMAGE, lambda x: ops.quantize_linear(x, constant(0.02), constant(120, "uint8"))),
        ("no zero", IMAGE, lambda x: ops.quantize_linear(x + 1.0, constant(0.02))),
        ("signed", IMAGE, lambda x: ops.quantize_linear(x, constant([0.02]), constant([3], "int8"))),
        (
            "channels",
            IMAGE,
            lambda x: ops.quantize_linear(x, constant(np.arange(1, 5) / 64), constant([1, -2, 3, 0], "int8")),
        ),
    ],
    "DequantizeLinear": [
        (
            "both",
            IMAGE,
            lambda x: ops.dequantize_linear(
                ops.quantize_linear(x, constant(0.02), constant(120, "uint8")), constant(0.03), constant(9, "uint8")
            ),
        ),
        ("no zero", IMAGE, lambda x: ops.dequantize_linear(whole(x, "int32"), constant(0.03))),
        (
            "last axis",
            IMAGE,
            lambda x: ops.dequantize_linear(whole(x, "int8"), constant(np.arange(1, 9) / 64), axis=-1),
        ),
        (
            "weight",
            (1, 3, 8, 8),
            lambda x: ops.conv(
                x,
                ops.dequantize_linear(
                    parameter("weight", (4, 3, 3, 3), Init("signs"), trainable=False, dtype="int8"),
                    constant([0.1, 0.2, 0.3, 0.4]),
                    constant([1, 2, 3, 4], "int8"),
                    axis=0,
                ),
            ),
        ),
    ],
}
