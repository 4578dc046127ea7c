"""The columns of a table: designs, and what was measured of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright.errors import DataError
from netwright.target._base import QUANTITIES
from netwright.target._design_table import DesignTable

__all__ = ["TableColumns"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TableColumns:
    """Designs, and by quantity a value for each, in ms, mJ and bytes, and the ends of its interval where it has one.

    >>> columns = TableColumns.of("phone", DesignTable.of([{"a": 1}, {"a": 2}]), {"latency_ms": [3.0, 4.0]})
    >>> columns.values["latency_ms"].tolist()
    [3.0, 4.0]

    intervals: (designs, 2). graphs: hash of the network of each design, empty where it is not known.
    """

    designs: DesignTable
    values: Mapping[str, Array]
    intervals: Mapping[str, Array]
    graphs: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        name: str,
        designs: DesignTable,
        values: Mapping[str, ArrayLike],
        intervals: Mapping[str, ArrayLike] | None = None,
        graphs: Sequence[str] = (),
    ) -> TableColumns:
        """Columns of the table of this name; raises DataError, in one sentence, for values that cannot be."""
        numbers = {quantity: _numbers(column, quantity, name) for quantity, column in values.items()}
        if not numbers or not numbers.keys() <= QUANTITIES.keys():
            raise DataError(f"a table has some of {', '.join(QUANTITIES)}, but {name} has {sorted(numbers)}.")
        if len(designs) < 2:
            raise DataError(f"a table needs at least 2 designs, but {name} has {len(designs)}.")
        if (twice := designs.twice()) is not None:
            raise DataError(
                f"a table has each design once, but rows {twice[0] + 1} and {twice[1] + 1} of {name} are one design."
            )
        for quantity, column in numbers.items():
            _check(column, quantity, len(designs), name)
        spreads = {quantity: np.asarray(ends, dtype=np.float64) for quantity, ends in (intervals or {}).items()}
        return cls(designs, numbers, spreads, graphs)


def _check(column: Array, quantity: str, count: int, name: str) -> None:
    if column.shape != (count,):
        raise DataError(f"a table has one {quantity} for each design, but {name} has shape {column.shape}.")
    wrong = np.flatnonzero(~(np.isfinite(column) & (column > 0)))
    if len(wrong):
        raise DataError(
            f"{quantity} must be positive and finite, but row {wrong[0] + 1} of {name} has {column[wrong[0]]:g}."
        )


def _numbers(column: ArrayLike, quantity: str, name: str) -> Array:
    try:
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{quantity} must be numbers, one for each design, but {name} has {str(column)[:100]}."
        ) from error
