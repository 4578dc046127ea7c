"""RegNet: networks whose widths lie on a line (Radosavovic et al., CVPR 2020; row 91).

Five numbers say all of a RegNet: depth, initial width, slope, multiplier of the quantised widths, width of a group.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from netwright.blocks import classifier, conv, make_divisible, regnet_block
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["REGNETS", "regnet", "regnet_config", "regnet_from_config", "regnet_of", "regnet_stages"]

STAGES = 4
KEYS = {"DEPTH": "depth", "W0": "w0", "WA": "wa", "WM": "wm", "GROUP_W": "group", "SE_ON": "se"}
"""Names in the authors' configuration files, and what they decide."""
SQUEEZE = 0.25


def _configs(letter: str, rows: Mapping[str, tuple[int, int, float, float, int]]) -> dict[str, dict[str, Any]]:
    on = {"SE_ON": letter == "Y"}
    return {f"RegNet{letter}-{name}": dict(zip(KEYS, row, strict=False)) | on for name, row in rows.items()}


REGNETS = _configs(
    "X",
    {
        "200MF": (13, 24, 36.44, 2.49, 8),
        "400MF": (22, 24, 24.48, 2.54, 16),
        "600MF": (16, 48, 36.97, 2.24, 24),
        "800MF": (16, 56, 35.73, 2.28, 16),
        "1.6GF": (18, 80, 34.01, 2.25, 24),
        "3.2GF": (25, 88, 26.31, 2.25, 48),
        "4.0GF": (23, 96, 38.65, 2.43, 40),
        "6.4GF": (17, 184, 60.83, 2.07, 56),
        "8.0GF": (23, 80, 49.56, 2.88, 120),
        "12GF": (19, 168, 73.36, 2.37, 112),
        "16GF": (22, 216, 55.59, 2.1, 128),
        "32GF": (23, 320, 69.86, 2.0, 168),
    },
) | _configs(
    "Y",
    {
        "200MF": (13, 24, 36.44, 2.49, 8),
        "400MF": (16, 48, 27.89, 2.09, 8),
        "600MF": (15, 48, 32.54, 2.32, 16),
        "800MF": (14, 56, 38.84, 2.4, 16),
        "1.6GF": (27, 48, 20.71, 2.65, 24),
        "3.2GF": (21, 80, 42.63, 2.66, 24),
        "4.0GF": (22, 96, 31.41, 2.24, 64),
        "6.4GF": (25, 112, 33.22, 2.27, 72),
        "8.0GF": (17, 192, 76.82, 2.19, 56),
        "12GF": (19, 168, 73.36, 2.37, 112),
        "16GF": (18, 200, 106.23, 2.48, 112),
        "32GF": (20, 232, 115.89, 2.53, 232),
    },
)
"""Configurations of the published models."""


def regnet_stages(depth: int, w0: int, wa: float, wm: float, group: int) -> tuple[tuple[int, int], ...]:
    """Width and blocks of each stage, by the quantised-linear rule (equations 2 to 4 of the paper).

    >>> regnet_stages(13, 24, 36.44, 2.49, 8)
    ((24, 1), (56, 1), (152, 4), (368, 7))

    Widths are then made multiples of the width of a group, which is no wider than the stage.
    """
    steps = (round(math.log((w0 + wa * j) / w0) / math.log(wm)) for j in range(depth))
    widths = [8 * round(w0 * wm**step / 8) for step in steps]
    return tuple((_compatible(width, group), widths.count(width)) for width in dict.fromkeys(widths))


def _compatible(width: int, group: int) -> int:
    narrow = min(group, width)
    return max(round(width / narrow), 1) * narrow


@formula
def quantised_linear(depth: int, w0: int, wa: float, wm: float, group: int) -> dict[str, Any] | None:
    """Widths, depths and groups of four stages by the rule; None where it gives another number of stages."""
    stages = regnet_stages(depth, w0, wa, wm, group)
    if len(stages) != STAGES:
        return None
    widths, depths = zip(*stages, strict=True)
    return {"widths": widths, "depths": depths, "groups": tuple(min(group, width) for width in widths)}


def regnet(
    input: Input | None = None,
    classes: int = 1000,
    *,
    scale: float = 1.0,
    depth: Sequence[int] = tuple(range(12, 29, 2)),
    w0: Sequence[int] = (24, 48, 80, 112),
    wa: Sequence[float] = (20.0, 28.0, 36.0, 48.0),
    wm: Sequence[float] = (2.0, 2.25, 2.5, 2.75),
    group: Sequence[int] = (8, 16, 24, 48),
    se: Sequence[float] = (0.0, SQUEEZE),
) -> Space:
    """RegNetX and RegNetY on a grid of their five numbers, where these give four stages.

    >>> regnet(depth=(13, 14), w0=(24,), wa=(36.44,), wm=(2.49,), group=(8,)).size()
    4

    scale: multiplier of all widths. The sequences are the grid: real numbers in the paper, a few values here.
    `regnet_of` makes a space of one published model.
    """
    grids = {"depth": depth, "w0": [make_divisible(w * scale) for w in w0], "wa": [w * scale for w in wa], "wm": wm}
    choices = {name: oneof(*values) for name, values in (grids | {"group": group, "se": se}).items()}
    layer = regnet_block(given("width"), given("group"), given("stride"), se=given("se"))
    stage = repeat(layer, times=given("depth"), first={"stride": 2}, rest={"stride": 1})
    each = {"width": given("widths"), "depth": given("depths"), "group": given("groups")}
    body = let(repeat(stage, times=STAGES, each=each), quantised_linear, **choices)
    network = seq(stem=conv(make_divisible(32 * scale), stride=2), body=body, head=classifier(classes))
    return Space(network, input=input or image(3, 224, 224), name="regnet")


def regnet_of(config: Mapping[str, Any], input: Input | None = None, classes: int = 1000) -> Space:
    """Space of the one model of a configuration, such as those in `REGNETS`.

    >>> space = regnet_of(REGNETS["RegNetX-200MF"])
    >>> space.costs(space.design_at(0))
    {'params': 2684792, 'macs': 199039872}

    Raises EmptySpaceError where its numbers do not give four stages.
    """
    grids: dict[str, Any] = {name: (value,) for name, value in regnet_from_config(config, prefix="").items()}
    return regnet(input, classes, **grids)


def regnet_config(design: Mapping[str, Value]) -> dict[str, Any]:
    """Configuration of a design, by the names of the authors' files.

    >>> regnet_config(regnet_from_config(REGNETS["RegNetY-400MF"]))
    {'DEPTH': 16, 'W0': 48, 'WA': 27.89, 'WM': 2.09, 'GROUP_W': 8, 'SE_ON': True}
    """
    found: dict[str, Any] = {key: design[f"body.{name}"] for key, name in KEYS.items()}
    return found | {"SE_ON": bool(found["SE_ON"])}


def regnet_from_config(config: Mapping[str, Any], *, prefix: str = "body.") -> Design:
    """Design of a configuration, which may stand under REGNET in one of the authors' files, among what else it sets.

    >>> regnet_from_config(REGNETS["RegNetY-400MF"])["body.wa"]
    27.89

    Raises DesignError for a name that is missing, but SE_ON, which is then off.
    """
    given = {"SE_ON": False, **config.get("REGNET", config)}
    missing = [key for key in KEYS if key not in given]
    if missing:
        raise DesignError(f"a configuration of a RegNet must have {', '.join(KEYS)}, but {missing[0]!r} is missing.")
    values = {key: given[key] for key in KEYS} | {"SE_ON": SQUEEZE if given["SE_ON"] else 0.0}
    return Design({prefix + name: values[key] for key, name in KEYS.items()})
