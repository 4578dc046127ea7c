"""Layers with parameters: the smallest blocks, which all others are made of."""

from __future__ import annotations

from collections.abc import Callable

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import chosen, fits, same_padding, sizes_fit, width_of
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = [
    "as_image",
    "as_tokens",
    "branch",
    "conv",
    "conv_norm",
    "convolution",
    "layer_scale",
    "linear",
    "pointwise",
    "shortcut",
]


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


def pointwise(x: Tensor, features: int, *, bias: bool = True, name: str = "linear") -> Tensor:
    """Linear layer over the channels: of axis 1 of an image, of the last axis of anything else.

    >>> from netwright.graph import image, vector
    >>> pointwise(image(3, 8, 8), 5).shape, pointwise(vector(3), 5).shape
    ((1, 5, 8, 8), (1, 5))
    """
    if x.rank == 4:
        return convolution(x, features, 1, bias=bias, name=name)
    return linear(x, features, bias=bias, name=name)


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
