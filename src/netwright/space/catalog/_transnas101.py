"""TransNAS-Bench-101: one cell space and one of macro-structures, for seven vision tasks (Duan et al., CVPR 2021)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netwright.blocks import block, classifier, conv, preactivated, relu_conv_bn, skip, zero
from netwright.errors import DesignError, ShapeError
from netwright.graph import Input, Tensor, image
from netwright.space._cell import cell
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._given import given
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space
from netwright.space._tie import tied

__all__ = [
    "transnas101_from_string",
    "transnas101_macro",
    "transnas101_macro_string",
    "transnas101_micro",
    "transnas101_micro_string",
]

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""In the order of the digits of a cell."""
MODULES = {"1": (1, 1), "2": (2, 1), "3": (1, 2), "4": (2, 2)}
"""What a digit of a macro-structure multiplies the width by, and its stride."""
BACKBONE = "41414"
"""Macro-structure of all networks of the cell space."""


def _stem(width: int) -> Expression:
    return seq(conv(width // 2, stride=2, activation="none"), relu_conv_bn(width, stride=2))


def transnas101_micro(input: Input | None = None, classes: int = 75, *, scale: float = 1.0) -> Space:
    """Cells of 4 nodes and 4 operations, tied over ten places, some of which halve the image: 4,096 designs.

    >>> transnas101_micro().size()
    4096

    scale: of the 64 channels behind the stem.
    """
    width = 2 * max(round(32 * scale), 1)

    def operation(**changes: object) -> Expression:
        choice: Expression = oneof(
            named("0", zero(**changes)),
            named("1", skip(**changes)),
            named("2", relu_conv_bn(kernel=1, **changes)),
            named("3", relu_conv_bn(kernel=3, **changes)),
        )
        return choice

    entering, inside = operation(channels=given("channels"), stride=given("stride")), operation()
    the_cell = cell({(i, j): entering if i == 0 else inside for i, j in EDGES})
    stages, channels = {}, width
    for i, digit in enumerate(BACKBONE):
        widen, stride = MODULES[digit]
        channels *= widen
        first = tied("cell", the_cell, channels=channels, stride=stride)
        stages[f"stage{i}"] = seq(first, tied("cell", the_cell, channels=channels, stride=1))
    network = seq(stem=_stem(width), **stages, head=classifier(classes))
    return Space(network, input=input or image(3, 256, 256), name="transnas101-micro")


@block
def _within(x: Tensor, widths: tuple[int, ...] = (), sides: tuple[int, int] = (1, 1)) -> Tensor:
    """The input itself, if it has one of the widths and a height within the sides: a rule on all modules together."""
    if x.shape[1] not in widths or not sides[0] <= x.shape[2] <= sides[1]:
        raise ShapeError(f"width must be of {widths} and height in {sides}, but got {x.shape[1]} and {x.shape[2]}.")
    return x


def transnas101_macro(input: Input | None = None, classes: int = 75, *, scale: float = 1.0) -> Space:
    """Four to six modules, of which one to three double the width and one to four halve the image: 3,256 designs.

    >>> transnas101_macro().size()
    3256

    input: the size is that of images of at least 128 pixels. scale: of the 64 channels behind the stem.
    """
    given_input = input or image(3, 256, 256)
    width = 2 * max(round(32 * scale), 1)
    modules = (
        named(digit, seq(preactivated(widen, stride), preactivated())) for digit, (widen, stride) in MODULES.items()
    )
    side = -(-given_input.shape[2] // 4)
    halved = (-(-side // 16), max(-(-side // 2), 1))
    network = seq(
        stem=_stem(width),
        modules=repeat(oneof(*modules), times=integer(4, 6)),
        rule=_within(tuple(width << n for n in (1, 2, 3)), halved),
        head=classifier(classes),
    )
    return Space(network, input=given_input, name="transnas101-macro")


def transnas101_micro_string(design: Mapping[str, Value], width: int = 64) -> str:
    """The authors' string of a cell.

    >>> transnas101_micro_string(transnas101_micro().design_at(1))
    '64-41414-0_00_001'
    """
    digits = "".join(str(design[f"cell.{i}-{j}"]) for i, j in EDGES)
    return f"{width}-{BACKBONE}-{digits[0]}_{digits[1:3]}_{digits[3:]}"


def transnas101_macro_string(design: Mapping[str, Value], width: int = 64) -> str:
    """The authors' string of a macro-structure.

    >>> transnas101_macro_string(transnas101_macro().design_at(0))
    '64-1114-basic'
    """
    digits = "".join(str(design[f"modules.{i}"]) for i in range(int(design["modules.times"])))
    return f"{width}-{digits}-basic"


def transnas101_from_string(text: str) -> Design:
    """Design of an authors' string of either space; raises DesignError when it is not one.

    >>> transnas101_from_string("64-1234-basic")["modules.3"]
    '4'
    >>> transnas101_from_string("64-41414-1_02_333")["cell.1-2"]
    '2'
    """
    if found := re.fullmatch(r"\d+-41414-([0-3])_([0-3]{2})_([0-3]{3})", text):
        return Design({f"cell.{i}-{j}": digit for (i, j), digit in zip(EDGES, "".join(found.groups()), strict=True)})
    if found := re.fullmatch(r"\d+-([1-4]{4,6})-basic", text):
        digits = dict(enumerate(found[1]))
        return Design({"modules.times": len(digits), **{f"modules.{i}": digit for i, digit in digits.items()}})
    raise DesignError(f"a TransNAS-Bench-101 string is like 64-41414-1_02_333 or 64-1234-basic, but got {text!r}.")
