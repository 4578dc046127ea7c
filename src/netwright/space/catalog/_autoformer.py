"""AutoFormer: vision transformers whose every block has its own heads and MLP (Chen et al., ICCV 2021).

The found AutoFormer-S and B are in their spaces; AutoFormer-T has MLP ratios of 3, which the space of its size has
not. The 1.7 x 10^16 candidates that are stated for the three sizes are 3 widths and 3 depths of the base size with
the options of its deepest network at each; without what a shallower network lacks the three have 6.3 x 10^15.
"""

from __future__ import annotations

from netwright.blocks import autoformer_encoder, patch_embedding, token_head
from netwright.errors import UnknownNameError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["autoformer"]

SIZES = {
    # embedding, MLP ratio, heads, depth from and to (table 1 of the paper)
    "tiny": ((192, 216, 240), (3.5, 4.0), (3, 4), (12, 14)),
    "small": ((320, 384, 448), (3.0, 3.5, 4.0), (5, 6, 7), (12, 14)),
    "base": ((528, 576, 624), (3.0, 3.5, 4.0), (8, 9, 10), (14, 16)),
}


def autoformer(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, size: str = "tiny", patch: int = 16
) -> Space:
    """Embedding and depth of the network, heads and MLP ratio of each block, without relative positions.

    >>> autoformer().size() == 3 * sum(4**depth for depth in (12, 13, 14))
    True

    scale: multiplier of embedding and width of a head. size: tiny, small or base. Raises UnknownNameError.
    """
    if size not in SIZES:
        raise UnknownNameError("size of AutoFormer", size, SIZES)
    widths, ratios, heads, (shallow, deep) = SIZES[size]
    encoder = autoformer_encoder(oneof(*heads), oneof(*ratios), max(round(64 * scale), 1))
    network = seq(
        embed=patch_embedding(oneof(*(max(round(w * scale), 1) for w in widths)), patch, class_token=True),
        blocks=repeat(encoder, times=integer(shallow, deep)),
        head=token_head(classes),
    )
    return Space(network, input=input or image(3, 224, 224), name="autoformer")
