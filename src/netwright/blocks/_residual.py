"""Basic residual block (He et al. 2016)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm, shortcut
from netwright.blocks._sizes import chosen
from netwright.graph import Tensor

__all__ = ["residual_block"]


@block
def residual_block(
    x: Tensor,
    channels: int | None = None,
    stride: int = 1,
    kernel: int = 3,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Two convolutions and the input: `(N, C, *space)` to `(N, channels, *space / stride)`.

    He et al. 2016, Deep Residual Learning, figure 5 left; 1x1 projection where the shape changes.

    >>> from netwright.graph import image
    >>> residual_block(image(16, 32, 32), 32, stride=2).shape
    (1, 32, 16, 16)
    """
    out = chosen(channels, x.shape[1])
    y = conv_norm(x, out, kernel, stride=stride, norm=norm, activation=activation, name="conv1")
    y = conv_norm(y, out, kernel, norm=norm, name="conv2")
    return activate(y + shortcut(x, out, stride, norm), activation)
