"""Pareto fronts: ranks, crowding, hypervolume, in the directions of the objectives.

Points are arrays of shape (N, M): one row a point, one column an objective, in the objective's own unit. The
sorting and the hypervolume are those of moocore, which minimises; it is imported where it is used, since it takes
longer to import than the rest of the room.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright.errors import StudyError
from netwright.strategy._base import Objective

__all__ = ["best_first", "crowding_distances", "dominates", "hypervolume", "pareto_front", "pareto_ranks"]


def pareto_ranks(points: ArrayLike, objectives: Sequence[Objective]) -> NDArray[np.int64]:
    """Non-domination rank of each point: 0 on the front, 1 on the front of the rest, and so on; shape (N,).

    >>> error, macs = Objective("error", "minimize"), Objective("macs", "minimize")
    >>> pareto_ranks([[0.1, 9.0], [0.2, 5.0], [0.3, 5.0], [0.4, 6.0]], [error, macs]).tolist()
    [0, 0, 1, 2]

    Raises StudyError when the points have another number of columns than there are objectives, or are not finite.

    Source: Deb, Pratap, Agarwal, Meyarivan 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II",
    section III-A.
    """
    import moocore

    return np.asarray(moocore.pareto_rank(_minimised(points, objectives)), dtype=np.int64)


def pareto_front(points: ArrayLike, objectives: Sequence[Objective]) -> NDArray[np.int64]:
    """Indices of the points that no other dominates, equal ones included, in the order given; shape (F,).

    >>> accuracy, macs = Objective("accuracy", "maximize"), Objective("macs", "minimize")
    >>> pareto_front([[0.9, 9.0], [0.8, 5.0], [0.7, 5.0], [0.9, 9.0]], [accuracy, macs]).tolist()
    [0, 1, 3]

    Raises StudyError as `pareto_ranks` does.
    """
    import moocore

    mask = moocore.is_nondominated(_minimised(points, objectives), keep_weakly=True)
    return np.flatnonzero(mask)


def hypervolume(points: ArrayLike, objectives: Sequence[Objective], reference: ArrayLike) -> float:
    """Measure of the region that the points dominate, up to a reference point of shape (M,).

    >>> accuracy, macs = Objective("accuracy", "maximize"), Objective("macs", "minimize")
    >>> hypervolume([[0.5, 4.0], [1.0, 8.0]], [accuracy, macs], reference=[0.0, 10.0])
    4.0

    Points that are no better than the reference in some objective add nothing. The unit is the product of the
    objectives' units.

    Raises StudyError as `pareto_ranks` does, for the reference too.

    Source: Zitzler, Thiele 1998, "Multiobjective optimization using evolutionary algorithms"; algorithms of
    moocore (Fonseca, Paquete, López-Ibáñez 2006; Guerreiro, Fonseca 2018).
    """
    import moocore

    corner = _minimised(np.reshape(np.asarray(reference, dtype=float), (1, -1)), objectives)[0]
    return float(moocore.hypervolume(_minimised(points, objectives), ref=corner))


def crowding_distances(points: ArrayLike, ranks: ArrayLike | None = None) -> NDArray[np.float64]:
    """How far each point is from its neighbours on its own front, inf at the ends; shape (N,).

    >>> crowding_distances([[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]]).tolist()
    [inf, 2.0, inf]

    ranks: of shape (N,); points of one rank are neighbours of each other only. None means one front.

    Source: Deb et al. 2002 (NSGA-II), section III-B.
    """
    table = np.asarray(points, dtype=float)
    fronts = np.zeros(len(table), dtype=np.int64) if ranks is None else np.asarray(ranks)
    distances = np.zeros(len(table))
    for rank in np.unique(fronts):
        members = np.flatnonzero(fronts == rank)
        distances[members] = _crowding_of_front(table[members])
    return distances


def best_first(points: ArrayLike, objectives: Sequence[Objective]) -> NDArray[np.int64]:
    """Indices of the points by rank, then by crowding with the loneliest first, then in the order given; shape (N,).

    This is how strategies made for one objective order the outcomes of several. With one objective it sorts.

    >>> best_first([[0.7], [0.9], [0.8]], [Objective("accuracy", "maximize")]).tolist()
    [1, 2, 0]

    Raises StudyError as `pareto_ranks` does.

    Source: the crowded-comparison operator of Deb et al. 2002 (NSGA-II), section III-B.
    """
    ranks = pareto_ranks(points, objectives)
    # Points of one rank are equal where there is one objective, and no end of a front is better than the other.
    crowding = np.zeros(len(ranks)) if len(objectives) == 1 else crowding_distances(points, ranks)
    return np.asarray(np.lexsort((-crowding, ranks)), dtype=np.int64)


def dominates(a: Sequence[float], b: Sequence[float], objectives: Sequence[Objective]) -> bool:
    """Say whether `a` is at least as good as `b` in every objective and better in one.

    >>> dominates([0.9, 5.0], [0.8, 5.0], [Objective("accuracy", "maximize"), Objective("macs", "minimize")])
    True
    """
    gains = [objective.sign * (y - x) for x, y, objective in zip(a, b, objectives, strict=True)]
    return min(gains) >= 0 and max(gains) > 0


def _minimised(points: ArrayLike, objectives: Sequence[Objective]) -> NDArray[np.float64]:
    table = np.asarray(points, dtype=float)
    if table.size == 0:
        return np.empty((0, len(objectives)))
    if table.ndim != 2 or table.shape[1] != len(objectives):
        raise StudyError(
            f"points have one column for each of {len(objectives)} objectives, but their shape is {table.shape}."
        )
    if not np.isfinite(table).all():
        raise StudyError("points on a front must be finite, but some are inf or nan.")
    signs: NDArray[np.float64] = np.array([objective.sign for objective in objectives], dtype=float)
    return table * signs


def _crowding_of_front(front: NDArray[np.float64]) -> NDArray[np.float64]:
    distances = np.zeros(len(front))
    # Scaled to [-1, 1] first: the spread of values near the largest float would overflow.
    largest = np.abs(front).max(axis=0)
    for column in (front / np.where(largest > 0, largest, 1)).T:
        order = np.argsort(column, kind="stable")
        spread = column[order[-1]] - column[order[0]]
        distances[order[[0, -1]]] = np.inf
        if spread > 0:
            distances[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / spread
    return distances
