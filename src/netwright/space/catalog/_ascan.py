"""AsCAN: how many blocks of each stage convolve and how many attend (Kag et al., NeurIPS 2024; row 36).

Made for the question of where attention belongs in a hybrid network. The paper's answer is asymmetric: convolutions
first, and from stage to stage more attention, with plain transformer blocks. Convolving blocks are fused inverted
residuals. Widths and depths of the published sizes are not in the abstract; those here are common ones, so that no
published total is claimed.
"""

from __future__ import annotations

from typing import Any

from netwright.blocks import attention, classifier, conv, downsample, fused_mbconv, make_divisible, metaformer
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["ascan"]

WIDTHS = (64, 96, 128)
"""Of the first stage; every further one is twice as wide."""
DEPTHS = ((2, 3), (2, 3), (4, 6), (2, 3))
HEAD = 32
"""Width of an attention head."""
BLOCKS = {"convolving": "C", "attending": "T"}


def ascan(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Width, and the layout of each stage, such as CCT: 948 networks whose share of attention never falls.

    >>> ascan().design_at(0)
    Design({'width': 64, 'stage1': 'CC', 'stage2': 'CC', 'stage3': 'CCCC', 'stage4': 'CC'})

    scale: multiplier of all widths.
    """

    attend = metaformer(mixer=attention(given("heads")), norm="layer", scale=None)
    stage = seq(
        enter=downsample(given("width"), 3, 2, "batch"),
        convolve=repeat(fused_mbconv(None, activation="gelu"), times=given("convolving")),
        attend=repeat(attend, times=given("attending")),
    )
    each = {"width": given("widths"), "heads": given("heads"), **{name: given(name) for name in BLOCKS}}
    network = seq(
        stem=seq(conv(given("widths", 0), stride=2, activation="gelu"), conv(None, activation="gelu")),
        stages=repeat(stage, times=len(DEPTHS), each=each),
        head=classifier(classes, norm="batch"),
    )
    layouts = {f"stage{i}": oneof(*_layouts(depths, i > 1)) for i, depths in enumerate(DEPTHS, start=1)}
    body = let(network, rising_attention, width=oneof(*WIDTHS), scale=scale, **layouts)
    return Space(body, input=input or image(3, 224, 224), name="ascan")


@formula
def rising_attention(
    width: int, stage1: str, stage2: str, stage3: str, stage4: str, scale: float = 1.0
) -> dict[str, Any] | None:
    """Widths, heads and blocks of both kinds for each stage; None where the share of attention falls."""
    layouts = (stage1, stage2, stage3, stage4)
    shares = [layout.count("T") / len(layout) for layout in layouts]
    if shares != sorted(shares):
        return None
    widths = [make_divisible(width * scale * 2**i, 32) for i in range(len(layouts))]
    counts = {name: [layout.count(letter) for layout in layouts] for name, letter in BLOCKS.items()}
    return {"widths": widths, "heads": [max(wide // HEAD, 1) for wide in widths]} | counts


def _layouts(depths: tuple[int, ...], attends: bool) -> list[str]:
    """All ways to convolve first and then attend; at the highest resolution attention would cost too much."""
    return ["C" * (n - t) + "T" * t for n in depths for t in range(n + 1 if attends else 1)]
