"""ONNX out: any graph as an ONNX model with a batch of any size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright._optional import require
from netwright.errors import ExportError
from netwright.graph import Constant, Graph, Node, Parameter, Shape, Tensor
from netwright.io._batch import describe, shapes_at
from netwright.io._initial import initial_weights

if TYPE_CHECKING:
    import onnx

__all__ = ["OnnxBuilder", "save_onnx", "to_onnx"]

DTYPES = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")
"""Element types that are written; the others have no kernels in ONNX Runtime on a CPU."""


class OnnxBuilder:
    """Nodes and initializers of an ONNX graph under construction; the rewrites write through it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes = shapes_at(graph, 2)
        self.names = dict(graph.names)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._taken = set(self.names.values())

    def fresh(self, wanted: str) -> str:
        """Name that no tensor has yet."""
        name, count = wanted, 0
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._taken.add(name)
        return name

    def value(self, node: Node, hint: str, value: ArrayLike, dtype: str = "int64") -> str:
        """Write an array that belongs to a node as an initializer, and return its name."""
        name = self.fresh(f"{self.names[node.output]}.{hint}")
        self.array(name, np.asarray(value, dtype=dtype))
        return name

    def array(self, name: str, value: NDArray[Any]) -> None:
        """Write an initializer."""
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))

    def step(self, node: Node, kind: str, *inputs: str, to: str | None = None, **attrs: Any) -> str:
        """Write one ONNX node; its output is `to`, or a new name under the graph node's own."""
        output = to or self.fresh(f"{self.names[node.output]}.{kind.lower()}")
        self.emit(kind, inputs, [output], attrs)
        return output

    def emit(self, kind: str, inputs: Any, outputs: list[str], attrs: Mapping[str, Any]) -> None:
        """Write one ONNX node with all its names given."""
        from onnx import helper

        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        self.nodes.append(helper.make_node(kind, given, outputs, name=outputs[0], **attrs))

    def inputs_of(self, node: Node) -> list[str]:
        """Names of what a node reads; the empty name for an absent optional input."""
        return ["" if t is None else self.names[t] for t in node.inputs]

    def outputs_of(self, node: Node) -> list[str]:
        """Names of what a node makes."""
        return [self.names[t] for t in node.outputs]


def to_onnx(graph: Graph, *, weights: Mapping[str, NDArray[Any]] | None = None, opset: int = 20) -> onnx.ModelProto:
    """ONNX model of a graph, checked by `onnx.checker`, with a dynamic first dimension named `batch`.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> model = to_onnx(Graph([x], [ops.relu(x)]))
    >>> [node.op_type for node in model.graph.node], model.opset_import[0].version
    (['Relu'], 20)

    weights: array for each parameter by its name; if none, the graph's own, or else the initial ones (seed 0).
    opset: version of the ONNX operator set, 20 or later. Operators that came after 20, and those for which ONNX
        Runtime has no kernel on a CPU, are written as several operators of version 20.

    Raises ExportError that lists every node that ONNX cannot express or that holds for a batch of one only.
    """
    require("onnx", extra="onnx")
    import onnx
    from onnx import helper

    newest = onnx.defs.onnx_opset_version()
    if not 20 <= opset <= newest:
        raise ExportError(f"opset must be in 20..{newest}, but got {opset}.")
    builder = OnnxBuilder(graph)
    _write_leaves(builder, weights)
    _write_nodes(builder)
    inputs = [_value_info(t.name if t.name == graph.names[t] else graph.names[t], t, builder) for t in graph.inputs]
    outputs = [_value_info(name, t, builder) for name, t in _write_outputs(builder)]
    written = helper.make_graph(builder.nodes, "netwright", inputs, outputs, builder.initializers)
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(
        written,
        producer_name="netwright",
        opset_imports=imports,
        ir_version=helper.find_min_ir_version_for(imports),
    )
    _check(model)
    return model


def save_onnx(
    graph: Graph, path: str | Path, *, weights: Mapping[str, NDArray[Any]] | None = None, opset: int = 20
) -> Path:
    """Write `to_onnx(graph)` to a file and return its path.

    >>> import tempfile
    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Graph.from_onnx(save_onnx(Graph([x], [ops.relu(x)]), f"{folder}/relu.onnx"))
    <Graph 1x3x8x8 -> 1x3x8x8, 1 node, 0 parameters>

    Raises ExportError as `to_onnx` does.
    """
    model = to_onnx(graph, weights=weights, opset=opset)
    Path(path).write_bytes(model.SerializeToString())
    return Path(path)


def _check(model: onnx.ModelProto) -> None:
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"the ONNX checker must accept the model, but says: {error}") from error


def _write_leaves(builder: OnnxBuilder, weights: Mapping[str, NDArray[Any]] | None) -> None:
    graph = builder.graph
    given = weights if weights is not None else graph.weights
    arrays = graph.with_weights(given).weights if given is not None else initial_weights(graph)
    if arrays is None:
        raise ExportError("weights must be given for every parameter, but there are none.")
    unknown = [describe(graph, t) for t in graph.names if t.dtype not in DTYPES]
    if unknown:
        raise ExportError(f"element types must be among {', '.join(DTYPES)}, but not so in: {'; '.join(unknown)}.")
    for tensor in graph.leaves:
        name = builder.names[tensor]
        if isinstance(tensor, Parameter):
            builder.array(name, np.asarray(arrays[name]).astype(tensor.dtype, copy=False))
        elif isinstance(tensor, Constant):
            builder.array(name, np.asarray(tensor.value))


def _write_nodes(builder: OnnxBuilder) -> None:
    from netwright.io._to_onnx._rewrites import write

    faults = []
    for node in builder.graph.nodes:
        try:
            write(builder, node)
        except ExportError as error:
            faults.append(f"{describe(builder.graph, node.output)}: {error}")
    if faults:
        raise ExportError("every node must have an ONNX form, but these have none: " + " ".join(faults))


def _write_outputs(builder: OnnxBuilder) -> list[tuple[str, Tensor]]:
    """Outputs by unique names; what no node makes, or what is an output twice, goes through an Identity."""
    written: list[tuple[str, Tensor]] = []
    for tensor in builder.graph.outputs:
        name = builder.names[tensor]
        if tensor.node is None or any(tensor is other for _, other in written):
            copy = builder.fresh(f"{name}.output")
            builder.emit("Identity", [name], [copy], {})
            name = copy
        written.append((name, tensor))
    return written


def _value_info(name: str, tensor: Tensor, builder: OnnxBuilder) -> onnx.ValueInfoProto:
    from onnx import helper

    element = helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))
    return helper.make_tensor_value_info(name, element, _symbolic(tensor.shape, builder.shapes.get(tensor)))


def _symbolic(one: Shape, two: Shape | None) -> list[int | str | None]:
    """Shape with `batch` where a size is that of the batch, and without a size where it is a multiple of it."""
    pairs = zip(one, two or one, strict=True)
    return [a if a == b else "batch" if (a, b) == (1, 2) else None for a, b in pairs]
