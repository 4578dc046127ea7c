"""Any block as one pre-normalised residual branch (He et al. 2016; Xiong et al. 2020)."""

from __future__ import annotations

from netwright.blocks._base import Call, block
from netwright.blocks._layers import branch
from netwright.blocks._mlp import mlp
from netwright.graph import Tensor

__all__ = ["residual_branch"]


@block
def residual_branch(x: Tensor, inner: Call | None = None, norm: str = "rms", scale: float | None = None) -> Tensor:
    """The input, and `inner` of the normalised input, added: `(N, T, D)` or `(N, C, H, W)` keeps its shape.

    One half of a transformer block, so that halves can be put together in any order. `inner` is any block that keeps
    the shape, a perceptron where absent; `scale` starts a layer scale. Raises ShapeError.

    >>> from netwright.blocks import attention
    >>> from netwright.graph import Input
    >>> residual_branch(Input((1, 16, 32)), attention(4)).shape
    (1, 16, 32)
    """
    return branch(x, inner or mlp(), norm=norm, scale=scale, name="branch")
