"""StarNet block (Ma et al. 2024)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm, convolution
from netwright.graph import Tensor

__all__ = ["starnet"]


@block
def starnet(
    x: Tensor, expand: float = 4.0, kernel: int = 7, norm: str = "batch", activation: str = "relu6"
) -> Tensor:
    """Product of two linear maps between two depthwise convolutions, and the input: `(N, C, *space)` keeps its shape.

    Ma et al. 2024, Rewrite the Stars. The right map has no activation.

    >>> from netwright.graph import image
    >>> starnet(image(24, 56, 56)).shape
    (1, 24, 56, 56)
    """
    width = x.shape[1]
    hidden = round(width * expand)
    y = conv_norm(x, width, kernel, groups=width, norm=norm, name="depthwise1")
    star = activate(convolution(y, hidden, 1, bias=True, name="left"), activation)
    star = star * convolution(y, hidden, 1, bias=True, name="right")
    y = conv_norm(star, width, norm=norm, name="project")
    return x + convolution(y, width, kernel, groups=width, bias=True, name="depthwise2")
