"""Inverted residual with optional squeeze and excitation (MobileNetV2, MobileNetV3, EfficientNet)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.blocks._sizes import chosen, make_divisible
from netwright.blocks._squeeze_excite import squeeze_excite
from netwright.errors import UnknownNameError
from netwright.graph import Tensor

__all__ = ["fused_mbconv", "mbconv"]


def _squeezed(
    expanded: Tensor, entering: int, se: float, divisor: int, base: str, activation: str, gate: str
) -> Tensor:
    """Squeeze and excitation whose width is a share of the expanded or of the entering width."""
    widths = {"expanded": expanded.shape[1], "input": entering}
    if base not in widths:
        raise UnknownNameError("base of squeeze and excitation", base, widths)
    squeeze = make_divisible(widths[base] * se, divisor)
    y: Tensor = squeeze_excite(expanded, squeeze=squeeze, activation=activation, gate=gate)
    return y


@block
def mbconv(
    x: Tensor,
    channels: int | None = None,
    expand: float = 4,
    kernel: int = 3,
    stride: int = 1,
    se: float = 0.0,
    norm: str = "batch",
    activation: str = "relu6",
    se_divisor: int = 8,
    se_base: str = "expanded",
    se_activation: str = "relu",
    se_gate: str = "hard_sigmoid",
) -> Tensor:
    """Expand, convolve depthwise, squeeze and excite, project: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Sandler et al. 2018 (MobileNetV2, figure 4d); with `se=0.25, activation="hard_swish"` Howard et al. 2019
    (MobileNetV3); with `se=0.25, se_base="input", se_divisor=1, activation="silu", se_activation="silu",
    se_gate="sigmoid"` Tan & Le 2019 (EfficientNet). `expand=1` has no expansion; `se=0` has no squeeze and
    excitation; the input is added where stride is 1 and the width stays. Raises ShapeError and UnknownNameError.

    >>> from netwright.graph import image
    >>> mbconv(image(16, 32, 32), 24, expand=6, stride=2).shape
    (1, 24, 16, 16)
    """
    width, out = x.shape[1], chosen(channels, x.shape[1])
    hidden = round(width * expand)
    y = x if expand == 1 else conv_norm(x, hidden, norm=norm, activation=activation, name="expand")
    y = conv_norm(y, hidden, kernel, stride=stride, groups=hidden, norm=norm, activation=activation, name="depthwise")
    if se:
        y = _squeezed(y, width, se, se_divisor, se_base, se_activation, se_gate)
    y = conv_norm(y, out, norm=norm, name="project")
    return x + y if stride == 1 and out == width else y


@block
def fused_mbconv(
    x: Tensor,
    channels: int | None = None,
    expand: float = 4,
    kernel: int = 3,
    stride: int = 1,
    norm: str = "batch",
    activation: str = "silu",
) -> Tensor:
    """Inverted residual with one full convolution in place of expansion and depthwise convolution.

    `(N, C, *space)` to `(N, channels, *space / stride)`. Tan & Le 2021, EfficientNetV2, figure 2. With `expand=1`
    the full convolution alone remains.

    >>> from netwright.graph import image
    >>> fused_mbconv(image(16, 32, 32), 24, stride=2).shape
    (1, 24, 16, 16)
    """
    width, out = x.shape[1], chosen(channels, x.shape[1])
    if expand == 1:
        y = conv_norm(x, out, kernel, stride=stride, norm=norm, activation=activation, name="conv")
    else:
        hidden = round(width * expand)
        y = conv_norm(x, hidden, kernel, stride=stride, norm=norm, activation=activation, name="expand")
        y = conv_norm(y, out, norm=norm, name="project")
    return x + y if stride == 1 and out == width else y
