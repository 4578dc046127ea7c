"""Inception module (Szegedy et al. 2015)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.graph import Tensor, ops

__all__ = ["inception"]


@block
def inception(
    x: Tensor,
    direct: int = 64,
    reduce3: int = 96,
    width3: int = 128,
    reduce5: int = 16,
    width5: int = 32,
    pooled: int = 32,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Four parallel branches, concatenated: `(N, C, *space)` to `(N, direct + width3 + width5 + pooled, *space)`.

    1x1; 1x1 and 3x3; 1x1 and 5x5; 3x3 maximum and 1x1. Szegedy et al. 2015, Going Deeper with Convolutions, figure
    2b; the arguments are the columns of its table 1, the defaults its module 3a. `norm="none"` is the original,
    which has biases instead.

    >>> from netwright.graph import image
    >>> inception(image(192, 28, 28)).shape
    (1, 256, 28, 28)
    """
    branch1 = conv_norm(x, direct, norm=norm, activation=activation, name="direct")
    branch3 = conv_norm(x, reduce3, norm=norm, activation=activation, name="reduce3")
    branch3 = conv_norm(branch3, width3, 3, norm=norm, activation=activation, name="conv3")
    branch5 = conv_norm(x, reduce5, norm=norm, activation=activation, name="reduce5")
    branch5 = conv_norm(branch5, width5, 5, norm=norm, activation=activation, name="conv5")
    pool = ops.max_pool(x, kernel_shape=3, strides=1, pads=1)
    pool = conv_norm(pool, pooled, norm=norm, activation=activation, name="pooled")
    y: Tensor = ops.concat(branch1, branch3, branch5, pool, axis=1)
    return y
