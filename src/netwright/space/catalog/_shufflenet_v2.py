"""ShuffleNetV2 in its four widths, with the kernel of each unit open (Ma et al., ECCV 2018; row 159)."""

from __future__ import annotations

from netwright.blocks import classifier, conv, max_pool, shufflenet_v2
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._given import given
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
    network = seq(
        stem=seq(conv(_even(24 * scale), stride=2), max_pool(3, stride=2)),
        width=oneof(*(named(name, _body(widths, scale)) for name, widths in WIDTHS.items())),
        head=classifier(classes),
    )
    return Space(network, input=input or image(3, 224, 224), name="shufflenet-v2")


def _body(widths: tuple[int, ...], scale: float) -> Expression:
    *stages, last = (_even(width * scale) for width in widths)
    parts = {}
    for i, (width, units) in enumerate(zip(stages, REPEATS, strict=True), start=1):
        unit = shufflenet_v2(width, given("stride"), oneof(3, 5, 7))
        parts[f"stage{i}"] = repeat(unit, times=units, first={"stride": 2}, rest={"stride": 1})
    return seq(**parts, last=conv(last, kernel=1))


def _even(width: float) -> int:
    return 2 * max(round(width / 2), 1)
