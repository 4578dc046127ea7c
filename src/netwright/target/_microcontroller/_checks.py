"""How well networks that no cost was fitted to are told, as `bench/microcontrollers.py` found and wrote it down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["CHECKS", "check_of", "within"]

CHECKS = Path(__file__).parents[1] / "devices" / "microcontrollers" / "checks.json"


@cache
def _kept() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(CHECKS.read_text(encoding="utf-8"))
    return found


def within(known: str) -> float:
    """Factor within which 90 % of the times were told, from costs that are known `here`, of the `core` or `kernels`.

    >>> 1 < within("here") < within("core")
    True
    """
    factor: float = _kept()["within"][known]
    return factor


def check_of(device: str, library: str) -> Mapping[str, Any] | None:
    """Numbers of a library on a chip by quantity, with `networks` and `measured_by`; None where it was not checked.

    >>> check_of("stm32l4r5", "x-cube-ai")["measured_by"]
    'MLPerf Tiny v1.0'
    """
    return next((each for each in _kept()["checks"] if each["series"] == f"{device} {library}"), None)
