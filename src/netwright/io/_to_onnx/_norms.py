"""Normalisation in ONNX."""

from __future__ import annotations

import numpy as np

from netwright.graph import Node, Tensor
from netwright.io._to_onnx._base import Writer, last, number, optional_input
from netwright.io._to_onnx._model import OnnxBuilder

__all__ = ["NORMS"]


def _rms_normalization(b: OnnxBuilder, node: Node) -> None:
    x, *_ = b.inputs_of(node)
    axes = b.value(node, "axes", list(range(node.attrs["axis"], node.output.rank)))
    square = b.step(node, "ReduceMean", b.step(node, "Mul", x, x), axes, keepdims=1)
    raised = b.step(node, "Add", square, number(b, node, "epsilon", node.attrs["epsilon"]))
    plain = b.step(node, "Div", x, b.step(node, "Sqrt", raised))
    _scale_and_shift(b, node, plain, ())


def _group_normalization(b: OnnxBuilder, node: Node) -> None:
    """Normalise each group as one channel, then scale each channel (opset 20 scales groups)."""
    groups, rank = node.attrs["num_groups"], node.output.rank
    one, zero = (b.value(node, hint, [v] * groups, node.output.dtype) for hint, v in (("one", 1), ("zero", 0)))
    grouped = b.step(node, "Reshape", b.inputs_of(node)[0], b.value(node, "groups", [0, groups, -1]))
    plain = b.step(node, "InstanceNormalization", grouped, one, zero, epsilon=node.attrs["epsilon"])
    back = b.value(node, "shape", [0, *node.output.shape[1:]])
    _scale_and_shift(b, node, b.step(node, "Reshape", plain, back), (1,) * (rank - 2))


def _scale_and_shift(b: OnnxBuilder, node: Node, x: str, trailing: tuple[int, ...]) -> None:
    """Last part of a normalisation: scale and shift, each with sizes of 1 after it."""
    factors = [("Mul", optional_input(node, 1)), ("Add", optional_input(node, 2))]
    for kind, tensor in factors:
        if tensor is not None:
            x = b.step(node, kind, x, _column(b, node, tensor, trailing))
    b.step(node, "Identity", x, to=last(b, node))


def _column(b: OnnxBuilder, node: Node, tensor: Tensor, trailing: tuple[int, ...]) -> str:
    if not trailing:
        return b.names[tensor]
    return b.step(node, "Reshape", b.names[tensor], b.value(node, "column", [-1, *trailing]))


def _with_scale(b: OnnxBuilder, node: Node) -> None:
    """Layer and instance normalisation, whose scale (and, for instances, shift) ONNX requires."""
    names = [*b.inputs_of(node), "", ""][:3]
    layer = node.op.name == "LayerNormalization"
    shape = node.output.shape[node.attrs["axis"] :] if layer else node.output.shape[1:2]
    names[1] = names[1] or b.value(node, "scale", np.ones(shape), node.output.dtype)
    if not layer:
        names[2] = names[2] or b.value(node, "shift", np.zeros(shape), node.output.dtype)
    b.emit(node.op.name, names, b.outputs_of(node), node.attrs)


def _local_response_norm(b: OnnxBuilder, node: Node) -> None:
    """ONNX Runtime has it for images and odd sizes; else the mean over channels is that of a window."""
    a, rank = node.attrs, node.output.rank
    (x,) = b.inputs_of(node)
    if rank == 4 and a["size"] % 2:
        b.emit("LRN", [x], b.outputs_of(node), a)
        return
    before = (a["size"] - 1) // 2
    pads = (before, 0, a["size"] - 1 - before, 0)
    square = b.step(node, "Mul", x, x)
    square = b.step(node, "Reshape", square, b.value(node, "shape", [0, 1, node.output.shape[1], -1]))
    mean = b.step(
        node, "AveragePool", square, kernel_shape=(a["size"], 1), pads=pads, strides=(1, 1), count_include_pad=1
    )
    mean = b.step(node, "Reshape", mean, b.value(node, "shape", [0, *node.output.shape[1:]]))
    scaled = b.step(node, "Mul", mean, number(b, node, "alpha", a["alpha"]))
    energy = b.step(node, "Add", scaled, number(b, node, "bias", a["bias"]))
    b.step(node, "Div", x, b.step(node, "Pow", energy, number(b, node, "beta", a["beta"])), to=last(b, node))


NORMS: dict[str, Writer] = {
    "GroupNormalization": _group_normalization,
    "InstanceNormalization": _with_scale,
    "LRN": _local_response_norm,
    "LayerNormalization": _with_scale,
    "RMSNormalization": _rms_normalization,
}
"""Forms by operator."""
