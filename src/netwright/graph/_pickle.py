"""Graphs as flat tables: how one is pickled, at any depth, for a worker process of our own.

Pickling the objects as they refer to each other would recurse once per layer, and would copy operators, which
exist once.
"""

from __future__ import annotations

from typing import Any

from netwright.graph._graph import Graph
from netwright.graph._operator import OPERATORS, Opaque
from netwright.graph._scope import Scope
from netwright.graph._tensor import Constant, Input, Node, Parameter, Tensor

__all__ = ["packed", "unpacked"]

Table = list[tuple[Any, ...]]


def packed(graph: Graph) -> tuple[Table, Table, Table, list[int], list[int], dict[str, Any] | None]:
    """Scopes, leaves, nodes, numbers of the inputs and outputs, weights; a reference is a place in a table."""
    scopes: dict[Scope, int] = {}
    scope_rows: Table = []

    def place(scope: Scope | None) -> int | None:
        path: list[Scope] = []
        while scope is not None and scope not in scopes:
            path.append(scope)
            scope = scope.parent
        number = None if scope is None else scopes[scope]
        for entered in reversed(path):
            scope_rows.append((entered.name, number))
            number = scopes[entered] = len(scope_rows) - 1
        return number

    leaves = list(dict.fromkeys((*graph.inputs, *graph.leaves)))
    numbers: dict[Tensor, int] = {tensor: number for number, tensor in enumerate(leaves)}
    leaf_rows: Table = []
    for leaf in leaves:
        if isinstance(leaf, Input):
            leaf_rows.append(("input", leaf.shape, leaf.dtype, leaf.name, leaf.batch_axis))
        elif isinstance(leaf, Parameter):
            leaf_rows.append(
                ("parameter", leaf.hint, leaf.shape, leaf.init, leaf.trainable, leaf.dtype, place(leaf.scope))
            )
        elif isinstance(leaf, Constant):
            leaf_rows.append(("constant", leaf.value, leaf.dtype))
        else:
            leaf_rows.append(("tensor", leaf.shape, leaf.dtype))
    node_rows: Table = []
    for node in graph.nodes:
        reads = tuple(None if tensor is None else numbers[tensor] for tensor in node.inputs)
        makes = tuple((tensor.shape, tensor.dtype) for tensor in node.outputs)
        opaque = isinstance(node.op, Opaque)
        node_rows.append((node.op.name, opaque, reads, node.attrs, place(node.scope), makes))
        for tensor in node.outputs:
            numbers[tensor] = len(numbers)
    weights = None if graph.weights is None else dict(graph.weights)
    ends = ([numbers[tensor] for tensor in tensors] for tensors in (graph.inputs, graph.outputs))
    return scope_rows, leaf_rows, node_rows, *ends, weights  # type: ignore[return-value]


def unpacked(
    scope_rows: Table, leaf_rows: Table, node_rows: Table, inputs: list[int], outputs: list[int], weights: Any
) -> Graph:
    """The graph of what `packed` gave."""
    scopes: list[Scope] = []
    for name, parent in scope_rows:
        scopes.append(Scope(name, None if parent is None else scopes[parent]))

    def scope(number: int | None) -> Scope | None:
        return None if number is None else scopes[number]

    tensors: list[Any] = []
    for kind, *row in leaf_rows:
        if kind == "parameter":
            hint, shape, init, trainable, dtype, place = row
            tensors.append(Parameter(hint, shape, init, trainable, dtype, scope(place)))
        else:
            tensors.append({"input": Input, "constant": Constant, "tensor": Tensor}[kind](*row))
    for name, opaque, reads, attrs, within, makes in node_rows:
        op = Opaque(name, makes) if opaque else OPERATORS[name]
        node = Node(op, tuple(None if i is None else tensors[i] for i in reads), attrs, scope(within))
        node.outputs = tuple(Tensor(shape, dtype, node, i) for i, (shape, dtype) in enumerate(makes))
        tensors.extend(node.outputs)
    return Graph([tensors[i] for i in inputs], [tensors[i] for i in outputs], weights)
