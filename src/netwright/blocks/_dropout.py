"""Dropout (Srivastava et al. 2014)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.errors import GraphError
from netwright.graph import Tensor, ops

__all__ = ["dropout", "dropped"]


def dropped(x: Tensor, ratio: float) -> Tensor:
    """Dropout, or the tensor itself where the ratio is 0; raises GraphError unless 0 <= ratio < 1.

    >>> from netwright.graph import vector
    >>> x = vector(8)
    >>> dropped(x, 0.0) is x
    True
    """
    if not 0 <= ratio < 1:
        raise GraphError(f"dropout: 0 <= ratio < 1 must hold, but got ratio={ratio}.")
    if ratio == 0:
        return x
    y: Tensor = ops.dropout(x, ratio=ratio)
    return y


@block
def dropout(x: Tensor, ratio: float = 0.1) -> Tensor:
    """In training, zero a share `ratio` of the elements and scale up the others; any shape (Srivastava et al. 2014).

    Raises GraphError unless 0 <= ratio < 1.

    >>> from netwright.graph import vector
    >>> dropout(vector(8), 0.2).shape
    (1, 8)
    """
    return dropped(x, ratio)
