"""Pooling, padding and interpolation in ONNX."""

from __future__ import annotations

import numpy as np

from netwright.errors import ExportError
from netwright.graph import Node
from netwright.io._to_onnx._base import Writer, last, number
from netwright.io._to_onnx._model import OnnxBuilder

__all__ = ["WINDOWS"]


def _pool(b: OnnxBuilder, node: Node) -> None:
    """Ceil mode as floor mode with more padding at the end.

    Whether a last window that starts in the padding is dropped differs between versions of ONNX; ours is always
    dropped. Only a mean that counts the padding, but not what a window reads beyond it, needs the attribute.
    """
    attrs, source = dict(node.attrs), node.inputs[0]
    if any(pad >= side for pad, side in zip(attrs["pads"], attrs["kernel_shape"] * 2, strict=True)):
        raise ExportError(f"pads {attrs['pads']} must be smaller than the window {attrs['kernel_shape']}.")
    if attrs.pop("ceil_mode", 0) and source is not None:
        rank = len(attrs["kernel_shape"])
        begins, ends = attrs["pads"][:rank], attrs["pads"][rank:]
        reach = [
            (out - 1) * attrs["strides"][i] + attrs["dilations"][i] * (attrs["kernel_shape"][i] - 1) + 1
            for i, out in enumerate(node.output.shape[2:])
        ]
        needed = [max(r - size - p, 0) for r, size, p in zip(reach, source.shape[2:], begins, strict=True)]
        beyond = attrs.get("count_include_pad") and any(n > e for n, e in zip(needed, ends, strict=True))
        # ONNX Runtime takes no padding as large as the window.
        wide = any(n >= k for n, k in zip(needed, attrs["kernel_shape"], strict=True))
        if beyond or wide:
            attrs["ceil_mode"] = 1
        else:
            attrs["pads"] = (*begins, *needed)
    b.emit(node.op.name, b.inputs_of(node), b.outputs_of(node), attrs)


def _global_pool(kind: str) -> Writer:
    """ONNX Runtime has no global pool of float64 on a CPU, but the reduction that it is."""

    def write(b: OnnxBuilder, node: Node) -> None:
        if node.output.dtype != "float64":
            b.emit(node.op.name, b.inputs_of(node), b.outputs_of(node), {})
            return
        axes = b.value(node, "axes", list(range(2, node.output.rank)))
        b.step(node, kind, *b.inputs_of(node), axes, to=last(b, node), keepdims=1)

    return write


def _resize(b: OnnxBuilder, node: Node) -> None:
    """Sizes of the spatial axes only, so that the batch stays free; coordinates as PyTorch counts them."""
    nearest = node.attrs["mode"] == "nearest"
    coordinates = node.attrs.get("coordinate_transformation_mode", "asymmetric" if nearest else "half_pixel")
    attrs = {"mode": node.attrs["mode"], "coordinate_transformation_mode": coordinates}
    attrs |= {"nearest_mode": node.attrs.get("nearest_mode", "floor")} if nearest else {}
    sizes = b.value(node, "sizes", node.attrs["sizes"])
    axes = list(range(2, node.output.rank))
    b.emit("Resize", [*b.inputs_of(node), "", "", sizes], b.outputs_of(node), {**attrs, "axes": axes})


def _pad(b: OnnxBuilder, node: Node) -> None:
    value = number(b, node, "value", node.attrs["value"]) if node.attrs["mode"] == "constant" else ""
    inputs = [*b.inputs_of(node), b.value(node, "pads", node.attrs["pads"]), value]
    whole = not node.output.dtype.startswith("float")
    if whole or not any(user.op.name == "MaxPool" for user in b.graph.users.get(node.output, ())):
        b.emit("Pad", inputs, b.outputs_of(node), {"mode": node.attrs["mode"]})
        return
    # ONNX Runtime takes a Pad into the MaxPool behind it, whose padding is -inf and not our value; so they are kept
    # apart by a step that changes nothing.
    padded = b.step(node, "Pad", *inputs, mode=node.attrs["mode"])
    b.step(node, "Max", padded, number(b, node, "lowest", -np.inf), to=last(b, node))


WINDOWS: dict[str, Writer] = {
    "AveragePool": _pool,
    "GlobalAveragePool": _global_pool("ReduceMean"),
    "GlobalMaxPool": _global_pool("ReduceMax"),
    "LpPool": _pool,
    "MaxPool": _pool,
    "Pad": _pad,
    "Resize": _resize,
}
"""Forms by operator."""
