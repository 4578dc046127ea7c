"""LowFormer: convolutions early, lightweight attention late (Nottebaum et al., WACV 2025; row 30).

Widths, depths, expansions and heads are those of the authors' code for B0, B1, B1.5 and B3, which are all in the
space.
"""

from __future__ import annotations

from typing import Any

from netwright.blocks import conv, fused_mbconv, global_pool, linear_block, lowformer, make_divisible, table_head
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._expression import Expression
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["lowformers"]

WIDTHS = (16, 20, 24, 32)
"""Of the stem; every stage is twice as wide as the one before."""
REDUCTIONS = (4, 6)
"""Expansion of the convolutions that halve the image."""
STAGES = (
    # blocks behind the reduction, resolution of attention divided by
    ((0, 1, 2), 0),
    ((0, 1, 2), 0),
    ((2, 3, 4, 5, 6), 2),
    ((3, 4, 5, 6), 1),
)
HEADS = {"small": (1536, 1600), "big": (2304, 2560)}
FUSED = 256
"""Inverted residuals behind attention are fused where they are narrower."""


def lowformers(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Width, expansion of the reductions, blocks of the stem and of four stages, and head: 5,760 networks.

    >>> lowformers().size() == 4 * 2 * 2 * (3 * 3 * 5 * 4) * 2
    True

    Attention stands in the last two stages only, at half of the resolution in the third: what the paper's measured
    throughput asks for. scale: multiplier of all widths.
    """

    stem = conv(given("stem"), stride=2, activation="hard_swish")
    more = repeat(fused_mbconv(activation="hard_swish"), times=oneof(0, 1))
    stages = {f"stage{i + 1}": _stage(i, *stage) for i, stage in enumerate(STAGES)}
    head = seq(
        conv(given("wide"), kernel=1, activation="hard_swish"),
        global_pool(),
        linear_block(given("features"), norm="layer", activation="hard_swish"),
        table_head(classes),
    )
    network = seq(stem=seq(enter=stem, blocks=more), **stages, head=head)
    choices = {"width": oneof(*WIDTHS), "reduction": oneof(*REDUCTIONS), "head": oneof(*HEADS)}
    body = let(network, lowformer_sizes, **choices, scale=scale)
    return Space(body, input=input or image(3, 224, 224), name="lowformer")


@formula
def lowformer_sizes(width: int, head: str, scale: float = 1.0) -> dict[str, Any]:
    """Width of the stem, of each stage with its heads, and of both layers of the head."""
    unscaled = [width << i for i in range(1, len(STAGES) + 1)]
    widths = [make_divisible(each * scale) for each in unscaled]
    wide, features = (make_divisible(each * scale) for each in HEADS[head])
    return {
        "stem": make_divisible(width * scale, 4),
        "widths": widths,
        "heads": [_heads(each // 2) for each in widths],
        "fused": [each < FUSED for each in unscaled],
        "wide": wide,
        "features": features,
    }


def _stage(place: int, depths: tuple[int, ...], divided: int) -> Expression:
    enter = fused_mbconv(given("widths", place), expand=given("reduction"), stride=2, activation="hard_swish")
    attend = lowformer(heads=given("heads", place), stride=divided, fused=given("fused", place)) if divided else None
    return seq(enter=enter, blocks=repeat(attend or fused_mbconv(activation="hard_swish"), times=oneof(*depths)))


def _heads(width: int) -> int:
    """As many heads of about 32 as divide the width."""
    return next(heads for heads in range(max(width // 30, 1), 0, -1) if width % heads == 0)
