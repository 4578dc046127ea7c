"""Tasks from tables: CSV with or without a header, packed or not, Parquet, and LIBSVM text."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from netwright._optional import require
from netwright.errors import DataError
from netwright.quality.data._base import (
    TRAIN,
    Raw,
    check_expansion,
    check_numbers,
    first_line,
    not_empty,
    read_bytes,
    reading,
)
from netwright.quality.data._columns import Column, Table, is_free_text
from netwright.quality.data._table_label import choose_label, has_header

# Cells that mean "missing", compared in lower case. NaN is not among them: it is a number that went wrong.
MISSING = ("", "?", "na", "n/a", "null")
_UNBOUNDED = ("nan", "inf", "-inf", "+inf", "infinity", "-infinity", "+infinity")
_PARQUET_MAGIC = b"PAR1"
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
_LIBSVM = re.compile(rb"[-+.\w]+(\s+\d+:[-+.\deE]+)+\s*")
_DELIMITERS = ",;\t|"


def read_table(path: Path, where: str, *, target: str | None) -> Raw:
    """Raw examples of a table file; what it holds is told by its content, not by its name.

    Raises DataError for a damaged file, NaN or infinity, ragged rows, or a missing label.
    """
    content = read_bytes(path, where)
    if zipfile.is_zipfile(io.BytesIO(content)) or content[:2] == b"PK":
        content = only_member(content, where)
    if content[:4] == _PARQUET_MAGIC:
        columns, named = _read_parquet(content, where), True
    else:
        columns, named = read_text(content, where)
    name = path.name.split(".")[0]
    return _to_raw(name, where, columns, named=named, target=target)


def only_member(content: bytes, where: str) -> bytes:
    """The one data file in a zip archive; folders and the leftovers of macOS do not count.

    Raises DataError for none, several, an encrypted one or a bomb.
    """
    with reading(where, "a zip file"), zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [
            info
            for info in archive.infolist()
            if not info.is_dir() and not re.search(r"(^|/)(__MACOSX/|\.)", info.filename)
        ]
        if len(members) != 1:
            raise DataError(f"{where} must hold exactly one table, but has {len(members)} files.")
        check_expansion(where, len(content), members[0].file_size)
        return not_empty(archive.read(members[0]), where)


def read_text(content: bytes, where: str) -> tuple[list[Column], bool]:
    """The columns of CSV or LIBSVM text, and whether the file names them.

    >>> columns, named = read_text(b"age,town\\n3,Ulm\\n,Bern\\n", "x")
    >>> [column.name for column in columns], columns[0].values.tolist(), columns[1].levels
    (['age', 'town'], [3.0, nan], ('Bern', 'Ulm'))
    """
    if b"\0" in content[:4096]:
        raise DataError(f"{where} is not a table: it is not text.")
    content = not_empty(content.removeprefix(b"\xef\xbb\xbf"), where)
    lines = [line for line in content[:65536].splitlines()[:20] if line.strip()]
    if all(_LIBSVM.fullmatch(line.strip()) for line in lines[:5]):
        return _read_libsvm(content, where), False
    cells = _read_csv(content, delimiter_of(lines), where)
    first = [_clean(column.slice(0, 1))[0].as_py() or "" for column in cells]
    rest = [_clean(column.slice(1)) for column in cells]
    recurs = [column.index(cell).as_py() >= 0 for cell, column in zip(first, rest, strict=True)]
    numbers = [_numbers(column) is not None and column.null_count < len(column) for column in rest]
    named = has_header(first, numbers, recurs)
    # A column without a name goes by its number from 1.
    names = [cell if named and cell else str(number) for number, cell in enumerate(first, 1)]
    values = [column.slice(1) if named else column for column in cells]
    return [parse_column(name, column, where) for name, column in zip(names, values, strict=True)], named


def delimiter_of(lines: list[bytes]) -> str:
    """The delimiter that cuts every one of the first lines into the same number of cells.

    >>> delimiter_of([b"a;b;c", b"1,5;2;3"])
    ';'
    """
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        rows = csv.reader((line.decode("latin-1") for line in lines[:-1] or lines), delimiter=delimiter)
        (width, votes), *_ = Counter(len(row) for row in rows).most_common(1)
        # The last of the lines may have been cut short, and some other may be broken; most must agree.
        if width > most and 2 * votes > len(lines[:-1] or lines):
            best, most = delimiter, width
    return best


def parse_column(name: str, cells: Any, where: str) -> Column:
    """A column of numbers when every cell that is not missing reads as one, otherwise of names.

    `cells` is a pyarrow array of strings. Raises DataError for NaN, infinity, or a stray word among numbers.
    """
    cells = _clean(cells)
    _refuse_unbounded(cells, name, where)
    numbers = _numbers(cells)
    return _names(name, cells, where) if numbers is None else Column(name, _to_numpy(numbers))


def _clean(cells: Any) -> Any:
    compute, arrow = require("pyarrow.compute", extra="train"), require("pyarrow", extra="train")
    cells = compute.utf8_trim(compute.utf8_trim_whitespace(cells), characters="'")
    missing = compute.is_in(compute.utf8_lower(cells), value_set=arrow.array(MISSING))
    return compute.if_else(missing, arrow.scalar(None, arrow.string()), cells)


def _numbers(cells: Any) -> Any:
    """The cells as numbers, or None where one of them is a word."""
    compute, arrow = require("pyarrow.compute", extra="train"), require("pyarrow", extra="train")
    try:
        return compute.cast(cells, arrow.float64())
    except ValueError:
        return None


def _refuse_unbounded(cells: Any, name: str, where: str) -> None:
    compute, arrow = require("pyarrow.compute", extra="train"), require("pyarrow", extra="train")
    lower = compute.utf8_lower(cells)
    row = compute.index(compute.is_in(lower, value_set=arrow.array(_UNBOUNDED)), True).as_py()
    if row >= 0:
        word = "NaN" if lower[row].as_py() == "nan" else "an infinite value"
        raise DataError(
            f"{where} has {word} in column {name!r}, row {row + 1}; leave the cell empty if the value is missing."
        )


def _names(name: str, cells: Any, where: str) -> Column:
    compute = require("pyarrow.compute", extra="train")
    present = compute.drop_null(cells)
    numeric = compute.match_substring_regex(present, _NUMBER)
    share = compute.mean(numeric).as_py() or 0.0
    if share >= 0.95 and len(compute.unique(compute.filter(present, numeric))) > 20:
        word = compute.filter(present, compute.invert(numeric))[0].as_py()
        raise DataError(f"{where} has {word[:40]!r} in column {name!r}, where the other cells are numbers.")
    return _coded(name, cells)


def _coded(name: str, cells: Any) -> Column:
    compute = require("pyarrow.compute", extra="train")
    encoded = compute.dictionary_encode(cells)
    encoded = encoded.combine_chunks() if hasattr(encoded, "combine_chunks") else encoded
    codes = compute.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    levels = np.array(encoded.dictionary.to_pylist(), dtype=str)
    order = np.argsort(levels, kind="stable")
    # One place more at the end, so that -1 stays -1.
    rank = np.append(np.argsort(order), -1)
    return Column(name, rank[codes], tuple(levels[order].tolist()))


def _to_numpy(numbers: Any) -> Any:
    values = numbers.combine_chunks() if hasattr(numbers, "combine_chunks") else numbers
    return np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _read_csv(content: bytes, delimiter: str, where: str) -> list[Any]:
    arrow_csv, arrow = require("pyarrow.csv", extra="train"), require("pyarrow", extra="train")
    encoding = "utf8" if _is_utf8(content) else "latin-1"
    with reading(where, "a CSV table"):
        width = len(next(csv.reader(io.StringIO(_beginning(content, encoding)), delimiter=delimiter)))
        table = arrow_csv.read_csv(
            io.BytesIO(content),
            read_options=arrow_csv.ReadOptions(autogenerate_column_names=True, encoding=encoding),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=b'"' in content),
            convert_options=arrow_csv.ConvertOptions(
                column_types={f"f{i}": arrow.string() for i in range(width)}, strings_can_be_null=False
            ),
        )
    if table.num_rows < 2:
        raise DataError(f"{where} has no examples: it is {table.num_rows} row long.")
    return [column.combine_chunks() for column in table.itercolumns()]


def _beginning(content: bytes, encoding: str) -> str:
    return content.lstrip()[:1_000_000].decode(encoding, "replace")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_parquet(content: bytes, where: str) -> list[Column]:
    parquet = require("pyarrow.parquet", extra="train")
    with reading(where, "a Parquet table"):
        file = parquet.ParquetFile(io.BytesIO(content))
        # Run-length encoding packs a constant without limit; 8 bytes a cell is what it unpacks to here.
        check_expansion(where, len(content), 8 * file.metadata.num_rows * file.metadata.num_columns)
        table = file.read()
    if not table.num_rows:
        raise DataError(f"{where} has no examples.")
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    return [_parquet_column(name, table.column(name), where) for name in names]


def _parquet_column(name: str, cells: Any, where: str) -> Column:
    types, compute = require("pyarrow.types", extra="train"), require("pyarrow.compute", extra="train")
    arrow = require("pyarrow", extra="train")
    kind = cells.type.value_type if types.is_dictionary(cells.type) else cells.type
    if types.is_string(kind) or types.is_large_string(kind):
        return parse_column(name, compute.cast(cells, arrow.string()).combine_chunks(), where)
    try:
        if types.is_date(kind):
            cells = compute.cast(cells, arrow.timestamp("ms"))
        if types.is_temporal(kind):
            cells = compute.cast(cells, arrow.int64())
        numbers = compute.cast(cells, arrow.float64(), safe=False)
    except (ValueError, NotImplementedError) as error:
        raise DataError(f"{where} has a column {name!r} of {kind}, which is no number and no name.") from error
    values = compute.drop_null(numbers).to_numpy()
    if not np.isfinite(values).all():
        word = "NaN" if np.isnan(values).any() else "an infinite value"
        raise DataError(f"{where} has {word} in column {name!r}; a missing value must be null.")
    return Column(name, _to_numpy(numbers))


def _read_libsvm(content: bytes, where: str) -> list[Column]:
    rows = [line.split() for line in content.decode("latin-1").splitlines() if line.strip()]
    try:
        cells = [[_libsvm_pair(pair) for pair in row[1:]] for row in rows]
        labels = np.array([float(row[0]) for row in rows])
    except ValueError as error:
        raise DataError(f"{where} cannot be read as a LIBSVM table: {first_line(error)}.") from error
    width = max((index for row in cells for index, _ in row), default=0)
    check_expansion(where, len(content), 8 * width * len(rows))
    values = np.zeros((len(rows), width + 1))
    for number, row in enumerate(cells):
        for index, value in row:
            values[number, index] = value
    check_numbers(where, values)
    # Indices start at 1 by the format's habit; some writers start at 0.
    features = values if values[:, 0].any() else values[:, 1:]
    columns = [Column(f"feature {i}", feature) for i, feature in enumerate(features.T, 1)]
    return [*columns, Column("label", labels)]


def _libsvm_pair(text: str) -> tuple[int, float]:
    index, value = text.split(":")
    if int(index) < 0:
        raise ValueError(f"index {index} is negative")
    return int(index), float(value)


def _to_raw(name: str, where: str, columns: list[Column], *, named: bool, target: str | None) -> Raw:
    index, why = choose_label(columns, target=target, named=named, where=where)
    y = columns[index].labels(where)
    rest = tuple(column for i, column in enumerate(columns) if i != index)
    kept = tuple(column for column in rest if not is_free_text(column) and not column.missing.all())
    if not kept:
        raise DataError(f"{where} has no usable column beside its label: all are empty or free text.")
    text = [column.name for column in rest if is_free_text(column)]
    note = f"{why}; free text left out: {', '.join(text)}" if text else why
    return Raw(name, where, "table", Table(kept), y, np.full(len(y), TRAIN, np.uint8), note, columns[index].name)
