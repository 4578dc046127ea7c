"""VanillaNet block in its merged form, and its series activation (Chen et al. 2023)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import convolution
from netwright.blocks._pools import max_windows
from netwright.blocks._sizes import chosen
from netwright.graph import Tensor, ops

__all__ = ["series_activation", "vanilla"]


def _series(x: Tensor, reach: int) -> Tensor:
    return convolution(ops.relu(x), x.shape[1], 2 * reach + 1, groups=x.shape[1], bias=True, name="series")


@block
def series_activation(x: Tensor, reach: int = 3) -> Tensor:
    """Sum of shifted rectifiers, a depthwise convolution of ReLU(x): `(N, C, *space)` keeps its shape.

    Chen et al. 2023, VanillaNet; `reach` is its n, and the kernel has 2 n + 1 sides.

    >>> from netwright.graph import image
    >>> series_activation(image(8, 14, 14)).shape
    (1, 8, 14, 14)
    """
    return _series(x, reach)


@block
def vanilla(x: Tensor, channels: int | None = None, stride: int = 1, reach: int = 3) -> Tensor:
    """1x1 convolution, maximum over windows, series activation: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Chen et al. 2023, VanillaNet: the form after training, with both convolutions of the
    block and their normalisations merged into one.

    >>> from netwright.graph import image
    >>> vanilla(image(512, 56, 56), 1024, stride=2).shape
    (1, 1024, 28, 28)
    """
    y = convolution(x, chosen(channels, x.shape[1]), 1, bias=True)
    return _series(y if stride == 1 else max_windows(y, stride, stride), reach)
