"""The path encoding: which ways of operators lead from the input to the output.

White, Neiswanger & Savani, "BANANAS: Bayesian optimization with neural architectures for neural architecture search",
AAAI 2021: one feature per path, truncated to the paths that a random network is likeliest to have: the short ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.errors import GraphError
from netwright.graph import Graph, Tensor
from netwright.space.encode._labels import data_inputs, label

__all__ = ["OperatorPath", "operator_paths", "path_encoding"]

OperatorPath = tuple[str, ...]


def operator_paths(graph: Graph, *, limit: int = 10_000) -> frozenset[OperatorPath]:
    """Set of the operator sequences on the ways from any input to any output.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 4, 4)
    >>> sorted(operator_paths(Graph([x], [ops.tanh(x) + x])))
    [('Add',), ('Tanh', 'Add')]

    Raises GraphError when more than `limit` different sequences lead to one node.
    """
    ways: dict[Tensor, frozenset[OperatorPath]] = dict.fromkeys(graph.inputs, frozenset({()}))
    for node in graph.nodes:
        name = label(node)
        arriving = {path for t in data_inputs(node) for path in ways.get(t, ())}
        if len(arriving) > limit:
            raise GraphError(
                f"the path encoding is for graphs with at most {limit} paths, but {len(arriving)} lead to node"
                f" {graph.names[node.output]}."
            )
        ways.update(dict.fromkeys(node.outputs, frozenset((*path, name) for path in arriving)))
    return frozenset(path for t in graph.outputs for path in ways.get(t, ()))


def path_encoding(
    graphs: Sequence[Graph],
    *,
    vocabulary: Sequence[OperatorPath] | None = None,
    length: int | None = None,
    limit: int = 10_000,
) -> tuple[NDArray[np.uint8], tuple[OperatorPath, ...]]:
    """One row per graph, one column per path, 1 where the graph has it; and the path of each column.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 4, 4)
    >>> one, two = Graph([x], [ops.tanh(x)]), Graph([x], [ops.tanh(x) + x])
    >>> path_encoding([one, two])
    (array([[0, 1, 0],
           [1, 0, 1]], dtype=uint8), (('Add',), ('Tanh',), ('Tanh', 'Add')))

    vocabulary: the columns, such as those of an earlier call; by default all paths of these graphs, shortest first.
    length: only the first so many columns. Raises GraphError when a graph has more than `limit` paths to a node.
    """
    found = [operator_paths(graph, limit=limit) for graph in graphs]
    if vocabulary is None:
        vocabulary = sorted(frozenset().union(*found), key=lambda path: (len(path), path))
    columns = tuple(vocabulary[:length])
    rows = [[path in paths for path in columns] for paths in found]
    return np.array(rows, dtype=np.uint8).reshape(len(found), len(columns)), columns
