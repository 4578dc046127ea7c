"""Operators that put tensors together, take them apart, pad them and shuffle their parts."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError, axis_of, per_axis
from netwright.io._from_torch._movement import moved

__all__ = ["PARTS", "part"]


def _concat(b: Builder, tensors: Sequence[Any], dim: int = 0) -> Any:
    present = [t for t in tensors if prod(b.sizes(t)) > 0]
    given = b.tensors(present, b.dtype)
    return given[0] if len(given) == 1 else ops.concat(*given, axis=dim)


def _stack(b: Builder, tensors: Sequence[Any], dim: int = 0) -> Any:
    axis = axis_of(dim, len(b.shape))
    given = [ops.unsqueeze(t, axes=(axis,)) for t in b.tensors(tensors, b.dtype)]
    return given[0] if len(given) == 1 else ops.concat(*given, axis=axis)


def _parts(x: Tensor, sizes: Sequence[int], axis: int) -> list[Tensor]:
    if len(sizes) == 1:
        return [x]
    return list(ops.split(x, split=tuple(sizes), axis=axis))


def _split(b: Builder, x: Any, how: Any, dim: int = 0) -> list[Tensor]:
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    return _parts(x, [shape[axis] for shape in b.shapes], axis)


def _unbind(b: Builder, x: Any, dim: int = 0) -> list[Tensor]:
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    return [ops.squeeze(t, axes=(axis,)) for t in _parts(x, [1] * x.shape[axis], axis)]


def part(x: Tensor, axis: int, start: int, end: int, step: int = 1) -> Tensor:
    """Positions start:end:step of one axis."""
    if (start, step) == (0, 1) and end >= x.shape[axis]:
        return x
    made: Tensor = ops.slice_(x, starts=(start,), ends=(end,), axes=(axis,), steps=(step,))
    return made


def _slice(b: Builder, x: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    first, last, _ = slice(start, end, step).indices(x.shape[axis])
    return part(x, axis, first, last, step)


def _narrow(b: Builder, x: Any, dim: int, start: int, length: int) -> Any:
    return _slice(b, x, dim, start, start + length)


def _select(b: Builder, x: Any, dim: int, index: Any) -> Any:
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    if not isinstance(index, int):
        raise NoFormError("a position that is a tensor")
    place = index % x.shape[axis]
    return ops.squeeze(part(x, axis, place, place + 1), axes=(axis,))


def _flip(b: Builder, x: Any, dims: Sequence[int]) -> Any:
    x = b.tensor(x)
    axes = tuple(axis_of(d, x.rank) for d in dims)
    count = len(axes)
    return ops.slice_(x, starts=(-1,) * count, ends=(-(2**31),) * count, axes=axes, steps=(-1,) * count)


def _roll(b: Builder, x: Any, shifts: int | Sequence[int], dims: int | Sequence[int] = ()) -> Any:
    x = b.tensor(x)
    shape, flat = x.shape, not per_axis(dims, 1)
    if flat:
        x = ops.reshape(x, shape=(x.size,))
    for shift, dim in zip(per_axis(shifts, 1), (0,) if flat else per_axis(dims, 1), strict=True):
        axis = axis_of(dim, x.rank)
        cut = -shift % x.shape[axis]
        if cut:
            x = ops.concat(part(x, axis, cut, x.shape[axis]), part(x, axis, 0, cut), axis=axis)
    return ops.reshape(x, shape=shape) if flat else x


def _pad(b: Builder, x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """ATen counts pads from the last axis on, the begin and the end of each."""
    x = b.tensor(x)
    if not any(pad):
        return x
    if mode == "circular":
        return _wrapped(x, pad)
    pairs = [(0, 0)] * (x.rank - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    pads = (*(begin for begin, _ in pairs), *(end for _, end in pairs))
    onnx_mode = {"replicate": "edge"}.get(mode, mode)
    return ops.pad(x, pads=pads, mode=onnx_mode, value=float(value or 0.0))


def _wrapped(x: Tensor, pad: Sequence[int]) -> Tensor:
    for i in range(0, len(pad), 2):
        axis, begin, end = x.rank - 1 - i // 2, pad[i], pad[i + 1]
        size = x.shape[axis]
        ends = [*([part(x, axis, size - begin, size)] if begin else []), x, *([part(x, axis, 0, end)] if end else [])]
        x = ops.concat(*ends, axis=axis) if len(ends) > 1 else x
    return x


def _pads(mode: str) -> Converter:
    return lambda b, x, pad: _pad(b, x, pad, mode)


def _shuffle(b: Builder, x: Any, factor: int) -> Any:
    x = b.tensor(x)
    wide = x if x.rank == 4 else ops.reshape(x, shape=(prod(x.shape[:-3]), *x.shape[-3:]))
    made = ops.depth_to_space(wide, blocksize=factor, mode="CRD")
    return made if x.rank == 4 else ops.reshape(made, shape=b.shape)


def _unshuffle(b: Builder, x: Any, factor: int) -> Any:
    """Not SpaceToDepth: there the position in the block stands before the channel."""
    x = b.tensor(x)
    *outer, c, h, w = x.shape
    n = len(outer)
    cut = ops.reshape(x, shape=(*outer, c, h // factor, factor, w // factor, factor))
    return ops.reshape(moved(cut, (*range(n), n, n + 2, n + 4, n + 1, n + 3)), shape=b.shape)


def _channel_shuffle(b: Builder, x: Any, groups: int) -> Any:
    x = b.tensor(x)
    n, c, *space = x.shape
    cut = ops.reshape(x, shape=(n, groups, c // groups, *space))
    return ops.reshape(moved(cut, (0, 2, 1, *range(3, cut.rank))), shape=b.shape)


def _triangle(upper: int) -> Converter:
    return lambda b, x, diagonal=0: ops.trilu(b.tensor(x), upper=upper, k=diagonal)


PARTS: dict[str, Converter] = {
    "aten.cat": _concat,
    "aten.concat": _concat,
    "aten.concatenate": _concat,
    "aten.stack": _stack,
    "aten.split": _split,
    "aten.split_with_sizes": _split,
    "aten.chunk": _split,
    "aten.tensor_split": _split,
    "aten.unsafe_chunk": _split,
    "aten.unsafe_split": _split,
    "aten.unbind": _unbind,
    "aten.slice": _slice,
    "aten.narrow": _narrow,
    "aten.select": _select,
    "aten.flip": _flip,
    "aten.roll": _roll,
    "aten.pad": _pad,
    "aten.constant_pad_nd": lambda b, x, pad, value=0: _pad(b, x, pad, "constant", value),
    **{f"aten.reflection_pad{n}d": _pads("reflect") for n in (1, 2, 3)},
    **{f"aten.replication_pad{n}d": _pads("replicate") for n in (1, 2, 3)},
    "aten.pixel_shuffle": _shuffle,
    "aten.pixel_unshuffle": _unshuffle,
    "aten.channel_shuffle": _channel_shuffle,
    "aten.tril": _triangle(0),
    "aten.triu": _triangle(1),
}
"""Converters by the name of the operator."""
