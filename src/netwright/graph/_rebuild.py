"""A graph from nodes that read something else now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netwright.graph._batch import Inputs
from netwright.graph._graph import Graph
from netwright.graph._operator import Operator
from netwright.graph._tensor import Node, Tensor

__all__ = ["rebuilt"]


def rebuilt(graph: Graph, steps: Iterable[tuple[Node, Operator, Inputs]], outputs: Sequence[Tensor]) -> Graph:
    """Graph of these nodes in topological order, each with an operator and what it reads; weights of `graph`.

    A node that stays as it is remains the same object, as all parameters do.
    """
    built: dict[Tensor | None, Tensor] = {}
    for node, op, inputs in steps:
        now = tuple([built.get(t, t) for t in inputs])
        if now != node.inputs or op is not node.op:
            new = Node(op, now, dict(node.attrs), node.scope)
            new.outputs = tuple([Tensor(t.shape, t.dtype, new, t.index) for t in node.outputs])
            built.update(zip(node.outputs, new.outputs, strict=True))
    made = Graph(graph.inputs, [built.get(t, t) for t in outputs])
    if graph.weights is None:
        return made
    return made.with_weights({name: graph.weights[graph.names[p]] for name, p in made.parameters.items()})
