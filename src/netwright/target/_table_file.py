"""Tables of measured designs from files: CSV, Parquet and JSON."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._optional import require
from netwright.errors import DataError, DesignError
from netwright.target._table_target import TableTarget

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["read_table"]

Row = Mapping[str, Any]

UNITS: Mapping[str, tuple[str, float]] = {
    "latency_ms": ("latency_ms", 1.0),
    "latency_s": ("latency_ms", 1e3),
    "latency_us": ("latency_ms", 1e-3),
    "energy_mj": ("energy_mj", 1.0),
    "energy_j": ("energy_mj", 1e3),
    "memory_bytes": ("memory_bytes", 1.0),
    "memory_kb": ("memory_bytes", 1e3),
    "memory_mb": ("memory_bytes", 1e6),
}
"""Quantity and factor to its own unit, by the name of a column."""


def read_table(
    path: str | PathLike[str],
    space: Space,
    *,
    name: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> TableTarget:
    """Target of a file of measured designs of a space.

    A design is a row whose columns are decision paths (empty where a design does not decide), or one column `design`
    that holds a JSON object or the text form of the space: the authors' string for nasbench201, 22 indices for fbnet.
    A value is a column named for its quantity and unit: latency_ms, latency_s, latency_us, energy_mj, energy_j,
    memory_bytes, memory_kb, memory_mb; all are converted to ms, mJ and bytes. A JSON file is a list of such rows.

    name: of the target; the name of the file where not given. columns: names that the values have in the file, by
    what they are, such as {"latency_ms": "pixel2"}.

    Raises DataError, in one sentence with the row, for what is no such table.
    """
    file = Path(path)
    rows = _rows(file)
    if not rows:
        raise DataError(f"a table has at least 2 rows, but {file.name} has none.")
    named = _value_columns(rows[0], columns or {}, file.name)
    read = _reader(space, rows[0], file.name)
    designs = []
    for number, row in enumerate(rows, 1):
        designs.append(read(row, number))
    values = {
        quantity: [_number(row.get(column), column, i, file.name) * factor for i, row in enumerate(rows, 1)]
        for quantity, (column, factor) in named.items()
    }
    return TableTarget(name or file.stem, designs, values, source=file.name)


def _rows(file: Path) -> list[Row]:
    readers: dict[str, Callable[[Path], list[Row]]] = {".csv": _csv, ".parquet": _parquet, ".json": _json}
    if file.suffix not in readers:
        raise DataError(f"a table is a file ending in {', '.join(readers)}, but got {file.name}.")
    if not file.is_file():
        raise DataError(f"no table {file} exists.")
    return readers[file.suffix](file)


def _csv(file: Path) -> list[Row]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            return list(csv.DictReader(text))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"a CSV table is text in UTF-8, but {file.name}: {error}.") from error


def _parquet(file: Path) -> list[Row]:
    parquet = require("pyarrow.parquet", extra="train")
    try:
        rows: list[Row] = parquet.read_table(file).to_pylist()
    except Exception as error:
        raise DataError(f"a Parquet table must be readable, but {file.name}: {str(error).splitlines()[0]}") from error
    return rows


def _json(file: Path) -> list[Row]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"a JSON table must be readable, but {file.name}: {error}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"a JSON table is a list of objects, but {file.name} holds something else.")
    return rows


def _value_columns(first: Row, given: Mapping[str, str], file: str) -> dict[str, tuple[str, float]]:
    """Column and factor by quantity."""
    named = {given.get(name, name): UNITS[name] for name in UNITS if name in given or (name in first and not given)}
    unknown = [name for name in given if name not in UNITS]
    lacking = [column for column in named if column not in first]
    if unknown or lacking or not named:
        raise DataError(
            f"a table has a column of values, named for its unit as one of {', '.join(UNITS)}, but {file} has"
            f" {', '.join(map(str, first))}{f', no {(unknown + lacking)[0]}' if unknown or lacking else ''}."
        )
    for name, column in given.items():
        _check_unit(name, column, file)
    found: dict[str, tuple[str, float]] = {}
    for column, (quantity, factor) in named.items():
        if quantity in found:
            raise DataError(
                f"a table has one column of {quantity}, but {file} has {found[quantity][0]} and {column}."
            )
        found[quantity] = (column, factor)
    return found


def _check_unit(name: str, column: str, file: str) -> None:
    """Raise DataError where a column is named for one unit and read as another."""
    quantity, _ = UNITS[name]
    others = [each.rpartition("_")[2] for each in UNITS if UNITS[each][0] == quantity]
    own, unit = name.rpartition("_")[2], column.rpartition("_")[2].lower()
    if unit in others and unit != own:
        raise DataError(
            f"a column is read in the unit of its name, but {column} of {file} is to be read as {name}; state"
            f" {name.rpartition('_')[0]}_{unit}={column}."
        )


def _number(cell: Any, column: str, row: int, file: str) -> float:
    try:
        value = math.nan if cell is None or cell == "" else float(cell)
    except (TypeError, ValueError):
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise DataError(f"{column} must be a positive number, but row {row} of {file} has {cell!r}.")
    return value


def _reader(space: Space, first: Row, file: str) -> Callable[[Row, int], Mapping[str, Any]]:
    """How to read the design of a row; it raises DataError where the space has no such design."""
    domains = {path: domain for path, domain in space.decisions().items() if isinstance(domain, tuple)}
    if "design" not in first and not domains.keys() & first.keys():
        raise DataError(
            f"a table has a column 'design' or columns named by decisions of {space.name} such as"
            f" {next(iter(domains), 'none')}, but {file} has {', '.join(map(str, first))}."
        )
    values = {path: {str(value): value for value in domain} for path, domain in domains.items()}

    def read(row: Row, number: int) -> Mapping[str, Any]:
        cells = _decided(row["design"], space, number, file) if "design" in row else row
        given = {p: c for p, c in cells.items() if c not in (None, "") and (p in values or "design" in row)}
        design = {p: values.get(p, {}).get(_text(c), c) for p, c in given.items()}
        if design not in space:
            raise DataError(f"designs must be of {space.name}, but row {number} of {file} has {_short(design)}.")
        return design

    return read


def _decided(cell: Any, space: Space, row: int, file: str) -> Mapping[str, Any]:
    from netwright.space.catalog import read_design

    if isinstance(cell, Mapping):
        return cell
    try:
        return read_design(space.name, str(cell))
    except DesignError as error:
        raise DataError(f"row {row} of {file} must hold a design: {error}") from error


def _text(cell: Any) -> str:
    """The cell as the values of decisions are written: whole numbers without a fraction."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip()
    return text.removesuffix(".0")


def _short(design: Mapping[str, Any]) -> str:
    text = json.dumps(design, default=str)
    return text if len(text) <= 200 else f"{text[:200]}..."
