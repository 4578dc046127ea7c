"""Encoder block of the vision transformer (Dosovitskiy et al. 2021)."""

from __future__ import annotations

from netwright.blocks._attention import attention
from netwright.blocks._base import block
from netwright.blocks._layers import branch
from netwright.blocks._mlp import mlp
from netwright.graph import Tensor

__all__ = ["vit_encoder"]


@block
def vit_encoder(
    x: Tensor,
    heads: int = 3,
    expand: float = 4.0,
    kv_heads: int | None = None,
    activation: str = "gelu",
    norm: str = "layer",
    dropout: float = 0.0,
) -> Tensor:
    """Self-attention and MLP, each a pre-normalised residual branch: `(N, T, D)` keeps its shape.

    Dosovitskiy et al. 2021, ViT, equations 2-3. Raises ShapeError where `heads` does not divide the width.

    >>> from netwright.graph import image
    >>> from netwright.blocks import patch_embedding
    >>> vit_encoder(patch_embedding(image(3, 32, 32), 48, patch=8)).shape
    (1, 16, 48)
    """
    y = branch(x, attention(heads, kv_heads=kv_heads), norm=norm, name="mix")
    return branch(y, mlp(expand, activation=activation, dropout=dropout), norm=norm, name="feed")
