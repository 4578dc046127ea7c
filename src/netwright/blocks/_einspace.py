"""The fundamental operations of einspace, on images (N, C, H, W) and on tokens (N, T, D) (Ericsson et al. 2024)."""

from __future__ import annotations

from math import isqrt, prod

from netwright.blocks._base import block
from netwright.blocks._layers import as_image, linear
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import fits
from netwright.graph import Init, Tensor, ops, parameter

__all__ = [
    "col2im",
    "dense",
    "im2col",
    "last_softmax",
    "leaky",
    "learned_positions",
    "part",
    "permute",
    "plain_norm",
]


@block
def dense(x: Tensor, features: int = 64) -> Tensor:
    """Linear layer with bias on the last axis, whatever it is: `(N, ..., K)` to `(N, ..., features)`.

    >>> from netwright.graph import image
    >>> dense(image(3, 8, 8), 16).shape
    (1, 3, 8, 16)
    """
    return linear(x, features)


@block
def plain_norm(x: Tensor) -> Tensor:
    """Batch normalisation of an image, layer normalisation of the last axis of tokens.

    >>> from netwright.graph import Input
    >>> plain_norm(Input((1, 16, 8))).node.op.name
    'LayerNormalization'
    """
    return normalise(x, "batch" if x.rank == 4 else "layer")


@block
def leaky(x: Tensor, alpha: float = 0.01) -> Tensor:
    """Leaky ReLU.

    >>> from netwright.graph import image
    >>> leaky(image(3, 8, 8)).shape
    (1, 3, 8, 8)
    """
    y: Tensor = ops.leaky_relu(x, alpha=alpha)
    return y


@block
def last_softmax(x: Tensor) -> Tensor:
    """Softmax over the last axis.

    >>> from netwright.graph import image
    >>> last_softmax(image(3, 8, 8)).shape
    (1, 3, 8, 8)
    """
    y: Tensor = ops.softmax(x, axis=-1)
    return y


@block
def learned_positions(x: Tensor) -> Tensor:
    """A learned number added at every place of one example.

    >>> from netwright.graph import image
    >>> learned_positions(image(3, 8, 8)).shape
    (1, 3, 8, 8)
    """
    return x + parameter("positions", (1, *x.shape[1:]), Init("normal", 1.0))


@block
def permute(x: Tensor, order: tuple[int, ...] = (2, 1)) -> Tensor:
    """The axes after the batch in another order, counted from 1.

    Raises ShapeError unless the order names each of them once.

    >>> from netwright.graph import image
    >>> permute(image(3, 8, 6), (2, 3, 1)).shape
    (1, 8, 6, 3)
    """
    fits(sorted(order) == [*range(1, x.rank)], "permute", "order must name each axis", order=order, shape=x.shape)
    y: Tensor = ops.transpose(x, perm=(0, *order))
    return y


@block
def part(x: Tensor, axis: int = 1, place: int = 0, parts: int = 2) -> Tensor:
    """One of several equal parts of an axis: `(N, C, ...)` to `(N, C / parts, ...)`.

    Raises ShapeError unless the axis is there and is divided evenly.

    >>> from netwright.graph import image
    >>> part(image(4, 8, 8), axis=1, place=1, parts=2).shape
    (1, 2, 8, 8)
    """
    holds = 0 < axis < x.rank and x.shape[axis] % parts == 0
    fits(holds, "part", "parts must divide an axis of the input", parts=parts, axis=axis, shape=x.shape)
    size = x.shape[axis] // parts
    y: Tensor = ops.slice_(x, starts=(place * size,), ends=((place + 1) * size,), axes=(axis,))
    return y


@block
def im2col(x: Tensor, kernel: int = 3, stride: int = 1) -> Tensor:
    """Windows of an image as tokens: `(N, C, H, W)` to `(N, T, C * kernel * kernel)`.

    Windows have their middle on every stride-th pixel where the kernel is odd; else they start at the first pixel,
    and what is left at the end is left out. Raises ShapeError for anything but an image of at least one window.

    >>> from netwright.graph import image
    >>> im2col(image(3, 32, 32), 3, 2).shape, im2col(image(3, 32, 32), 8, 8).shape
    ((1, 256, 27), (1, 16, 192))
    """
    fits(x.rank == 4, "im2col", "the input must be (N, C, H, W)", shape=x.shape)
    fits(kernel <= min(x.shape[2:]), "im2col", "a window must fit the image", kernel=kernel, image=x.shape[2:])
    pad = (kernel - 1) // 2 if kernel % 2 else 0
    if pad:
        x = ops.pad(x, pads=(0, 0, pad, pad) * 2)
    counts = [(size - kernel) // stride + 1 for size in x.shape[2:]]
    spans = [(count - 1) * stride + 1 for count in counts]
    pixels = [
        ops.slice_(x, starts=(i, j), ends=(i + spans[0], j + spans[1]), axes=(2, 3), steps=(stride, stride))
        for i in range(kernel)
        for j in range(kernel)
    ]
    rows = [ops.reshape(pixel, shape=(0, x.shape[1], 1, prod(counts))) for pixel in pixels]
    columns = ops.concat(*rows, axis=2) if len(rows) > 1 else rows[0]
    y: Tensor = ops.transpose(ops.reshape(columns, shape=(0, x.shape[1] * kernel**2, prod(counts))), perm=(0, 2, 1))
    return y


@block
def col2im(x: Tensor, ratio: tuple[int, int] = (1, 1)) -> Tensor:
    """Tokens as the image of this ratio of height to width: `(N, T, D)` to `(N, D, H, W)`, T = H * W.

    Raises ShapeError where no image of that ratio has so many pixels.

    >>> from netwright.graph import Input
    >>> col2im(Input((1, 32, 5)), (1, 2)).shape
    (1, 5, 4, 8)
    """
    fits(x.rank == 3, "col2im", "the input must be (N, T, D)", shape=x.shape)
    times = isqrt(x.shape[1] // prod(ratio))
    fits(times**2 * prod(ratio) == x.shape[1], "col2im", "tokens must fill the image", tokens=x.shape[1], ratio=ratio)
    return as_image(x, (ratio[0] * times, ratio[1] * times))
