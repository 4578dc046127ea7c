"""Depthwise separable convolution (Howard et al. 2017, MobileNet)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.blocks._sizes import chosen
from netwright.graph import Tensor

__all__ = ["depthwise_separable"]


@block
def depthwise_separable(
    x: Tensor,
    channels: int | None = None,
    kernel: int = 3,
    stride: int = 1,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Depthwise and then 1x1 convolution: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Howard et al. 2017, MobileNets, section 3.1. `channels=None` keeps the width.

    >>> from netwright.graph import image
    >>> depthwise_separable(image(8, 32, 32), 16, stride=2).shape
    (1, 16, 16, 16)
    """
    width = x.shape[1]
    y = conv_norm(x, width, kernel, stride=stride, groups=width, norm=norm, activation=activation, name="depthwise")
    return conv_norm(y, chosen(channels, width), norm=norm, activation=activation, name="pointwise")
