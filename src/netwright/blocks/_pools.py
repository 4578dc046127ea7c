"""Pooling over windows and over everything."""

from __future__ import annotations

from typing import Any

from netwright.blocks._base import block
from netwright.blocks._sizes import fits, same_padding, sizes_fit
from netwright.graph import Tensor, ops

__all__ = ["avg_pool", "global_pool", "max_pool", "max_windows", "mean_windows"]


def _windows(x: Tensor, kernel: int, stride: int) -> dict[str, Any]:
    """Attributes of windows whose number along an axis is size / stride, rounded up.

    They tile the input where kernel and stride are equal, and have their middle on every stride-th pixel else.
    """
    fits(x.rank >= 3, "pool", "the input must be (N, C, *space)", shape=x.shape)
    sizes_fit("pool", kernel=kernel, stride=stride)
    tiles = kernel == stride
    fits(tiles or kernel % 2 == 1, "pool", "kernel must be odd or equal to stride", kernel=kernel, stride=stride)
    # A tile on an axis that is shorter still takes what there is.
    sides = tuple(min(kernel, size) if tiles else kernel for size in x.shape[2:])
    pads = 0 if tiles else same_padding(sides)
    partial = tiles and any(size % stride for size in x.shape[2:])
    return {"kernel_shape": sides, "strides": stride, "pads": pads, "ceil_mode": int(partial)}


def max_windows(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Maximum over windows.

    >>> from netwright.graph import image
    >>> max_windows(image(4, 7, 7), 2, 2).shape
    (1, 4, 4, 4)
    """
    y: Tensor = ops.max_pool(x, **_windows(x, kernel, stride))
    return y


def mean_windows(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Mean over windows, padding left out.

    >>> from netwright.graph import image
    >>> mean_windows(image(4, 7, 7), 2, 2).shape
    (1, 4, 4, 4)
    """
    y: Tensor = ops.average_pool(x, **_windows(x, kernel, stride), count_include_pad=0)
    return y


@block
def max_pool(x: Tensor, kernel: int = 3, stride: int = 1) -> Tensor:
    """Maximum over windows: `(N, C, *space)` to `(N, C, *space / stride)`, sizes rounded up.

    Windows tile where kernel and stride are equal. Raises ShapeError for any other even kernel.

    >>> from netwright.graph import image
    >>> max_pool(image(4, 7, 7), stride=2).shape
    (1, 4, 4, 4)
    """
    return max_windows(x, kernel, stride)


@block
def avg_pool(x: Tensor, kernel: int = 3, stride: int = 1) -> Tensor:
    """Mean over windows, padding left out: `(N, C, *space)` to `(N, C, *space / stride)`, sizes rounded up.

    Windows tile where kernel and stride are equal. Raises ShapeError for any other even kernel.

    >>> from netwright.graph import image
    >>> avg_pool(image(4, 32, 32), stride=2).shape
    (1, 4, 16, 16)
    """
    return mean_windows(x, kernel, stride)


@block
def global_pool(x: Tensor) -> Tensor:
    """Mean over all positions: `(N, C, *space)` to `(N, C)`; a vector `(N, C)` stays as it is.

    >>> from netwright.graph import image
    >>> global_pool(image(4, 7, 7)).shape
    (1, 4)
    """
    if x.rank == 2:
        return x
    y: Tensor = ops.flatten(ops.global_average_pool(x), axis=1)
    return y
