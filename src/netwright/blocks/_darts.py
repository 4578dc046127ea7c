"""Convolutions of the DARTS cells (Liu et al. 2019, after Zoph et al. 2018)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import convolution
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import fits
from netwright.graph import Tensor, ops, scope

__all__ = ["dil_conv", "factored_conv", "sep_conv"]


def _separable(x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    width = x.shape[1]
    y = convolution(ops.relu(x), width, kernel, stride=stride, groups=width, dilation=dilation, name="depthwise")
    return normalise(convolution(y, width, 1, name="pointwise"))


@block
def sep_conv(x: Tensor, kernel: int = 3, stride: int = 1) -> Tensor:
    """ReLU, depthwise and 1x1 convolution, normalisation, and all once more: `(N, C, *space)` to `(N, C, ...)`.

    `sep_conv` of NASNet and DARTS (Zoph et al. 2018; Liu et al. 2019, section 3.1); the first one has the stride.

    >>> from netwright.graph import image
    >>> sep_conv(image(16, 32, 32), stride=2).shape
    (1, 16, 16, 16)
    """
    with scope("first"):
        y = _separable(x, kernel, stride, 1)
    with scope("second"):
        return _separable(y, kernel, 1, 1)


@block
def dil_conv(x: Tensor, kernel: int = 3, stride: int = 1, dilation: int = 2) -> Tensor:
    """ReLU, dilated depthwise and 1x1 convolution, normalisation: `(N, C, *space)` to `(N, C, *space / stride)`.

    `dil_conv` of DARTS (Liu et al. 2019, section 3.1).

    >>> from netwright.graph import image
    >>> dil_conv(image(16, 32, 32), kernel=5, stride=2).shape
    (1, 16, 16, 16)
    """
    return _separable(x, kernel, stride, dilation)


@block
def factored_conv(x: Tensor, kernel: int = 7, stride: int = 1) -> Tensor:
    """ReLU, 1 by k and then k by 1 convolution, normalisation: `(N, C, H, W)` to `(N, C, H / stride, W / stride)`.

    `conv_7x1_1x7` of NASNet and DARTS (Zoph et al. 2018); the first convolution has the stride. Raises ShapeError for
    other than images.

    >>> from netwright.graph import image
    >>> factored_conv(image(16, 32, 32), stride=2).shape
    (1, 16, 16, 16)
    """
    fits(x.rank == 4, "factored_conv", "the input must be (N, C, H, W)", shape=x.shape)
    y = convolution(ops.relu(x), x.shape[1], (1, kernel), stride=stride, name="row")
    return normalise(convolution(y, x.shape[1], (kernel, 1), name="column"))
