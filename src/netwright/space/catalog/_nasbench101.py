"""NAS-Bench-101: a cell of up to 7 vertices and 9 edges, stacked nine times (Ying et al., ICML 2019).

The first table of trained networks: each of its 423,624 distinct cells was trained on CIFAR-10 at four lengths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np

from netwright.blocks import classifier, conv, max_pool
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._domain import integer
from netwright.space._expression import Expression, named
from netwright.space._given import given
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space
from netwright.space._tie import tied
from netwright.space._wiring import wiring
from netwright.space._wiring_forest import targets_label

__all__ = ["nasbench101", "nasbench101_from_matrix", "nasbench101_matrix", "nasbench101_networks"]

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
VERTICES, EDGES = 7, 9


def nasbench101(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """The space of the benchmark: 1,293,208 ways to write its 423,624 cells, the cell tied over three stages.

    >>> nasbench101().size()
    1293208

    scale: of the 128 channels of the first stage.
    """
    width = max(round(128 * scale), VERTICES)
    operation = oneof(
        named("conv3x3-bn-relu", conv(None, kernel=3)),
        named("conv1x1-bn-relu", conv(None, kernel=1)),
        named("maxpool3x3", max_pool(3)),
    )
    cell = wiring(operation, vertices=integer(2, VERTICES), edges=EDGES, channels=given("channels"))

    def stage(channels: int) -> Expression:
        return repeat(tied("cell", cell, channels=channels), times=3)

    network = seq(
        stem=conv(width),
        stage1=stage(width),
        down1=max_pool(2, stride=2),
        stage2=stage(2 * width),
        down2=max_pool(2, stride=2),
        stage3=stage(4 * width),
        head=classifier(classes),
    )
    return Space(network, input=input or image(3, 32, 32), name="nasbench101")


def nasbench101_matrix(design: Mapping[str, Value]) -> tuple[list[list[int]], list[str]]:
    """Adjacency matrix and operations of a design, as the benchmark writes them.

    >>> matrix = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    >>> design = nasbench101_from_matrix(matrix, ["input", "maxpool3x3", "output"])
    >>> design
    Design({'cell.vertices': 3, 'cell.to1': '2', 'cell.op1': 'maxpool3x3', 'cell.to0': '1'})
    >>> nasbench101_matrix(design)
    ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ['input', 'maxpool3x3', 'output'])
    """
    n = int(design["cell.vertices"])
    matrix = [[0] * n for _ in range(n)]
    for vertex in range(n - 1):
        for target in str(design[f"cell.to{vertex}"]).split("+"):
            matrix[vertex][int(target)] = 1
    return matrix, ["input", *(str(design[f"cell.op{i}"]) for i in range(1, n - 1)), "output"]


def nasbench101_from_matrix(matrix: Sequence[Sequence[int]], operations: Sequence[str]) -> Design:
    """Design of a matrix and its operations, without the vertices that are not on a way from input to output.

    >>> design = nasbench101_from_matrix([[0, 1, 1], [0, 0, 0], [0, 0, 0]], ["input", "maxpool3x3", "output"])
    >>> design
    Design({'cell.vertices': 2, 'cell.to0': '1'})

    Raises DesignError where the benchmark would refuse it: not upper triangular, too large, no way to the output.
    """
    n = len(operations)
    square = len(matrix) == n and all(len(row) == n for row in matrix)
    if not square or not 2 <= n <= VERTICES or not np.isin(matrix, (0, 1)).all() or np.tril(matrix).any():
        raise DesignError(
            f"a matrix must be upper triangular, of 0 and 1, over 2 to {VERTICES} operations, but got {matrix}."
        )
    edges = np.array(matrix, dtype=bool)
    if operations[0] != "input" or operations[-1] != "output" or not {*operations[1:-1]} <= {*OPERATIONS}:
        raise DesignError(f"operations must be input, some of {', '.join(OPERATIONS)}, output, but got {operations}.")
    reach = np.linalg.matrix_power(np.eye(n, dtype=int) + edges, n) > 0
    if not reach[0, -1]:
        raise DesignError(f"a way must lead from the input to the output, but none does in {matrix}.")
    kept = np.flatnonzero(reach[0] & reach[:, -1])
    edges = edges[np.ix_(kept, kept)]
    if edges.sum() > EDGES:
        raise DesignError(f"a cell must have at most {EDGES} edges, but got {edges.sum()} in {matrix}.")
    values: dict[str, Value] = {"cell.vertices": len(kept)}
    for vertex in range(len(kept) - 2, -1, -1):
        values[f"cell.to{vertex}"] = targets_label([int(j) for j in np.flatnonzero(edges[vertex])])
        if vertex:
            values[f"cell.op{vertex}"] = operations[kept[vertex]]
    return Design(values)


def nasbench101_networks(vertices: int = VERTICES, edges: int = EDGES, operations: int = len(OPERATIONS)) -> int:
    """Number of distinct cells: equal where inner vertices can be renamed so that edges and operations agree.

    >>> nasbench101_networks(vertices=5), nasbench101_networks(vertices=6)
    (2532, 64542)

    Every wiring is brought to the least of its renamings; Burnside's lemma then counts what its symmetries leave of
    the ways to put operations on it, so no cell is listed.

    With the limits of the paper there are 423,624.
    """
    return sum(_networks(n, edges, operations) for n in range(2, vertices + 1))


def _networks(n: int, most: int, operations: int) -> int:
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    bits = (np.arange(1 << len(pairs))[:, None] >> np.arange(len(pairs))) & 1
    keep = bits.sum(1) <= most
    for vertex in range(n):
        leaving, entering = ([k for k, pair in enumerate(pairs) if pair[side] == vertex] for side in (0, 1))
        keep &= (vertex == n - 1) | bits[:, leaving].any(1)
        keep &= (vertex == 0) | bits[:, entering].any(1)
    bits = bits[keep]
    own = bits @ np.array([1 << (i * n + j) for i, j in pairs])
    least, symmetries, fixed = own.copy(), np.zeros_like(own), np.zeros_like(own)
    for inner in permutations(range(1, n - 1)):
        to = (0, *inner, n - 1)
        code = bits @ np.array([1 << (to[i] * n + to[j]) for i, j in pairs])
        least = np.minimum(least, code)
        symmetries += code == own
        fixed += (code == own) * operations ** (_cycles(to) - 2)
    _, first = np.unique(least, return_index=True)
    return int((fixed[first] // symmetries[first]).sum())


def _cycles(to: Sequence[int]) -> int:
    """Cycles of a permutation, fixed points included."""
    return sum(_orbit_minimum(to, start) == start for start in range(len(to)))


def _orbit_minimum(to: Sequence[int], start: int) -> int:
    least, at = start, to[start]
    while at != start:
        least, at = min(least, at), to[at]
    return least
