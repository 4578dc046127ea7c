"""Bottleneck of RegNetX and RegNetY (Radosavovic et al. 2020)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm, shortcut
from netwright.blocks._sizes import chosen, divides, fits
from netwright.blocks._squeeze_excite import squeeze_excite
from netwright.graph import Tensor

__all__ = ["regnet_block"]


@block
def regnet_block(
    x: Tensor,
    channels: int | None = None,
    group: int = 8,
    stride: int = 1,
    ratio: float = 1.0,
    se: float = 0.0,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """1x1, grouped 3x3, squeeze and excitation, 1x1, and the input: `(N, C, *space)` to `(N, channels, ...)`.

    Radosavovic et al. 2020, Designing Network Design Spaces, figure 4: X without, Y with squeeze and excitation, of
    width `se` times that of the input. `group` is the width of one group, `ratio` what the inner width is divided by.
    Raises ShapeError where `group` does not divide the inner width.

    >>> from netwright.graph import image
    >>> regnet_block(image(24, 32, 32), 56, stride=2, se=0.25).shape
    (1, 56, 16, 16)
    """
    out = chosen(channels, x.shape[1])
    inner = round(out / ratio)
    fits(divides(group, inner), "regnet_block", "group must divide the inner width", group=group, inner=inner)
    y = conv_norm(x, inner, norm=norm, activation=activation, name="reduce")
    y = conv_norm(y, inner, 3, stride=stride, groups=inner // group, norm=norm, activation=activation, name="conv")
    if se:
        y = squeeze_excite(y, squeeze=round(x.shape[1] * se), gate="sigmoid")
    y = conv_norm(y, out, norm=norm, name="expand")
    return activate(y + shortcut(x, out, stride, norm), activation)
