"""Once-for-All over ResNet-50 (Cai et al., ICLR 2020, and the authors' repository; rows 16 and 112)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.blocks import classifier, conv, make_divisible, max_pool, resnet_d, skip
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._join import residual
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["ofa_resnet50", "ofa_resnet50_dictionary", "ofa_resnet50_from_dictionary"]

STAGES = ((256, 1, 2), (512, 2, 2), (1024, 2, 4), (2048, 2, 2))
"""Width, stride and least blocks; up to two more may follow."""
WIDTHS = (0.65, 0.8, 1.0)
RATIOS = (0.2, 0.25, 0.35)
RESOLUTIONS = tuple(range(128, 225, 16))
MORE = 2


def ofa_resnet50(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, resolutions: tuple[int, ...] = RESOLUTIONS
) -> Space:
    """Elastic width of stem and stages, depth, and inner width of each bottleneck, in the form of ResNet-D.

    >>> from netwright.graph import image
    >>> ofa_resnet50(image(3, 224, 224)).size() == 18 * 3**4 * 117**3 * 1053
    True

    input: a single resolution in place of `resolutions`. scale: multiplier of all widths.
    """
    network = seq(
        stem=seq(
            # Half of the behind width, rounded again, as the authors have it; 0 and 1 are then equal at scale 1.
            first=oneof(*(named(i, conv(make_divisible(w // 2), stride=2)) for i, w in _widths(64, scale))),
            more=oneof(named("skip", skip()), named("residual", residual(conv(None)))),
            last=oneof(*(named(i, conv(w)) for i, w in _widths(64, scale))),
        ),
        pool=max_pool(3, stride=2),
        **{f"stage{i}": _stage(*stage, scale) for i, stage in enumerate(STAGES, start=1)},
        head=classifier(classes),
    )
    inputs = [image(3, side, side) for side in resolutions] if input is None else input
    return Space(network, input=inputs, name="ofa-resnet50")


def _widths(channels: int, scale: float) -> list[tuple[str, int]]:
    """Name and width of each choice; the names are the authors' indices."""
    return [(str(i), make_divisible(channels * scale * share)) for i, share in enumerate(WIDTHS)]


def _stage(channels: int, stride: int, least: int, scale: float) -> Expression:
    first = (named(i, resnet_d(w, expand=oneof(*RATIOS), stride=stride)) for i, w in _widths(channels, scale))
    return seq(
        first=oneof(*first),
        more=repeat(resnet_d(None, expand=oneof(*RATIOS)), times=integer(least - 1, least - 1 + MORE)),
    )


def ofa_resnet50_dictionary(design: Mapping[str, Value]) -> dict[str, Any]:
    """The authors' dictionary of a design: depths `d`, inner widths `e` of 18 blocks, indices `w` of the widths.

    The first depth is 2 where the stem has its residual convolution, else 0. Blocks left out are written with 0.

    >>> dictionary = ofa_resnet50_dictionary(ofa_resnet50().design_at(0))
    >>> dictionary["d"], dictionary["w"], dictionary["r"]
    ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0], 128)
    """
    depths, ratios = [MORE if design["stem.more"] == "residual" else 0], []
    chosen = [int(design["stem.first"]), int(design["stem.last"])]
    for i, (_, _, least) in enumerate(STAGES, start=1):
        depths.append(int(design[f"stage{i}.more.times"]) + 1 - least)
        chosen.append(int(design[f"stage{i}.first"]))
        ratios += [float(design.get(f"{place}.expand", 0)) for place in _places(i, least)]
    resolution = {"r": int(str(design["input"]).rpartition("x")[2])} if "input" in design else {}
    return {"d": depths, "e": ratios, "w": chosen} | resolution


def _places(stage: int, least: int) -> Sequence[str]:
    return [f"stage{stage}.first", *(f"stage{stage}.more.{i}" for i in range(least - 1 + MORE))]


def ofa_resnet50_from_dictionary(dictionary: Mapping[str, Any]) -> Design:
    """Design of an authors' dictionary, as `ofa_resnet50_dictionary` writes it.

    >>> design = ofa_resnet50_from_dictionary({"d": [2, 1, 2, 2, 1], "e": [0.25] * 18, "w": [2] * 6, "r": 224})
    >>> design in ofa_resnet50()
    True

    Raises DesignError for lists of other lengths, and for depths and indices that are not 0, 1 or 2.
    """
    for key, wanted in (("d", 5), ("e", 18), ("w", 6)):
        values = dictionary.get(key, ())
        if len(values) != wanted or (key != "e" and not set(values) <= {0, 1, 2}):
            rule = "" if key == "e" else " of 0, 1 and 2"
            raise DesignError(f"{key!r} must hold {wanted} numbers{rule}, but got {values}.")
    (stem, *depths), (first, last, *widths) = dictionary["d"], dictionary["w"]
    found: dict[str, Value] = {"input": "3x{r}x{r}".format_map(dictionary)} if "r" in dictionary else {}
    found["stem.first"] = str(first)
    found["stem.more"] = "residual" if stem == MORE else "skip"
    found["stem.last"] = str(last)
    ratios = iter(dictionary["e"])
    for i, (_, _, least) in enumerate(STAGES, start=1):
        found[f"stage{i}.first"] = str(widths[i - 1])
        found[f"stage{i}.more.times"] = least - 1 + depths[i - 1]
        for number, place in enumerate(_places(i, least)):
            ratio = next(ratios)
            if number < least + depths[i - 1]:
                found[f"{place}.expand"] = float(ratio)
    return Design(found)
