"""Quantities and units by the names of columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from netwright.errors import DataError

__all__ = ["UNITS", "unit_of", "value_columns"]

_FACTORS: Mapping[str, Mapping[str, float]] = {
    "latency_ms": {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6},
    "energy_mj": {"mj": 1.0, "j": 1e3, "uj": 1e-3},
    "memory_bytes": {"bytes": 1.0, "kb": 1e3, "mb": 1e6, "kib": 2.0**10, "mib": 2.0**20},
    "flash_bytes": {"bytes": 1.0, "kb": 1e3, "mb": 1e6, "kib": 2.0**10, "mib": 2.0**20},
}
"""Factor to a quantity's own unit, by unit."""

UNITS: Mapping[str, tuple[str, float]] = {
    f"{quantity.partition('_')[0]}_{unit}": (quantity, factor)
    for quantity, factors in _FACTORS.items()
    for unit, factor in factors.items()
}
"""Quantity and factor to its own unit, by the name of a column."""

_SPELLED = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "msec": "ms", "millis": "ms", "millisecond": "ms",
    "milliseconds": "ms", "usec": "us", "microsecond": "us", "microseconds": "us", "µs": "us", "μs": "us",
    "nanoseconds": "ns", "millijoule": "mj", "joule": "j", "joules": "j", "µj": "uj", "μj": "uj", "b": "bytes",
    "byte": "bytes",
}  # fmt: skip
_MIDDLES = frozenset({"mean", "median", "avg", "average"})
_SEPARATORS = re.compile(r"[^0-9a-zµμ]+")


def unit_of(column: str) -> str | None:
    """The name in `UNITS` that a column means, however it is spelled; None where it is no quantity with a unit.

    >>> unit_of("Latency (ms)"), unit_of("latency [µs]"), unit_of("mean_energy_mJ"), unit_of("latency_ms_std")
    ('latency_ms', 'latency_us', 'energy_mj', None)
    """
    words = [word for word in _words(column) if word not in _MIDDLES]
    name = "_".join(words)
    return name if name in UNITS else None


def _words(column: str) -> list[str]:
    return [_SPELLED.get(word, word) for word in _SEPARATORS.split(column.lower()) if word]


def value_columns(header: Iterable[str], given: Mapping[str, str], file: str) -> dict[str, tuple[str, float]]:
    """Column and factor by quantity.

    given: names that the values have in the file, by what they are; without any, columns are known by their names.

    Raises DataError where there is none, where two tell one quantity, and where one is named for another unit.
    """
    header = list(header)
    named = list(given.items()) or [(name, column) for column in header if (name := unit_of(column)) is not None]
    wrong = next((name for name, _ in named if name not in UNITS), None)
    wrong = wrong or next((column for _, column in named if column not in header), None)
    if wrong is not None or not named:
        raise DataError(
            f"a table has a column of values, named for its unit as one of {', '.join(UNITS)}, but {file} has"
            f" {', '.join(header)}{f', no {wrong}' if wrong else ''}."
        )
    found: dict[str, tuple[str, float]] = {}
    for name, column in named:
        _check_unit(name, column, file)
        quantity, factor = UNITS[name]
        if quantity in found:
            raise DataError(
                f"a table has one column of {quantity}, but {file} has {found[quantity][0]} and {column}."
            )
        found[quantity] = (column, factor)
    return found


def _check_unit(name: str, column: str, file: str) -> None:
    """Raise DataError where a column is named for one unit and read as another."""
    short, _, own = name.rpartition("_")
    words = [word for word in _words(column) if word not in _MIDDLES]
    unit = words[-1] if words else ""
    if unit != own and f"{short}_{unit}" in UNITS:
        raise DataError(
            f"a column is read in the unit of its name, but {column} of {file} is to be read as {name}; state"
            f" {short}_{unit}={column}."
        )
