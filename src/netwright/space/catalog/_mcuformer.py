"""MCUFormer: vision transformers of low rank for microcontrollers (Liang et al., NeurIPS 2023; row 254).

Made for little memory: larger patches make fewer tokens, and linear maps of low rank have fewer weights. Options are
those of the authors' code and its configurations, at 240 x 240 pixels: rank, patch, width and depth are of the whole
network, heads and the ratio of the MLP of each block. As there, an image is padded to whole patches and the mean of
the tokens is classified. Other than there, the rank of attention's maps follows the width of the network itself, not
that of the supernet; relative positions are left out, and the class token, which the mean does not read. Whether the
paper's own tables have the same options was not checked.
"""

from __future__ import annotations

from typing import Any

from netwright.blocks import block, low_rank_encoder, token_head
from netwright.blocks._layers import as_tokens, convolution
from netwright.graph import Init, Input, Tensor, image, parameter
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import Expression
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["mcuformer"]

PATCHES = (16, 20, 24, 28, 32)
RANKS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
WIDTHS, RATIOS, HEADS, DEPTHS = (168, 192, 216), (3.5, 4.0), (3, 4), (12, 14)


@block
def _patches(x: Tensor, width: int = 192, patch: int = 16) -> Tensor:
    """Patches of an image that is padded around to whole ones, as tokens with learned positions."""
    missing = [-size % patch for size in x.shape[2:]]
    # In the convolution: a padded image of its own would take more memory than all that follows.
    pads = (*(size // 2 for size in missing), *(size - size // 2 for size in missing))
    y = as_tokens(convolution(x, width, patch, stride=patch, padding=pads, bias=True, name="patches"))
    return y + parameter("positions", y.shape, Init("normal", 0.02))


def mcuformer(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, layerwise: bool = False
) -> Space:
    """Rank of all linear maps, patch, width and depth of the network, heads and MLP ratio of each block.

    >>> mcuformer().size() == 12 * 5 * 3 * sum(4**depth for depth in (12, 13, 14))
    True
    >>> mcuformer(layerwise=True).size() == 5 * 3 * sum(48**depth for depth in (12, 13, 14))
    True

    scale: multiplier of widths and of the width of a head. layerwise: a rank for each block in place of one for all.
        Patches are those of at most half the image, or a quarter of the image where there is none.
    """
    picture = input or image(3, 240, 240)
    side = min(picture.shape[2:])
    patches = [patch for patch in PATCHES if 2 * patch <= side] or [max(side // 4, 1)]
    embed = _patches(oneof(*(max(round(width * scale), 1) for width in WIDTHS)), oneof(*patches))

    def network(rank: Any) -> Expression:
        encoder = low_rank_encoder(oneof(*HEADS), oneof(*RATIOS), rank, max(round(64 * scale), 1))
        return seq(embed=embed, blocks=repeat(encoder, times=integer(*DEPTHS)), head=token_head(classes, pool="mean"))

    ranks = oneof(*RANKS)
    whole = network(ranks) if layerwise else let(network(given("rank")), rank=ranks)
    return Space(whole, input=picture, name="mcuformer")
