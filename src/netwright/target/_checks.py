"""How well data sheets predict what others have measured, as `bench/data_sheets.py` found and wrote it down."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["CHECKS", "Check", "all_checks", "checks_of", "unchecked_factor"]

CHECKS = Path(__file__).parent / "devices" / "checks.json"


@dataclass(frozen=True)
class Check:
    """One set of measurements of one device.

    target: with the options that the measurements were made with. source: whose they are. rows: number of kernels or
    networks. spearman: rank correlation with them. macs: that of multiply-adds alone. error: median of the relative
    error. scale: factor that the predictions would need; scaled_error: the median error with it. factor: within which
    90 % of the predictions are.
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

    @property
    def words(self) -> str:
        """The check in a few words."""
        return f"Spearman {self.spearman:.2f} on {self.rows:,} of {self.source} (MACs alone {self.macs:.2f})"


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of the benchmark.

    >>> all(check.spearman >= check.macs for check in all_checks())
    True
    """
    return tuple(Check(**row) for row in json.loads(CHECKS.read_text())["checks"]) if CHECKS.is_file() else ()


def checks_of(device: str) -> tuple[Check, ...]:
    """Checks of one device.

    >>> [check.source for check in checks_of("nvidia-l4")]
    ['neusight']
    """
    return tuple(check for check in all_checks() if check.target.partition(":")[0] == device)


def unchecked_factor(kind: str) -> float:
    """Factor for a device without measurements: the largest of those of its kind.

    >>> unchecked_factor("gpu") > 1
    True
    """
    from netwright.target._device import get_device

    known = [each.factor for each in all_checks() if get_device(each.target.partition(":")[0]).kind == kind]
    return max(known, default=10.0)
