"""Networks as points whose distances are those between their graphs (Tuli et al. 2023, FlexiBERT)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from netwright.graph import Graph, Node
from netwright.space.encode._edit_distance import edit_distance

__all__ = ["distance_matrix", "placed", "similarity_embedding"]

Matrix = NDArray[np.float64]


def distance_matrix(graphs: Sequence[Graph], *, weight: Callable[[Node], float] | None = None) -> Matrix:
    """Edit distances between all pairs, shape (graphs, graphs).

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 4, 4)
    >>> distance_matrix([Graph([x], [ops.relu(x)]), Graph([x], [ops.tanh(x)])]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    matrix = np.zeros((len(graphs), len(graphs)))
    for i, j in combinations(range(len(graphs)), 2):
        matrix[i, j] = matrix[j, i] = edit_distance(graphs[i], graphs[j], weight=weight)
    return matrix


def similarity_embedding(graphs: Sequence[Graph], dimensions: int = 16, *, steps: int = 100) -> Matrix:
    """A point for each network, shape (graphs, dimensions), as far from the others as the graphs are.

    Least squares over all pairs of the distance between the points and that between the graphs, which is what Tuli et
    al. 2023 train their embeddings for.

    >>> import numpy as np
    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 4, 4)
    >>> points = similarity_embedding([Graph([x], [f(x)]) for f in (ops.relu, ops.tanh, ops.sigmoid)], 2)
    >>> np.linalg.norm(points[0] - points[1]).round(3)
    np.float64(1.0)

    steps: at most; the points are the same for every run.
    """
    return placed(distance_matrix(graphs), dimensions, steps=steps)


def placed(distances: Matrix, dimensions: int, *, steps: int = 100) -> Matrix:
    """Points with given distances: classical scaling, then majorisation of the squared error (de Leeuw 1977).

    >>> points = placed(np.array([[0.0, 3.0], [3.0, 0.0]]), 1)
    >>> abs(points[0, 0] - points[1, 0]).round(6)
    np.float64(3.0)
    """
    count = len(distances)
    points = _classical(distances, dimensions)
    for _ in range(steps if count > 1 else 0):
        apart = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
        ratios = np.divide(distances, apart, out=np.zeros_like(apart), where=apart > 1e-12)
        moved = (ratios.sum(1)[:, None] * points - ratios @ points) / count
        done = np.abs(moved - points).max() < 1e-9
        points = moved
        if done:
            break
    return points


def _classical(distances: Matrix, dimensions: int) -> Matrix:
    """Principal axes of the doubly centred squared distances (Torgerson 1952); columns of zeros beyond them."""
    count = len(distances)
    if count == 0:
        return np.zeros((0, dimensions))
    centre = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-centre @ distances**2 @ centre / 2)
    kept = np.argsort(values)[::-1][:dimensions]
    points = np.zeros((count, dimensions))
    points[:, : len(kept)] = vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0))
    return points
