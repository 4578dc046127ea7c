"""Blocks of the NAS-Bench-201 networks (Dong & Yang 2020)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import convolution
from netwright.blocks._normalisation import normalise
from netwright.blocks._pools import mean_windows
from netwright.blocks._sizes import chosen
from netwright.graph import Tensor, ops, scope

__all__ = ["activated_conv", "relu_conv_bn", "residual_reduction"]


def _relu_conv_bn(x: Tensor, channels: int, kernel: int, stride: int) -> Tensor:
    return normalise(convolution(ops.relu(x), channels, kernel, stride=stride))


@block
def relu_conv_bn(x: Tensor, channels: int | None = None, kernel: int = 3, stride: int = 1) -> Tensor:
    """ReLU, convolution without bias, batch normalisation: `(N, C, *space)` to `(N, channels, *space / stride)`.

    The convolution of the cells of NAS-Bench-201 (Dong & Yang 2020, section 2.1).

    >>> from netwright.graph import image
    >>> relu_conv_bn(image(16, 32, 32)).shape
    (1, 16, 32, 32)
    """
    return _relu_conv_bn(x, chosen(channels, x.shape[1]), kernel, stride)


@block
def activated_conv(
    x: Tensor,
    channels: int | None = None,
    kernel: int = 3,
    depthwise: bool = False,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Activation, convolution without bias, normalisation: `(N, C, *space)` to `(N, channels, *space)`.

    The convolution block of the hierarchical NAS-Bench-201 grammar (Schrodi et al. 2023); a depthwise one keeps C.

    >>> from netwright.graph import image
    >>> activated_conv(image(16, 32, 32), depthwise=True, activation="mish").shape
    (1, 16, 32, 32)
    """
    out = x.shape[1] if depthwise else chosen(channels, x.shape[1])
    y = convolution(activate(x, activation), out, kernel, groups=out if depthwise else 1)
    return normalise(y, norm)


@block
def residual_reduction(x: Tensor, channels: int | None = None, stride: int = 2, widen: int = 1) -> Tensor:
    """Residual block between the stages of NAS-Bench-201: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Two ReLU, 3x3 convolution, normalisation triples beside a mean pool and a 1x1 convolution without
    normalisation (Dong & Yang 2020, section 2.1). widen: times the channels of the input, where none are given.

    >>> from netwright.graph import image
    >>> residual_reduction(image(16, 32, 32), 32).shape
    (1, 32, 16, 16)
    """
    out = chosen(channels, widen * x.shape[1])
    with scope("conv1"):
        y = _relu_conv_bn(x, out, 3, stride)
    with scope("conv2"):
        y = _relu_conv_bn(y, out, 3, 1)
    with scope("shortcut"):
        pooled = x if stride == 1 else mean_windows(x, stride, stride)
        straight = pooled if stride == 1 and out == x.shape[1] else convolution(pooled, out, 1)
    return straight + y
