"""Residual bottleneck (He et al. 2016)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm, shortcut
from netwright.blocks._sizes import chosen, divides, fits
from netwright.graph import Tensor

__all__ = ["bottleneck", "narrow_residual"]


def narrow_residual(
    x: Tensor, channels: int, stride: int, kernel: int, narrow: int, groups: int, norm: str, activation: str
) -> Tensor:
    """1x1 to `narrow` channels, grouped convolution, 1x1 back to `channels`, and the input.

    >>> from netwright.graph import image
    >>> narrow_residual(image(16, 8, 8), 16, 1, 3, 4, 2, "batch", "relu").shape
    (1, 16, 8, 8)
    """
    y = conv_norm(x, narrow, norm=norm, activation=activation, name="reduce")
    y = conv_norm(y, narrow, kernel, stride=stride, groups=groups, norm=norm, activation=activation, name="conv")
    y = conv_norm(y, channels, norm=norm, name="expand")
    return activate(y + shortcut(x, channels, stride, norm), activation)


@block
def bottleneck(
    x: Tensor,
    channels: int | None = None,
    stride: int = 1,
    kernel: int = 3,
    ratio: int = 4,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """1x1, 3x3 and 1x1 convolution around a width of `channels / ratio`, and the input.

    `(N, C, *space)` to `(N, channels, *space / stride)`. He et al. 2016, figure 5 right; the stride is on the 3x3
    convolution (ResNet v1.5). Raises ShapeError where `ratio` does not divide the width.

    >>> from netwright.graph import image
    >>> bottleneck(image(64, 32, 32), 128, stride=2).shape
    (1, 128, 16, 16)
    """
    out = chosen(channels, x.shape[1])
    fits(divides(ratio, out), "bottleneck", "ratio must divide the channels", ratio=ratio, channels=out)
    return narrow_residual(x, out, stride, kernel, out // ratio, 1, norm, activation)
