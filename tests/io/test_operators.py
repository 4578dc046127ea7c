"""Every operator of the vocabulary computes the same in PyTorch and in ONNX Runtime, for any batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from netwright.graph import OPERATORS, Graph, Init, Input, Parameter, Tensor, constant, ops, parameter
from netwright.testing import assert_exports_agree

Build = Callable[..., Tensor | tuple[Tensor, ...]]
IMAGE = (1, 4, 6, 8)


def weight(*shape: int, hint: str = "weight", init: str = "normal") -> Parameter:
    return parameter(hint, shape, Init(init, 0.5))


def positive(x: Tensor) -> Tensor:
    return ops.abs(x) + 0.5


def index(values: object) -> Tensor:
    return constant(values, "int64")


def bits(x: Tensor) -> Tensor:
    return ops.greater(x, constant(0.0))


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


def scatter(reduction: str) -> Build:
    def build(x: Tensor) -> Tensor:
        top, _ = ops.topk(x, k=3, axis=2)
        _, where = ops.topk(-x, k=3, axis=2)
        return ops.scatter_elements(x, where, top, axis=2, reduction=reduction)

    return build


def scatter_nd(depth: int, reduction: str) -> Build:
    """Slices written at places of the spatial axes, which are brought to the front."""

    def build(x: Tensor) -> Tensor:
        turned = ops.transpose(x, perm=(2, 3, 0, 1))
        where = index([[1, 2], [0, 7], [-1, 3]] if depth == 2 else [[1], [-2], [0]])
        picked = ops.slice_(turned, starts=(3,), ends=(6,), axes=(0,))
        updates = picked if depth == 1 else ops.gather(picked, index(0), axis=1)
        result = ops.scatter_nd(turned, where, updates * 2.0, reduction=reduction)
        return ops.transpose(result, perm=(2, 3, 0, 1))

    return build


def grid_sample(**attrs: object) -> Build:
    def build(x: Tensor) -> Tensor:
        first = ops.slice_(x, starts=(0,), ends=(2,), axes=(1,))
        y: Tensor = ops.grid_sample(x, ops.transpose(first, perm=(0, 2, 3, 1)), **attrs)
        return y

    return build


def several(op: Callable[..., Tensor], count: int = 2) -> Build:
    return lambda x: op(*(x * (i + 1.0) - 0.3 * i for i in range(count)))


def elementwise(op: Callable[..., Tensor], **attrs: object) -> tuple[str, tuple[int, ...], Build]:
    return "", IMAGE, lambda x: op(x, **attrs)


def whole(x: Tensor, dtype: str = "int64") -> Tensor:
    """Whole numbers of both signs."""
    return ops.cast(x * 9.0, to=dtype)


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


def whole_reduction(op: Callable[..., Tensor], dtype: str) -> Case:
    return dtype, IMAGE, lambda x: op(whole(x * 0.2, dtype), axes=(1, 2))


FLOATING = ("Mean", "L1", "L2", "LogSumExp")
"""Reductions of numbers that are not whole."""

TOKENS = (1, 5, 12)
Case = tuple[str, tuple[int, ...], Build]

CASES: dict[str, list[Case]] = {
    "Conv": [
        ("plain", IMAGE, lambda x: ops.conv(x, weight(6, 4, 3, 3), pads=1)),
        ("bias", IMAGE, lambda x: ops.conv(x, weight(6, 4, 3, 3), weight(6, hint="bias"), strides=2)),
        ("grouped", IMAGE, lambda x: ops.conv(x, weight(8, 2, 3, 3), group=2, pads=1)),
        ("depthwise", IMAGE, lambda x: ops.conv(x, weight(4, 1, 3, 3), group=4, pads=2, dilations=2)),
        ("uneven pads", IMAGE, lambda x: ops.conv(x, weight(6, 4, 3, 2), pads=(0, 1, 2, 0), strides=(1, 2))),
        ("long", IMAGE, lambda x: ops.conv(x, weight(4, 4, 1, 7), pads=(0, 3))),
        ("1d", (1, 4, 16), lambda x: ops.conv(x, weight(6, 4, 5), pads=2, strides=2)),
        ("3d", (1, 2, 4, 5, 6), lambda x: ops.conv(x, weight(3, 2, 2, 3, 3), pads=1)),
        (
            "1d grouped",
            (1, 4, 16),
            lambda x: ops.conv(x, weight(4, 2, 3), weight(4, hint="bias"), group=2, pads=(2, 0)),
        ),
        ("3d grouped", (1, 4, 4, 5, 6), lambda x: ops.conv(x, weight(4, 1, 3, 3, 3), group=4, strides=2, pads=1)),
    ],
    "ConvTranspose": [
        ("plain", IMAGE, lambda x: ops.conv_transpose(x, weight(4, 6, 2, 2), strides=2)),
        (
            "all",
            IMAGE,
            lambda x: ops.conv_transpose(
                x, weight(4, 3, 3, 3), weight(6, hint="bias"), strides=2, pads=1, output_padding=1, group=2
            ),
        ),
        ("uneven pads", IMAGE, lambda x: ops.conv_transpose(x, weight(4, 3, 3, 3), pads=(0, 1, 2, 0), dilations=2)),
        ("1d", (1, 4, 7), lambda x: ops.conv_transpose(x, weight(4, 2, 3), strides=3)),
        ("3d", (1, 2, 3, 4, 5), lambda x: ops.conv_transpose(x, weight(2, 3, 2, 3, 2), weight(3), strides=2, pads=1)),
        (
            "1d grouped",
            (1, 4, 7),
            lambda x: ops.conv_transpose(x, weight(4, 2, 3), strides=2, pads=(0, 1), group=2, output_padding=1),
        ),
    ],
    "MaxPool": [
        (
            "after padding",
            IMAGE,
            lambda x: ops.max_pool(ops.pad(x - 5.0, pads=(0, 0, 1, 1) * 2), kernel_shape=(3, 3)),
        ),
        ("plain", IMAGE, lambda x: ops.max_pool(x, kernel_shape=2, strides=2)),
        ("pads", IMAGE, lambda x: ops.max_pool(x, kernel_shape=3, strides=1, pads=1)),
        ("uneven pads", IMAGE, lambda x: ops.max_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 2, 2))),
        ("dilated", IMAGE, lambda x: ops.max_pool(x, kernel_shape=2, dilations=2)),
        ("ceil", (1, 2, 6, 7), lambda x: ops.max_pool(x, kernel_shape=3, strides=2, ceil_mode=1)),
        ("ceil and pads", (1, 2, 6, 7), lambda x: ops.max_pool(x, kernel_shape=2, strides=3, pads=1, ceil_mode=1)),
        (
            "ceil and uneven pads",
            (1, 2, 6, 7),
            lambda x: ops.max_pool(x, kernel_shape=2, strides=2, pads=(0, 0, 1, 1), ceil_mode=1),
        ),
        ("1d", (1, 4, 9), lambda x: ops.max_pool(x, kernel_shape=3, strides=3)),
        ("3d", (1, 2, 5, 6, 7), lambda x: ops.max_pool(x, kernel_shape=3, strides=2, pads=1)),
        ("3d ceil", (1, 2, 5, 6, 7), lambda x: ops.max_pool(x, kernel_shape=(1, 2, 3), strides=2, ceil_mode=1)),
        ("1d uneven pads", (1, 2, 9), lambda x: ops.max_pool(x, kernel_shape=3, strides=2, pads=(0, 2))),
    ],
    "AveragePool": [
        ("plain", IMAGE, lambda x: ops.average_pool(x, kernel_shape=2, strides=2)),
        ("pads", IMAGE, lambda x: ops.average_pool(x, kernel_shape=3, strides=1, pads=1)),
        ("counted pads", IMAGE, lambda x: ops.average_pool(x, kernel_shape=3, pads=1, count_include_pad=1)),
        ("uneven pads", IMAGE, lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 2, 2))),
        (
            "uneven counted pads",
            IMAGE,
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 2, 2), count_include_pad=1),
        ),
        ("dilated", IMAGE, lambda x: ops.average_pool(x, kernel_shape=2, dilations=2, pads=1)),
        ("ceil", (1, 2, 6, 7), lambda x: ops.average_pool(x, kernel_shape=3, strides=2, ceil_mode=1)),
        (
            "ceil and pads",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=1, ceil_mode=1),
        ),
        (
            "ceil and counted pads",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=1, ceil_mode=1, count_include_pad=1),
        ),
        (
            "ceil and uneven pads",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 1, 1, 1), ceil_mode=1),
        ),
        (
            "ceil and dropped window",
            (1, 2, 6, 7),
            lambda x: ops.average_pool(x, kernel_shape=2, strides=3, pads=1, ceil_mode=1, count_include_pad=1),
        ),
        ("1d", (1, 4, 9), lambda x: ops.average_pool(x, kernel_shape=3, strides=3)),
        ("3d", (1, 2, 5, 6, 7), lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=1)),
        ("3d ceil", (1, 2, 5, 6, 7), lambda x: ops.average_pool(x, kernel_shape=(1, 2, 3), strides=2, ceil_mode=1)),
        ("1d uneven pads", (1, 2, 9), lambda x: ops.average_pool(x, kernel_shape=3, strides=2, pads=(0, 2))),
    ],
    "GlobalAveragePool": [
        elementwise(ops.global_average_pool),
        ("1d", (1, 3, 9), ops.global_average_pool),
        ("3d", (1, 3, 2, 3, 4), ops.global_average_pool),
    ],
    "GlobalMaxPool": [
        elementwise(ops.global_max_pool),
        ("1d", (1, 3, 9), ops.global_max_pool),
        ("3d", (1, 3, 2, 3, 4), ops.global_max_pool),
    ],
    "Add": [
        ("", IMAGE, several(ops.add)),
        ("number", IMAGE, lambda x: 1.5 + x),
        ("array", IMAGE, lambda x: x + constant(np.arange(8))),
        ("whole", IMAGE, lambda x: ops.add(whole(x), constant([3], "int64"))),
        ("int32", IMAGE, lambda x: ops.add(whole(x, "int32"), whole(-x, "int32"))),
    ],
    "Sub": [
        ("", IMAGE, several(ops.sub)),
        ("order", IMAGE, lambda x: 1.5 - (x - (x - 2.0))),
        ("whole", IMAGE, lambda x: ops.sub(whole(x), constant([3], "int64"))),
        ("int32", IMAGE, lambda x: ops.sub(whole(x, "int32"), whole(-x, "int32"))),
    ],
    "Mul": [
        ("", IMAGE, several(ops.mul)),
        ("number", IMAGE, lambda x: (x + 1.0) * -0.1),
        ("whole", IMAGE, lambda x: ops.mul(whole(x), constant([3], "int64"))),
        ("int32", IMAGE, lambda x: ops.mul(whole(x, "int32"), whole(-x, "int32"))),
    ],
    "Div": [
        ("", IMAGE, lambda x: x / positive(x)),
        ("order", IMAGE, lambda x: (x / 2.0) / (x * x + 1.0) / 3.0),
        ("whole", IMAGE, lambda x: ops.div(ops.cast(x * 9.0, to="int64"), constant(2, "int64"))),
        ("int32", IMAGE, lambda x: ops.div(whole(x, "int32"), constant(-4, "int32"))),
    ],
    "Pow": [
        ("", IMAGE, lambda x: ops.pow(positive(x), x)),
        ("square", IMAGE, lambda x: ops.pow(x - 1.0, constant(2.0))),
        ("of a number", IMAGE, lambda x: ops.pow(constant(2.0), -x)),
        ("whole", IMAGE, lambda x: ops.pow(whole(x), constant(2, "int64"))),
        ("int32", IMAGE, lambda x: ops.pow(constant(2, "int32"), ops.abs(whole(x * 0.2, "int32")))),
    ],
    "Mod": [
        ("", IMAGE, lambda x: ops.mod(x * 3.0, constant(1.7))),
        ("fmod", IMAGE, lambda x: ops.mod(x * 3.0, positive(x), fmod=1)),
        ("whole", IMAGE, lambda x: ops.mod(ops.cast(x * 9.0, to="int64"), constant(4, "int64"))),
        ("int32", IMAGE, lambda x: ops.mod(whole(x, "int32"), constant(-4, "int32"))),
        ("whole fmod", IMAGE, lambda x: ops.mod(whole(x), constant(4, "int64"), fmod=1)),
    ],
    "Sum": [("one", IMAGE, several(ops.sum, 1)), ("three", IMAGE, several(ops.sum, 3))],
    "Max": [
        ("", IMAGE, several(ops.maximum)),
        ("three", IMAGE, several(ops.maximum, 3)),
        ("number", IMAGE, lambda x: ops.maximum(x, constant(0.1))),
        ("whole", IMAGE, lambda x: ops.maximum(whole(x), whole(-x), constant(-7, "int64"))),
        ("int32", IMAGE, lambda x: ops.maximum(whole(x, "int32"), constant(2, "int32"))),
    ],
    "Min": [
        ("", IMAGE, several(ops.minimum)),
        ("number", IMAGE, lambda x: ops.minimum(constant(0.1), x)),
        ("whole", IMAGE, lambda x: ops.minimum(whole(x), whole(-x), constant(-7, "int64"))),
        ("int32", IMAGE, lambda x: ops.minimum(whole(x, "int32"), constant(2, "int32"))),
    ],
    "Equal": [
        ("", IMAGE, lambda x: ops.equal(ops.relu(x), x)),
        ("bits", IMAGE, lambda x: ops.equal(bits(x), bits(x - 0.2))),
        ("whole", IMAGE, lambda x: ops.equal(whole(x * 0.1), constant(0, "int64"))),
    ],
    "Greater": [
        ("", IMAGE, several(ops.greater)),
        ("number", IMAGE, lambda x: ops.greater(x, constant(0.0))),
        ("whole", IMAGE, lambda x: ops.greater(whole(x), constant(3, "int64"))),
    ],
    "Less": [
        ("", IMAGE, several(ops.less)),
        ("int32", IMAGE, lambda x: ops.less(whole(x, "int32"), constant(3, "int32"))),
    ],
    "And": [
        ("", IMAGE, lambda x: ops.logical_and(bits(x), bits(x - 0.5))),
        ("broadcast", IMAGE, lambda x: ops.logical_and(bits(x), constant(np.arange(8) % 3 == 0, "bool"))),
    ],
    "Or": [
        ("", IMAGE, lambda x: ops.logical_or(bits(x), bits(-x - 0.5))),
        ("broadcast", IMAGE, lambda x: ops.logical_or(bits(x), constant(np.arange(8) % 3 == 0, "bool"))),
    ],
    "Not": [("", IMAGE, lambda x: ops.logical_not(bits(x)))],
    "Where": [
        ("", IMAGE, lambda x: ops.where(bits(x), x, x * 0.1)),
        ("number", IMAGE, lambda x: ops.where(bits(x), x, constant(-1.0))),
        ("bits", IMAGE, lambda x: ops.where(bits(x), bits(x - 0.5), bits(x + 0.5))),
        ("whole", IMAGE, lambda x: ops.where(bits(x), whole(x), constant(3, "int64"))),
        ("int32", IMAGE, lambda x: ops.where(bits(x), whole(x, "int32"), constant(3, "int32"))),
        ("float64", IMAGE, lambda x: ops.where(bits(x), ops.cast(x, to="float64"), constant(3, "float64"))),
    ],
    "Neg": [
        elementwise(ops.neg),
        ("power", IMAGE, lambda x: ops.pow(-x, constant(2.0))),
        ("whole", IMAGE, lambda x: ops.neg(whole(x))),
    ],
    "Abs": [
        elementwise(ops.abs),
        ("whole", IMAGE, lambda x: ops.abs(whole(x))),
    ],
    "Exp": [elementwise(ops.exp)],
    "Log": [("", IMAGE, lambda x: ops.log(positive(x)))],
    "Sqrt": [("", IMAGE, lambda x: ops.sqrt(positive(x)))],
    "Reciprocal": [("", IMAGE, lambda x: ops.reciprocal(positive(x)))],
    "Floor": [elementwise(ops.floor)],
    "Ceil": [elementwise(ops.ceil)],
    "Round": [elementwise(ops.round), ("halves", IMAGE, lambda x: ops.round(ops.floor(x * 2.0) / 2.0))],
    "Sign": [
        elementwise(ops.sign),
        ("whole", IMAGE, lambda x: ops.sign(whole(x))),
    ],
    "Sin": [elementwise(ops.sin)],
    "Cos": [elementwise(ops.cos)],
    "Erf": [elementwise(ops.erf)],
    "Relu": [
        elementwise(ops.relu),
        ("int32", IMAGE, lambda x: ops.relu(whole(x, "int32"))),
    ],
    "LeakyRelu": [elementwise(ops.leaky_relu), elementwise(ops.leaky_relu, alpha=0.2)],
    "PRelu": [("", IMAGE, lambda x: ops.prelu(x, weight(4, 1, 1)))],
    "Elu": [elementwise(ops.elu, alpha=0.5)],
    "Celu": [elementwise(ops.celu, alpha=2.0)],
    "Selu": [elementwise(ops.selu), elementwise(ops.selu, alpha=1.5, gamma=1.2)],
    "Sigmoid": [elementwise(ops.sigmoid)],
    "HardSigmoid": [elementwise(ops.hard_sigmoid), elementwise(ops.hard_sigmoid, alpha=0.2, beta=0.4)],
    "HardSwish": [elementwise(ops.hard_swish)],
    "Tanh": [elementwise(ops.tanh)],
    "Softplus": [elementwise(ops.softplus)],
    "Softsign": [elementwise(ops.softsign)],
    "Mish": [elementwise(ops.mish)],
    "Gelu": [elementwise(ops.gelu), elementwise(ops.gelu, approximate="tanh")],
    "Swish": [elementwise(ops.silu), elementwise(ops.silu, alpha=1.7)],
    "Clip": [
        elementwise(ops.clip, min=0.0, max=6.0),
        elementwise(ops.clip, max=0.3),
        elementwise(ops.clip),
        ("whole", IMAGE, lambda x: ops.clip(whole(x), min=-2, max=3)),
    ],
    "Softmax": [elementwise(ops.softmax), elementwise(ops.softmax, axis=1)],
    "LogSoftmax": [elementwise(ops.log_softmax, axis=1)],
    "Identity": [elementwise(ops.identity), ("inside", IMAGE, lambda x: ops.relu(ops.identity(x) + x))],
    "Dropout": [elementwise(ops.dropout), elementwise(ops.dropout, ratio=0.1)],
    "Cast": [
        elementwise(ops.cast, to="int64"),
        elementwise(ops.cast, to="float64"),
        ("bits to numbers", IMAGE, lambda x: ops.cast(bits(x), to="float32")),
        ("bits to whole", IMAGE, lambda x: ops.cast(bits(x), to="int32")),
        ("numbers to bits", IMAGE, lambda x: ops.cast(ops.relu(x), to="bool")),
        ("whole to bits", IMAGE, lambda x: ops.cast(whole(x * 0.1), to="bool")),
        ("whole to numbers", IMAGE, lambda x: ops.cast(whole(x, "int8"), to="float32")),
        ("half and back", IMAGE, lambda x: ops.cast(ops.cast(x, to="float16"), to="float32")),
        ("to bytes", IMAGE, lambda x: ops.cast(positive(x) * 9.0, to="uint8")),
    ],
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
    **{
        f"Reduce{name}": [
            elementwise(op, axes=(2, 3)),
            elementwise(op, axes=(1,), keepdims=0),
            elementwise(op, axes=(-1, 1), keepdims=0),
            elementwise(op, axes=()),
            *([] if name in FLOATING else [whole_reduction(op, "int64"), whole_reduction(op, "int32")]),
        ]
        for name, op in {
            "Mean": ops.reduce_mean,
            "Sum": ops.reduce_sum,
            "Max": ops.reduce_max,
            "Min": ops.reduce_min,
            "Prod": ops.reduce_prod,
            "L1": ops.reduce_l1,
            "L2": ops.reduce_l2,
            "SumSquare": ops.reduce_sum_square,
            "LogSumExp": ops.reduce_log_sum_exp,
        }.items()
    },
    "ArgMax": [
        elementwise(ops.arg_max, axis=1),
        elementwise(ops.arg_max, axis=-1, keepdims=0),
        ("last", IMAGE, lambda x: ops.arg_max(ops.round(x), axis=2, select_last_index=1)),
        ("last of whole", IMAGE, lambda x: ops.arg_max(whole(x, "int32"), axis=-1, keepdims=0, select_last_index=1)),
        ("whole", IMAGE, lambda x: ops.arg_max(whole(x * 0.2, "int32"), axis=1)),
    ],
    "ArgMin": [
        elementwise(ops.arg_min, axis=2),
        ("last", IMAGE, lambda x: ops.arg_min(ops.round(x), axis=1, select_last_index=1) + constant(1, "int64")),
    ],
    "CumSum": [
        elementwise(ops.cumsum, axis=2),
        elementwise(ops.cumsum, axis=1, exclusive=1, reverse=1),
        ("whole", IMAGE, lambda x: ops.cumsum(whole(x), axis=1)),
        ("int32", IMAGE, lambda x: ops.cumsum(whole(x, "int32"), axis=-1, exclusive=1)),
        ("reversed int32", IMAGE, lambda x: ops.cumsum(whole(x, "int32"), axis=-1, reverse=1)),
    ],
    "Gather": [
        ("constant index", IMAGE, lambda x: ops.gather(x, index([2, 0]), axis=2)),
        ("scalar index", IMAGE, lambda x: ops.gather(x, index(1), axis=1)),
        ("matrix index", IMAGE, lambda x: ops.gather(x, index([[2, 0], [1, 1]]), axis=3)),
        ("table", TOKENS, lambda x: ops.gather(weight(12, 3), ops.arg_max(x, axis=2, keepdims=0))),
        ("from the end", IMAGE, lambda x: ops.gather(x, index([-1, 0, -3]), axis=2)),
        ("last", IMAGE, lambda x: ops.gather(x, index(-1), axis=3)),
        ("cube of indices", IMAGE, lambda x: ops.gather(x, index([[[2], [-1]]]), axis=1)),
        ("int32 index", IMAGE, lambda x: ops.gather(x, constant([1, 2], "int32"), axis=2)),
        ("table from the end", TOKENS, lambda x: x + ops.gather(weight(7, 12), index([-1, 0, -3, 2, 2]))),
        ("bits", IMAGE, lambda x: ops.gather(bits(x), index([1, -1]), axis=1)),
        (
            "table of bits",
            TOKENS,
            lambda x: ops.gather(constant(np.eye(12) > 0, "bool"), ops.arg_max(x, axis=2, keepdims=0)),
        ),
        (
            "table of whole numbers",
            TOKENS,
            lambda x: ops.gather(
                parameter("table", (12, 3), Init("signs"), trainable=False, dtype="int64"),
                ops.arg_max(x, axis=2, keepdims=0),
            ),
        ),
        (
            "vector",
            TOKENS,
            lambda x: ops.gather(weight(12), ops.cast(ops.arg_max(x, axis=2, keepdims=0), to="int32")),
        ),
        ("by computed index", IMAGE, lambda x: ops.gather(weight(7, 3), whole(ops.tanh(x) * 0.5))),
        ("cube of tables", TOKENS, lambda x: ops.gather(weight(3, 12, 2), ops.arg_max(x, axis=2), axis=1)),
    ],
    "GatherElements": [
        ("", IMAGE, lambda x: ops.gather_elements(x, ops.topk(x, k=2, axis=2)[1], axis=2)),
        (
            "from the end",
            TOKENS,
            lambda x: ops.gather_elements(x, whole(ops.tanh(x) * 0.5), axis=1),
        ),
        (
            "constant",
            (5, 12),
            lambda x: ops.gather_elements(weight(5, 2), index([[-1, 0], [2, -5]])) + ops.reduce_max(x),
        ),
        (
            "int32",
            IMAGE,
            lambda x: ops.gather_elements(x, ops.cast(ops.topk(x, k=2, axis=2)[1], to="int32"), axis=2),
        ),
    ],
    "ScatterElements": [
        *[(r, IMAGE, scatter(r)) for r in ("none", "add", "mul", "min", "max")],
        (
            "from the end",
            IMAGE,
            lambda x: ops.scatter_elements(
                x, ops.topk(x, k=3, axis=2)[1] - constant(6, "int64"), ops.topk(x, k=3, axis=2)[0] * 2.0, axis=2
            ),
        ),
        (
            "int32",
            IMAGE,
            lambda x: ops.scatter_elements(
                x, ops.cast(ops.topk(x, k=3, axis=2)[1], to="int32"), ops.topk(x, k=3, axis=2)[0] * 2.0, axis=2
            ),
        ),
    ],
    "TopK": [
        ("both", IMAGE, lambda x: ops.topk(x, k=3, axis=2)),
        ("last", IMAGE, lambda x: ops.topk(x, k=2)[0]),
        ("smallest", IMAGE, lambda x: ops.topk(x, k=2, largest=0)[1]),
        ("unsorted", IMAGE, lambda x: ops.topk(x, k=3, axis=1, sorted=0)),
        ("whole", IMAGE, lambda x: ops.topk(whole(x * 99.0), k=2)[0]),
    ],
    "Reshape": [
        elementwise(ops.reshape, shape=(0, 4, -1)),
        elementwise(ops.reshape, shape=(0, -1)),
        elementwise(ops.reshape, shape=(-1, 8)),
        elementwise(ops.reshape, shape=(0, 2, 2, 48)),
        ("windows", IMAGE, lambda x: ops.reshape(ops.reshape(x, shape=(-1, 6, 8)), shape=(-1, 4, 6, 8))),
    ],
    "Flatten": [
        elementwise(ops.flatten),
        elementwise(ops.flatten, axis=3),
        elementwise(ops.flatten, axis=0),
        elementwise(ops.flatten, axis=4),
        elementwise(ops.flatten, axis=-1),
    ],
    "Transpose": [
        elementwise(ops.transpose, perm=(0, 2, 3, 1)),
        elementwise(ops.transpose, perm=(0, 1, 3, 2)),
        elementwise(ops.transpose, perm=(0, 1, 2, 3)),
    ],
    "Concat": [
        ("", IMAGE, lambda x: ops.concat(x, x * 2.0)),
        ("last", IMAGE, lambda x: ops.concat(x, -x, x, axis=-1)),
    ],
    "Split": [
        elementwise(ops.split, split=(2, 2), axis=1),
        elementwise(ops.split, split=(1, 3, 4), axis=3),
        ("part", IMAGE, lambda x: ops.split(x, split=(1, 3))[1]),
    ],
    "Slice": [
        elementwise(ops.slice_, starts=(1,), ends=(3,), axes=(1,)),
        elementwise(ops.slice_, starts=(0, -3), ends=(6, 2**31), axes=(2, 3), steps=(2, 1)),
        elementwise(ops.slice_, starts=(-1,), ends=(-(2**31),), axes=(3,), steps=(-2,)),
        elementwise(ops.slice_, starts=(4,), ends=(1,), axes=(2,), steps=(-1,)),
        elementwise(ops.slice_, starts=(0,), ends=(-1,), axes=(2,)),
        elementwise(ops.slice_, starts=(-1, 10), ends=(-99, 1), axes=(1, 3), steps=(-1, -3)),
        ("bits", IMAGE, lambda x: ops.slice_(bits(x), starts=(-1,), ends=(-99,), axes=(2,), steps=(-1,))),
    ],
    "Pad": [
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0)),
        elementwise(ops.pad, pads=(0, 1, 0, 0, 0, 2, 0, 0), value=1.5),
        elementwise(ops.pad, pads=(0, 0, -1, 0, 0, 0, 0, -2)),
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0), mode="reflect"),
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0), mode="edge"),
        elementwise(ops.pad, pads=(0, 2, 0, 0, 0, 1, 0, 0), mode="reflect"),
        ("tokens", TOKENS, lambda x: ops.pad(x, pads=(0, 1, 0, 0, 2, 0), mode="edge")),
        elementwise(ops.pad, pads=(0, 1, 0, 1, 0, 1, 0, 2), mode="reflect"),
        elementwise(ops.pad, pads=(0, 1, -1, 1, 0, 0, 2, -2), mode="reflect"),
        elementwise(ops.pad, pads=(0, 1, -1, 1, 0, 0, 2, -2), mode="edge"),
        elementwise(ops.pad, pads=(0, -1, 2, -1, 0, -1, 0, 3), value=0.5),
        elementwise(ops.pad, pads=(0, 0, 1, 2, 0, 0, 3, 0), mode="wrap"),
        elementwise(ops.pad, pads=(0, 2, 0, 0, 0, 1, 0, 3), mode="wrap"),
        ("series", (1, 3, 7), lambda x: ops.pad(x, pads=(0, 0, 2, 0, 0, 1), mode="wrap")),
        ("row", (1, 7), lambda x: ops.pad(x, pads=(0, 2, 0, 1), mode="reflect")),
        ("whole", IMAGE, lambda x: ops.pad(whole(x), pads=(0, 1, 0, 2) * 2, value=-3)),
        ("int32", IMAGE, lambda x: ops.pad(whole(x, "int32"), pads=(0, 0, 0, 2) * 2, mode="edge")),
        ("bits", IMAGE, lambda x: ops.pad(bits(x), pads=(0, 1, 0, 2) * 2, value=1)),
        ("reflected bits", IMAGE, lambda x: ops.pad(bits(x), pads=(0, 1, 0, 2) * 2, mode="reflect")),
        ("reflected whole", IMAGE, lambda x: ops.pad(whole(x), pads=(0, 0, 0, 2) * 2, mode="reflect")),
    ],
    "Expand": [
        ("", (1, 4, 1, 8), lambda x: ops.expand(x, shape=(1, 4, 5, 8))),
        ("longer", (1, 1), lambda x: ops.expand(ops.unsqueeze(x, axes=(1,)), shape=(3, 4))),
        ("shorter", (1, 4, 1, 8), lambda x: ops.expand(x, shape=(5, 1))),
        ("like", TOKENS, lambda x: ops.concat(ops.expand(weight(1, 1, 12), x, shape=(0, 1, 1)), x, axis=1)),
        ("like and longer", TOKENS, lambda x: ops.expand(weight(3, 1), x, shape=(0, 3, 4))),
        ("like twice", TOKENS, lambda x: ops.expand(weight(12), ops.relu(x), shape=(0, 0, 1))),
    ],
    "Tile": [elementwise(ops.tile, repeats=(1, 2, 1, 3))],
    "Squeeze": [
        ("", (1, 1, 5, 1), lambda x: ops.squeeze(x, axes=(1, -1))),
        ("one", (1, 1, 5), lambda x: ops.squeeze(x, axes=(1,))),
    ],
    "Unsqueeze": [elementwise(ops.unsqueeze, axes=(1, -1))],
    "SpaceToDepth": [elementwise(ops.space_to_depth, blocksize=2)],
    "DepthToSpace": [
        elementwise(ops.depth_to_space, blocksize=2),
        elementwise(ops.depth_to_space, blocksize=2, mode="DCR"),
    ],
    "Resize": [
        elementwise(ops.resize, scales=(2.0, 2.0)),
        elementwise(ops.resize, sizes=(5, 11)),
        elementwise(ops.resize, sizes=(5, 11), mode="linear"),
        elementwise(ops.resize, sizes=(13, 3), mode="linear"),
        elementwise(ops.resize, sizes=(9, 5), mode="linear", coordinate_transformation_mode="align_corners"),
        elementwise(ops.resize, sizes=(9, 11), mode="cubic"),
        ("series", (1, 3, 9), lambda x: ops.resize(x, sizes=(14,), mode="linear")),
        *[
            elementwise(
                ops.resize, sizes=sizes, mode="nearest", coordinate_transformation_mode=place, nearest_mode=rounding
            )
            for sizes in ((3, 4), (9, 12), (5, 11), (1, 1))
            for place in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
            for rounding in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
        ],
        *[
            elementwise(ops.resize, sizes=sizes, mode=mode, coordinate_transformation_mode=place)
            for sizes in ((3, 4), (9, 11), (1, 5))
            for mode in ("linear", "cubic")
            for place in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
        ],
        ("volume", (1, 3, 4, 3, 5), lambda x: ops.resize(x, sizes=(7, 6, 4), mode="linear")),
        (
            "asymmetric volume",
            (1, 3, 4, 3, 5),
            lambda x: ops.resize(x, sizes=(7, 6, 4), mode="linear", coordinate_transformation_mode="asymmetric"),
        ),
        ("nearest volume", (1, 3, 4, 3, 5), lambda x: ops.resize(x, sizes=(7, 6, 4), nearest_mode="ceil")),
        (
            "asymmetric series",
            (1, 3, 9),
            lambda x: ops.resize(x, sizes=(14,), mode="linear", coordinate_transformation_mode="asymmetric"),
        ),
    ],
    "LpPool": [
        elementwise(ops.lp_pool, kernel_shape=2, strides=2),
        elementwise(ops.lp_pool, kernel_shape=3, strides=2, pads=1, p=1),
        elementwise(ops.lp_pool, kernel_shape=3, pads=(0, 1, 2, 0), p=3),
        elementwise(ops.lp_pool, kernel_shape=2, strides=3, ceil_mode=1),
        ("1d", (1, 4, 9), lambda x: ops.lp_pool(x, kernel_shape=3, strides=2)),
        ("3d", (1, 2, 5, 6, 7), lambda x: ops.lp_pool(x, kernel_shape=2, strides=2)),
    ],
    "GridSample": [
        (f"{mode} {padding} {corners}", IMAGE, grid_sample(mode=mode, padding_mode=padding, align_corners=corners))
        for mode in ("linear", "nearest", "cubic")
        for padding in ("zeros", "border", "reflection")
        for corners in (0, 1)
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
    "Einsum": [
        ("attention", (1, 5, 2, 6), lambda x: ops.einsum(x, x * 0.5, equation="bthd,bshd->bhts")),
        ("weight", TOKENS, lambda x: ops.einsum(x, weight(12, 3), equation="b t i, i o -> b t o")),
        ("three", TOKENS, lambda x: ops.einsum(x, weight(12), x, equation="bti,i,bsi->bts")),
        ("one", TOKENS, lambda x: ops.einsum(x, equation="bti->bi")),
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
    "GatherND": [
        ("constant", IMAGE, lambda x: ops.gather_nd(ops.transpose(x, perm=(1, 2, 0, 3)), index([[0, 1], [2, -1]]))),
        ("one axis", IMAGE, lambda x: ops.gather_nd(weight(9, 3), ops.topk(x, k=1)[1])),
        (
            "shared axes",
            IMAGE,
            lambda x: ops.gather_nd(x, ops.transpose(ops.topk(x, k=2, axis=2)[1], perm=(0, 1, 3, 2)), batch_dims=2),
        ),
        (
            "int32",
            IMAGE,
            lambda x: ops.gather_nd(weight(9, 3), ops.cast(ops.topk(x, k=1)[1], to="int32")),
        ),
    ],
    "ScatterND": [
        (
            f"{reduction} {depth}",
            IMAGE,
            scatter_nd(depth, reduction),
        )
        for reduction in ("none", "add", "mul", "min", "max")
        for depth in (1, 2)
    ],
    "OneHot": [
        ("", TOKENS, lambda x: ops.one_hot(ops.arg_max(x, axis=2, keepdims=0), depth=12)),
        ("inside", TOKENS, lambda x: ops.one_hot(ops.arg_max(x, axis=2, keepdims=0), depth=9, axis=1)),
        ("whole", TOKENS, lambda x: ops.one_hot(whole(x * 0.2), depth=3, dtype="int64")),
        ("bits", TOKENS, lambda x: ops.one_hot(whole(x, "int32"), depth=3, axis=-2, dtype="bool")),
    ],
    "Trilu": [
        elementwise(ops.trilu),
        elementwise(ops.trilu, upper=0, k=-1),
        elementwise(ops.trilu, k=2),
        ("whole", IMAGE, lambda x: ops.trilu(whole(x), upper=0)),
        ("bits", IMAGE, lambda x: ops.trilu(bits(x))),
    ],
    "Xor": [
        ("", IMAGE, lambda x: ops.logical_xor(bits(x), bits(x - 0.5))),
        ("broadcast", IMAGE, lambda x: ops.logical_xor(bits(x), constant(np.arange(8) % 3 == 0, "bool"))),
    ],
    "GreaterOrEqual": [
        ("", IMAGE, lambda x: ops.greater_or_equal(ops.relu(x), x)),
        ("number", IMAGE, lambda x: ops.greater_or_equal(x, constant(0.0))),
    ],
    "LessOrEqual": [
        ("", IMAGE, lambda x: ops.less_or_equal(x, ops.relu(x))),
        ("whole", IMAGE, lambda x: ops.less_or_equal(whole(x), constant(3, "int64"))),
    ],
    "Tan": [("", IMAGE, lambda x: ops.tan(ops.tanh(x)))],
    "Asin": [("", IMAGE, lambda x: ops.asin(ops.tanh(x)))],
    "Acos": [("", IMAGE, lambda x: ops.acos(ops.tanh(x)))],
    "Atan": [elementwise(ops.atan)],
    "Sinh": [elementwise(ops.sinh)],
    "Cosh": [elementwise(ops.cosh)],
    "Asinh": [elementwise(ops.asinh)],
    "Acosh": [("", IMAGE, lambda x: ops.acosh(positive(x) + 1.0))],
    "Atanh": [("", IMAGE, lambda x: ops.atanh(ops.tanh(x) * 0.9))],
    "IsNaN": [("", IMAGE, lambda x: ops.is_nan(ops.log(x)))],
    "IsInf": [("", IMAGE, lambda x: ops.is_inf(1.0 / ops.relu(x)))],
    "ThresholdedRelu": [elementwise(ops.thresholded_relu), elementwise(ops.thresholded_relu, alpha=0.2)],
    "Shrink": [
        elementwise(ops.shrink),
        elementwise(ops.shrink, lambd=0.3, bias=0.3),
        elementwise(ops.shrink, lambd=0.3, bias=0.1),
    ],
    "Hardmax": [elementwise(ops.hardmax), elementwise(ops.hardmax, axis=1)],
}


def test_every_operator_has_a_case() -> None:
    assert set(CASES) == set(OPERATORS)


def each_case() -> Iterable[object]:
    for name, cases in CASES.items():
        for number, (label, shape, build) in enumerate(cases):
            yield pytest.param(name, shape, build, id=f"{name}-{label.replace(' ', '_') or number}")


@pytest.mark.parametrize(("name", "shape", "build"), list(each_case()))
def test_torch_and_onnx_agree(name: str, shape: tuple[int, ...], build: Build) -> None:
    x = Input(shape)
    outputs = build(x)
    graph = Graph([x], outputs if isinstance(outputs, tuple) else [outputs])
    assert name in {node.op.name for node in graph.nodes}
    assert_exports_agree(graph)
