"""Inverted residual with grouped 1x1 convolutions (Wu et al. 2019, FBNet)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.blocks._shufflenet_v2 import channel_shuffle
from netwright.blocks._sizes import chosen
from netwright.graph import Tensor

__all__ = ["fbnet_block"]


@block
def fbnet_block(
    x: Tensor,
    channels: int | None = None,
    expand: int = 1,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """1x1 in groups, depthwise, 1x1 in groups: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Wu et al. 2019, FBNet, figure 3: unlike in `mbconv` the first convolution stays where `expand=1`; groups are
    shuffled after it. The input is added where stride is 1 and the width stays. Raises ShapeError.

    >>> from netwright.graph import image
    >>> fbnet_block(image(16, 32, 32), 24, stride=2, groups=2).shape
    (1, 24, 16, 16)
    """
    width, out = x.shape[1], chosen(channels, x.shape[1])
    hidden = width * expand
    y = conv_norm(x, hidden, groups=groups, norm=norm, activation=activation, name="expand")
    y = channel_shuffle(y, groups=groups) if groups > 1 else y
    y = conv_norm(y, hidden, kernel, stride=stride, groups=hidden, norm=norm, activation=activation, name="depthwise")
    y = conv_norm(y, out, groups=groups, norm=norm, name="project")
    return x + y if stride == 1 and out == width else y
