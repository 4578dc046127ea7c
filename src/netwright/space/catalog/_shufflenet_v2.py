"""ShuffleNetV2 in its four widths, with the kernel of each unit open (Ma et al., ECCV 2018; row 159)."""

from __future__ import annotations

from typing import Any

from netwright.blocks import classifier, conv, max_pool, shufflenet_v2
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["shufflenet_v2s"]

WIDTHS = {
    "x0_5": (48, 96, 192, 1024),
    "x1_0": (116, 232, 464, 1024),
    "x1_5": (176, 352, 704, 1024),
    "x2_0": (244, 488, 976, 2048),
}
"""Widths of the three stages and of the last convolution (table 5 of the paper)."""
REPEATS = (4, 8, 4)


def shufflenet_v2s(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Four widths times 3 ** 16 kernels; the published networks have kernels of 3 throughout.

    >>> shufflenet_v2s().size() == 4 * 3**16
    True

    scale: multiplier of all widths.
    """
    stages = {}
    for i, units in enumerate(REPEATS):
        unit = shufflenet_v2(given("widths", i), given("stride"), oneof(3, 5, 7))
        stages[f"stage{i + 1}"] = repeat(unit, times=units, first={"stride": 2}, rest={"stride": 1})
    stem = seq(conv(_even(24 * scale), stride=2), max_pool(3, stride=2))
    network = seq(stem=stem, **stages, last=conv(given("widths", len(REPEATS)), kernel=1), head=classifier(classes))
    body = let(network, shufflenet_widths, width=oneof(*WIDTHS), scale=scale)
    return Space(body, input=input or image(3, 224, 224), name="shufflenet-v2")


@formula
def shufflenet_widths(width: str, scale: float = 1.0) -> dict[str, Any]:
    """Widths of the stages and of the last convolution."""
    return {"widths": [_even(each * scale) for each in WIDTHS[width]]}


def _even(width: float) -> int:
    return 2 * max(round(width / 2), 1)
