"""Axes of charts: what range is shown, where the ticks are and what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from netwright._page._words import BYTES, compact, is_share, label

__all__ = ["Axis", "count_axis", "fit", "line_axis", "log_axis"]

_LOG_FROM = 20.0
_TAIL_FROM = 20
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Axis:
    """A range of values along one side of a chart.

    low, high: ends of the range. log: logarithmic; both ends are positive then.
    write: text of a value at a tick. cut: some values lie outside of the range, and are drawn at its edge.
    """

    title: str
    low: float
    high: float
    log: bool
    write: Callable[[float, float], str]
    cut: int = 0

    def at(self, value: float) -> float:
        """Place of a value: 0 at the low end, 1 at the high end, never outside.

        >>> Axis("", 0, 10, False, plain).at(5), Axis("", 1, 100, True, plain).at(10)
        (0.5, 0.5)
        """
        low, high, value = (map(_log, (self.low, self.high, value))) if self.log else (self.low, self.high, value)
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def outside(self, value: float) -> bool:
        """Whether a value is beyond the range."""
        return not self.low <= value <= self.high

    def ticks(self, wanted: int = 5) -> list[tuple[float, str]]:
        """Places and texts of about `wanted` ticks.

        >>> [text for _, text in Axis("", 0, 10, False, plain).ticks()]
        ['0', '2', '4', '6', '8', '10']
        >>> [text for _, text in Axis("", 1, 1e20, True, powers).ticks()]
        ['1', '10⁵', '10¹⁰', '10¹⁵', '10²⁰']
        """
        values, step = _log_steps(self.low, self.high, wanted) if self.log else _steps(self.low, self.high, wanted)
        return [(self.at(value), self.write(value, step)) for value in values]


def plain(value: float, step: float) -> str:
    """A tick with as many decimals as its step needs.

    >>> plain(0.5, 0.25), plain(45000, 5000), plain(1000200, 100)
    ('0.50', '45 k', '1.0002 M')
    """
    if not step:
        return compact(value)
    sizes = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, ""))
    factor, suffix = next(((size, name) for size, name in sizes if abs(value) >= size), (1.0, ""))
    return f"{value / factor:.{_decimals(step / factor)}f}{suffix}"


def powers(value: float, step: float) -> str:
    """A tick of a count: a power of ten from a thousand on.

    >>> powers(100, 0), powers(100000, 0), powers(2000, 0)
    ('100', '10⁵', '2,000')
    """
    power = math.log10(value)
    whole = abs(power - round(power)) < 1e-9
    return f"10{str(round(power)).translate(_RAISED)}" if whole and power >= 3 else f"{value:,.0f}"


def _percents(value: float, step: float) -> str:
    return f"{100 * value:.{_decimals(100 * step)}f} %"


def _bytes(value: float, step: float) -> str:
    for factor, suffix in ((2**30, "Gi"), (2**20, "Mi"), (2**10, "Ki")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {suffix}"
    return f"{value:.3g}"


def fit(metric: str, values: Sequence[float], *, better: int = 0, also: Sequence[float] = ()) -> Axis:
    """Axis of a metric around its values.

    better: 1 where higher is better, -1 where lower is, 0 for a cost. Far-off bad values of an objective are cut
    off, so that a few untrained networks do not press all others into one line; `cut` counts them.
    also: values that the range must hold, such as those of the front.
    """
    low, high = min([*values, *also]), max([*values, *also])
    title, write = _title(metric), _writer(metric, low, high)
    if not better and low > 0 and high / low > _LOG_FROM:
        return Axis(title, low / 1.15, high * 1.15, True, write)
    if better and len(values) >= _TAIL_FROM:
        low, high = _without_tail(values, better)
        low, high = min([low, *also]), max([high, *also])
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    share = is_share(metric, low) and is_share(metric, high)
    top = min(high + pad, 1.0 + pad / 4) if share else high + pad
    bottom = max(low - pad, 0.0) if low >= 0 else low - pad
    cut = sum(not bottom <= value <= top for value in values)
    return Axis(title, bottom, top, False, write, cut)


def count_axis(title: str, most: int) -> Axis:
    """Logarithmic axis of counts from one half to above `most`, which may be any whole number."""
    # log10 takes whole numbers beyond the reach of floats; what it is put back into is a float.
    return Axis(title, 0.5, 10 ** min(math.log10(max(most, 2)) * 1.04 + 0.2, 307.0), True, powers)


def line_axis(title: str, low: float, high: float) -> Axis:
    """Plain axis with nothing around its range."""
    return Axis(title, low, high if high > low else low + 1.0, False, plain)


def log_axis(title: str, values: Sequence[float]) -> Axis:
    """Logarithmic axis around positive values, with a little room beside them."""
    low, high = min(values) / 1.4, max(values) * 1.4
    return Axis(title, low, high, True, lambda value, step: compact(value))


def _title(metric: str) -> str:
    name = metric.partition("@")[0]
    unit = " (ms)" if name.endswith("_ms") else " (bytes)" if name in BYTES else ""
    return label(metric) + unit


def _writer(metric: str, low: float, high: float) -> Callable[[float, float], str]:
    if is_share(metric, low) and is_share(metric, high):
        return _percents
    return _bytes if metric.partition("@")[0] in BYTES else plain


def _without_tail(values: Sequence[float], better: int) -> tuple[float, float]:
    ordered = sorted(values, key=lambda value: -better * value)
    best, typical = ordered[0], ordered[int(0.75 * (len(ordered) - 1))]
    ends = [ordered[int(part * (len(ordered) - 1))] for part in (1.0, 0.98, 0.95, 0.9, 0.85)]
    end = next((end for end in ends if abs(end - best) <= 2.5 * abs(typical - best)), typical)
    # Where three in four are equal to the best there is no scale to judge the others by.
    end = end if end != best else ordered[-1]
    return min(best, end), max(best, end)


def _steps(low: float, high: float, wanted: int) -> tuple[list[float], float]:
    rough = (high - low) / wanted
    size = 10.0 ** math.floor(math.log10(rough))
    step = size * next((nice for nice in (1, 2, 2.5, 5) if nice * size >= rough * 0.75), 10)
    first = math.ceil(low / step - 1e-9)
    return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)], step


def _log_steps(low: float, high: float, wanted: int) -> tuple[list[float], float]:
    least, most = _log(low), _log(high)
    if most - least < 2.5:
        nice = (1, 2, 5) if most - least > 1 else (1, 1.5, 2, 3, 5, 7)
        powers_of_ten = range(math.floor(least), math.ceil(most) + 1)
        values = [lead * 10.0**power for power in powers_of_ten for lead in nice]
        return [value for value in values if low <= value <= high], 0.0
    every = next(nice for nice in (1, 2, 3, 5, 10, 20, 50, 100) if (most - least) / nice <= wanted)
    first = math.ceil(least / every - 1e-9) * every
    return [10.0**power for power in range(first, math.floor(most + 1e-9) + 1, every)], 0.0


def _log(value: float) -> float:
    return math.log10(max(value, 1e-300))


def _decimals(step: float) -> int:
    if step <= 0:
        return 0
    for decimals in range(8):
        if abs(round(step, decimals) - step) < 1e-9 * step:
            return decimals
    return 8
