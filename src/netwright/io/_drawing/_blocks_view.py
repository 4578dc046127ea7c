"""A graph as it is drawn: what is computed from weights alone, such as a transposed matrix, counts as a weight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netwright.graph import Constant, Graph, Init, Node, Opaque, Parameter, Tensor

__all__ = ["Prepared", "Users", "as_drawn", "users_of_weights", "weights_in"]

Users = Mapping[Parameter, set[Node]]
"""The nodes that read each weight, straight or prepared."""


class Prepared(Parameter):
    """A value that nodes make from weights and constants; `made_of` are the weights."""

    __slots__ = ("made_of",)

    def __init__(self, tensor: Tensor, made_of: tuple[Parameter, ...]) -> None:
        super().__init__("prepared", tensor.shape, Init(), any(p.trainable for p in made_of), tensor.dtype)
        self.made_of = made_of


def weights_in(node: Node) -> Iterator[Parameter]:
    """The weights that a node reads, straight or prepared."""
    for tensor in node.inputs:
        if isinstance(tensor, Prepared):
            yield from tensor.made_of
        elif isinstance(tensor, Parameter):
            yield tensor


def users_of_weights(graph: Graph) -> Users:
    """The nodes that read each weight of a graph."""
    users: dict[Parameter, set[Node]] = {}
    for node in graph.nodes:
        for weight in weights_in(node):
            users.setdefault(weight, set()).add(node)
    return users


def as_drawn(graph: Graph) -> Graph:
    """The graph without the nodes that depend on no input; the graph itself where there are none.

    >>> from netwright.graph import Input, ops, parameter
    >>> x, weight = Input((1, 16, 8)), parameter("weight", (4, 8))
    >>> graph = Graph([x], [ops.matmul(x, ops.transpose(weight, perm=(1, 0)))])
    >>> [node.op.name for node in as_drawn(graph).nodes]
    ['MatMul']
    """
    seen: dict[Tensor, Tensor] = {}
    for node in graph.nodes:
        inputs = tuple(t if t is None else seen.get(t, t) for t in node.inputs)
        if _is_preparation(node, inputs) and not set(node.outputs) & set(graph.outputs):
            made_of = tuple(dict.fromkeys(weights_in(Node(node.op, inputs, node.attrs, node.scope))))
            seen.update((t, Prepared(t, made_of)) for t in node.outputs)
        else:
            seen.update(zip(node.outputs, _copied(node, inputs), strict=True))
    if not any(isinstance(t, Prepared) for t in seen.values()):
        return graph
    return Graph(graph.inputs, [seen.get(t, t) for t in graph.outputs])


def _is_preparation(node: Node, inputs: tuple[Tensor | None, ...]) -> bool:
    # What Expand reads beside its first input only says how many rows there are.
    read = inputs[:1] if node.op.name == "Expand" else inputs
    fixed = all(isinstance(t, Parameter | Constant | None) for t in read)
    return fixed and not isinstance(node.op, Opaque)


def _copied(node: Node, inputs: tuple[Tensor | None, ...]) -> tuple[Tensor, ...]:
    copy = Node(node.op, inputs, node.attrs, node.scope)
    copy.outputs = tuple(Tensor(t.shape, t.dtype, copy, i) for i, t in enumerate(node.outputs))
    return copy.outputs
