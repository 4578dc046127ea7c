"""Hierarchical vision transformers of mask unit attention and Q-pooling, as TurboViT is one (Wong et al. 2023).

Row 244. Made for fast plain transformers: few heads, narrow early, most blocks behind the second pooling. The
abstract does not say the widths and depths of TurboViT itself, so that the space is laid around and below Hiera-T
(Ryali et al. 2023), which has the two patterns that TurboViT is generated around, and is in it.
"""

from __future__ import annotations

from netwright.blocks import classifier, conv, image_positions, make_divisible, mask_unit
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._expression import Expression
from netwright.space._given import given
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["turbovit"]

STAGES = (
    # widths, blocks, heads
    ((32, 64, 96), (1, 2), (1,)),
    ((64, 128, 192), (1, 2, 3), (1, 2)),
    ((128, 256, 384), (4, 5, 6, 7, 8), (2, 4)),
    ((256, 512, 768), (1, 2, 3), (4, 8)),
)
RATIOS = (2.0, 4.0)


def turbovit(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Width, blocks, heads and MLP ratio of each of four stages, between which queries are pooled.

    >>> turbovit().size() == (3 * 2 * 2) * (3 * 3 * 2 * 2) * (3 * 5 * 2 * 2) * (3 * 3 * 2 * 2)
    True

    Attention stays in units of 8 by 8 and then 4 by 4 pixels in the first two stages, where these divide the image,
    and is global in the last two. scale: multiplier of all widths.
    """
    picture = input or image(3, 224, 224)
    units = [side if all(-(-size // 4) % 8 == 0 for size in picture.shape[2:]) else None for side in (8, 4)]
    stages = [_stage(i, (None, *units, None, None)[i : i + 2], scale) for i in range(len(STAGES))]
    network = seq(
        stem=conv(_widths(0, scale), kernel=7, stride=4, norm="none", activation="none"),
        positions=image_positions(),
        **{f"stage{i}": stage for i, stage in enumerate(stages, start=1)},
        head=classifier(classes, norm="layer"),
    )
    return Space(network, input=picture, name="turbovit")


def _widths(number: int, scale: float) -> object:
    return oneof(*(make_divisible(width * scale) for width in STAGES[number][0]))


def _stage(number: int, units: tuple[int | None, ...], scale: float) -> Expression:
    """Blocks that share their decisions; the first one pools, inside the units of the stage before."""
    _, depths, heads = STAGES[number]
    width = _widths(number, scale) if number else None
    several = oneof(*heads) if number else heads[0]
    block = mask_unit(width, several, given("unit"), given("pool"), oneof(*RATIOS))
    first = {"unit": units[0], "pool": 2} if number else {"unit": units[1], "pool": 1}
    return repeat(block, times=oneof(*depths), tied=True, first=first, rest={"unit": units[1], "pool": 1})
