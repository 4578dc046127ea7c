"""Limits: hard bounds on a cost or a measured metric, written as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from netwright.errors import LimitError

__all__ = ["Limit"]

_FACTORS = {
    "": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*([A-Za-z]*)", re.ASCII)
ROUNDING = 2.0**-46
"""Part of a bound up to which a sum of fractions may pass it, as its last digits depend on the order of its terms."""
_METRIC = re.compile(r"[A-Za-z_][\w./:-]*(?:@[\w.:-]+)?", re.ASCII)
_FORMS = "a limit reads 'params <= 50k', 'macs >= 1.5M' or '400M <= macs <= 420M'"
_SUFFIXES = "a number in a limit is plain or ends in k, M, G, B, T, Ki, Mi or Gi (KiB, MiB, GiB)"


@dataclass(frozen=True)
class Limit:
    """A metric that must stay at or above `low` and at or below `high`.

    >>> limit = Limit.parse("params <= 50k")
    >>> limit
    Limit(metric='params', low=None, high=50000.0)
    >>> limit.holds(48_120), limit.violation(60_000)
    (True, 0.2)
    >>> str(Limit("macs", 400e6, 420e6))
    '400M <= macs <= 420M'

    metric: a cost or a measured value, with its target after an @ where it has one: `latency_ms@here`.
    low, high: in the metric's own unit; None where there is no bound, and at least one is given.

    Raises LimitError when the metric is no name, no bound is given, a bound is not finite, or low > high.
    """

    metric: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not _METRIC.fullmatch(self.metric):
            raise LimitError(f"a limit's metric is a name such as 'params' or 'macs', but got {self.metric!r}.")
        if self.low is None and self.high is None:
            raise LimitError(f"a limit needs low or high, but the limit on {self.metric} has neither.")
        for bound in (self.low, self.high):
            if bound is not None and not math.isfinite(bound):
                raise LimitError(f"a bound must be finite, but the limit on {self.metric} has {bound}.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise LimitError(
                f"`low <= high` must hold for a limit on {self.metric}, "
                f"but got low={_written(self.low)}, high={_written(self.high)}."
            )

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read a limit; both bounds are included, so only `<=` and `>=` are read.

        >>> Limit.parse("400M <= macs <= 420M")
        Limit(metric='macs', low=400000000.0, high=420000000.0)
        >>> Limit.parse("peak_memory<=320KiB").high
        327680.0

        Suffixes: k or K, M, G or B, T are decimal; Ki, Mi, Gi, with or without a trailing B, are binary. A bare B
        is a billion, as in '7B parameters', never a byte.

        Raises LimitError, which shows the accepted forms, for anything else.
        """
        parts = [part.strip() for part in re.split(r"(<=|>=)", text)]
        operators = set(parts[1::2])
        operands = parts[::2]
        names = [place for place, operand in enumerate(operands) if _METRIC.fullmatch(operand)]
        middle_of_two = len(operands) == 3 and names == [1] and len(operators) == 1
        if not middle_of_two and not (len(operands) == 2 and len(names) == 1):
            raise LimitError(f"{_FORMS}, with only <= and >=, but got {text!r}.")
        place = names[0]
        before = _number(operands[place - 1], text) if place else None
        after = _number(operands[place + 1], text) if place + 1 < len(operands) else None
        low, high = (before, after) if operators == {"<="} else (after, before)
        return cls(operands[place], low, high)

    @classmethod
    def of(cls, limits: Limit | str | Mapping[str, str] | Sequence[Limit | str] | None) -> tuple[Limit, ...]:
        """Read limits in any form a user may write them; bounds on one metric become one limit.

        >>> [str(limit) for limit in Limit.of({"params": "<= 50k", "latency_ms@here": "<= 0.5"})]
        ['params <= 50k', 'latency_ms@here <= 0.5']
        >>> [str(limit) for limit in Limit.of(["macs >= 1M", "macs <= 2M"])]
        ['1M <= macs <= 2M']

        Raises LimitError for what is no limit, and for bounds on one metric that exclude each other.
        """
        merged: dict[str, Limit] = {}
        for limit in map(_one, _listed(limits)):
            known = merged.get(limit.metric)
            merged[limit.metric] = limit if known is None else known._and(limit)
        return tuple(merged.values())

    def holds(self, value: float) -> bool:
        """Say whether a value of the metric is within the bounds; nan never is.

        >>> Limit.parse("accuracy >= 0.9").holds(0.9)
        True
        """
        low, high = self.window
        return (low is None or value >= low) and (high is None or value <= high) and not math.isnan(value)

    @property
    def window(self) -> tuple[float | None, float | None]:
        """The bounds, in the metric's unit, with what rounding may add to a sum or take from it; None for no bound.

        >>> Limit.parse("latency_ms@phone <= 0.3").holds(0.1 + 0.2)
        True
        """
        low = None if self.low is None else self.low - ROUNDING * abs(self.low)
        high = None if self.high is None else self.high + ROUNDING * abs(self.high)
        return low, high

    def violation(self, value: float) -> float:
        """Relative overshoot: 0 where the limit holds, |value - bound| / |bound| elsewhere, inf for nan.

        >>> Limit.parse("macs >= 2M").violation(1.5e6)
        0.25

        A bound of 0 has no relative overshoot; the absolute one is returned.
        """
        if math.isnan(value):
            return math.inf
        if self.holds(value):
            return 0.0
        if self.low is not None and value < self.low:
            return (self.low - value) / (abs(self.low) or 1.0)
        if self.high is not None and value > self.high:
            return (value - self.high) / (abs(self.high) or 1.0)
        return 0.0

    def __str__(self) -> str:
        if self.low is None:
            return f"{self.metric} <= {_written(self.high)}"
        if self.high is None:
            return f"{self.metric} >= {_written(self.low)}"
        return f"{_written(self.low)} <= {self.metric} <= {_written(self.high)}"

    def _and(self, other: Limit) -> Limit:
        lows = [limit.low for limit in (self, other) if limit.low is not None]
        highs = [limit.high for limit in (self, other) if limit.high is not None]
        return Limit(self.metric, max(lows, default=None), min(highs, default=None))


def _listed(limits: object) -> Sequence[object]:
    if limits is None:
        return ()
    if isinstance(limits, Limit | str):
        return (limits,)
    if isinstance(limits, Mapping):
        return [f"{metric} {bound}" for metric, bound in limits.items()]
    if isinstance(limits, Sequence):
        return limits
    raise LimitError(f"{_FORMS}, or is a mapping such as {{'params': '<= 50k'}}, but got {limits!r}.")


def _one(limit: object) -> Limit:
    if isinstance(limit, Limit):
        return limit
    if isinstance(limit, str):
        return Limit.parse(limit)
    raise LimitError(f"{_FORMS}, but got {limit!r}.")


def _number(text: str, whole: str) -> float:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise LimitError(f"{_FORMS}, with only <= and >=, but got {text!r} as the number in {whole!r}.")
    digits, suffix = match.groups()
    if suffix not in _FACTORS:
        raise LimitError(f"{_SUFFIXES}, but got {text!r} in {whole!r}.")
    # In floats 8.2 * 1e6 is 8199999.999999999; Decimal reads '8.2M' as 8200000.
    return float(Decimal(digits) * _FACTORS[suffix])


def _written(value: float | None) -> str:
    """Shortest text that `_number` reads back as the same float."""
    number = Decimal(repr(float(value or 0.0)))
    if not 1e-6 <= abs(number) < 1e15:
        return f"{float(number)!r}" if number else "0"
    scaled = {suffix: number / _FACTORS[suffix] for suffix in ("", "k", "M", "G", "T")}
    texts = [f"{_plain(part)}{suffix}" for suffix, part in scaled.items() if abs(part) >= 1 or not suffix]
    return min(texts, key=len)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
