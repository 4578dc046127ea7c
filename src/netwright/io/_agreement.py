"""How far two implementations of one graph are apart on random inputs."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright._optional import require
from netwright.graph import Graph, Input

if TYPE_CHECKING:
    import onnx
    from torch import nn

__all__ = [
    "LOSS",
    "difference",
    "in_float64",
    "random_inputs",
    "rounding_error",
    "run_onnx",
    "run_torch",
    "run_widened",
]

Arrays = Sequence[NDArray[Any]]
LOSS = 4
"""Multiple of what a network loses to float32 that two implementations may be apart: each loses in its own way."""


def random_inputs(graph: Graph, batch: int, rng: np.random.Generator) -> list[NDArray[Any]]:
    """Array for each input: standard normal floats, fair bits, and whole numbers that every lookup holds."""
    lookups = [n for n in graph.nodes if n.op.name in ("Gather", "GatherElements")]
    rows = min((n.inputs[0].shape[n.attrs["axis"]] for n in lookups if n.inputs[0] is not None), default=8)

    def draw(tensor: Input) -> NDArray[Any]:
        shape = tensor.shape_at(batch)
        if tensor.dtype.startswith("float"):
            return rng.standard_normal(shape).astype(tensor.dtype)
        return rng.integers(0, 2 if tensor.dtype == "bool" else rows, shape).astype(tensor.dtype)

    return [draw(tensor) for tensor in graph.inputs]


def run_torch(module: nn.Module, inputs: Arrays) -> list[NDArray[Any]]:
    """Outputs of a module in evaluation mode."""
    torch = require("torch", extra="train")
    training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            result = module(*(torch.from_numpy(a) for a in inputs))
    finally:
        module.train(training)
    return [t.detach().numpy() for t in (result if isinstance(result, tuple) else (result,))]


def rounding_error(module: nn.Module, inputs: Arrays) -> float:
    """What a module loses to float32 or float16: the difference of its outputs from those in float64."""
    return difference(run_torch(module, inputs), in_float64(module, inputs))


def in_float64(module: nn.Module, inputs: Arrays) -> list[NDArray[Any]]:
    """Outputs of a module that computes in float64."""
    return run_torch(copy.deepcopy(module).double(), [_wide(array) for array in inputs])


def run_onnx(model: onnx.ModelProto | bytes, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Outputs of an ONNX model in ONNX Runtime, on one thread of the CPU."""
    runtime = require("onnxruntime", extra="onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    content = model if isinstance(model, bytes) else model.SerializeToString()
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    outputs: list[NDArray[Any]] = session.run(None, dict(inputs))
    return outputs


def run_widened(model: onnx.ModelProto, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Outputs of an ONNX model with float64 in place of every float32, by the onnx package's own implementation.

    Slow, and free of what float32 loses: what differs here differs in meaning.
    """
    import onnx
    from onnx import AttributeProto, TensorProto
    from onnx.reference import ReferenceEvaluator

    wide = copy.deepcopy(model)
    tensors = list(wide.graph.initializer)
    for node in wide.graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                tensors.append(attribute.t)
            if (node.op_type, attribute.name, attribute.i) == ("Cast", "to", TensorProto.FLOAT):
                attribute.i = TensorProto.DOUBLE
    for tensor in tensors:
        if tensor.data_type == TensorProto.FLOAT:
            array = onnx.numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    for value in [*wide.graph.input, *wide.graph.output]:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
    outputs: Any = ReferenceEvaluator(wide).run(None, {name: _wide(array) for name, array in inputs.items()})
    return list(outputs)


def _wide(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def difference(first: Arrays, second: Arrays) -> float:
    """Largest difference of two lists of arrays, relative to the largest finite magnitude in each array.

    Whole numbers, bits, infinities and NaN must be equal and shapes the same, else the difference is infinite.

    >>> difference([np.array([1.0, 4.0])], [np.array([1.0, 5.0])])
    0.2
    """
    pairs = zip(first, second, strict=True)
    return max((_difference(np.asarray(a), np.asarray(b)) for a, b in pairs), default=0.0)


def _difference(a: NDArray[Any], b: NDArray[Any]) -> float:
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return float("inf")
    if a.dtype.kind != "f":
        return 0.0 if (a == b).all() else float("inf")
    odd = ~np.isfinite(a)
    if not np.array_equal(a[odd], b[odd], equal_nan=True) or not np.isfinite(b[~odd]).all():
        return float("inf")
    x, y = a[~odd].astype(np.float64), b[~odd].astype(np.float64)
    scale = max(float(np.abs(x).max(initial=0.0)), float(np.abs(y).max(initial=0.0)))
    return round(float(np.abs(x - y).max(initial=0.0)) / scale, 12) if scale else 0.0
