"""Layers with parameters: the smallest blocks, which all others are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netwright.blocks._base import block
from netwright.errors import UnknownNameError
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = ["ACTIVATIONS", "NORMALISATIONS", "activate", "conv2d", "linear", "normalise", "same_padding"]

ACTIVATIONS: dict[str, Callable[[Tensor], Any]] = {
    "relu": ops.relu,
    "relu6": lambda x: ops.clip(x, min=0.0, max=6.0),
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "mish": ops.mish,
    "hard_swish": ops.hard_swish,
    "hard_sigmoid": ops.hard_sigmoid,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "squared_relu": lambda x: _squared(ops.relu(x)),
    "none": lambda x: x,
}


def _squared(x: Tensor) -> Tensor:
    return x * x


def activate(x: Tensor, activation: str) -> Tensor:
    """Apply an activation by name; raises UnknownNameError.

    >>> from netwright.graph import image
    >>> activate(image(1, 2, 2), "relu").node.op.name
    'Relu'
    """
    if activation not in ACTIVATIONS:
        raise UnknownNameError("activation", activation, ACTIVATIONS)
    y: Tensor = ACTIVATIONS[activation](x)
    return y


def same_padding(kernel: int | tuple[int, ...], dilation: int = 1) -> tuple[int, ...]:
    """Padding on each side that keeps the size at stride 1 (odd kernels).

    >>> same_padding((3, 11))
    (1, 5)
    """
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    return tuple(dilation * (side - 1) // 2 for side in sides)


def conv2d(
    x: Tensor,
    channels: int,
    kernel: int | tuple[int, int] = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    padding: int | tuple[int, ...] | None = None,
    bias: bool = False,
    name: str = "conv",
) -> Tensor:
    """Convolution `(N, C, H, W)` to `(N, channels, H', W')` with weights of its own; padding keeps the size.

    >>> from netwright.graph import image
    >>> conv2d(image(3, 8, 8), 4, stride=2).shape
    (1, 4, 4, 4)
    """
    sides = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
    pads = same_padding(sides, dilation) if padding is None else padding
    with scope(name):
        weight = parameter("weight", (channels, max(x.shape[1] // groups, 1), *sides))
        extra = (parameter("bias", (channels,), Init("zeros")),) if bias else ()
        y: Tensor = ops.conv(x, weight, *extra, strides=stride, pads=pads, dilations=dilation, group=groups)
    return y


def linear(
    x: Tensor, features: int, *, bias: bool = True, name: str = "linear", trainable: bool = True
) -> Tensor:
    """Fully connected layer on the last axis: `(..., K)` to `(..., features)`.

    A Gemm with weight (features, K) on matrices, a MatMul with weight (K, features) on anything of higher rank.

    >>> from netwright.graph import vector
    >>> linear(vector(13), 3).shape
    (1, 3)
    """
    inner = x.shape[-1]
    with scope(name):
        flat = x.rank == 2
        weight = parameter(
            "weight", (features, inner) if flat else (inner, features), Init("xavier"), trainable=trainable
        )
        shift = (parameter("bias", (features,), Init("zeros"), trainable=trainable),) if bias else ()
        if flat:
            y: Tensor = ops.gemm(x, weight, *shift)
            return y
        y = ops.matmul(x, weight)
        return ops.add(y, *shift) if bias else y  # type: ignore[no-any-return]


def _batch_norm(x: Tensor) -> Tensor:
    channels = (x.shape[1],)
    scale, shift = parameter("weight", channels, Init("ones")), parameter("bias", channels, Init("zeros"))
    mean = parameter("running_mean", channels, Init("zeros"), trainable=False)
    variance = parameter("running_var", channels, Init("ones"), trainable=False)
    y: Tensor = ops.batch_normalization(x, scale, shift, mean, variance)
    return y


def _group_norm(x: Tensor, groups: int) -> Tensor:
    channels = (x.shape[1],)
    scale, shift = parameter("weight", channels, Init("ones")), parameter("bias", channels, Init("zeros"))
    y: Tensor = ops.group_normalization(x, scale, shift, num_groups=groups)
    return y


def _layer_norm(x: Tensor) -> Tensor:
    """Over the last axis; over the channels of an image, which are moved to the end and back."""
    scale = parameter("weight", (x.shape[1 if x.rank == 4 else -1],), Init("ones"))
    shift = parameter("bias", scale.shape, Init("zeros"))
    if x.rank != 4:
        y: Tensor = ops.layer_normalization(x, scale, shift, axis=-1)
        return y
    y = ops.layer_normalization(ops.transpose(x, perm=(0, 2, 3, 1)), scale, shift, axis=-1)
    return ops.transpose(y, perm=(0, 3, 1, 2))  # type: ignore[no-any-return]


def _rms_norm(x: Tensor) -> Tensor:
    y: Tensor = ops.rms_normalization(x, parameter("weight", (x.shape[-1],), Init("ones")), axis=-1)
    return y


NORMALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "batch": _batch_norm,
    "layer": _layer_norm,
    "rms": _rms_norm,
    "group1": lambda x: _group_norm(x, 1),
    "group8": lambda x: _group_norm(x, 8),
    "none": lambda x: x,
}


def normalise(x: Tensor, norm: str = "batch", *, name: str = "norm") -> Tensor:
    """Normalise by name: batch, layer, rms, group1, group8 or none; raises UnknownNameError.

    >>> from netwright.graph import image
    >>> normalise(image(3, 8, 8), "batch").node.op.name
    'BatchNormalization'
    """
    if norm not in NORMALISATIONS:
        raise UnknownNameError("normalisation", norm, NORMALISATIONS)
    with scope(name):
        return NORMALISATIONS[norm](x)


@block
def conv(
    x: Tensor,
    channels: int,
    kernel: int | tuple[int, int] = 3,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Convolution, normalisation, activation: `(N, C, H, W)` to `(N, channels, H / stride, W / stride)`.

    >>> from netwright.graph import image
    >>> conv(image(3, 32, 32), 16, stride=2).shape
    (1, 16, 16, 16)
    """
    y = conv2d(x, channels, kernel, stride=stride, groups=groups, dilation=dilation, bias=norm == "none")
    return activate(normalise(y, norm), activation)
