"""Which sizes of a graph grow with the batch, found by running the shape rules with two rows instead of one."""

from __future__ import annotations

from netwright.errors import ExportError, NetwrightError
from netwright.graph import Constant, Graph, Input, Node, Shape, Tensor

__all__ = ["describe", "shapes_at", "with_batch"]


def shapes_at(graph: Graph, batch: int) -> dict[Tensor, Shape]:
    """Shape of every tensor when the inputs have `batch` rows.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 4, 4)
    >>> y = ops.flatten(x)
    >>> shapes_at(Graph([x], [y]), 2)[y]
    (2, 48)

    Raises ExportError that lists every node whose attributes hold for one row only, such as Reshape(shape=(1, 48)).
    """
    twins: dict[Tensor, Tensor] = {t: Input(t.shape_at(batch), t.dtype, t.name) for t in graph.inputs}
    faults = []
    for node in graph.nodes:
        for tensor in node.inputs:
            if tensor is not None:
                twins.setdefault(tensor, _fixed(tensor))
        try:
            types = node.op.infer(tuple(t and twins[t] for t in node.inputs), dict(node.attrs))
        except NetwrightError as error:
            faults.append(f"{describe(graph, node.output)}: {error}")
            types = tuple((t.shape, t.dtype) for t in node.outputs)
        for made, (shape, dtype) in zip(node.outputs, types, strict=True):
            twins[made] = Tensor(shape, dtype)
    if faults:
        raise ExportError(f"a network must run with any batch size, but with {batch} rows: {' '.join(faults)}")
    return {tensor: twin.shape for tensor, twin in twins.items()}


def with_batch(graph: Graph, batch: int) -> Graph:
    """The same network with the shapes that it has for `batch` rows, without weights: what its costs follow from.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 4, 4)
    >>> with_batch(Graph([x], [ops.relu(x)]), 8)
    <Graph 8x3x4x4 -> 8x3x4x4, 1 node, 0 parameters>

    Raises ExportError where the network runs with one row only.
    """
    if batch != 1 and any(t.batch_axis is None for t in graph.inputs):
        fixed = ", ".join(t.name for t in graph.inputs if t.batch_axis is None)
        raise ExportError(f"a network must run with any batch size, but {fixed} has no batch to be {batch}.")
    shapes = shapes_at(graph, batch)
    twins: dict[Tensor, Tensor] = {t: Input(t.shape_at(batch), t.dtype, t.name, t.batch_axis) for t in graph.inputs}
    for node in graph.nodes:
        twin = Node(node.op, tuple(t and twins.get(t, t) for t in node.inputs), node.attrs, node.scope)
        twin.outputs = tuple(Tensor(shapes[t], t.dtype, twin, t.index) for t in node.outputs)
        twins.update(zip(node.outputs, twin.outputs, strict=True))
    inputs = [made for t in graph.inputs if isinstance(made := twins[t], Input)]
    return Graph(inputs, [twins.get(t, t) for t in graph.outputs])


def _fixed(tensor: Tensor) -> Tensor:
    return tensor if isinstance(tensor, Constant) else Tensor(tensor.shape, tensor.dtype)


def describe(graph: Graph, tensor: Tensor) -> str:
    """Operator, name and shapes of the node that makes a tensor, for messages."""
    node = tensor.node
    if node is None:
        return f"{graph.names[tensor]} {tensor.shape}"
    shapes = ", ".join("absent" if t is None else str(t.shape) for t in node.inputs)
    return f"{node.op.name} {graph.names[tensor]!r} on {shapes}"
