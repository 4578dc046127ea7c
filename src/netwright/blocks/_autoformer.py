"""Encoder block of AutoFormer, whose heads have a fixed width (Chen et al. 2021)."""

from __future__ import annotations

from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import branch, linear
from netwright.blocks._mlp import mlp
from netwright.blocks._sizes import fits
from netwright.graph import Tensor, ops

__all__ = ["autoformer_encoder"]


@block
def autoformer_encoder(
    x: Tensor, heads: int = 3, expand: float = 4.0, each: int = 64, activation: str = "gelu", norm: str = "layer"
) -> Tensor:
    """Self-attention with `heads` of width `each`, then MLP, pre-normalised residual branches: `(N, T, D)` stays.

    Chen et al. 2021, AutoFormer, section 3.2: the width of queries, keys and values follows the heads, not the
    embedding. Relative positions are left out. Raises ShapeError for anything but tokens.

    >>> from netwright.blocks import patch_embedding
    >>> from netwright.graph import image
    >>> autoformer_encoder(patch_embedding(image(3, 32, 32), 216, patch=8), heads=4).shape
    (1, 16, 216)
    """
    fits(x.rank == 3, "autoformer_encoder", "the input must be (N, T, D)", shape=x.shape)

    def attend(y: Tensor) -> Tensor:
        inner = heads * each
        parts = ops.split(linear(y, 3 * inner, name="qkv"), split=(inner, inner, inner), axis=2)
        z = heads_together(ops.attention(*(heads_apart(part, heads) for part in parts)))
        return linear(z, x.shape[2], name="out")

    y = branch(x, attend, norm=norm, name="mix")
    return branch(y, mlp(expand, activation=activation), norm=norm, name="feed")
