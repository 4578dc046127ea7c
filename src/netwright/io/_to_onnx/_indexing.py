"""Reading and writing by index in ONNX."""

from __future__ import annotations

import numpy as np

from netwright.graph import Node
from netwright.io._to_onnx._base import Writer, last
from netwright.io._to_onnx._model import OnnxBuilder

__all__ = ["INDEXING"]


def _topk(b: OnnxBuilder, node: Node) -> None:
    """In order also where none is asked for, so that every runtime gives the same."""
    attrs = {key: value for key, value in node.attrs.items() if key not in ("k", "sorted")}
    b.emit("TopK", [*b.inputs_of(node), b.value(node, "k", [node.attrs["k"]])], b.outputs_of(node), attrs)


def _by_position(b: OnnxBuilder, node: Node) -> None:
    """GatherND and ScatterND read int64 only."""
    data, indices, *updates = b.inputs_of(node)
    b.emit(node.op.name, [data, _int64(b, node, indices, 1), *updates], b.outputs_of(node), node.attrs)


def _int64(b: OnnxBuilder, node: Node, name: str, index: int) -> str:
    from onnx import TensorProto

    tensor = node.inputs[index]
    if tensor is None or tensor.dtype == "int64":
        return name
    wide = b.fresh(f"{name}.int64")
    b.emit("Cast", [name], [wide], {"to": TensorProto.INT64})
    return wide


def _one_hot(b: OnnxBuilder, node: Node) -> None:
    """ONNX Runtime has kernels for two of the element types; the others are cast."""
    from onnx import helper

    wanted = node.attrs["dtype"]
    made = wanted if wanted in ("float32", "int64") else "int64"
    inputs = [
        _int64(b, node, b.inputs_of(node)[0], 0),
        b.value(node, "depth", node.attrs["depth"]),
        b.value(node, "values", [0, 1], made),
    ]
    if made == wanted:
        b.emit("OneHot", inputs, b.outputs_of(node), {"axis": node.attrs["axis"]})
        return
    hot = b.step(node, "OneHot", *inputs, axis=node.attrs["axis"])
    b.emit("Cast", [hot], [last(b, node)], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(wanted))})


def _trilu(b: OnnxBuilder, node: Node) -> None:
    inputs = [*b.inputs_of(node), b.value(node, "k", node.attrs["k"])]
    b.emit("Trilu", inputs, b.outputs_of(node), {"upper": node.attrs["upper"]})


INDEXING: dict[str, Writer] = {
    "GatherND": _by_position,
    "OneHot": _one_hot,
    "ScatterND": _by_position,
    "TopK": _topk,
    "Trilu": _trilu,
}
"""Forms by operator."""
