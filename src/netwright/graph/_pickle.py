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
    scopes = _Scopes()
    leaves = list(dict.fromkeys((*graph.inputs, *graph.leaves)))
    leaf_rows = [_leaf_row(leaf, scopes) for leaf in leaves]
    numbers: dict[Tensor, int] = {tensor: number for number, tensor in enumerate(leaves)}
    node_rows: Table = []
    for node in graph.nodes:
        reads = tuple(None if tensor is None else numbers[tensor] for tensor in node.inputs)
        makes = tuple((tensor.shape, tensor.dtype) for tensor in node.outputs)
        opaque = isinstance(node.op, Opaque)
        node_rows.append((node.op.name, opaque, reads, node.attrs, scopes.number(node.scope), makes))
        for tensor in node.outputs:
            numbers[tensor] = len(numbers)
    inputs, outputs = ([numbers[tensor] for tensor in tensors] for tensors in (graph.inputs, graph.outputs))
    return scopes.rows, leaf_rows, node_rows, inputs, outputs, None if graph.weights is None else dict(graph.weights)


class _Scopes:
    """The table of scopes: the name of each, and the number of the one around it."""

    def __init__(self) -> None:
        self.rows: Table = []
        self._numbers: dict[Scope, int] = {}

    def number(self, scope: Scope | None) -> int | None:
        """Place of a scope in the table, which it and those around it enter where they are new."""
        path: list[Scope] = []
        while scope is not None and scope not in self._numbers:
            path.append(scope)
            scope = scope.parent
        number = None if scope is None else self._numbers[scope]
        for entered in reversed(path):
            self.rows.append((entered.name, number))
            number = self._numbers[entered] = len(self.rows) - 1
        return number


def _leaf_row(leaf: Tensor, scopes: _Scopes) -> tuple[Any, ...]:
    if isinstance(leaf, Input):
        return "input", leaf.shape, leaf.dtype, leaf.name, leaf.batch_axis
    if isinstance(leaf, Parameter):
        scope = scopes.number(leaf.scope)
        return "parameter", leaf.hint, leaf.shape, leaf.init, leaf.trainable, leaf.dtype, scope
    if isinstance(leaf, Constant):
        return "constant", leaf.value, leaf.dtype
    return "tensor", leaf.shape, leaf.dtype


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
