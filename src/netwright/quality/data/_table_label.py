"""Which row of a table is its header, and which column its label: by what the cells hold, never by file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright.errors import DataError, UnknownNameError
from netwright.quality.data._columns import Column
from netwright.quality.data._labels import MAX_NUMERIC_CLASSES, has_fractions

LABEL_NAMES = ("target", "class", "label", "y", "classes", "labels", "targets")


def has_header(first: Sequence[str], numbers: Sequence[bool], recurs: Sequence[bool]) -> bool:
    """Whether the first row holds names rather than values.

    >>> has_header(["age", "town"], numbers=[True, False], recurs=[False, False])
    True
    >>> has_header(["red", "Ulm"], numbers=[False, False], recurs=[True, False])
    False

    It does when a column that is of numbers below (`numbers`) starts with a word. Where there is none, it does
    when the words of the first row all differ and none is met again in its own column (`recurs`).
    """
    words = [bool(cell) and not is_number(cell) for cell in first]
    if any(word and below for word, below in zip(words, numbers, strict=True)):
        return True
    return all(words) and len(set(first)) == len(first) and not any(recurs)


def is_number(text: str) -> bool:
    """Whether a cell reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def choose_label(columns: Sequence[Column], *, target: str | None, named: bool, where: str) -> tuple[int, str]:
    """The index of the label column, and why it was chosen.

    >>> columns = [Column("age", np.array([1.5, 2.5])), Column("class", np.array([0.0, 1.0]))]
    >>> choose_label(columns, target=None, named=True, where="x")
    (1, "label column 'class', by its name")

    `target` is a column's name or number from 1. Without it: a column named target, class, label or y; else
    the last column. A table without a header whose last column is a quantity and whose first holds a few
    whole numbers has its label first.

    Raises UnknownNameError for a column that does not exist.
    """
    if len(columns) < 2:
        raise DataError(f"{where} has one column only, but a label and at least one input are needed.")
    if target is not None:
        return _find(columns, target), f"label column {target!r}, as asked"
    for index, column in enumerate(columns):
        if named and column.name.strip().lower() in LABEL_NAMES:
            return index, f"label column {column.name!r}, by its name"
    first, last = columns[0], columns[-1]
    if not named and is_continuous(last) and is_small_whole(first):
        return 0, f"label column {first.name!r}, as the last column is a quantity and the first has few whole numbers"
    return len(columns) - 1, f"label column {last.name!r}, the last"


def is_continuous(column: Column) -> bool:
    """Whether a column is a measurement: numbers with fractions, or nearly as many values as rows."""
    if column.levels is not None:
        return False
    values = column.values[~column.missing]
    distinct = len(np.unique(values))
    if has_fractions(values):
        return distinct > MAX_NUMERIC_CLASSES
    return distinct > max(MAX_NUMERIC_CLASSES, len(values) // 10)


def is_small_whole(column: Column) -> bool:
    """Whether a column is 2 to 20 whole numbers without a gap and without missing cells, as classes are."""
    if column.levels is not None or column.missing.any() or has_fractions(column.values):
        return False
    values = np.unique(column.values)
    return 2 <= len(values) <= MAX_NUMERIC_CLASSES and bool(values[-1] - values[0] + 1 == len(values))


def _find(columns: Sequence[Column], target: str) -> int:
    names = [column.name for column in columns]
    for options, wanted in ((names, target), ([name.lower() for name in names], target.lower())):
        if wanted in options:
            return options.index(wanted)
    if target.isdigit() and 1 <= int(target) <= len(names):
        return int(target) - 1
    raise UnknownNameError("column", target, names)
