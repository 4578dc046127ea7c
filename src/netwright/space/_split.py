"""Sharing a budget out at random, many draws at once: which alternative, which pair of parts that add up to a sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netwright.space._scale import Floats, Ints
from netwright.space._tables import Table

__all__ = ["at", "draw_rows", "enter", "lookup", "split_bins", "split_keys"]


def enter(table: Table, bins: Ints, rng: np.random.Generator) -> Ints:
    """What a child has to spend: the bin itself, or a key in it where the child is exact."""
    return bins if table.keys is None else table.pick_keys(bins, rng)


def lookup(keys: Ints, wanted: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted


def at(dense: Floats, index: Ints) -> Floats:
    inside = (index >= 0) & (index < len(dense))
    return np.where(inside, dense[np.clip(index, 0, len(dense) - 1)], 0.0)


def draw_rows(matrix: Floats, rows: Ints, rng: np.random.Generator) -> Ints:
    """Column for each entry of `rows`, drawn in proportion to the matrix's row."""
    cumulative = np.cumsum(matrix, axis=1)
    cumulative /= cumulative[:, -1:]
    # All rows end to end, row r on [r, r + 1], so that one search serves every draw.
    ends = (cumulative + np.arange(len(matrix))[:, None]).ravel()
    aim = rows + rng.random(len(rows))
    place = np.searchsorted(ends, aim, side="right") - rows * matrix.shape[1]
    last = matrix.shape[1] - 1 - np.argmax(matrix[:, ::-1] > 0, axis=1)
    columns: Ints = np.minimum(place, last[rows])
    return columns


CHUNK = 1 << 21
"""Entries of a matrix of weights that are held at once."""


def split_keys(sums: Ints, left: Table, right: Table, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Index of a key on each side, drawn among the pairs that add up to each sum."""
    small, large, swapped = (left, right, False) if _count(left) <= _count(right) else (right, left, True)
    assert small.keys is not None
    assert large.keys is not None
    i = np.zeros(len(rows), dtype=np.int64)
    j = np.zeros(len(rows), dtype=np.int64)
    for start, stop in _chunks(len(sums), len(small.keys)):
        place, found = lookup(large.keys, sums[start:stop, None] - small.keys)
        matrix = np.where(found, large.weights[place], 0.0) * small.weights
        mine = np.flatnonzero((rows >= start) & (rows < stop))
        i[mine] = draw_rows(matrix, rows[mine] - start, rng)
        j[mine] = place[rows[mine] - start, i[mine]]
    return (j, i) if swapped else (i, j)


def split_bins(
    sums: Ints, left: tuple[int, Floats], right: tuple[int, Floats], rows: Ints, rng: np.random.Generator
) -> Ints:
    """Bin of the left side, drawn among the pairs of bins that add up to each sum."""
    # Several costs in one key leave most bins of a long table empty: count the full ones.
    swapped = np.count_nonzero(left[1]) > np.count_nonzero(right[1])
    (a, x), (b, y) = (right, left) if swapped else (left, right)
    bins = np.flatnonzero(x)
    shares = np.zeros(len(rows), dtype=np.int64)
    for start, stop in _chunks(len(sums), len(bins)):
        matrix = at(y, sums[start:stop, None] - (a + bins) - b) * x[bins]
        mine = np.flatnonzero((rows >= start) & (rows < stop))
        shares[mine] = a + bins[draw_rows(matrix, rows[mine] - start, rng)]
    return sums[rows] - shares if swapped else shares


def _count(table: Table) -> int:
    return 0 if table.keys is None else len(table.keys)


def _chunks(rows: int, columns: int) -> list[tuple[int, int]]:
    height = max(CHUNK // max(columns, 1), 1)
    return [(start, min(start + height, rows)) for start in range(0, rows, height)]
