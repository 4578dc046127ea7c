"""Residual bottleneck of ResNet-D with any inner width (He et al. 2019; Cai et al. 2020)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.blocks._pools import mean_windows
from netwright.blocks._sizes import chosen, make_divisible
from netwright.blocks._squeeze_excite import squeeze_excite
from netwright.graph import Tensor

__all__ = ["resnet_d"]


@block
def resnet_d(
    x: Tensor,
    channels: int | None = None,
    expand: float = 0.25,
    stride: int = 1,
    kernel: int = 3,
    norm: str = "batch",
    activation: str = "relu",
    se: float = 0.0,
) -> Tensor:
    """1x1, 3x3 and 1x1 convolution, and the input by a mean over windows: `(N, C, *space)` to `(N, channels, ...)`.

    He et al. 2019, Bag of Tricks, figure 2c: where the size shrinks the shortcut takes means of windows and then a
    1x1 convolution, so that no pixel is lost. The inner width is the multiple of 8 near `expand` times the output's;
    `se` is the share of it that squeeze and excitation has, if any.

    >>> from netwright.graph import image
    >>> resnet_d(image(64, 32, 32), 128, stride=2).shape
    (1, 128, 16, 16)
    """
    out = chosen(channels, x.shape[1])
    narrow = make_divisible(round(out * expand))
    y = conv_norm(x, narrow, norm=norm, activation=activation, name="reduce")
    y = conv_norm(y, narrow, kernel, stride=stride, norm=norm, activation=activation, name="conv")
    y = squeeze_excite(y, se) if se else y
    y = conv_norm(y, out, norm=norm, name="expand")
    if stride == 1 and out == x.shape[1]:
        return activate(y + x, activation)
    means = x if stride == 1 else mean_windows(x, stride, stride)
    return activate(y + conv_norm(means, out, norm=norm, name="shortcut"), activation)
