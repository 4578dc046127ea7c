"""Rows of a table file, as it comes out of spreadsheets, data frames and scripts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import dropwhile
from pathlib import Path
from typing import Any

from netwright._optional import require
from netwright._text import read_text
from netwright.errors import DataError

__all__ = ["SUFFIXES", "Row", "rows_of"]

Row = Mapping[str, Any]

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(E[+-]?\d+)?\s*[a-zµμ]*", re.IGNORECASE)


def rows_of(file: Path) -> list[Row]:
    """Rows of a file by column; those without any content are left out.

    Raises DataError, in one sentence, for what is no such file.
    """
    if file.suffix.lower() not in _READERS:
        raise DataError(f"a table is a file ending in {', '.join(_READERS)}, but got {file.name}.")
    if not file.is_file():
        raise DataError(f"no table {file} exists.")
    rows = [
        row for row in _READERS[file.suffix.lower()](file) if any(cell not in (None, "") for cell in row.values())
    ]
    if not rows:
        raise DataError(f"a table has at least 2 rows, but {file.name} has none.")
    return rows


def _csv(file: Path) -> list[Row]:
    try:
        text = io.StringIO(read_text(file), newline="")
        lines = list(dropwhile(lambda line: line.startswith(("#", "sep=")) or not line.strip(), text))
        delimiter = _delimiter(lines[0]) if lines else ","
        header, *cells = csv.reader(lines, delimiter=delimiter) if lines else [[]]
    except (ValueError, csv.Error) as error:
        raise DataError(
            f"a CSV table is text in UTF-8, or in UTF-16 with its mark, but {file.name}: {error}."
        ) from error
    names = [name.strip() for name in header]
    _check_header(names, file.name)
    kept = [(number, row) for number, row in enumerate(cells, 1) if row]
    uneven = next((number for number, row in kept if len(row) > len(names)), None)
    if uneven is not None:
        raise DataError(f"a row has a cell for each column, but row {uneven} of {file.name} has more.")
    plain = _point if delimiter != "," else str
    # A row that ends early leaves its last columns empty; the first row tells which columns there are.
    return [{**dict.fromkeys(names, ""), **dict(zip(names, map(plain, row), strict=False))} for _, row in kept]


def _delimiter(header: str) -> str:
    """What parts the header into most columns: a comma, or a semicolon or tab as spreadsheets write them."""
    return max(",;\t", key=lambda each: len(next(csv.reader([header], delimiter=each))))


def _point(cell: str) -> str:
    """A number with a decimal comma, as spreadsheets write it beside semicolons, with a point; also before a unit."""
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell.strip()) else cell


def _check_header(names: Sequence[str], file: str) -> None:
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"columns have names of their own, but {file} has {twice} twice.")


def _parquet(file: Path) -> list[Row]:
    parquet = require("pyarrow.parquet", extra="train")
    try:
        table = parquet.read_table(file)
        _check_header(table.column_names, file.name)
        rows: list[Row] = table.to_pylist()
    except DataError:
        raise
    except Exception as error:
        raise DataError(f"a Parquet table must be readable, but {file.name}: {str(error).splitlines()[0]}") from error
    return rows


def _json(file: Path) -> list[Row]:
    try:
        text = read_text(file)
        if file.suffix.lower() == ".jsonl":
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            rows = json.loads(text)
    except ValueError as error:
        raise DataError(f"a JSON table must be readable, but {file.name}: {error}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"a JSON table is a list of objects, but {file.name} holds something else.")
    return rows


_READERS: Mapping[str, Callable[[Path], list[Row]]] = {
    ".csv": _csv, ".tsv": _csv, ".parquet": _parquet, ".json": _json, ".jsonl": _json,
}  # fmt: skip
SUFFIXES = tuple(_READERS)
