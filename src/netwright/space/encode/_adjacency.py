"""Adjacency matrix and operator labels, the usual input of graph predictors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netwright.errors import GraphError
from netwright.graph import Graph, Tensor
from netwright.space.encode._labels import data_inputs, label

__all__ = ["adjacency"]


def adjacency(graph: Graph, *, max_nodes: int | None = None) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Who reads what, in the order of execution, and the label of each row; parameters are left out.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 4, 4)
    >>> matrix, labels = adjacency(Graph([x], [ops.relu(x) + x]))
    >>> labels
    ('Input', 'Relu', 'Add', 'Output')
    >>> matrix.tolist()
    [[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]

    Element (i, j) is 1 where row j reads row i; the matrix is upper triangular. Rows are the inputs, the nodes and
    one row per output. With max_nodes, matrix and labels are filled up with zeros and "" to that size, so that graphs
    of several sizes stack.

    Raises GraphError when the graph has more rows than max_nodes.
    """
    row: dict[Tensor, int] = {t: i for i, t in enumerate(graph.inputs)}
    for i, node in enumerate(graph.nodes, start=len(graph.inputs)):
        row.update(dict.fromkeys(node.outputs, i))
    labels = ["Input"] * len(graph.inputs) + [label(n) for n in graph.nodes] + ["Output"] * len(graph.outputs)
    size = len(labels) if max_nodes is None else max_nodes
    if len(labels) > size:
        raise GraphError(
            f"the graph must have at most max_nodes={max_nodes} inputs, nodes and outputs, but has {len(labels)}."
        )
    matrix = np.zeros((size, size), dtype=np.uint8)
    readers = [data_inputs(node) for node in graph.nodes] + [[t] for t in graph.outputs]
    for j, tensors in enumerate(readers, start=len(graph.inputs)):
        for tensor in tensors:
            if tensor in row:
                matrix[row[tensor], j] = 1
    return matrix, (*labels, *[""] * (size - len(labels)))
