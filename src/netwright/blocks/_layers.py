"""Layers with parameters: the smallest blocks, which all others are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from netwright.blocks._base import block
from netwright.errors import ShapeError, UnknownNameError
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = [
    "ACTIVATIONS",
    "NORMALISATIONS",
    "activate",
    "as_image",
    "as_tokens",
    "branch",
    "chosen",
    "conv_norm",
    "convolution",
    "divides",
    "fits",
    "layer_scale",
    "linear",
    "make_divisible",
    "normalise",
    "pointwise",
    "same_padding",
    "shortcut",
    "sizes_fit",
    "width_of",
]

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


def fits(holds: bool, block_name: str, rule: str, **values: object) -> None:
    """Raise ShapeError with the block, its rule and the values, unless the rule holds.

    >>> fits(5 % 2 == 0, "shuffle", "channels must be even", channels=5)
    Traceback (most recent call last):
    netwright.errors.ShapeError: shuffle: channels must be even, but got channels=5.
    """
    if not holds:
        raise ShapeError(f"{block_name}: {rule}, but got {', '.join(f'{k}={v}' for k, v in values.items())}.")


def sizes_fit(block_name: str, **sizes: int) -> None:
    """Raise ShapeError unless every size is a positive integer.

    >>> sizes_fit("pool", kernel=2, stride=0)
    Traceback (most recent call last):
    netwright.errors.ShapeError: pool: sizes must be positive integers, but got kernel=2, stride=0.
    """
    # Numbers of NumPy count, too; a text or a fraction would fail deep inside, or not at all.
    whole = all(isinstance(size, (int, np.integer)) and size > 0 for size in sizes.values())
    if not whole:
        shown = ", ".join(f"{name}={size!r}" for name, size in sizes.items())
        raise ShapeError(f"{block_name}: sizes must be positive integers, but got {shown}.")


def divides(divisor: int, *sizes: int) -> bool:
    """Whether a divisor is positive and divides every size.

    >>> divides(4, 8, 12), divides(0, 8)
    (True, False)
    """
    return divisor > 0 and all(size % divisor == 0 for size in sizes)


def chosen(value: int | None, otherwise: int) -> int:
    """A hyperparameter, or what it stands for when it is None.

    >>> chosen(None, 8), chosen(0, 8)
    (8, 0)
    """
    return otherwise if value is None else value


def make_divisible(value: float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor` that is not more than a tenth below `value` (Sandler et al. 2018, MobileNetV2).

    >>> make_divisible(11), make_divisible(100), make_divisible(18, 4)
    (16, 104, 20)
    """
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * value else nearest + divisor


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


def convolution(
    x: Tensor,
    channels: int,
    kernel: int | tuple[int, ...] = 3,
    *,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    padding: int | tuple[int, ...] | None = None,
    bias: bool = False,
    name: str = "conv",
) -> Tensor:
    """Convolution `(N, C, *space)` to `(N, channels, *space')` with weights of its own; padding keeps the size.

    Works on images and on series; one `kernel` number serves every spatial axis. Raises ShapeError.

    >>> from netwright.graph import image
    >>> convolution(image(3, 8, 8), 4, stride=2).shape
    (1, 4, 4, 4)
    """
    fits(x.rank >= 3, "convolution", "the input must be (N, C, *space)", shape=x.shape)
    sizes_fit("convolution", channels=channels, groups=groups, stride=stride, dilation=dilation)
    sides = tuple(kernel) if isinstance(kernel, (tuple, list)) else (kernel,) * (x.rank - 2)
    sizes_fit("convolution", **{f"kernel {axis}": side for axis, side in enumerate(sides)})
    if padding is None:
        # Else a residual block would meet a size that is smaller by one, and broadcast where that is 1.
        odd = stride > 1 or all(dilation * (side - 1) % 2 == 0 for side in sides)
        fits(odd, "convolution", "kernel must be odd at stride 1 to keep the size", kernel=sides)
    pads = same_padding(sides, dilation) if padding is None else padding
    with scope(name):
        weight = parameter("weight", (channels, max(x.shape[1] // groups, 1), *sides))
        extra = (parameter("bias", (channels,), Init("zeros")),) if bias else ()
        y: Tensor = ops.conv(x, weight, *extra, strides=stride, pads=pads, dilations=dilation, group=groups)
    return y


def conv_norm(
    x: Tensor,
    channels: int,
    kernel: int | tuple[int, ...] = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    norm: str = "batch",
    activation: str = "none",
    name: str = "conv",
) -> Tensor:
    """Convolution, normalisation and activation under one name; a bias stands in for an absent normalisation.

    >>> from netwright.graph import image
    >>> conv_norm(image(3, 8, 8), 4, 3, stride=2).shape
    (1, 4, 4, 4)
    """
    with scope(name):
        y = convolution(
            x, channels, kernel, stride=stride, groups=groups, dilation=dilation, bias=norm == "none", name="conv"
        )
        return activate(normalise(y, norm), activation)


def shortcut(x: Tensor, channels: int, stride: int = 1, norm: str = "batch") -> Tensor:
    """The input itself, or its 1x1 projection where width or size change (He et al. 2016, option B).

    >>> from netwright.graph import image
    >>> shortcut(image(3, 8, 8), 4, stride=2).shape
    (1, 4, 4, 4)
    """
    if stride == 1 and channels == x.shape[1]:
        return x
    return conv_norm(x, channels, 1, stride=stride, norm=norm, name="shortcut")


def linear(x: Tensor, features: int, *, bias: bool = True, name: str = "linear", trainable: bool = True) -> Tensor:
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
        return ops.add(y, *shift) if bias else y


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


def _instance_norm(x: Tensor) -> Tensor:
    channels = (x.shape[1],)
    y: Tensor = ops.instance_normalization(
        x, parameter("weight", channels, Init("ones")), parameter("bias", channels, Init("zeros"))
    )
    return y


def _over_channels(x: Tensor, norm: Callable[[Tensor], Tensor]) -> Tensor:
    if x.rank != 4:
        return norm(x)
    y: Tensor = ops.transpose(norm(ops.transpose(x, perm=(0, 2, 3, 1))), perm=(0, 3, 1, 2))
    return y


def _layer_norm(x: Tensor) -> Tensor:
    """Over the last axis; over the channels of an image, which are moved to the end and back."""
    scale = parameter("weight", (width_of(x),), Init("ones"))
    shift = parameter("bias", scale.shape, Init("zeros"))
    return _over_channels(x, lambda last: ops.layer_normalization(last, scale, shift, axis=-1))


def _rms_norm(x: Tensor) -> Tensor:
    scale = parameter("weight", (width_of(x),), Init("ones"))
    return _over_channels(x, lambda last: ops.rms_normalization(last, scale, axis=-1))


NORMALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "batch": _batch_norm,
    "layer": _layer_norm,
    "rms": _rms_norm,
    "group1": lambda x: _group_norm(x, 1),
    "group8": lambda x: _group_norm(x, 8),
    "instance": _instance_norm,
    "none": lambda x: x,
}


def normalise(x: Tensor, norm: str = "batch", *, name: str = "norm") -> Tensor:
    """Normalise by name: batch, layer, rms, group1, group8, instance or none; raises UnknownNameError.

    >>> from netwright.graph import image
    >>> normalise(image(3, 8, 8), "batch").node.op.name
    'BatchNormalization'
    """
    if norm not in NORMALISATIONS:
        raise UnknownNameError("normalisation", norm, NORMALISATIONS)
    with scope(name):
        return NORMALISATIONS[norm](x)


def pointwise(x: Tensor, features: int, *, bias: bool = True, name: str = "linear") -> Tensor:
    """Linear layer over the channels: of axis 1 of an image, of the last axis of anything else.

    >>> from netwright.graph import image, vector
    >>> pointwise(image(3, 8, 8), 5).shape, pointwise(vector(3), 5).shape
    ((1, 5, 8, 8), (1, 5))
    """
    if x.rank == 4:
        return convolution(x, features, 1, bias=bias, name=name)
    return linear(x, features, bias=bias, name=name)


def width_of(x: Tensor) -> int:
    """Number of channels: axis 1 of an image, the last axis of tokens and vectors.

    >>> from netwright.graph import image, vector
    >>> width_of(image(3, 8, 8)), width_of(vector(13))
    (3, 13)
    """
    return x.shape[1] if x.rank == 4 else x.shape[-1]


def layer_scale(x: Tensor, start: float = 1e-6) -> Tensor:
    """Each channel times a learned factor that starts at `start` (Touvron et al. 2021, CaiT).

    >>> from netwright.graph import image
    >>> layer_scale(image(3, 8, 8)).shape
    (1, 3, 8, 8)
    """
    ones = (1,) * (x.rank - 2) if x.rank == 4 else ()
    return x * parameter("scale", (width_of(x), *ones), Init("constant", start))


def branch(
    x: Tensor, inner: Callable[[Tensor], Tensor], *, norm: str, scale: float | None = None, name: str
) -> Tensor:
    """Pre-normalised residual branch: x + scale * inner(norm(x)); raises ShapeError where `inner` changes the shape.

    >>> from netwright.graph import image
    >>> branch(image(4, 8, 8), ops.relu, norm="batch", name="mixer").shape
    (1, 4, 8, 8)
    """
    with scope(name):
        y = inner(normalise(x, norm))
        fits(y.shape == x.shape, name, "a residual branch must keep the shape", input=x.shape, output=y.shape)
        return x + (y if scale is None else layer_scale(y, scale))


def as_tokens(x: Tensor) -> Tensor:
    """Image or series (N, C, *space) as tokens (N, T, C); tokens in row-major order.

    >>> from netwright.graph import image
    >>> as_tokens(image(3, 8, 8)).shape
    (1, 64, 3)
    """
    flat = ops.reshape(x, shape=(0, 0, -1)) if x.rank > 3 else x
    y: Tensor = ops.transpose(flat, perm=(0, 2, 1))
    return y


def as_image(x: Tensor, space: tuple[int, ...]) -> Tensor:
    """Tokens (N, T, C) as (N, C, *space); the sizes of `space` multiply to T.

    >>> from netwright.graph import image
    >>> as_image(as_tokens(image(3, 8, 8)), (8, 8)).shape
    (1, 3, 8, 8)
    """
    y: Tensor = ops.reshape(ops.transpose(x, perm=(0, 2, 1)), shape=(0, 0, *space))
    return y


@block
def conv(
    x: Tensor,
    channels: int | None = None,
    kernel: int | tuple[int, int] = 3,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Convolution, normalisation, activation: `(N, C, H, W)` to `(N, channels, H / stride, W / stride)`.

    `channels=None` keeps the width.

    >>> from netwright.graph import image
    >>> conv(image(3, 32, 32), 16, stride=2).shape
    (1, 16, 16, 16)
    """
    width = chosen(channels, x.shape[1])
    y = convolution(x, width, kernel, stride=stride, groups=groups, dilation=dilation, bias=norm == "none")
    return activate(normalise(y, norm), activation)
