"""Converters of operators that move elements: shapes, slices, padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netwright.graph import OPERATORS, Tensor, ops
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._values import Known

__all__ = ["CONVERTERS"]

Converter = Callable[[Call], Any]


def _reshape(call: Call) -> Tensor:
    x, shape = call.tensor(0), call.ints(1)
    call.refuse(bool(call.attrs.get("allowzero", 0)) and 0 in shape, "it makes an empty tensor")
    result: Tensor = ops.reshape(x, shape=shape)
    return result


def _flatten(call: Call) -> Tensor:
    result: Tensor = ops.flatten(call.tensor(0), axis=call.attrs.get("axis", 1))
    return result


def _transpose(call: Call) -> Tensor:
    x = call.tensor(0)
    result: Tensor = ops.transpose(x, perm=call.attrs.get("perm", tuple(reversed(range(x.rank)))))
    return result


def _concat(call: Call) -> Tensor:
    """Empty parts, which some writers leave, are left out."""
    parts = [i for i, v in enumerate(call.inputs) if not (isinstance(v, Known) and 0 in v.shape)]
    tensors = [call.tensor(i) for i in parts]
    return tensors[0] if len(tensors) == 1 else ops.concat(*tensors, axis=call.attrs["axis"])


def _split(call: Call) -> Any:
    """Sizes as attribute, as input, or as equal parts of which the last may be smaller."""
    x, axis = call.tensor(0), call.attrs.get("axis", 0)
    sizes = call.ints_of("split", 1)
    if sizes is None:
        count, whole = call.attrs.get("num_outputs", len(call.used)), x.shape[axis]
        each = -(-whole // count)
        sizes = tuple(min(each, whole - each * i) for i in range(count))
    return ops.split(x, split=sizes, axis=axis)


def _slice(call: Call) -> Tensor:
    x = call.tensor(0)
    if "starts" in call.attrs:
        starts, ends = call.attrs["starts"], call.attrs["ends"]
        axes, steps = call.attrs.get("axes", tuple(range(len(starts)))), (1,) * len(starts)
    else:
        starts, ends = call.ints(1), call.ints(2)
        axes = call.ints(3) if call.has(3) else tuple(range(len(starts)))
        steps = call.ints(4) if call.has(4) else (1,) * len(starts)
    result: Tensor = ops.slice_(x, starts=starts, ends=ends, axes=axes, steps=steps)
    return result


def _pad(call: Call) -> Tensor:
    x, pads = call.tensor(0), call.ints_of("pads", 1) or ()
    mode = call.attrs.get("mode", "constant")
    value = call.number(2) if call.has(2) and mode == "constant" else call.attrs.get("value", 0.0)
    if call.has(3):
        axes, half = call.ints(3), len(pads) // 2
        full = [0] * 2 * x.rank
        for i, axis in enumerate(axes):
            full[axis % x.rank], full[x.rank + axis % x.rank] = pads[i], pads[half + i]
        pads = tuple(full)
    result: Tensor = ops.pad(x, pads=pads, mode=mode, value=value)
    return result


def _expand(call: Call) -> Tensor:
    x, shape = call.tensor(0), call.ints(1)
    result: Tensor = ops.expand(x, shape=shape)
    return result


def _tile(call: Call) -> Tensor:
    result: Tensor = ops.tile(call.tensor(0), repeats=call.ints(1))
    return result


def _squeeze(call: Call) -> Tensor:
    x, axes = call.tensor(0), call.ints_of("axes", 1)
    chosen = tuple(i for i, size in enumerate(x.shape) if size == 1) if axes is None else axes
    result: Tensor = ops.squeeze(x, axes=chosen)
    return result


def _unsqueeze(call: Call) -> Tensor:
    result: Tensor = ops.unsqueeze(call.tensor(0), axes=call.ints_of("axes", 1) or ())
    return result


def _space_depth(call: Call) -> Tensor:
    order = call.attrs.get("mode", "DCR")
    call.refuse(call.op == "SpaceToDepth" and order != "DCR", f"its order is {order}")
    mode = {"mode": order} if call.op == "DepthToSpace" else {}
    result: Tensor = OPERATORS[call.op](call.tensor(0), blocksize=call.attrs["blocksize"], **mode)
    return result


CONVERTERS: dict[str, Converter] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Expand": _expand,
    "Tile": _tile,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "SpaceToDepth": _space_depth,
    "DepthToSpace": _space_depth,
}
