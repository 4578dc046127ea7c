"""Once-for-All over MobileNetV3 (Cai et al., ICLR 2020; rows 16 and 112)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netwright.blocks import conv, make_divisible, mbconv, mobilenet_head
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._domain import integer
from netwright.space._expression import Expression
from netwright.space._given import given
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space
from netwright.space.catalog._ofa_dictionary import elastic_dictionary, elastic_from_dictionary

__all__ = ["ofa_mobilenetv3", "ofa_mobilenetv3_dictionary", "ofa_mobilenetv3_from_dictionary"]

STAGES = (
    # width, stride, activation, squeeze and excitation (Howard et al. 2019, table 1)
    (24, 2, "relu", 0.0),
    (40, 2, "relu", 0.25),
    (80, 2, "hard_swish", 0.0),
    (112, 1, "hard_swish", 0.25),
    (160, 2, "hard_swish", 0.25),
)
PLACES = tuple((f"stage{i}", 4) for i in range(1, 6))
RESOLUTIONS = tuple(range(128, 225, 4))


def ofa_mobilenetv3(
    input: Input | None = None, classes: int = 1000, *, scale: float = 1.0, resolutions: tuple[int, ...] = RESOLUTIONS
) -> Space:
    """Elastic depth 2-4, kernel 3/5/7 and expansion 3/4/6 in five stages: 7,371 ** 5 networks at each resolution.

    >>> ofa_mobilenetv3().size() == 25 * 7371**5
    True

    input: a single resolution in place of `resolutions`. scale: multiplier of all widths.
    """
    network = seq(
        stem=conv(make_divisible(16 * scale), stride=2, activation="hard_swish"),
        first=mbconv(make_divisible(16 * scale), expand=1, kernel=3, activation="relu"),
        **{f"stage{i}": _stage(*stage, scale) for i, stage in enumerate(STAGES, start=1)},
        head=mobilenet_head(classes, make_divisible(960 * scale), make_divisible(1280 * scale)),
    )
    inputs = [image(3, side, side) for side in resolutions] if input is None else input
    return Space(network, input=inputs, name="ofa-mobilenetv3")


def _stage(channels: int, stride: int, activation: str, se: float, scale: float) -> Expression:
    layer = mbconv(
        make_divisible(channels * scale),
        expand=oneof(3, 4, 6),
        kernel=oneof(3, 5, 7),
        stride=given("stride"),
        activation=activation,
        se=se,
    )
    return repeat(layer, times=integer(2, 4), first={"stride": stride}, rest={"stride": 1})


def ofa_mobilenetv3_dictionary(design: Mapping[str, Value]) -> dict[str, Any]:
    """The authors' dictionary of a design, with 0 for blocks that a depth leaves out.

    >>> dictionary = ofa_mobilenetv3_dictionary(ofa_mobilenetv3().design_at(0))
    >>> dictionary["d"], dictionary["ks"][:4], dictionary["r"]
    ([2, 2, 2, 2, 2], [3, 3, 0, 0], 128)
    """
    return elastic_dictionary(design, PLACES)


def ofa_mobilenetv3_from_dictionary(dictionary: Mapping[str, Any]) -> Design:
    """Design of an authors' dictionary: 20 kernels `ks`, 20 expansions `e`, 5 depths `d`, a resolution `r`.

    >>> design = ofa_mobilenetv3_from_dictionary({"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5, "r": 224})
    >>> design in ofa_mobilenetv3()
    True

    Without `r`, it is a design of a space of one resolution. Raises DesignError for lists of other lengths.
    """
    return elastic_from_dictionary(dictionary, PLACES)
