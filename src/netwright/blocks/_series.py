"""Blocks for series (N, C, L)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm, shortcut
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Tensor

__all__ = ["conv1d", "residual1d", "separable1d"]


def _series(x: Tensor, name: str) -> None:
    fits(x.rank == 3, name, "the input must be (N, C, L)", shape=x.shape)


@block
def conv1d(
    x: Tensor,
    channels: int | None = None,
    kernel: int = 7,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Convolution, normalisation, activation: `(N, C, L)` to `(N, channels, L / stride)`.

    >>> from netwright.graph import Input
    >>> conv1d(Input((1, 3, 100)), 16, stride=2).shape
    (1, 16, 50)
    """
    _series(x, "conv1d")
    width = chosen(channels, x.shape[1])
    return conv_norm(
        x, width, kernel, stride=stride, groups=groups, dilation=dilation, norm=norm, activation=activation
    )


@block
def separable1d(
    x: Tensor,
    channels: int | None = None,
    kernel: int = 7,
    stride: int = 1,
    dilation: int = 1,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Depthwise and then 1x1 convolution: `(N, C, L)` to `(N, channels, L / stride)`.

    >>> from netwright.graph import Input
    >>> separable1d(Input((1, 8, 100)), 16, stride=2).shape
    (1, 16, 50)
    """
    _series(x, "separable1d")
    width = x.shape[1]
    y = conv_norm(
        x,
        width,
        kernel,
        stride=stride,
        groups=width,
        dilation=dilation,
        norm=norm,
        activation=activation,
        name="depthwise",
    )
    return conv_norm(y, chosen(channels, width), norm=norm, activation=activation, name="pointwise")


@block
def residual1d(
    x: Tensor,
    channels: int | None = None,
    kernel: int = 7,
    stride: int = 1,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Three convolutions and the input: `(N, C, L)` to `(N, channels, L / stride)`.

    Their kernels are k, k - 2 and k - 4, and 3 at least.
    Wang et al. 2017, Time Series Classification from Scratch, section II.C, whose kernels are 8, 5 and 3.

    >>> from netwright.graph import Input
    >>> residual1d(Input((1, 8, 100)), 16, stride=2).shape
    (1, 16, 50)
    """
    _series(x, "residual1d")
    out = chosen(channels, x.shape[1])
    y = conv_norm(x, out, kernel, stride=stride, norm=norm, activation=activation, name="conv1")
    y = conv_norm(y, out, max(kernel - 2, 3), norm=norm, activation=activation, name="conv2")
    y = conv_norm(y, out, max(kernel - 4, 3), norm=norm, name="conv3")
    return activate(y + shortcut(x, out, stride, norm), activation)
