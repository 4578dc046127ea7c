"""How each operator is written in ONNX opset 20: most as they are, some with inputs for attributes, some in parts."""

from __future__ import annotations

import numpy as np

from netwright.errors import ExportError
from netwright.graph import OPERATORS, Node
from netwright.io._to_onnx._base import Writer, last, number
from netwright.io._to_onnx._indexing import INDEXING
from netwright.io._to_onnx._linear import LINEAR
from netwright.io._to_onnx._model import OnnxBuilder
from netwright.io._to_onnx._norms import NORMS
from netwright.io._to_onnx._windows import WINDOWS

__all__ = ["write"]

AS_INPUTS: dict[str, tuple[str, ...]] = {
    "Reshape": ("shape",),
    "Slice": ("starts", "ends", "axes", "steps"),
    "Split": ("split",),
    "Squeeze": ("axes",),
    "Unsqueeze": ("axes",),
    "Tile": ("repeats",),
    "CumSum": ("axis",),
}
"""Attributes of the graph that ONNX reads as constant int64 inputs, in the order of those inputs."""


def write(builder: OnnxBuilder, node: Node) -> None:
    """Write one node of the graph, as itself or as its parts.

    Raises ExportError for an operator that is not in the vocabulary.
    """
    name = node.op.name
    if name not in OPERATORS:
        raise ExportError(f"{name} is not an operator of ONNX.")
    if name in REWRITES:
        REWRITES[name](builder, node)
        return
    extra = AS_INPUTS.get(name, ())
    inputs = builder.inputs_of(node) + [builder.value(node, key, _whole(node, key)) for key in extra]
    attrs = {key: value for key, value in node.attrs.items() if key not in extra}
    builder.emit(name, inputs, builder.outputs_of(node), attrs)


def _whole(node: Node, key: str) -> int | list[int]:
    """Attribute as int64 input: a scalar or a vector."""
    value = node.attrs[key]
    return value if isinstance(value, int) else list(value)


def _clip(b: OnnxBuilder, node: Node) -> None:
    bounds = ["" if node.attrs[k] is None else number(b, node, k, node.attrs[k]) for k in ("min", "max")]
    b.emit("Clip", [*b.inputs_of(node), *bounds], b.outputs_of(node), {})


def _expand(b: OnnxBuilder, node: Node) -> None:
    """Sizes that follow the second tensor are read from its shape."""
    source, *like = b.inputs_of(node)
    stated = node.attrs["shape"]
    if 0 not in stated:
        b.emit("Expand", [source, b.value(node, "shape", stated)], b.outputs_of(node), {})
        return
    sizes = [
        b.step(node, "Shape", like[0], start=axis, end=axis + 1) if size == 0 else b.value(node, "size", [size])
        for axis, size in enumerate(stated)
    ]
    shape = b.step(node, "Concat", *sizes, axis=0) if len(sizes) > 1 else sizes[0]
    b.step(node, "Expand", source, shape, to=last(b, node))


def _dropout(b: OnnxBuilder, node: Node) -> None:
    ratio = b.value(node, "ratio", node.attrs.get("ratio", 0.5), "float32")
    b.emit("Dropout", [*b.inputs_of(node), ratio], b.outputs_of(node), {})


def _cast(b: OnnxBuilder, node: Node) -> None:
    from onnx import helper

    to = helper.np_dtype_to_tensor_dtype(np.dtype(node.attrs["to"]))
    b.emit("Cast", b.inputs_of(node), b.outputs_of(node), {"to": to})


def _mod(b: OnnxBuilder, node: Node) -> None:
    """ONNX defines the remainder with the sign of the divisor for integers only."""
    x, y = b.inputs_of(node)
    fmod = int(node.attrs.get("fmod", 0))
    if fmod or not node.output.dtype.startswith("float"):
        b.emit("Mod", [x, y], b.outputs_of(node), {"fmod": fmod})
        return
    whole = b.step(node, "Floor", b.step(node, "Div", x, y))
    b.step(node, "Sub", x, b.step(node, "Mul", whole, y), to=last(b, node))


def _swish(b: OnnxBuilder, node: Node) -> None:
    (x,) = b.inputs_of(node)
    alpha = node.attrs.get("alpha", 1.0)
    inner = x if alpha == 1.0 else b.step(node, "Mul", x, number(b, node, "alpha", alpha))
    b.step(node, "Mul", x, b.step(node, "Sigmoid", inner), to=last(b, node))


def _mish(b: OnnxBuilder, node: Node) -> None:
    (x,) = b.inputs_of(node)
    b.step(node, "Mul", x, b.step(node, "Tanh", b.step(node, "Softplus", x)), to=last(b, node))


def _reduction(b: OnnxBuilder, node: Node) -> None:
    """Without axes ONNX reduces along all; here that is a function of each element."""
    (x,) = b.inputs_of(node)
    axes = node.attrs["axes"]
    if axes:
        inputs = [x, b.value(node, "axes", axes)]
        b.emit(node.op.name, inputs, b.outputs_of(node), {"keepdims": node.attrs["keepdims"]})
    elif node.op.name == "ReduceSumSquare":
        b.step(node, "Mul", x, x, to=last(b, node))
    else:
        b.step(node, "Abs" if node.op.name in ("ReduceL1", "ReduceL2") else "Identity", x, to=last(b, node))


def _where(b: OnnxBuilder, node: Node) -> None:
    """ONNX Runtime chooses between numbers only; between bits it is the condition that does."""
    condition, first, second = b.inputs_of(node)
    if node.output.dtype != "bool":
        b.emit("Where", [condition, first, second], b.outputs_of(node), {})
        return
    chosen = b.step(node, "And", condition, first)
    other = b.step(node, "And", b.step(node, "Not", condition), second)
    b.step(node, "Or", chosen, other, to=last(b, node))


REWRITES: dict[str, Writer] = {
    **INDEXING,
    **LINEAR,
    **NORMS,
    **WINDOWS,
    **dict.fromkeys((name for name in OPERATORS if name.startswith("Reduce")), _reduction),
    "Cast": _cast,
    "Clip": _clip,
    "Dropout": _dropout,
    "Expand": _expand,
    "Mish": _mish,
    "Mod": _mod,
    "Swish": _swish,
    "Where": _where,
}
"""Operators with a form of their own."""
