"""LowFormer: convolutions early, lightweight attention late (Nottebaum et al., WACV 2025; row 30)."""

from __future__ import annotations

from netwright.blocks import conv, fused_mbconv, global_pool, linear_block, lowformer, make_divisible, table_head
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._expression import Expression
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["lowformers"]

STAGES = (
    # width, blocks behind the reduction, resolution of attention divided by, whether its inverted residual is fused
    (32, (0, 1, 2), 0, True),
    (64, (0, 1, 2), 0, True),
    (128, (2, 3, 4, 5, 6), 2, True),
    (256, (3, 4, 5, 6), 1, False),
)
WIDTHS = (0.75, 1.0, 1.25, 1.5)


def lowformers(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Width of the last two stages and depth of all four in the macro-structure of the paper; B0 is among them.

    >>> lowformers().size() == 3 * 3 * (4 * 5) * (4 * 4)
    True

    Attention stands in the last two stages only, at half of the resolution in the third: what the paper's measured
    throughput asks for. scale: multiplier of all widths.
    """
    network = seq(
        stem=conv(make_divisible(16 * scale), stride=2, activation="hard_swish"),
        **{f"stage{i}": _stage(*stage, scale) for i, stage in enumerate(STAGES, start=1)},
        head=seq(
            conv(make_divisible(1536 * scale), kernel=1, activation="hard_swish"),
            global_pool(),
            linear_block(make_divisible(1600 * scale), norm="layer", activation="hard_swish"),
            table_head(classes),
        ),
    )
    return Space(network, input=input or image(3, 224, 224), name="lowformer")


def _stage(width: int, depths: tuple[int, ...], divided: int, fused: bool, scale: float) -> Expression:
    shares = WIDTHS if divided else (1.0,)
    # Multiples of 8, as four heads divide half of them.
    widths = list(dict.fromkeys(make_divisible(width * share * scale) for share in shares))
    enter = fused_mbconv(oneof(*widths) if divided else widths[0], stride=2, activation="hard_swish")
    more = lowformer(stride=divided, fused=fused) if divided else fused_mbconv(activation="hard_swish")
    return seq(enter=enter, blocks=repeat(more, times=oneof(*depths)))
