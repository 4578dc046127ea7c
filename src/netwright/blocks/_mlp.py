"""Two-layer perceptron over the channels."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._dropout import dropped
from netwright.blocks._layers import pointwise
from netwright.blocks._sizes import chosen, width_of
from netwright.graph import Tensor

__all__ = ["mlp"]


@block
def mlp(
    x: Tensor,
    expand: float = 4.0,
    channels: int | None = None,
    activation: str = "gelu",
    bias: bool = True,
    dropout: float = 0.0,
) -> Tensor:
    """Linear, activation, linear over the channels: `(N, T, D)`, `(N, D)` or `(N, C, H, W)`; positions do not mix.

    The hidden width is `expand` times the input's (Vaswani et al. 2017, section 3.3); `channels=None` keeps it.

    >>> from netwright.graph import image, vector
    >>> mlp(vector(13), expand=2).shape, mlp(image(8, 4, 4), channels=16).shape
    ((1, 13), (1, 16, 4, 4))
    """
    width = width_of(x)
    y = activate(pointwise(x, round(width * expand), bias=bias, name="expand"), activation)
    return pointwise(dropped(y, dropout), chosen(channels, width), bias=bias, name="project")
