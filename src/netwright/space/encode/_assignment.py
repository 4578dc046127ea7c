"""Cheapest pairing of rows with columns (Kuhn 1955; in the form of shortest augmenting paths)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["assignment"]


def assignment(costs: NDArray[np.float64]) -> NDArray[np.intp]:
    """Column of each row of a square matrix, so that the sum of the costs is least.

    >>> assignment(np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0], [3.0, 2.0, 2.0]])).tolist()
    [1, 0, 2]
    """
    size = len(costs)
    # Column 0 stands for none: the search for a column of each row starts there.
    row_of, rows, columns = np.zeros(size + 1, dtype=np.intp), np.zeros(size + 1), np.zeros(size + 1)
    for row in range(1, size + 1):
        row_of[0], at = row, 0
        least, came = np.full(size + 1, np.inf), np.zeros(size + 1, dtype=np.intp)
        done = np.zeros(size + 1, dtype=bool)
        while row_of[at]:
            done[at] = True
            reached = costs[row_of[at] - 1] - rows[row_of[at]] - columns[1:]
            better = ~done[1:] & (reached < least[1:])
            least[1:][better], came[1:][better] = reached[better], at
            at = int(np.where(done, np.inf, least)[1:].argmin()) + 1
            step = least[at]
            rows[row_of[done]] += step
            columns[done] -= step
            least[~done] -= step
        while at:
            row_of[at], at = row_of[came[at]], came[at]
    found = np.empty(size, dtype=np.intp)
    found[row_of[1:] - 1] = np.arange(size)
    return found
