"""Gated perceptron (Shazeer 2020)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import pointwise
from netwright.blocks._sizes import chosen, make_divisible, width_of
from netwright.graph import Tensor, ops

__all__ = ["swiglu"]


@block
def swiglu(
    x: Tensor, expand: float = 8 / 3, channels: int | None = None, divisor: int = 8, bias: bool = False
) -> Tensor:
    """W3 (silu(W1 x) * W2 x) over the channels: `(N, T, D)`, `(N, D)` or `(N, C, H, W)`.

    Shazeer 2020, GLU Variants Improve Transformer, equation 6. The hidden width is the multiple of `divisor` near
    `expand` times the input's; 8 / 3 gives the parameters of a plain perceptron with `expand=4`.

    >>> from netwright.graph import vector
    >>> swiglu(vector(48)).shape
    (1, 48)
    """
    width = width_of(x)
    hidden = make_divisible(width * expand, divisor)
    gate = ops.silu(pointwise(x, hidden, bias=bias, name="gate"))
    y = gate * pointwise(x, hidden, bias=bias, name="expand")
    return pointwise(y, chosen(channels, width), bias=bias, name="project")
