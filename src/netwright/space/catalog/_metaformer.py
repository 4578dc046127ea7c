"""MetaFormer: four stages whose token mixer is the choice (Yu et al., CVPR 2022 and TPAMI 2024; rows 124 and 228).

One macro-structure for pooling, convolution, attention, fixed random mixing and none, so that mixers can be compared.
"""

from __future__ import annotations

from netwright.blocks import (
    attention,
    classifier,
    depthwise_mixer,
    downsample,
    make_divisible,
    metaformer,
    pool_mixer,
    random_mixer,
    skip,
)
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["metaformers"]

WIDTHS = (64, 128, 320, 512)
DEPTHS = ((2, 4, 6), (2, 4, 6), (6, 12, 18), (2, 4, 6))
"""Blocks of each stage in the sizes S12, S24 and S36."""


def metaformers(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Mixer and depth of each of four stages, in the widths of PoolFormer-S12: 15 ** 4 networks.

    >>> metaformers().size() == (5 * 3) ** 4
    True

    scale: multiplier of all widths.
    """
    widths = [make_divisible(width * scale, 16) for width in WIDTHS]
    stages = {f"stage{i}": _stage(i, width, DEPTHS[i - 1]) for i, width in enumerate(widths, start=1)}
    network = seq(**stages, head=classifier(classes, norm="group1"))
    return Space(network, input=input or image(3, 224, 224), name="metaformer")


def _stage(number: int, width: int, depths: tuple[int, ...]) -> Expression:
    """Convolution over overlapping patches, then blocks with one mixer for all of them."""
    mixers = {
        "identity": skip(),
        "pooling": pool_mixer(),
        "convolution": depthwise_mixer(),
        "random": random_mixer(),
        "attention": attention(heads=max(width // 32, 1)),
    }
    enter = downsample(width, 7, 4, "none") if number == 1 else downsample(width, 3, 2, "none")
    body = oneof(*(named(name, metaformer(mixer=mixer)) for name, mixer in mixers.items()))
    return seq(enter=enter, blocks=repeat(body, times=oneof(*depths), tied=True))
