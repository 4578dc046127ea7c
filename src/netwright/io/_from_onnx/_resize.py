"""Converters of interpolation: sizes of the spatial axes, and coordinates as PyTorch counts them where they agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_onnx._call import Call

__all__ = ["CONVERTERS"]

Converter = Callable[[Call], Any]
COORDINATES = ("coordinate_transformation_mode", "nearest_mode")


def _upsample(call: Call) -> Tensor:
    """Scales as attribute, or as second input; positions are rounded down."""
    x = call.tensor(0)
    scales = call.attrs["scales"] if "scales" in call.attrs else call.known(1).reshape(-1).tolist()
    usual = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return _resized(call, x, _scaled(x, scales, 0.0), scales, usual)


def _resize(call: Call) -> Tensor:
    """Operator set 10 has scales as second input and coordinates like Upsample; later ones choose."""
    if call.opset < 11:
        return _upsample(call)
    x = call.tensor(0)
    given = {key: call.attrs[key] for key in COORDINATES if key in call.attrs}
    axes = [axis % x.rank for axis in call.attrs.get("axes", range(x.rank))]
    policy = call.attrs.get("keep_aspect_ratio_policy", "stretch")
    if not (call.has(3) and call.known(3).size):
        factors = dict(zip(axes, call.known(2).reshape(-1).tolist(), strict=True))
        scales = [factors.get(i, 1.0) for i in range(x.rank)]
        return _resized(call, x, _scaled(x, scales, 0.0), scales, given)
    wanted = dict(zip(axes, call.ints(3), strict=True))
    if policy == "stretch":
        return _resized(call, x, [wanted.get(i, size) for i, size in enumerate(x.shape)], None, given)
    # One scale for all axes, the largest that fits or the smallest that covers.
    ratios = [size / x.shape[axis] for axis, size in wanted.items()]
    ratio = min(ratios) if policy == "not_larger" else max(ratios)
    scales = [ratio if i in wanted else 1.0 for i in range(x.rank)]
    return _resized(call, x, _scaled(x, scales, 0.5), scales, given)


def _scaled(x: Tensor, scales: Sequence[float], rounding: float) -> list[int]:
    return [int(size * scale + rounding) for size, scale in zip(x.shape, scales, strict=True)]


def _resized(
    call: Call, x: Tensor, sizes: Sequence[int], scales: Sequence[float] | None, coordinates: dict[str, str]
) -> Tensor:
    """Resize to these sizes of all axes; scales, where given, must be what the sizes are."""
    mode, coefficient = call.attrs.get("mode", "nearest"), call.attrs.get("cubic_coeff_a", -0.75)
    # What lies outside is looked at by tf_crop_and_resize only.
    call.attrs.get("extrapolation_value")
    special = call.attrs.get("antialias", 0) or call.attrs.get("exclude_outside", 0)
    exact = scales is None or all(a * scale == b for a, b, scale in zip(x.shape, sizes, scales, strict=True))
    call.refuse(tuple(sizes[:2]) != x.shape[:2], "it resizes the batch or the channels")
    call.refuse(not exact, "its scales do not give whole sizes")
    call.refuse(bool(special), "it has antialiasing or leaves out what lies outside")
    call.refuse(mode == "cubic" and coefficient != -0.75, "its cubic coefficient is not -0.75")
    attrs = _coordinates(call, x, sizes, mode, coordinates)
    result: Tensor = ops.resize(x, sizes=tuple(sizes[2:]), mode=mode, **attrs)
    return result


def _coordinates(call: Call, x: Tensor, sizes: Sequence[int], mode: str, given: dict[str, str]) -> dict[str, str]:
    """Attributes of our Resize, whose defaults are those of PyTorch; only what differs is said."""
    place = given.get("coordinate_transformation_mode", "half_pixel")
    call.refuse(place in ("tf_crop_and_resize", "tf_half_pixel_for_nn"), f"it is {place}")
    # Where sizes are whole and greater than 1, these are the same.
    if place == "half_pixel_symmetric" or (place == "pytorch_half_pixel" and all(size > 1 for size in sizes[2:])):
        place = "half_pixel"
    if mode != "nearest":
        return {} if place == "half_pixel" else {"coordinate_transformation_mode": place}
    rounding = given.get("nearest_mode", "round_prefer_floor")
    # With whole factors, centres rounded to the nearest are the same as corners rounded down.
    whole = all(b % a == 0 for a, b in zip(x.shape[2:], sizes[2:], strict=True))
    if (place, rounding) == ("asymmetric", "floor") or (whole and place == "half_pixel" and "round" in rounding):
        return {}
    return {"coordinate_transformation_mode": place, "nearest_mode": rounding}


CONVERTERS: dict[str, Converter] = {"Upsample": _upsample, "Resize": _resize}
