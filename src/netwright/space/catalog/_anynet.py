"""AnyNet: four stages, each of any depth, width, bottleneck and group (Radosavovic et al., CVPR 2020; row 91).

The space that RegNet was found in, by comparing populations drawn from it and from its parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from netwright.blocks import classifier, conv, make_divisible, regnet_block
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._given import given
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["anynet"]


def anynet(
    input: Input | None = None,
    classes: int = 1000,
    *,
    scale: float = 1.0,
    widths: Sequence[int] = (64, 160, 384, 896),
    deepest: int = 16,
    se: float = 0.0,
) -> Space:
    """AnyNetX, or with `se` AnyNetY, on a grid of widths: each stage has its own width, depth, ratio and group.

    >>> anynet(widths=(64,), deepest=2).size()
    1336336

    The paper takes every multiple of 8 up to 1024, which is 10^18 networks; groups that do not divide fit nothing.
    scale: multiplier of all widths.
    """

    def stage(width: int) -> Expression:
        layer = regnet_block(
            width, group=oneof(1, 2, 4, 8, 16, 32), stride=given("stride"), ratio=oneof(1, 2, 4), se=se
        )
        times = integer(1, deepest)
        return named(str(width), repeat(layer, times, tied=True, first={"stride": 2}, rest={"stride": 1}))

    stages = oneof(*(stage(make_divisible(width * scale)) for width in widths))
    network = seq(
        stem=conv(make_divisible(32 * scale), stride=2),
        **dict.fromkeys(["stage1", "stage2", "stage3", "stage4"], stages),
        head=classifier(classes),
    )
    return Space(network, input=input or image(3, 224, 224), name="anynet")
