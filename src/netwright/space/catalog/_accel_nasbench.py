"""Accel-NASBench: seven stages of inverted residuals, each stage alike inside (Ahmad et al., DAC 2024).

Made for accelerators: 5,138 trained networks with throughput on GPUs, TPUs and FPGAs, in the manner of MnasNet (Tan
et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

from netwright.blocks import classifier, conv, make_divisible, mbconv
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._domain import integer
from netwright.space._expression import Expression
from netwright.space._given import given
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["accel_nasbench", "accel_nasbench_from_row", "accel_nasbench_row"]

STAGES = ((16, 1, 3), (24, 2, 3), (40, 2, 3), (80, 2, 3), (112, 1, 3), (192, 2, 4), (320, 1, 3))
"""Width, stride of the first layer, most layers: those of EfficientNet-B0."""
KEYS = {"e": "each.expand", "k": "each.kernel", "l": "times", "se": "each.se"}
"""Columns of the table, and what they decide in a stage."""
SQUEEZE = 0.25


def accel_nasbench(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Expansion, kernel, depth, and squeeze and excitation of each stage: 36 ** 6 * 48 networks.

    >>> accel_nasbench().size() == 36**6 * 48
    True

    scale: multiplier of all widths.
    """
    network = seq(
        stem=conv(make_divisible(32 * scale), stride=2, activation="silu"),
        **{f"block{i}": _stage(make_divisible(w * scale), s, most) for i, (w, s, most) in enumerate(STAGES)},
        head=seq(conv(make_divisible(1280 * scale), kernel=1, activation="silu"), classifier(classes)),
    )
    return Space(network, input=input or image(3, 224, 224), name="accel-nasbench")


def _stage(width: int, stride: int, most: int) -> Expression:
    layer = mbconv(
        width,
        expand=oneof(1, 4, 6),
        kernel=oneof(3, 5),
        stride=given("stride"),
        se=oneof(0.0, SQUEEZE),
        activation="silu",
        se_base="input",
        se_divisor=1,
        se_activation="silu",
        se_gate="sigmoid",
    )
    return repeat(layer, times=integer(1, most), tied=True, first={"stride": stride}, rest={"stride": 1})


def accel_nasbench_row(design: Mapping[str, Value]) -> dict[str, int | bool]:
    """Columns of the table for a design: `block0_e`, `block0_k`, `block0_l`, `block0_se`, and so on.

    >>> row = accel_nasbench_row(accel_nasbench().design_at(0))
    >>> row["block0_e"], row["block6_se"]
    (1, False)
    """
    values = {f"block{i}_{k}": design[f"block{i}.{path}"] for i in range(7) for k, path in KEYS.items()}
    return {name: bool(v) if name.endswith("se") else int(v) for name, v in values.items()}


def accel_nasbench_from_row(row: Mapping[str, object]) -> Design:
    """Design of a row of the table, other columns ignored; raises DesignError for a column that is missing.

    >>> design = accel_nasbench().design_at(12345)
    >>> accel_nasbench_from_row(accel_nasbench_row(design)) == design
    True
    """
    missing = [f"block{i}_{k}" for i in range(7) for k in KEYS if f"block{i}_{k}" not in row]
    if missing:
        raise DesignError(f"a row of Accel-NASBench must have the column {missing[0]!r}, but it has not.")
    values: dict[str, Value] = {}
    for i in range(7):
        for key, path in KEYS.items():
            value = row[f"block{i}_{key}"]
            values[f"block{i}.{path}"] = SQUEEZE * bool(value) if key == "se" else int(str(value))
    return Design(values)
