"""Bottleneck for adversarial robustness: squeeze and excitation, smooth activations (Peng et al. 2023)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm, convolution, shortcut
from netwright.blocks._sizes import chosen, divides, fits
from netwright.blocks._squeeze_excite import squeeze_excite
from netwright.graph import Tensor

__all__ = ["robust_bottleneck"]


@block
def robust_bottleneck(
    x: Tensor,
    channels: int | None = None,
    group: int = 4,
    stride: int = 1,
    ratio: int = 4,
    se: float = 0.25,
    activation: str = "silu",
) -> Tensor:
    """1x1, grouped 3x3, squeeze and excitation, 1x1, and the input: `(N, C, *space)` to `(N, channels, ...)`.

    Peng et al. 2023, Robust Principles, as the authors' code has it: the activations are smooth, the squeezed
    width is `se` times that of the input, and the first convolution is not normalised. `group` is the width of one
    group. Raises ShapeError where `group` does not divide the inner width.

    >>> from netwright.graph import image
    >>> robust_bottleneck(image(32, 8, 8), 64, group=8, stride=2).shape
    (1, 64, 4, 4)
    """
    out = chosen(channels, x.shape[1])
    inner = round(out / ratio)
    fits(divides(group, inner), "robust_bottleneck", "group must divide the inner width", group=group, inner=inner)
    y = activate(convolution(x, inner, 1, name="reduce"), activation)
    y = conv_norm(y, inner, 3, stride=stride, groups=inner // group, activation=activation, name="conv")
    y = squeeze_excite(y, squeeze=max(round(x.shape[1] * se), 1), gate="sigmoid")
    y = conv_norm(y, out, name="expand")
    return activate(y + shortcut(x, out, stride), activation)
