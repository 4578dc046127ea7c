"""How well data sheets predict what others have measured, as `bench/data_sheets.py` found and wrote it down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["CHECKS", "Check", "all_checks", "checks_of", "in_words", "unchecked_factor"]

CHECKS = Path(__file__).parent / "devices" / "data_sheets" / "checks.json"


@dataclass(frozen=True)
class Check:
    """One set of measurements of one device.

    >>> found = {"spearman": 0.98, "macs": 0.9, "error": 0.1, "scale": 1.1, "scaled_error": 0.05, "factor": 1.3}
    >>> check = Check("board", "mine", rows=20, **found)
    >>> check.spearman > check.macs, check.scaled_error < check.error
    (True, True)

    target: with the options that the measurements were made with. source: whose they are. rows: number of kernels or
    networks. spearman: rank correlation with them. macs: that of multiply-adds alone. error: median of the relative
    error. scale: factor that the predictions would need; scaled_error: the median error with it. factor: within which
    90 % of the predictions are. unseen_spearman, unseen_factor: the same with constants of the device's kind that
    were fitted to other chips alone; None where they were not.
    """

    target: str
    source: str
    rows: int
    spearman: float
    macs: float
    error: float
    scale: float
    scaled_error: float
    factor: float
    unseen_spearman: float | None = None
    unseen_factor: float | None = None


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of the benchmark.

    >>> all(check.spearman >= check.macs for check in all_checks())
    True
    """
    return tuple(Check(**row) for row in json.loads(CHECKS.read_text(encoding="utf-8"))["checks"])


def checks_of(device: str) -> tuple[Check, ...]:
    """Checks of one device.

    >>> [check.source for check in checks_of("nvidia-l4")]
    ['neusight']
    """
    return tuple(check for check in all_checks() if check.target.partition(":")[0] == device)


def in_words(checks: Sequence[Check]) -> str:
    """How good a device's predictions are, in a few words.

    >>> in_words(())
    'not checked against measurements'
    >>> in_words(checks_of("nvidia-h100-sxm"))
    'Spearman 0.997 to 0.998 with neusight, vidur prefill, vidur decode'
    """
    if not checks:
        return "not checked against measurements"
    low, high = (pick(check.spearman for check in checks) for pick in (min, max))
    ranks = f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}"
    return f"Spearman {ranks} with {', '.join(dict.fromkeys(check.source for check in checks))}"


def unchecked_factor(kind: str) -> float:
    """Factor for a device without measurements: the largest of those of its kind, told without its measurements.

    >>> unchecked_factor("gpu") > 1
    True
    """
    from netwright.target._data_sheet import get_data_sheet

    known = [each for each in all_checks() if get_data_sheet(each.target.partition(":")[0]).kind == kind]
    return max((max(each.factor, each.unseen_factor or 0.0) for each in known), default=10.0)
