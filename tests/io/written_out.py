"""Operators as others write them, and what only looks like one: cases of the tests of `recognise`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import pi, sqrt

import numpy as np

from netwright.graph import (
    Graph,
    Parameter,
    Tensor,
    constant,
    ops,
    parameter,
    scope,
)

TOKENS = (1, 5, 12)
IMAGE = (1, 4, 6, 8)
HEADS = (1, 4, 5, 6)
ROWS = (1, 12)

Build = Callable[[Tensor], "Tensor | tuple[Tensor, ...]"]


def weight(*shape: int, hint: str = "weight") -> Parameter:
    return parameter(hint, shape)


def mean(x: Tensor, *axes: int, keepdims: int = 1) -> Tensor:
    return ops.reduce_mean(x, axes=axes or (-1,), keepdims=keepdims)


def square(x: Tensor) -> Tensor:
    return ops.pow(x, 2.0)


def layer_norm(x: Tensor, epsilon: float = 1e-5, axes: tuple[int, ...] = (-1,)) -> Tensor:
    """As exporters write it before operator set 17."""
    centred = x - mean(x, *axes)
    return centred / ops.sqrt(mean(square(centred), *axes) + epsilon)


def affine(x: Tensor, *shape: int) -> Tensor:
    return x * weight(*shape) + weight(*shape, hint="bias")


def keras_layer_norm(x: Tensor) -> Tensor:
    """As TensorFlow writes it: scale and shift of the batch normalisation that it is computed by."""
    middle = mean(x)
    centred = x - middle
    factor = ops.reciprocal(ops.sqrt(mean(centred * centred) + 1e-3)) * weight(12)
    return x * factor + (weight(12, hint="beta") - middle * factor)


def variance_norm(x: Tensor) -> Tensor:
    """With a variance that takes a mean of its own."""
    return (x - mean(x)) / ops.sqrt(mean(square(x - mean(x))) + 1e-5)


def rms_norm(x: Tensor, epsilon: float = 1e-6) -> Tensor:
    return x * ops.reciprocal(ops.sqrt(mean(square(x)) + epsilon))


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (ops.erf(x / sqrt(2)) + 1.0)


def gelu_tanh(x: Tensor) -> Tensor:
    return 0.5 * x * (1.0 + ops.tanh(sqrt(2 / pi) * (x + 0.044715 * ops.pow(x, 3.0))))


def gelu_tanh_of_products(x: Tensor) -> Tensor:
    return 0.5 * x * (1.0 + ops.tanh(x * 0.7978845608 * (1.0 + 0.044715 * x * x)))


def six(x: Tensor) -> Tensor:
    return ops.clip(x + 3.0, min=0.0, max=6.0)


def keys(x: Tensor) -> Tensor:
    return ops.transpose(x * 0.7, perm=(0, 1, 3, 2))


def attend(scores: Tensor, x: Tensor) -> Tensor:
    return ops.softmax(scores, axis=-1) @ (x + 1.0)


def softmax_of(x: Tensor) -> Tensor:
    e = ops.exp(x - ops.reduce_max(x, axes=(-1,)))
    return e / ops.reduce_sum(e, axes=(-1,))


TRIANGLE = np.tri(5, dtype=bool)
CAUSAL = np.where(TRIANGLE, 0, np.finfo("f4").min)


def repeated(x: Tensor, times: int) -> Tensor:
    _, h, t, d = x.shape
    wide = ops.expand(ops.unsqueeze(x, axes=(2,)), shape=(1, h, times, t, d))
    return ops.reshape(wide, shape=(0, h * times, t, d))


def grouped(x: Tensor) -> Tensor:
    few = ops.slice_(x, starts=(0,), ends=(2,), axes=(1,))
    k, v = repeated(few, 2), repeated(few + 1.0, 2)
    return ops.softmax(x @ keys(k) * 6**-0.5, axis=3) @ v


def merged_heads(x: Tensor) -> Tensor:
    """As torch.bmm wants it: (N H, T, d)."""
    q, k, v = (ops.reshape(t, shape=(-1, 5, 6)) for t in (x, x * 0.5, x + 1.0))
    y = ops.softmax(q @ ops.transpose(k, perm=(0, 2, 1)) * 0.3, axis=2) @ v
    return ops.reshape(y, shape=(-1, 4, 5, 6))


def shuffled(x: Tensor, wide: tuple[int, ...], perm: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    return ops.reshape(ops.transpose(ops.reshape(x, shape=wide), perm=perm), shape=shape)


def sliced(x: Tensor, *bounds: int, axis: int = 2) -> tuple[Tensor, ...]:
    return tuple(ops.relu(ops.slice_(x, starts=(a,), ends=(b,), axes=(axis,))) for a, b in pairwise(bounds))


def linear_on_rows(x: Tensor) -> Tensor:
    rows = ops.gemm(ops.reshape(x, shape=(-1, 12)), weight(8, 12), weight(8, hint="bias"))
    return ops.reshape(rows, shape=(-1, 5, 8))


def sigmoid(x: Tensor) -> Tensor:
    return 1.0 / (1.0 + ops.exp(-x))


# what, shape of the input, how it is written, what it is
FOUND: list[tuple[str, tuple[int, ...], Build, list[str]]] = [
    ("layer norm", TOKENS, layer_norm, ["LayerNormalization"]),
    ("layer norm, affine", TOKENS, lambda x: affine(layer_norm(x), 12), ["LayerNormalization"]),
    ("layer norm over three axes", IMAGE, lambda x: layer_norm(x, axes=(1, 2, 3)), ["LayerNormalization"]),
    ("layer norm of Keras", TOKENS, keras_layer_norm, ["LayerNormalization"]),
    ("layer norm of a variance", TOKENS, variance_norm, ["LayerNormalization"]),
    ("RMS norm", TOKENS, lambda x: weight(12) * rms_norm(x), ["RMSNormalization"]),
    ("RMS norm by division", TOKENS, lambda x: x / ops.sqrt(mean(x * x) + 1e-6), ["RMSNormalization"]),
    ("RMS norm by powers", TOKENS, lambda x: x * ops.pow(mean(x * x) + 1e-6, -0.5), ["RMSNormalization"]),
    ("RMS norm plus one", TOKENS, lambda x: rms_norm(x) * (1.0 + weight(12)), ["Add", "RMSNormalization"]),
    ("GELU", TOKENS, gelu, ["Gelu"]),
    ("GELU, half last", TOKENS, lambda x: x * (1.0 + ops.erf(x * sqrt(0.5))) * 0.5, ["Gelu"]),
    ("GELU by tanh", TOKENS, gelu_tanh, ["Gelu"]),
    ("GELU by tanh of products", TOKENS, gelu_tanh_of_products, ["Gelu"]),
    ("GELU of a product", TOKENS, lambda x: gelu(x * weight(12)), ["Mul", "Gelu"]),
    ("SiLU", TOKENS, lambda x: x * ops.sigmoid(x), ["Swish"]),
    ("SiLU written out", TOKENS, lambda x: x * sigmoid(x), ["Swish"]),
    ("quick GELU", TOKENS, lambda x: x * ops.sigmoid(1.702 * x), ["Swish"]),
    ("sigmoid", TOKENS, sigmoid, ["Sigmoid"]),
    ("Mish", TOKENS, lambda x: x * ops.tanh(ops.log(1.0 + ops.exp(x))), ["Mish"]),
    ("hard sigmoid", TOKENS, lambda x: six(x) / 6.0, ["HardSigmoid"]),
    ("hard sigmoid by its slope", TOKENS, lambda x: ops.clip(x * 0.2 + 0.5, min=0.0, max=1.0), ["HardSigmoid"]),
    ("hard swish", TOKENS, lambda x: x * six(x) / 6.0, ["HardSwish"]),
    ("hard swish by its sigmoid", TOKENS, lambda x: x * ops.hard_sigmoid(x), ["HardSwish"]),
    ("hard swish by parts", TOKENS, lambda x: x * (six(x) * (1 / 6)), ["HardSwish"]),
    ("ReLU6", TOKENS, lambda x: ops.minimum(ops.maximum(x, 0.0), 6.0), ["Clip"]),
    ("softmax", TOKENS, softmax_of, ["Softmax"]),
    ("log softmax", TOKENS, lambda x: ops.log(softmax_of(x)), ["LogSoftmax"]),
    ("norm", TOKENS, lambda x: ops.sqrt(ops.reduce_sum(square(x), axes=(2,))), ["ReduceL2"]),
    ("linear", ROWS, lambda x: x @ weight(12, 3) + weight(3), ["Gemm"]),
    ("linear, turned", ROWS, lambda x: x @ ops.transpose(weight(3, 12), perm=(1, 0)), ["Gemm"]),
    ("linear on rows", TOKENS, linear_on_rows, ["Transpose", "MatMul", "Add"]),
    ("pooling", IMAGE, lambda x: mean(x, 2, 3), ["GlobalAveragePool"]),
    ("pooling to rows", IMAGE, lambda x: mean(x, 2, 3, keepdims=0), ["GlobalAveragePool", "Flatten"]),
    ("flatten", IMAGE, lambda x: ops.reshape(x, shape=(0, -1)), ["Flatten"]),
    ("squeeze", TOKENS, lambda x: ops.reshape(mean(x, 1), shape=(0, 12)), ["ReduceMean", "Squeeze"]),
    ("unsqueeze", TOKENS, lambda x: ops.reshape(x, shape=(0, 1, 5, 12)), ["Unsqueeze"]),
    ("a cast to what it is", TOKENS, lambda x: ops.relu(ops.cast(x, to="float32")), ["Relu"]),
    ("views of views", IMAGE, lambda x: ops.reshape(ops.reshape(x, shape=(0, 24, 8)), shape=(0, 2, 96)), ["Reshape"]),
    ("views there and back", TOKENS, lambda x: ops.squeeze(ops.unsqueeze(x, axes=(1,)), axes=(1,)) * 2.0, ["Mul"]),
    ("transposes", TOKENS, lambda x: ops.transpose(ops.transpose(x, perm=(0, 2, 1)), perm=(0, 2, 1)) * 2.0, ["Mul"]),
    (
        "pixel shuffle", IMAGE,
        lambda x: shuffled(x, (0, 1, 2, 2, 6, 8), (0, 1, 4, 2, 5, 3), (0, 1, 12, 16)), ["DepthToSpace"],
    ),
    (
        "pixel shuffle, columns first", (1, 8, 3, 5),
        lambda x: shuffled(x, (0, 2, 2, 2, 3, 5), (0, 3, 4, 1, 5, 2), (0, 2, 6, 10)), ["DepthToSpace"],
    ),
    (
        "pixel unshuffle", IMAGE,
        lambda x: shuffled(x, (0, 4, 3, 2, 4, 2), (0, 3, 5, 1, 2, 4), (0, 16, 3, 4)), ["SpaceToDepth"],
    ),
    ("split", TOKENS, lambda x: sliced(x, 0, 4, 5, 12), ["Split", "Relu", "Relu", "Relu"]),
    ("attention", HEADS, lambda x: attend(x @ keys(x) / sqrt(6), x), ["Add", "Attention"]),
    ("attention, scaled queries", HEADS, lambda x: attend((x * 0.3) @ keys(x), x), ["Add", "Attention"]),
    (
        "attention, mask", HEADS,
        lambda x: attend(x @ keys(x) * 0.5 + weight(4, 5, 5), x), ["Add", "Attention"],
    ),
    ("causal attention", HEADS, lambda x: attend(x @ keys(x) + constant(CAUSAL), x), ["Add", "Attention"]),
    (
        "causal attention by choice", HEADS,
        lambda x: attend(ops.where(constant(TRIANGLE, "bool"), x @ keys(x), constant(-np.inf)), x),
        ["Add", "Attention"],
    ),
    ("attention, shared heads", HEADS, grouped, ["Slice", "Add", "Attention"]),
    ("attention, merged heads", HEADS, merged_heads, ["Add", "Attention"]),
]  # fmt: skip


def two(build: Build, inner: str) -> Build:
    """A network whose second output is what the first node of this operator makes."""

    def both(x: Tensor) -> tuple[Tensor, ...]:
        y = build(x)
        assert isinstance(y, Tensor)
        first = next(node for node in Graph([x], [y]).nodes if node.op.name == inner)  # type: ignore[list-item]
        return y, first.output

    return both


def sample_norm(x: Tensor) -> Tensor:
    """By the variance of a sample, which divides by one less."""
    centred = x - mean(x)
    return centred / ops.sqrt(ops.reduce_sum(square(centred), axes=(2,)) / 11.0 + 1e-5)


# what, shape of the input, how it is written, what it is not
MISSED: list[tuple[str, tuple[int, ...], Build, str]] = [
    ("epsilon outside the root", TOKENS, lambda x: x / (ops.sqrt(mean(square(x))) + 1e-6), "RMSNormalization"),
    ("no epsilon", TOKENS, lambda x: x / ops.sqrt(mean(square(x)) + 0.0), "RMSNormalization"),
    ("variance of a sample", TOKENS, sample_norm, "LayerNormalization"),
    ("mean over the first axes", TOKENS, lambda x: layer_norm(x, axes=(1,)), "LayerNormalization"),
    ("mean over other axes", TOKENS, lambda x: (x - mean(x, 1)) / ops.sqrt(
        mean(square(x - mean(x, 1))) + 1e-5), "LayerNormalization"),
    ("cube of deviations", TOKENS, lambda x: x / ops.sqrt(mean(ops.pow(ops.abs(x), 3.0)) + 1e-5), "RMSNormalization"),
    ("square of another", TOKENS, lambda x: x / ops.sqrt(mean(square(x + 1.0)) + 1e-5), "RMSNormalization"),
    ("mean of squares read twice", TOKENS, two(rms_norm, "ReduceMean"), "RMSNormalization"),
    ("deviations read twice", TOKENS, two(layer_norm, "Sub"), "LayerNormalization"),
    ("GELU, other root", TOKENS, lambda x: x * 0.5 * (ops.erf(x / 1.41) + 1.0), "Gelu"),
    ("GELU, other cube", TOKENS, lambda x: 0.5 * x * (1.0 + ops.tanh(
        sqrt(2 / pi) * (x + 0.0447 * ops.pow(x, 3.0)))), "Gelu"),
    ("GELU of two", TOKENS, lambda x: (x + 1.0) * 0.5 * (ops.erf(x / sqrt(2)) + 1.0), "Gelu"),
    ("GELU read inside", TOKENS, two(gelu, "Erf"), "Gelu"),
    ("gate of another", TOKENS, lambda x: (x + 1.0) * ops.sigmoid(x), "Swish"),
    ("gate read twice", TOKENS, two(lambda x: x * ops.sigmoid(x), "Sigmoid"), "Swish"),
    ("hard sigmoid, other slope", TOKENS, lambda x: six(x) / 5.0, "HardSigmoid"),
    ("hard swish, other limit", TOKENS, lambda x: x * ops.clip(x + 3.0, min=0.0, max=5.0) / 6.0, "HardSwish"),
    ("hard swish, other slope", TOKENS, lambda x: x * ops.hard_sigmoid(x, alpha=0.2, beta=0.5), "HardSwish"),
    ("Mish of two", TOKENS, lambda x: (x + 1.0) * ops.tanh(ops.softplus(x)), "Mish"),
    ("softmax over two axes", TOKENS, lambda x: ops.exp(x) / ops.reduce_sum(ops.exp(x), axes=(1, 2)), "Softmax"),
    ("softmax read inside", TOKENS, two(softmax_of, "Exp"), "Softmax"),
    ("attention over queries", HEADS, lambda x: ops.softmax(x @ keys(x), axis=2) @ x, "Attention"),
    ("attention whose chances are read", HEADS, two(lambda x: attend(x @ keys(x), x), "Softmax"), "Attention"),
    ("attention with a weak mask", HEADS, lambda x: attend(
        ops.where(constant(TRIANGLE, "bool"), x @ keys(x), constant(-1e4)), x), "Attention"),
    ("linear on tokens", TOKENS, lambda x: x @ weight(12, 3) + weight(3), "Gemm"),
    ("product of two inputs", (1, 5, 5), lambda x: ops.squeeze(x, axes=(0,)) @ ops.squeeze(x, axes=(0,)), "Gemm"),
    ("mean over one axis of space", IMAGE, lambda x: mean(x, 2), "GlobalAveragePool"),
    ("channel shuffle", IMAGE, lambda x: ops.reshape(ops.transpose(
        ops.reshape(x, shape=(0, 2, 2, 6, 8)), perm=(0, 2, 1, 3, 4)), shape=(0, 4, 6, 8)), "DepthToSpace"),
    ("a gap between slices", TOKENS, lambda x: (*sliced(x, 0, 4), *sliced(x, 5, 12)), "Split"),
    ("slices that overlap", TOKENS, lambda x: (*sliced(x, 0, 5), *sliced(x, 4, 12)), "Split"),
    ("a choice that is no number", HEADS, lambda x: attend(
        ops.where(constant(True, "bool"), x @ keys(x), x @ keys(x)), x), "Attention"),
    ("scale by channels", TOKENS, lambda x: ops.relu(x) * weight(12) + weight(12), "BatchNormalization"),
]  # fmt: skip


PIECES: list[Build] = [
    layer_norm, lambda x: affine(layer_norm(x), 12), lambda x: weight(12) * rms_norm(x), gelu, gelu_tanh,
    keras_layer_norm, lambda x: x * ops.sigmoid(x), lambda x: x * six(x) / 6.0, softmax_of, sigmoid,
    lambda x: linear_on_rows(x) @ weight(8, 12), lambda x: x * 2.0 + 1.0, lambda x: x,
    lambda x: ops.concat(*sliced(x, 0, 5, 12), axis=2), lambda x: ops.relu(x) * weight(12),
]  # fmt: skip


def attention_block(x: Tensor, heads: int) -> Tensor:
    """Multi-head attention by hand, as exporters write it."""
    _, t, c = x.shape

    def split(name: str) -> Tensor:
        with scope(name):
            y = x @ weight(c, c)
        return ops.transpose(ops.reshape(y, shape=(0, t, heads, c // heads)), perm=(0, 2, 1, 3))

    q, k, v = map(split, "qkv")
    scores = q @ ops.transpose(k, perm=(0, 1, 3, 2)) / sqrt(c // heads)
    y = ops.transpose(ops.softmax(scores, axis=-1) @ v, perm=(0, 2, 1, 3))
    with scope("out"):
        return ops.reshape(y, shape=(0, t, c)) @ weight(c, c)
