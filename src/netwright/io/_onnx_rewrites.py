"""How each operator is written in ONNX opset 20: most as they are, some with inputs for attributes, some in parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netwright.errors import ExportError
from netwright.graph import OPERATORS, Node, Tensor
from netwright.io._onnx import OnnxBuilder

__all__ = ["write"]

Writer = Callable[[OnnxBuilder, Node], None]

AS_INPUTS: dict[str, tuple[str, ...]] = {
    "Reshape": ("shape",),
    "Expand": ("shape",),
    "Slice": ("starts", "ends", "axes", "steps"),
    "Split": ("split",),
    "Squeeze": ("axes",),
    "Unsqueeze": ("axes",),
    "Tile": ("repeats",),
    "CumSum": ("axis",),
    "ReduceMean": ("axes",),
    "ReduceSum": ("axes",),
    "ReduceMax": ("axes",),
    "ReduceMin": ("axes",),
    "ReduceProd": ("axes",),
    "ReduceL2": ("axes",),
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


def _last(builder: OnnxBuilder, node: Node) -> str:
    return builder.names[node.output]


def _scalar(builder: OnnxBuilder, node: Node, hint: str, value: float) -> str:
    return builder.value(node, hint, value, node.output.dtype)


def _input(node: Node, index: int) -> Tensor | None:
    return node.inputs[index] if index < len(node.inputs) else None


def _clip(b: OnnxBuilder, node: Node) -> None:
    bounds = ["" if node.attrs[k] is None else _scalar(b, node, k, node.attrs[k]) for k in ("min", "max")]
    b.emit("Clip", [*b.inputs_of(node), *bounds], b.outputs_of(node), {})


def _pad(b: OnnxBuilder, node: Node) -> None:
    value = _scalar(b, node, "value", node.attrs["value"]) if node.attrs["mode"] == "constant" else ""
    inputs = [*b.inputs_of(node), b.value(node, "pads", node.attrs["pads"]), value]
    if not any(user.op.name == "MaxPool" for user in b.graph.users.get(node.output, ())):
        b.emit("Pad", inputs, b.outputs_of(node), {"mode": node.attrs["mode"]})
        return
    # ONNX Runtime takes a Pad into the MaxPool behind it, whose padding is -inf and not our value; so they are kept
    # apart by a step that changes nothing.
    padded = b.step(node, "Pad", *inputs, mode=node.attrs["mode"])
    b.step(node, "Max", padded, _scalar(b, node, "lowest", -np.inf), to=_last(b, node))


def _topk(b: OnnxBuilder, node: Node) -> None:
    attrs = {key: value for key, value in node.attrs.items() if key != "k"}
    b.emit("TopK", [*b.inputs_of(node), b.value(node, "k", [node.attrs["k"]])], b.outputs_of(node), attrs)


def _dropout(b: OnnxBuilder, node: Node) -> None:
    ratio = b.value(node, "ratio", node.attrs.get("ratio", 0.5), "float32")
    b.emit("Dropout", [*b.inputs_of(node), ratio], b.outputs_of(node), {})


def _cast(b: OnnxBuilder, node: Node) -> None:
    from onnx import helper

    to = helper.np_dtype_to_tensor_dtype(np.dtype(node.attrs["to"]))
    b.emit("Cast", b.inputs_of(node), b.outputs_of(node), {"to": to})


def _resize(b: OnnxBuilder, node: Node) -> None:
    """Sizes of the spatial axes only, so that the batch stays free; coordinates as PyTorch counts them."""
    nearest = node.attrs["mode"] == "nearest"
    coordinates = node.attrs.get("coordinate_transformation_mode", "asymmetric" if nearest else "half_pixel")
    attrs = {"mode": node.attrs["mode"], "coordinate_transformation_mode": coordinates}
    attrs |= {"nearest_mode": node.attrs.get("nearest_mode", "floor")} if nearest else {}
    sizes = b.value(node, "sizes", node.attrs["sizes"])
    axes = list(range(2, node.output.rank))
    b.emit("Resize", [*b.inputs_of(node), "", "", sizes], b.outputs_of(node), {**attrs, "axes": axes})


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


def _mod(b: OnnxBuilder, node: Node) -> None:
    """ONNX defines the remainder with the sign of the divisor for integers only."""
    x, y = b.inputs_of(node)
    fmod = int(node.attrs.get("fmod", 0))
    if fmod or not node.output.dtype.startswith("float"):
        b.emit("Mod", [x, y], b.outputs_of(node), {"fmod": fmod})
        return
    whole = b.step(node, "Floor", b.step(node, "Div", x, y))
    b.step(node, "Sub", x, b.step(node, "Mul", whole, y), to=_last(b, node))


def _swish(b: OnnxBuilder, node: Node) -> None:
    (x,) = b.inputs_of(node)
    alpha = node.attrs.get("alpha", 1.0)
    inner = x if alpha == 1.0 else b.step(node, "Mul", x, _scalar(b, node, "alpha", alpha))
    b.step(node, "Mul", x, b.step(node, "Sigmoid", inner), to=_last(b, node))


def _mish(b: OnnxBuilder, node: Node) -> None:
    (x,) = b.inputs_of(node)
    b.step(node, "Mul", x, b.step(node, "Tanh", b.step(node, "Softplus", x)), to=_last(b, node))


def _attention(b: OnnxBuilder, node: Node) -> None:
    """Softmax of the scaled scores. The query heads of a group stand side by side, so K and V are never copied."""
    q, k, v = (t for t in node.inputs[:3] if t is not None)
    (_, heads, rows, width), (groups, columns) = q.shape, k.shape[1:3]
    folded = [0, groups, heads // groups * rows]

    def reshape(x: str, shape: list[int], to: str | None = None) -> str:
        return b.step(node, "Reshape", x, b.value(node, "shape", shape), to=to)

    shared = groups != heads
    query = b.step(node, "Mul", b.names[q], _scalar(b, node, "scale", node.attrs["scale"]))
    query = reshape(query, [*folded, width]) if shared else query
    scores = b.step(node, "MatMul", query, b.step(node, "Transpose", b.names[k], perm=(0, 1, 3, 2)))
    if node.attrs["is_causal"] or len(node.inputs) > 3:
        scores = reshape(scores, [0, heads, rows, columns]) if shared else scores
        chances = _masked_softmax(b, node, scores, (rows, columns))
        chances = reshape(chances, [*folded, columns]) if shared else chances
    else:
        chances = b.step(node, "Softmax", scores, axis=-1)
    mixed = b.step(node, "MatMul", chances, b.names[v], to=None if shared else _last(b, node))
    if shared:
        reshape(mixed, [0, heads, rows, v.shape[3]], to=_last(b, node))


def _masked_softmax(b: OnnxBuilder, node: Node, scores: str, shape: tuple[int, int]) -> str:
    """Softmax of scores (N, H, T, S) over the keys that a query sees; zeros where it sees none."""
    dtype, mask, causal = node.output.dtype, _input(node, 3), node.attrs["is_causal"]
    if mask is not None and mask.dtype == "bool":
        earlier = b.value(node, "earlier", np.tri(*shape), "bool") if causal else None
        seen = b.names[mask] if earlier is None else b.step(node, "And", b.names[mask], earlier)
        # Not -inf: a softmax over a row of these is no number, and would make none of all that follows.
        lowest = _scalar(b, node, "lowest", float(np.finfo(dtype).min))
        chances = b.step(node, "Softmax", b.step(node, "Where", seen, scores, lowest), axis=-1)
        return b.step(node, "Where", seen, chances, _scalar(b, node, "zero", 0))
    if mask is not None:
        scores = b.step(node, "Add", scores, b.names[mask])
    if causal:
        later = np.triu(np.full(shape, -np.inf), 1)
        scores = b.step(node, "Add", scores, b.value(node, "later", later, dtype))
    return b.step(node, "Softmax", scores, axis=-1)


def _rms_normalization(b: OnnxBuilder, node: Node) -> None:
    x, *_ = b.inputs_of(node)
    axes = b.value(node, "axes", list(range(node.attrs["axis"], node.output.rank)))
    square = b.step(node, "ReduceMean", b.step(node, "Mul", x, x), axes, keepdims=1)
    raised = b.step(node, "Add", square, _scalar(b, node, "epsilon", node.attrs["epsilon"]))
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
    factors = [("Mul", _input(node, 1)), ("Add", _input(node, 2))]
    for kind, tensor in factors:
        if tensor is not None:
            x = b.step(node, kind, x, _column(b, node, tensor, trailing))
    b.step(node, "Identity", x, to=_last(b, node))


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


REWRITES: dict[str, Writer] = {
    "Attention": _attention,
    "AveragePool": _pool,
    "Cast": _cast,
    "Clip": _clip,
    "Dropout": _dropout,
    "GroupNormalization": _group_normalization,
    "InstanceNormalization": _with_scale,
    "LayerNormalization": _with_scale,
    "MaxPool": _pool,
    "Mish": _mish,
    "Mod": _mod,
    "Pad": _pad,
    "RMSNormalization": _rms_normalization,
    "Resize": _resize,
    "Swish": _swish,
    "TopK": _topk,
}
"""Operators with a form of their own."""
