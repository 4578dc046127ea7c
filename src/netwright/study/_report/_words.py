"""Numbers of a report as text, and the intervals beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

__all__ = [
    "BYTES",
    "compact",
    "count",
    "difference",
    "direction_word",
    "duration",
    "finite",
    "headed",
    "interval_of",
    "is_share",
    "label",
    "percent",
    "proportion",
    "quantity",
    "share",
    "trials_word",
    "wilson",
]

BYTES = frozenset({"traffic", "peak_memory", "activation_bytes", "weight_bytes"})
_COUNTS = frozenset({"params", "macs", "flops"})
_LABELS = {"macs": "MACs", "flops": "FLOPs", "latency_ms": "latency", "traffic": "memory traffic"}
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
# Two-sided 95 % point of the normal distribution.
_Z = 1.959963984540054


def label(metric: str) -> str:
    """Name of a metric in words.

    >>> label("macs"), label("latency_ms@here"), label("balanced_accuracy")
    ('MACs', 'latency here', 'balanced accuracy')
    """
    name, _, target = metric.partition("@")
    words = _LABELS.get(name, name.replace("_", " "))
    return f"{words} {target}".strip()


def headed(text: str) -> str:
    """A heading: its first letter a capital, the others as they are.

    >>> headed("params over MACs")
    'Params over MACs'
    """
    return text[:1].upper() + text[1:]


def direction_word(direction: str) -> str:
    """Which end is better, in a word."""
    return "higher is better" if direction == "maximize" else "lower is better"


def is_share(metric: str, value: float = 0.0) -> bool:
    """Whether a value is a share that reads best in percent.

    >>> is_share("accuracy", 0.5), is_share("accuracy", 97.0), is_share("loss", 0.5)
    (True, False, False)
    """
    return "accuracy" in metric and 0 <= value <= 1


def finite(value: Any) -> float | None:
    """The value as a number, or None where it is none or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return None
    return float(value) if math.isfinite(value) else None


def quantity(metric: str, value: Any) -> str:
    """A value of a metric with its unit.

    >>> quantity("accuracy", 0.98606), quantity("params", 48120), quantity("macs", 1234567)
    ('98.61 %', '48,120', '1.235 M')
    >>> quantity("latency_ms@here", 0.4321), quantity("peak_memory", 20480), quantity("loss", None)
    ('0.432 ms', '20 KiB', '—')
    """
    number = finite(value)
    if number is None:
        return "—"
    name = metric.partition("@")[0].partition(":")[0]
    if is_share(name, number):
        return f"{100 * number:.2f} %"
    if name in BYTES:
        return _binary(number)
    if name in _COUNTS:
        return f"{number:,.0f}" if abs(number) < 1e6 else compact(number)
    if name.endswith("_ms"):
        return f"{_digits(number, 3)} ms"
    return _digits(number)


def compact(value: float) -> str:
    """Four digits and a decimal prefix.

    >>> compact(1234567), compact(950), compact(4.2e10)
    ('1.235 M', '950', '42 G')
    """
    for factor, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor and abs(value) < 1e16:
            return f"{_digits(value / factor)} {suffix}"
    return _digits(value)


def count(number: int) -> str:
    """A count: in full up to a hundred million, then as a power of ten.

    >>> count(15625), count(5358150000), count(1)
    ('15,625', '5.36 × 10⁹', '1')
    """
    if abs(number) < 10**8:
        return f"{number:,}"
    digits = str(abs(number))
    lead = Fraction(abs(number), 10 ** (len(digits) - 1))
    power = len(digits) - 1
    if round(lead, 2) >= 10:
        lead, power = lead / 10, power + 1
    return f"{'-' if number < 0 else ''}{float(lead):.2f} × 10{str(power).translate(_RAISED)}"


def percent(part: Fraction | float) -> str:
    """A share in percent, three digits even where it is tiny.

    >>> percent(0.5), percent(Fraction(1, 3)), percent(2e-9), percent(0), percent(1), percent(0.99999)
    ('50 %', '33.3 %', '2 × 10⁻⁷ %', '0 %', '100 %', '99.999 %')
    """
    number = 100 * float(part)
    if number == 0:
        return "0 %" if not part else "under 10⁻³⁰⁰ %"
    if number >= 99.95 and part < 1:
        return f"{100 - float(f'{100 - number:.1g}'):.12g} %"
    if number >= 0.001:
        return f"{number:.3g} %"
    lead, power = f"{number:.2g}".split("e") if "e" in f"{number:.2g}" else f"{number:.1e}".split("e")
    return f"{float(lead):g} × 10{str(int(power)).translate(_RAISED)} %"


def trials_word(number: int) -> str:
    """So many trials.

    >>> trials_word(1), trials_word(5000)
    ('1 trial', '5,000 trials')
    """
    return f"{number:,} trial{'' if number == 1 else 's'}"


def share(low: Fraction, high: Fraction) -> str:
    """A share, or the bracket that holds it.

    >>> share(Fraction(1, 4), Fraction(1, 4)), share(Fraction(1, 4), Fraction(1, 3))
    ('25 %', 'between 25 % and 33.3 %')
    """
    one, other = percent(low), percent(high)
    return one if one == other else f"between {one} and {other}"


def duration(seconds: Any) -> str:
    """Seconds as people say them.

    >>> duration(0.52), duration(75), duration(4020), duration(None)
    ('0.52 s', '1 min 15 s', '1 h 7 min', '—')
    """
    number = finite(seconds)
    if number is None:
        return "—"
    if number < 60:
        return f"{_digits(number, 2) if number < 10 else round(number)} s"
    if number < 3600:
        return f"{int(number // 60)} min {int(number % 60)} s"
    return f"{int(number // 3600)} h {int(number % 3600 // 60)} min"


def wilson(part: float, n: int) -> tuple[float, float]:
    """95 % interval of a proportion seen on n examples.

    >>> low, high = wilson(0.98, 359)
    >>> round(low, 4), round(high, 4)
    (0.9596, 0.9902)

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    middle = (part + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(part * (1 - part) / n + _Z**2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(a: float, b: float, n: int) -> tuple[float, float]:
    """95 % interval of a - b for two proportions seen on n examples each.

    >>> low, high = difference(0.98, 0.97, 359)
    >>> low < 0 < high
    True

    Both are seen on the same examples here, so where they err together the true interval is narrower than this.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
    """
    (low_a, high_a), (low_b, high_b) = wilson(a, n), wilson(b, n)
    below = math.sqrt((a - low_a) ** 2 + (high_b - b) ** 2)
    above = math.sqrt((high_a - a) ** 2 + (b - low_b) ** 2)
    return a - b - below, a - b + above


def proportion(metric: str, value: Any, n: Any) -> bool:
    """Whether a value is a plain share of right answers on a known number of examples."""
    number = finite(value)
    return metric == "accuracy" and number is not None and is_share(metric, number) and isinstance(n, int) and n > 0


def interval_of(metrics: Mapping[str, Any], metric: str, n: Any) -> tuple[float, float] | None:
    """Interval of a test metric, or None where its size alone does not give one."""
    return wilson(metrics[metric], n) if proportion(metric, metrics.get(metric), n) else None


def _binary(value: float) -> str:
    for factor, suffix in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if abs(value) >= factor:
            return f"{_digits(value / factor)} {suffix}"
    return f"{_digits(value)} B"


def _digits(value: float, wanted: int = 4) -> str:
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e16:
        lead, power = f"{value:.{wanted - 1}e}".split("e")
        return f"{float(lead):g} × 10{str(int(power)).translate(_RAISED)}"
    text = f"{value:,.{max(0, wanted - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
