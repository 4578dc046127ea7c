"""Which sizes of a graph grow with the batch, found by running the shape rules with two rows instead of one."""

from __future__ import annotations

from netwright.errors import ExportError, NetwrightError
from netwright.graph import Constant, Graph, Input, Shape, Tensor

__all__ = ["describe", "shapes_at"]


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


def _fixed(tensor: Tensor) -> Tensor:
    return tensor if isinstance(tensor, Constant) else Tensor(tensor.shape, tensor.dtype)


def describe(graph: Graph, tensor: Tensor) -> str:
    """Operator, name and shapes of the node that makes a tensor, for messages."""
    node = tensor.node
    if node is None:
        return f"{graph.names[tensor]} {tensor.shape}"
    shapes = ", ".join("absent" if t is None else str(t.shape) for t in node.inputs)
    return f"{node.op.name} {graph.names[tensor]!r} on {shapes}"
