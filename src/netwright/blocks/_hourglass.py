"""Hourglass perceptron: wide, narrow, wide (Chen et al. 2025)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import linear
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import fits
from netwright.graph import Tensor

__all__ = ["hourglass", "random_projection"]


@block
def random_projection(x: Tensor, width: int = 256) -> Tensor:
    """Fixed random linear map, a buffer that is not trained: `(..., D)` to `(..., width)`.

    Chen et al. 2025, Rethinking the Shape Convention of an MLP: it lifts the input to the wide space.

    >>> from netwright.graph import vector
    >>> random_projection(vector(13), 128).shape
    (1, 128)
    """
    return linear(x, width, bias=False, trainable=False)


@block
def hourglass(x: Tensor, narrow: int = 32, norm: str = "layer", activation: str = "gelu") -> Tensor:
    """Residual perceptron through a width below that of the input: `(..., D)` keeps its shape.

    Chen et al. 2025, Rethinking the Shape Convention of an MLP, figure 1a. Raises ShapeError where `narrow` is not
    below the width.

    >>> from netwright.graph import vector
    >>> hourglass(vector(128), narrow=16).shape
    (1, 128)
    """
    width = x.shape[-1]
    fits(narrow < width, "hourglass", "narrow must be below the width", narrow=narrow, width=width)
    y = activate(linear(normalise(x, norm), narrow, name="reduce"), activation)
    return x + linear(y, width, name="expand")
