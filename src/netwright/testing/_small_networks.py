"""Small networks of every kind, to try on them what must work on any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from netwright import blocks
from netwright.blocks._layers import linear
from netwright.graph import (
    Graph,
    Init,
    Input,
    Parameter,
    Tensor,
    constant,
    image,
    ops,
    parameter,
    scope,
    tokens,
    vector,
)

__all__ = ["SMALL_NETWORKS", "small_network"]

Build = Callable[[], tuple[Input, Tensor]]


def _weight(*shape: int, hint: str = "weight") -> Parameter:
    return parameter(hint, shape, Init("normal", 0.3))


def _chain(*calls: Any, size: int = 16) -> Build:
    def build() -> tuple[Input, Tensor]:
        x = y = image(3, size, size)
        for call in calls:
            y = call.apply(y)
        return x, y

    return build


def _unet() -> tuple[Input, Tensor]:
    x = image(3, 16, 16)
    high = blocks.conv(x, 8)
    low = blocks.conv(ops.max_pool(high, kernel_shape=2, strides=2), 12)
    up = ops.resize(low, scales=(2.0, 2.0))
    other = ops.conv_transpose(low, _weight(12, 6, 2, 2), _weight(6, hint="bias"), strides=2)
    return x, ops.conv(ops.concat(up, high, other, axis=1), _weight(2, 26, 1, 1, hint="last"))


def _dense() -> tuple[Input, Tensor]:
    """Each layer reads all before it (DenseNet)."""
    x = image(3, 16, 16)
    y = blocks.conv(x, 16)
    for _ in range(3):
        y = ops.concat(y, blocks.conv(y, 8), axis=1)
    return x, blocks.classifier(10).apply(blocks.conv(y, 20, kernel=1))


def _perceptron() -> tuple[Input, Tensor]:
    x = vector(13)
    return x, linear(ops.relu(linear(ops.relu(linear(x, 32, name="first")), 24, name="second")), 3, name="last")


def _plain_attention(heads: int = 4, width: int = 24) -> Build:
    """As many write it: one projection, a reshape to (3, heads, width of a head), matrix products."""

    def build() -> tuple[Input, Tensor]:
        x = Input((1, 7, 10))
        y = linear(x, width, name="embed")
        qkv = ops.reshape(linear(y, 3 * width, name="qkv"), shape=(0, 7, 3, heads, width // heads))
        parts = ops.split(ops.transpose(qkv, perm=(2, 0, 3, 1, 4)), split=(1, 1, 1), axis=0)
        q, k, v = (ops.squeeze(part, axes=(0,)) for part in parts)
        scores = ops.softmax(ops.matmul(q * 0.4, ops.transpose(k, perm=(0, 1, 3, 2))), axis=-1)
        mixed = ops.reshape(ops.transpose(ops.matmul(scores, v), perm=(0, 2, 1, 3)), shape=(0, 0, -1))
        return x, linear(y + linear(mixed, width, name="out"), 5, name="head")

    return build


def _recurrent() -> tuple[Input, Tensor]:
    x = Input((6, 1, 5), batch_axis=1)
    bias = parameter("bias", (2, 2 * 3 * 8), Init("normal", 0.3))
    y, _ = ops.gru(x, _weight(2, 3 * 8, 5), _weight(2, 3 * 8, 8, hint="recurrent"), bias, direction="bidirectional")
    flat = ops.reshape(ops.transpose(y, perm=(0, 2, 1, 3)), shape=(0, -1, 16))
    return x, linear(flat, 3, name="head")


def _long_short() -> tuple[Input, Tensor]:
    x = Input((6, 1, 5), batch_axis=1)
    y, state, _ = ops.lstm(x, _weight(4 * 8, 5), _weight(4 * 8, 8, hint="recurrent"), None)
    return x, linear(ops.squeeze(y, axes=(1,)), 3, name="head") + linear(state, 3, name="last")


def _embedding() -> tuple[Input, Tensor]:
    x = tokens(9)
    with scope("table"):
        y = ops.gather(_weight(50, 12), x, axis=0)
    return x, ops.matmul(ops.tanh(linear(y, 20, name="hidden")), _weight(20, 4, hint="last"))


def _depth_and_space() -> tuple[Input, Tensor]:
    x = image(3, 8, 8)
    y = ops.conv(x, _weight(12, 3, 1, 1))
    down = ops.space_to_depth(y, blocksize=2)
    up = [
        ops.depth_to_space(ops.conv(down, _weight(16, 48, 1, 1)), blocksize=2, mode=mode) for mode in ("CRD", "DCR")
    ]
    return x, ops.conv(ops.concat(*up, axis=1), _weight(2, 8, 1, 1, hint="last"))


def _grouped() -> tuple[Input, Tensor]:
    x = image(3, 8, 8)
    y = ops.conv(x, _weight(16, 3, 1, 1))
    y = ops.group_normalization(y, _weight(16, hint="scale"), _weight(16, hint="shift"), num_groups=4)
    y = ops.conv_transpose(ops.relu(y), _weight(16, 3, 1, 1, hint="up"), group=8)
    y = ops.conv(y, _weight(48, 1, 3, 3, hint="multiplied"), group=24)
    return x, ops.conv(ops.tile(y, repeats=(1, 2, 1, 1)), _weight(2, 96, 1, 1, hint="last"))


def _cut() -> tuple[Input, Tensor]:
    """Runs of channels that go different ways."""
    x = image(3, 8, 8)
    y = ops.conv(x, _weight(20, 3, 1, 1))
    first, second = ops.split(y, split=(8, 12), axis=1)
    gated = first * ops.sigmoid(ops.slice_(second, starts=(2,), ends=(10,), axes=(1,)))
    scaled = gated * constant(np.linspace(0.5, 1.5, 8).reshape(1, 8, 1, 1))
    return x, ops.conv(ops.pad(scaled, pads=(0, 0, 1, 1, 0, 0, 1, 1)), _weight(2, 8, 3, 3, hint="last"))


_BUILDS: dict[str, Build] = {
    "plain": _chain(blocks.conv(16), blocks.conv(24, stride=2), blocks.classifier(10)),
    "residual": _chain(
        blocks.conv(16), blocks.residual_block(), blocks.residual_block(24, stride=2), blocks.classifier(10)
    ),
    "bottleneck": _chain(blocks.conv(16), blocks.bottleneck(32, stride=2), blocks.classifier(10)),
    "resnext": _chain(blocks.conv(32), blocks.resnext(32, groups=8), blocks.classifier(10)),
    "mobilenet v2": _chain(blocks.conv(16), blocks.mbconv(24, stride=2), blocks.mbconv(24), blocks.classifier(10)),
    "mobilenet v3": _chain(
        blocks.conv(16), blocks.mbconv(24, se=0.25, activation="hard_swish"), blocks.mobilenet_head(10, 48, 64)
    ),
    "shufflenet": _chain(
        blocks.conv(16), blocks.shufflenet_v2(32, stride=2), blocks.shufflenet_v2(32), blocks.shufflenet_v2(32),
        blocks.classifier(10),
    ),
    "inception": _chain(blocks.conv(16), blocks.inception(16, 8, 16, 4, 8, 8), blocks.classifier(10)),
    "convnext": _chain(blocks.conv(16), blocks.convnext(), blocks.convnext(), blocks.classifier(10)),
    "vit": _chain(
        blocks.patch_embedding(48, patch=4), blocks.vit_encoder(4), blocks.vit_encoder(4, kv_heads=2),
        blocks.vit_encoder(4, kv_heads=1), blocks.token_head(10),
    ),
    "densenet": _dense,
    "perceptron": _perceptron,
    "u-net": _unet,
    "plain attention": _plain_attention(),
    "gru": _recurrent,
    "lstm": _long_short,
    "embedding": _embedding,
    "depth and space": _depth_and_space,
    "grouped": _grouped,
    "cut": _cut,
}  # fmt: skip

SMALL_NETWORKS = tuple(_BUILDS)
"""Their names."""


def small_network(name: str) -> Graph:
    """A new network by its name, without weights.

    >>> small_network("plain")
    <Graph 1x3x16x16 -> 1x10, 9 nodes, 12 parameters>
    """
    x, y = _BUILDS[name]()
    return Graph([x], [y])
