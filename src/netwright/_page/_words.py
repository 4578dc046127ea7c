"""Numbers of a page as text."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

__all__ = [
    "BYTES",
    "compact",
    "count",
    "duration",
    "finite",
    "headed",
    "is_share",
    "label",
    "percent",
    "quantity",
]

BYTES = frozenset({"traffic", "peak_memory", "activation_bytes", "weight_bytes"})
_COUNTS = frozenset({"params", "macs", "flops"})
_LABELS = {
    "macs": "MACs", "flops": "FLOPs", "latency_ms": "latency", "energy_mj": "energy", "traffic": "memory traffic",
    "memory_bytes": "memory", "flash_bytes": "flash",
}  # fmt: skip
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


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
    >>> quantity("latency_ms@here", 0.4321), quantity("energy_mj@pi", 12), quantity("peak_memory", 20480)
    ('0.432 ms', '12 mJ', '20 KiB')
    >>> quantity("loss", None)
    '—'
    """
    number = finite(value)
    if number is None:
        return "—"
    name = metric.partition("@")[0].partition(":")[0]
    if is_share(name, number):
        return f"{100 * number:.2f} %"
    if name in BYTES or name.endswith("_bytes"):
        return _binary(number)
    if name in _COUNTS:
        return f"{number:,.0f}" if abs(number) < 1e6 else compact(number)
    if name.endswith(("_ms", "_mj")):
        return f"{_digits(number, 3)} {'ms' if name.endswith('_ms') else 'mJ'}"
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
