"""LowFormer: convolutions early, lightweight attention late (Nottebaum et al., WACV 2025; row 30).

Widths, depths, expansions and heads are those of the authors' code for B0, B1, B1.5 and B3, which are all in the
space.
"""

from __future__ import annotations

from netwright.blocks import conv, fused_mbconv, global_pool, linear_block, lowformer, make_divisible, table_head
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._computed import computed
from netwright.space._expression import Expression
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

    def network(width: int, reduction: int, head: str) -> Expression:
        stem = conv(make_divisible(width * scale, 4), stride=2, activation="hard_swish")
        more = repeat(fused_mbconv(activation="hard_swish"), times=oneof(0, 1))
        stages = (_stage(width << i, reduction, *stage, scale) for i, stage in enumerate(STAGES, start=1))
        numbered = {f"stage{i}": stage for i, stage in enumerate(stages, start=1)}
        return seq(stem=seq(enter=stem, blocks=more), **numbered, head=_head(*HEADS[head], classes, scale))

    choices = {"width": oneof(*WIDTHS), "reduction": oneof(*REDUCTIONS), "head": oneof(*HEADS)}
    return Space(computed(network, **choices), input=input or image(3, 224, 224), name="lowformer")


def _stage(width: int, reduction: int, depths: tuple[int, ...], divided: int, scale: float) -> Expression:
    wide = make_divisible(width * scale)
    enter = fused_mbconv(wide, expand=reduction, stride=2, activation="hard_swish")
    attend = lowformer(heads=_heads(wide // 2), stride=divided, fused=width < FUSED) if divided else None
    return seq(enter=enter, blocks=repeat(attend or fused_mbconv(activation="hard_swish"), times=oneof(*depths)))


def _heads(width: int) -> int:
    """As many heads of about 32 as divide the width."""
    return next(heads for heads in range(max(width // 30, 1), 0, -1) if width % heads == 0)


def _head(wide: int, features: int, classes: int, scale: float) -> Expression:
    return seq(
        conv(make_divisible(wide * scale), kernel=1, activation="hard_swish"),
        global_pool(),
        linear_block(make_divisible(features * scale), norm="layer", activation="hard_swish"),
        table_head(classes),
    )
