"""Quantities and units by the names of columns, and values by their cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netwright.errors import DataError

__all__ = ["UNITS", "Column", "unit_of", "value_columns"]

_BYTES = {"bytes": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30}
_FACTORS: Mapping[str, Mapping[str, float]] = {
    "latency_ms": {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6, "minutes": 6e4, "hours": 3.6e6},
    "energy_mj": {"mj": 1.0, "j": 1e3, "uj": 1e-3, "kj": 1e6, "mwh": 3.6e3, "wh": 3.6e6, "kwh": 3.6e9},
    "memory_bytes": _BYTES,
    "flash_bytes": _BYTES,
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
    "byte": "bytes", "minute": "minutes", "mins": "minutes", "hour": "hours", "hr": "hours", "hrs": "hours",
    "kilojoule": "kj", "kilojoules": "kj", "millijoules": "mj", "microjoules": "uj", "nanosecond": "ns",
}  # fmt: skip
_IN_CELLS = {"min": "minutes", "h": "hours"}
"""Units behind a number; in the name of a column they mean a minimum, or nothing."""
_MIDDLES = frozenset({"mean", "median", "avg", "average", "peak", "inference"})
_SEPARATORS = re.compile(r"[^0-9a-zµμ]+")
_NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)\s*([a-zµμ]*)\s*", re.IGNORECASE)


def unit_of(column: str) -> str | None:
    """The name in `UNITS` that a column means, however it is spelled; None where it is no quantity with a unit.

    >>> unit_of("Latency (ms)"), unit_of("latency [µs]"), unit_of("mean_energy_Wh"), unit_of("latency_ms_std")
    ('latency_ms', 'latency_us', 'energy_wh', None)
    """
    words = [word for word in _words(column) if word not in _MIDDLES]
    name = "_".join(words)
    return name if name in UNITS else None


def _words(column: str) -> list[str]:
    return [_SPELLED.get(word, word) for word in _SEPARATORS.split(column.lower()) if word]


@dataclass(frozen=True)
class Column:
    """A column of values.

    name: in the file. quantity: what it tells. unit: of cells without one of their own; None where nothing states it.
    own: whether the name of the column states the unit, so that no cell may have another.
    """

    name: str
    quantity: str
    unit: str | None
    own: bool

    def read(self, cell: Any, row: int, file: str, *, zero: bool = False) -> float:
        """Value of a cell in the quantity's own unit; one such as `14 ms` is read in the unit that it states.

        zero: whether 0 is a value. Raises DataError, in one sentence with the row, for what is no such number.
        """
        number, stated = _parted(cell)
        where = f"row {row} of {file} has {cell!r}"
        if not (math.isfinite(number) and (number > 0 or (zero and number == 0))):
            raise DataError(
                f"{self.name} must be {'a number of 0 or more' if zero else 'a positive number'}, but {where}."
            )
        unit = _SPELLED.get(stated, stated) or self.unit
        if unit is None:
            raise DataError(f"every {self.name} must have a unit where one has, but {where}.")
        if self.own and unit != self.unit:
            raise DataError(f"a value is in the unit of its column, but {self.name} in {where}.")
        units = _FACTORS[self.quantity]
        if unit not in units:
            raise DataError(f"the unit of {self.name} is one of {', '.join(units)}, but {where}.")
        return number * units[unit]


def _parted(cell: Any) -> tuple[float, str]:
    """Number of a cell, not finite where there is none, and the unit behind it in small letters."""
    if isinstance(cell, str):
        found = _NUMBER.fullmatch(cell)
        unit = found[2].lower() if found else ""
        return (float(found[1]) if found else math.nan), _IN_CELLS.get(unit, unit)
    try:
        return (math.nan if isinstance(cell, bool) else float(cell)), ""
    except (TypeError, ValueError):
        return math.nan, ""


def value_columns(first: Mapping[str, Any], given: Mapping[str, str], file: str) -> dict[str, Column]:
    """Columns of values by quantity.

    first: row of a table, by column. given: names that the values have in the file, by what they are; without any,
    columns are known by their names, `latency` by the unit in its first cell.

    Raises DataError where there is none, where two tell one quantity, and where one is named for another unit.
    """
    named = [(name, column, True) for name, column in given.items()] or list(_found(first))
    known = ", ".join(UNITS)
    strange = next((name for name in given if name not in UNITS), None)
    if strange is not None:
        raise DataError(f"a column is told to be one of {known} or design, but got {strange}={given[strange]}.")
    lacking = next((column for column in given.values() if column not in first), None)
    if lacking is not None or not named:
        raise DataError(
            f"a table has a column of values, named for its unit as one of {known}, but {file} has"
            f" {', '.join(map(str, first))}{f', no {lacking}' if lacking else ''};"
            " --column latency_ms=NAME states one."
        )
    found: dict[str, Column] = {}
    for name, column, stated in named:
        _check_unit(name, column, file)
        _check_quantity(name, column, file)
        quantity, unit = UNITS[name][0], name.rpartition("_")[2]
        if quantity in found:
            raise DataError(
                f"a table has one column of {quantity}, but {file} has {found[quantity].name} and {column}."
            )
        found[quantity] = Column(column, quantity, unit if stated else None, own=_unit_word(column) == unit)
    return found


def _found(first: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Name in `UNITS`, column, and whether the column's name states the unit, rather than its cells."""
    for column, cell in first.items():
        name = unit_of(column)
        by_cell = unit_of(f"{column} {_parted(cell)[1]}")
        if name is not None or by_cell is not None:
            yield name or str(by_cell), column, name is not None


def _unit_word(column: str) -> str:
    words = [word for word in _words(column) if word not in _MIDDLES]
    return words[-1] if words else ""


def _check_quantity(name: str, column: str, file: str) -> None:
    """Raise DataError where a column is named for one quantity and read as another, as energy for latency."""
    short = name.partition("_")[0]
    named = [word for word in _words(column) if any(each.startswith(f"{word}_") for each in _FACTORS)]
    if named and short not in named:
        raise DataError(
            f"a column is read as the quantity of its name, but {column} of {file} is to be read as {name}."
        )


def _check_unit(name: str, column: str, file: str) -> None:
    """Raise DataError where a column is named for one unit and read as another."""
    short, _, own = name.rpartition("_")
    unit = _unit_word(column)
    if unit != own and f"{short}_{unit}" in UNITS:
        raise DataError(
            f"a column is read in the unit of its name, but {column} of {file} is to be read as {name}; state"
            f" {short}_{unit}={column}."
        )
