"""Columns of numbers or names, and their encoding as normalised features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netwright.errors import DataError
from netwright.quality.data._base import Array

# A column of names gives one feature for each of its most frequent names, and zeros for the rest.
MAX_LEVELS = 64
# Fewer different names than this are a category even where each is met once.
MIN_TEXT_LEVELS = 20


@dataclass(frozen=True, eq=False)
class Column:
    """One column: float64 numbers with NaN where missing, or codes into `levels` with -1 where missing."""

    name: str
    values: Array
    levels: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> Array:
        """Which cells are missing, bool `(N,)`."""
        return np.isnan(self.values) if self.levels is None else self.values < 0

    def labels(self, where: str) -> Array:
        """The cells as labels, numbers or names; raises DataError where one is missing."""
        if self.missing.any():
            row = int(np.argmax(self.missing)) + 1
            raise DataError(f"{where} has no label in column {self.name!r} of example {row}.")
        return self.values if self.levels is None else np.array(self.levels)[self.values]


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length; rows are taken by an index array."""

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, rows: Any, /) -> Table:
        return Table(tuple(replace(column, values=column.values[rows]) for column in self.columns))


@dataclass(frozen=True)
class NumberFeature:
    """Missing cells become the median; the result is standardised; a second feature tells what was missing."""

    column: int
    name: str
    median: float
    mean: float
    std: float
    indicator: bool

    def refit(self, column: Column) -> NumberFeature:
        """The same features with the statistics of other rows."""
        return replace(_fit_numbers(self.column, column), indicator=self.indicator)

    def encode(self, column: Column) -> list[Array]:
        """One or two features."""
        missing = column.missing
        filled = np.where(missing, self.median, column.values)
        features = [(filled - self.mean) / self.std]
        return [*features, missing.astype(np.float64)] if self.indicator else features

    def describe(self) -> dict[str, Any]:
        """Everything needed to prepare a cell by hand."""
        return {
            "column": self.name,
            "median": self.median,
            "mean": self.mean,
            "std": self.std,
            "missing_indicator": self.indicator,
        }


@dataclass(frozen=True)
class NameFeature:
    """One feature for each level, 1 where the cell has it; missing cells become the most frequent level."""

    column: int
    name: str
    levels: tuple[str, ...]
    most_frequent: str

    def refit(self, column: Column) -> NameFeature:
        """The same levels, with the most frequent one of other rows."""
        return replace(self, most_frequent=_by_frequency(column)[0])

    def encode(self, column: Column) -> list[Array]:
        """As many features as levels."""
        codes = {level: code for code, level in enumerate(column.levels or ())}
        cells = np.where(column.missing, codes.get(self.most_frequent, -1), column.values)
        return [(cells == codes.get(level, -2)).astype(np.float64) for level in self.levels]

    def describe(self) -> dict[str, Any]:
        """Everything needed to prepare a cell by hand."""
        return {"column": self.name, "levels": list(self.levels), "most_frequent": self.most_frequent}


@dataclass(frozen=True)
class TableEncoder:
    """Turns columns into standardised numbers and one-hot names.

    >>> ages, towns = Column("age", np.array([2.0, 4.0])), Column("town", np.array([0, 1]), ("Bern", "Ulm"))
    >>> table = Table((ages, towns))
    >>> TableEncoder.fit(table, "x").encode(table).tolist()
    [[-1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """

    features: tuple[NumberFeature | NameFeature, ...]

    @classmethod
    def fit(cls, table: Table, where: str) -> TableEncoder:
        """The encoder with the features and statistics of these rows.

        Raises DataError when all columns are empty.
        """
        features: list[NumberFeature | NameFeature] = []
        for index, column in enumerate(table.columns):
            # Full in other rows, but nothing to learn from in these.
            if column.missing.all():
                continue
            features.append((_fit_numbers if column.levels is None else _fit_names)(index, column))
        if not features:
            raise DataError(f"{where} has only empty cells beside the labels of its training part.")
        return cls(tuple(features))

    def refit(self, table: Table) -> TableEncoder:
        """The same features with the statistics of other rows."""
        return TableEncoder(tuple(feature.refit(table.columns[feature.column]) for feature in self.features))

    def encode(self, table: Table) -> Array:
        """Features as float32 `(N, features)`."""
        found = [values for feature in self.features for values in feature.encode(table.columns[feature.column])]
        return np.stack(found, axis=1).astype(np.float32)

    def describe(self) -> dict[str, Any]:
        """Everything needed to prepare a row by hand, column by column."""
        return {"kind": "table", "columns": [feature.describe() for feature in self.features]}


def is_free_text(column: Column) -> bool:
    """Whether a column of names is an identifier or a sentence: most of its cells differ.

    >>> is_free_text(Column("id", np.arange(90), tuple(f"key{i}" for i in range(90))))
    True
    """
    if column.levels is None:
        return False
    present = column.values[column.values >= 0]
    levels = len(np.unique(present))
    return levels > MIN_TEXT_LEVELS and 2 * levels > len(present)


def _fit_numbers(index: int, column: Column) -> NumberFeature:
    missing = column.missing
    # A refit may meet a column without any number, which then is 0 everywhere.
    median = 0.0 if missing.all() else float(np.median(column.values[~missing]))
    filled = np.where(missing, median, column.values)
    mean, std = float(filled.mean()), float(filled.std())
    constant = std <= 1e-12 * max(1.0, abs(mean))
    return NumberFeature(index, column.name, median, mean, 1.0 if constant else std, bool(missing.any()))


def _fit_names(index: int, column: Column) -> NameFeature:
    frequent = _by_frequency(column)
    return NameFeature(index, column.name, tuple(sorted(frequent[:MAX_LEVELS])), frequent[0])


def _by_frequency(column: Column) -> list[str]:
    levels = column.levels or ()
    codes, counts = np.unique(column.values[column.values >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [levels[code] for code in codes[order]]
