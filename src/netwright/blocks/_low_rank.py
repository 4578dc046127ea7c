"""Linear maps of low rank, and an encoder block that is made of them (Liang et al. 2023, MCUFormer)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import branch, linear
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Tensor, ops, scope

__all__ = ["low_rank_encoder", "low_rank_linear"]


def _factors(x: Tensor, features: int, rank: float, name: str) -> Tensor:
    """Into the narrow space, within it, and out of it, which alone has a bias."""
    fits(0 < rank <= 1, "low_rank", "rank must be above 0 and at most 1", rank=rank)
    inner = max(int(rank * min(x.shape[-1], features)), 1)
    with scope(name):
        y = linear(x, inner, bias=False, name="enter")
        y = linear(y, inner, bias=False, name="within")
        return linear(y, features, name="leave")


@block
def low_rank_linear(x: Tensor, features: int | None = None, rank: float = 0.5) -> Tensor:
    """Linear map as a product of three matrices: `(..., D)` to `(..., features)`.

    Factors as of a singular value decomposition, with r = `rank` times the smaller width, rounded down, but 1 at
    least. They have r (D + r + features) weights: fewer than one matrix between equal widths for a rank below 0.41,
    between widths of 1 and 4 for one below 0.70. Liang et al. 2023, MCUFormer, by the authors' code. Raises
    ShapeError for a rank that is not above 0 and at most 1.

    >>> from netwright.graph import vector
    >>> low_rank_linear(vector(64), 32).shape
    (1, 32)
    """
    return _factors(x, chosen(features, x.shape[-1]), rank, "low_rank")


@block
def low_rank_encoder(
    x: Tensor,
    heads: int = 3,
    expand: float = 4.0,
    rank: float = 0.5,
    each: int = 64,
    activation: str = "gelu",
    norm: str = "layer",
) -> Tensor:
    """Self-attention with `heads` of width `each` and MLP, all four linear maps of low rank: `(N, T, D)` stays.

    The encoder block of AutoFormer with the factors of `low_rank_linear` (Liang et al. 2023, MCUFormer). Raises
    ShapeError for anything but tokens and for a rank that is not above 0 and at most 1.

    >>> from netwright.blocks import patch_embedding
    >>> from netwright.graph import image
    >>> low_rank_encoder(patch_embedding(image(3, 32, 32), 192, patch=8), rank=0.4).shape
    (1, 16, 192)
    """
    fits(x.rank == 3, "low_rank_encoder", "the input must be (N, T, D)", shape=x.shape)
    width, inner = x.shape[2], heads * each

    def attend(y: Tensor) -> Tensor:
        parts = ops.split(_factors(y, 3 * inner, rank, "qkv"), split=(inner, inner, inner), axis=2)
        z = heads_together(ops.attention(*(heads_apart(part, heads) for part in parts)))
        return _factors(z, width, rank, "out")

    def feed(y: Tensor) -> Tensor:
        return _factors(
            activate(_factors(y, round(width * expand), rank, "expand"), activation), width, rank, "project"
        )

    return branch(branch(x, attend, norm=norm, name="mix"), feed, norm=norm, name="feed")
