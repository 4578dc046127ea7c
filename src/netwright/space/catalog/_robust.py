"""Convolutional networks by rules for adversarial robustness (Peng et al., Robust Principles, BMVC 2023; row 105).

Made for networks that are to be trained against attacks. Three rules are built in: a convolution, not patches, as the
stem, whose second halving of the image is left to the first stage; blocks with squeeze and excitation and smooth
activations; and widths that suit the depths. The last is a range, from 7.5 to 13.5, for the mean over all stages but
the last of width by depth. Width is here that of a group, by which the three networks of the authors' code are at
9.0, 7.6 and 11.6, and its RaWRN-70-16 for CIFAR, without groups, at 10.6; by the inner width the three would be at
twice that. The text of the paper was not at hand to read its definition.
"""

from __future__ import annotations

from typing import Any

from netwright.blocks import classifier, conv, make_divisible, robust_bottleneck
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["robust_cnn"]

RANGE = (7.5, 13.5)
DEPTHS = {"3-4-6-3": (3, 4, 6, 3), "5-8-13-1": (5, 8, 13, 1), "7-11-18-1": (7, 11, 18, 1), "3-4-23-3": (3, 4, 23, 3)}
WIDTHS = {
    # of the stages; a group is an eighth of it
    "240": (240, 480, 928, 1792),
    "288": (288, 576, 1120, 2160),
    "336": (336, 672, 1328, 2624),
    "512": (512, 1024, 2016, 4032),
}
STEMS = (64, 96)


def robust_cnn(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Depths and widths of four stages within the range, and the width of the stem: 12 networks.

    >>> robust_cnn().size()
    12

    scale: multiplier of all widths; the range is that of the widths at scale 1.
    """

    group = given("group")
    enter = robust_bottleneck(given("width"), group, 2)
    stage = seq(enter=enter, more=repeat(robust_bottleneck(None, group), times=given("more")))
    each = {"width": given("stage_widths"), "group": given("groups"), "more": given("more")}
    stem = conv(given("stem_width"), 7, 2)
    network = seq(stem=stem, stages=repeat(stage, times=4, each=each), head=classifier(classes))
    choices = {"depths": oneof(*DEPTHS), "widths": oneof(*WIDTHS), "stem": oneof(*STEMS)}
    return Space(let(network, suited, **choices, scale=scale), input=input or image(3, 224, 224), name="robust-cnn")


@formula
def suited(depths: str, widths: str, stem: int, scale: float = 1.0) -> dict[str, Any] | None:
    """Widths, groups and further blocks of four stages; None where their widths do not suit their depths."""
    pairs = [*zip(DEPTHS[depths], WIDTHS[widths], strict=True)]
    if not RANGE[0] <= sum(width / 8 / depth for depth, width in pairs[:-1]) / (len(pairs) - 1) <= RANGE[1]:
        return None
    groups = [max(round(width * scale / 8), 1) for _, width in pairs]
    wide = {"stage_widths": [8 * group for group in groups], "stem_width": make_divisible(stem * scale)}
    return wide | {"groups": groups, "more": [depth - 1 for depth, _ in pairs]}
