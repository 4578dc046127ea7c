"""Converters of operators that move elements: shapes, slices, padding, resizing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    call.refuse(mode == "wrap", "it pads by wrapping around")
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
    mode = {"mode": call.attrs.get("mode", "DCR")} if call.op == "DepthToSpace" else {}
    result: Tensor = OPERATORS[call.op](call.tensor(0), blocksize=call.attrs["blocksize"], **mode)
    return result


def _upsample(call: Call) -> Tensor:
    x = call.tensor(0)
    scales = call.attrs["scales"] if "scales" in call.attrs else tuple(call.known(1).reshape(-1).tolist())
    sizes = tuple(int(size * scale) for size, scale in zip(x.shape, scales, strict=True))
    return _resized(call, x, sizes, scales, {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"})


def _resize(call: Call) -> Tensor:
    """Operator set 10 has scales as second input and coordinates like Upsample; later ones choose."""
    if call.opset < 11:
        return _upsample(call)
    x = call.tensor(0)
    axes = tuple(axis % x.rank for axis in call.attrs.get("axes", range(x.rank)))
    scales: tuple[float, ...] | None = None
    if call.has(3) and call.known(3).size:
        call.refuse(call.attrs.get("keep_aspect_ratio_policy", "stretch") != "stretch", "it keeps the aspect ratio")
        sizes = _on_all_axes(x.shape, axes, call.ints(3))
    else:
        given = call.known(2).reshape(-1).tolist()
        scales = tuple(_on_all_axes((1.0,) * x.rank, axes, given))
        sizes = [int(size * scale) for size, scale in zip(x.shape, scales, strict=True)]
    return _resized(call, x, sizes, scales, {key: call.attrs[key] for key in COORDINATES if key in call.attrs})


COORDINATES = ("coordinate_transformation_mode", "nearest_mode")


def _on_all_axes(usual: Sequence[Any], axes: Sequence[int], given: Sequence[Any]) -> list[Any]:
    full = list(usual)
    for axis, value in zip(axes, given, strict=True):
        full[axis] = value
    return full


def _resized(
    call: Call, x: Tensor, sizes: Sequence[int], scales: Sequence[float] | None, coordinates: dict[str, str]
) -> Tensor:
    mode = call.attrs.get("mode", "nearest")
    call.refuse(tuple(sizes[:2]) != x.shape[:2], "it resizes the batch or the channels")
    exact = scales is None or all(
        size * scale == int(size * scale) for size, scale in zip(x.shape, scales, strict=True)
    )
    call.refuse(not exact, "its scales do not give whole sizes")
    special = call.attrs.get("antialias", 0) or call.attrs.get("exclude_outside", 0)
    call.refuse(bool(special), "it has antialiasing or leaves out what lies outside")
    call.refuse(
        mode == "cubic" and call.attrs.get("cubic_coeff_a", -0.75) != -0.75, "its cubic coefficient is not -0.75"
    )
    attrs = _coordinates(call, x, sizes, mode, coordinates)
    result: Tensor = ops.resize(x, sizes=tuple(sizes[2:]), mode=mode, **attrs)
    return result


def _coordinates(call: Call, x: Tensor, sizes: Sequence[int], mode: str, given: dict[str, str]) -> dict[str, str]:
    """Attributes of our Resize, whose defaults are those of PyTorch; only what differs is said."""
    place = given.get("coordinate_transformation_mode", "half_pixel")
    call.refuse(place in ("tf_crop_and_resize", "half_pixel_symmetric", "tf_half_pixel_for_nn"), f"it is {place}")
    if place == "pytorch_half_pixel" and all(size > 1 for size in sizes[2:]):
        place = "half_pixel"
    if mode != "nearest":
        return {} if place == "half_pixel" else {"coordinate_transformation_mode": place}
    rounding = given.get("nearest_mode", "round_prefer_floor")
    factors = [(a, b) for a, b in zip(x.shape[2:], sizes[2:], strict=True)]
    # With whole factors, centres rounded to the nearest are the same as corners rounded down.
    whole = all(b % a == 0 for a, b in factors)
    if whole and (place, rounding) in (("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")):
        return {}
    if (place, rounding) == ("asymmetric", "floor"):
        return {}
    return {"coordinate_transformation_mode": place, "nearest_mode": rounding}


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
    "Upsample": _upsample,
    "Resize": _resize,
}
