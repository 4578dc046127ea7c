"""Designs in the rows of a table, however they are written there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from netwright.errors import DataError, DesignError
from netwright.target._design_table import DesignTable, options_of
from netwright.target._table_file._rows import Row

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["cell_key", "design_columns", "designs_of", "with_paths"]

TOGETHER = 2**14
"""Rows that are read at a time: as plain mappings, many designs take a hundred times as much room as in a table."""
_EMPTY = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>"})


def designs_of(space: Space, rows: Sequence[Row], file: str, column: str | None = None) -> DesignTable:
    """The design of each row; raises DataError where the space has no such design.

    column: that holds whole designs; found where not given: one named `design`, columns named by decisions, or the
    one column whose first cell is a design of the space.
    """
    column = _column(space, rows[0], file, column, options_of(space).keys())
    starts = range(0, len(rows), TOGETHER)
    parts = (_part(space, rows[start : start + TOGETHER], start, file, column) for start in starts)
    return DesignTable.of(design for part in parts for design in part)


def with_paths(rows: Sequence[Row], space: Space) -> Sequence[Row]:
    """Rows whose columns are named by decisions as the space writes them, also where a database wrote capitals."""
    paths = space.decisions().keys()
    meant = {path.lower(): path for path in paths}
    # Paths that differ in case alone, or beside columns that do, are no other spelling of one another.
    if len(meant) < len(paths) or not _respelled(rows[0], meant):
        return rows
    names = _respelled(dict.fromkeys(str(name) for row in rows for name in row), meant)
    if len(set(names.values())) < len(names):
        return rows
    return [{names.get(name, name): cell for name, cell in row.items()} for row in rows]


def _respelled(columns: Row, meant: Mapping[str, str]) -> dict[str, str]:
    """Paths by columns that are named as they are but for case."""
    found = {name: meant.get(str(name).lower(), name) for name in columns}
    return {name: path for name, path in found.items() if path != name and path not in columns}


def _part(space: Space, rows: Sequence[Row], start: int, file: str, column: str | None) -> list[Mapping[str, Any]]:
    """Designs of some rows, of which that of number `start` is the first."""
    values = {path: {cell_key(value): value for value in options} for path, options in options_of(space).items()}
    cells = [
        row if column is None else _decided(row.get(column), space, number, file)
        for number, row in enumerate(rows, start + 1)
    ]
    designs = [_design(each, values, by_path=column is None) for each in cells]
    wrong = next((number for number, has in enumerate(space.contains_each(designs)) if not has), None)
    if wrong is not None:
        raise DataError(
            f"designs must be of {space.name}, but row {start + wrong + 1} of {file} has"
            f" {_strange(designs[wrong], values)}{_lacking(rows[wrong], values) if column is None else ''}."
        )
    return designs


def design_columns(space: Space, first: Row, file: str, column: str | None = None) -> set[str]:
    """Columns from which `designs_of` reads designs."""
    paths = options_of(space).keys()
    found = _column(space, first, file, column, paths)
    return paths & first.keys() if found is None else {found}


def _column(space: Space, first: Row, file: str, column: str | None, paths: AbstractSet[str]) -> str | None:
    """Name of the column of whole designs; None where columns are named by decisions."""
    if column is None:
        column = _whole(first, space, by_path=bool(paths & first.keys()))
    if column is None and not paths & first.keys():
        raise DataError(
            f"a table has a column 'design' or columns named by decisions of {space.name} such as"
            f" {next(iter(paths), 'none')}, but {file} has {', '.join(map(str, first))}, and its first row no design"
            " of it; --column design=NAME names the column of designs."
        )
    if column is not None and column not in first:
        raise DataError(f"designs are in a column of the table, but {file} has {', '.join(first)}, no {column}.")
    return column


def _design(cells: Mapping[str, Any], values: Mapping[str, Mapping[Any, Any]], *, by_path: bool) -> Mapping[str, Any]:
    """Cells as values of the space, without those that decide nothing."""
    return {
        path: values.get(path, {}).get(cell_key(cell), cell) for path, cell in cells.items()
        if (path in values or not by_path) and not _is_empty(cell, values.get(path, {}))
    }  # fmt: skip


def cell_key(cell: Any) -> float | str:
    """What two cells have in common that mean one value: a number, or a text without spaces around it.

    >>> cell_key("8.0") == cell_key(8) == cell_key(" 8"), cell_key("conv "), cell_key(True)
    (True, 'conv', 'True')
    """
    text = str(cell).strip()
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _is_empty(cell: Any, values: Mapping[float | str, Any]) -> bool:
    """Whether a cell says that nothing is decided; some decisions have a value `none`."""
    return cell is None or (cell_key(cell) not in values and str(cell).strip().lower() in _EMPTY)


def _whole(first: Row, space: Space, *, by_path: bool) -> str | None:
    """Name of the column of whole designs, where there is one."""
    named = next((name for name in first if str(name).lower() == "design"), None)
    if named is not None or by_path:
        return named
    found = [name for name, cell in first.items() if _is_design(cell, space)]
    return found[0] if len(found) == 1 else None


def _is_design(cell: Any, space: Space) -> bool:
    try:
        return _decided(cell, space, 0, "") in space
    except (DataError, TypeError, ValueError):
        return False


def _decided(cell: Any, space: Space, row: int, file: str) -> Mapping[str, Any]:
    from netwright.space.catalog import read_design

    if isinstance(cell, list) and cell and all(isinstance(pair, tuple) for pair in cell):
        cell = dict(cell)  # what Parquet calls a map
    if isinstance(cell, Mapping) and cell.keys() & space.decisions().keys():
        # A Parquet struct has every decision of any row in each.
        return {path: value for path, value in cell.items() if value is not None}
    try:
        return read_design(
            space.name, json.dumps(cell, default=str) if isinstance(cell, Mapping | list) else str(cell)
        )
    except DesignError as error:
        raise DataError(f"row {row} of {file} must hold a design: {error}") from error


def _lacking(row: Row, values: Mapping[str, Any]) -> str:
    """The first decision for which a table has no column."""
    lacking = next((path for path in values if path not in row), None)
    return "" if lacking is None else f", and no column {lacking}"


def _strange(design: Mapping[str, Any], values: Mapping[str, Mapping[float | str, Any]]) -> str:
    """The first value that no design has, or the whole design where each value is some design's."""
    for path, value in design.items():
        if path in values and cell_key(value) not in values[path]:
            return f"{path} = {value!r}, which is none of {', '.join(map(str, values[path].values()))}"
    text = json.dumps(design, default=str)
    return text if len(text) <= 200 else f"{text[:200]}..."
