"""Linear layer, normalisation and activation, for tables."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._dropout import dropped
from netwright.blocks._layers import linear
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Tensor

__all__ = ["linear_block"]


@block
def linear_block(
    x: Tensor, features: int | None = None, norm: str = "batch", activation: str = "relu", dropout: float = 0.0
) -> Tensor:
    """Linear, normalisation, activation, dropout: `(N, C)` to `(N, features)`; `features=None` keeps the width.

    Raises ShapeError on other ranks.

    >>> from netwright.graph import vector
    >>> linear_block(vector(13), 32).shape
    (1, 32)
    """
    fits(x.rank == 2, "linear_block", "the input must be (N, C)", shape=x.shape)
    y = normalise(linear(x, chosen(features, x.shape[1]), bias=norm == "none"), norm)
    return dropped(activate(y, activation), dropout)
