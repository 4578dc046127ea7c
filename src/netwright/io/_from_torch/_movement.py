"""Operators that move elements: views, permutations, parts, copies, padding."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError, axis_of, per_axis

__all__ = ["MOVEMENT", "moved", "part"]


def _same(b: Builder, x: Any, *rest: Any, **options: Any) -> Any:
    return x


def _cast(b: Builder, x: Any, *rest: Any, **options: Any) -> Any:
    return b.tensor(x, b.dtype)


def _reshape(b: Builder, x: Any, *rest: Any) -> Any:
    x = b.tensor(x)
    return x if x.shape == b.shape else ops.reshape(x, shape=b.shape)


def _flatten(b: Builder, x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    x = b.tensor(x)
    ends = start_dim == 1 and axis_of(end_dim, x.rank) == x.rank - 1
    return ops.flatten(x, axis=1) if ends and x.rank > 2 else _reshape(b, x)


def _squeeze(b: Builder, x: Any, dim: int | Sequence[int] | None = None) -> Any:
    x = b.tensor(x)
    dims = range(x.rank) if dim is None else (dim,) if isinstance(dim, int) else dim
    axes = sorted({a for a in (axis_of(d, x.rank) for d in dims) if x.rank and x.shape[a] == 1})
    return ops.squeeze(x, axes=tuple(axes)) if axes else x


def _unsqueeze(b: Builder, x: Any, dim: int) -> Any:
    return ops.unsqueeze(b.tensor(x), axes=(dim,))


def moved(x: Tensor, perm: Sequence[int]) -> Tensor:
    """Axes in another order, or the tensor itself where they stand so."""
    return x if list(perm) == list(range(x.rank)) else ops.transpose(x, perm=tuple(perm))


def _permute(b: Builder, x: Any, dims: Sequence[int]) -> Tensor:
    x = b.tensor(x)
    return moved(x, [axis_of(d, x.rank) for d in dims])


def _transpose(b: Builder, x: Any, first: int = 0, second: int = 1) -> Tensor:
    x = b.tensor(x)
    perm = list(range(x.rank))
    if x.rank > 1:
        i, j = axis_of(first, x.rank), axis_of(second, x.rank)
        perm[i], perm[j] = j, i
    return moved(x, perm)


def _reversed(b: Builder, x: Any) -> Tensor:
    x = b.tensor(x)
    return moved(x, range(x.rank)[::-1])


def _movedim(b: Builder, x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    x = b.tensor(x)
    sources, targets = per_axis(source, 1), per_axis(destination, 1)
    places = dict(zip((axis_of(d, x.rank) for d in targets), (axis_of(s, x.rank) for s in sources), strict=True))
    rest = iter(a for a in range(x.rank) if a not in places.values())
    return moved(x, [places[i] if i in places else next(rest) for i in range(x.rank)])


def _expand(b: Builder, x: Any, sizes: Sequence[int] = (), implicit: bool = False) -> Any:
    """A size of 1 that is asked for stays in the graph: it may be the batch."""
    kept = b.sizes(x) == b.shape and 1 not in sizes
    return x if kept else ops.expand(b.tensor(x), shape=b.shape)


def _expand_as(b: Builder, x: Any, other: Any) -> Any:
    return x if b.sizes(x) == b.shape else ops.expand(b.tensor(x), shape=b.shape)


def _broadcast(b: Builder, tensors: Sequence[Any]) -> list[Any]:
    pairs = zip(tensors, b.shapes, strict=True)
    return [t if b.sizes(t) == shape else ops.expand(b.tensor(t), shape=shape) for t, shape in pairs]


def _repeat(b: Builder, x: Any, repeats: Sequence[int]) -> Any:
    x = b.tensor(x)
    repeats = (1,) * (x.rank - len(repeats)) + tuple(repeats)
    grown = (1,) * (len(repeats) - x.rank) + x.shape
    if set(repeats) == {1} or all(size == 1 or times == 1 for size, times in zip(grown, repeats, strict=True)):
        return ops.expand(x, shape=b.shape)
    return ops.tile(x if grown == x.shape else ops.reshape(x, shape=grown), repeats=repeats)


def _repeat_interleave(b: Builder, x: Any, repeats: Any, dim: int | None = None, output_size: Any = None) -> Any:
    if not isinstance(repeats, int):
        raise NoFormError("one number of copies per element")
    x = b.tensor(x)
    if dim is None:
        x, dim = ops.reshape(x, shape=(x.size,)), 0
    axis = axis_of(dim, x.rank)
    wide = ops.unsqueeze(x, axes=(axis + 1,))
    wide = ops.expand(wide, shape=(*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]))
    return ops.reshape(wide, shape=b.shape)


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


MOVEMENT: dict[str, Converter] = {
    **{
        f"aten.{name}": _same
        for name in (
            "alias", "clone", "contiguous", "detach", "dropout", "alpha_dropout", "feature_dropout",
            "feature_alpha_dropout", "lift_fresh", "lift_fresh_copy", "lift", "resolve_conj", "resolve_neg",
            "positive", "rename", "real",
        )
    },
    **{
        f"aten.{name}": _cast
        for name in ("to", "_to_copy", "type_as", "float", "double", "half", "bool", "int", "long")
    },
    **{
        f"aten.{name}": _reshape
        for name in ("view", "reshape", "_unsafe_view", "unflatten", "view_as", "reshape_as", "ravel")
    },
    "aten.flatten": _flatten,
    "aten.squeeze": _squeeze,
    "aten.squeeze_copy": _squeeze,
    "aten.unsqueeze": _unsqueeze,
    "aten.permute": _permute,
    "aten.transpose": _transpose,
    "aten.swapaxes": _transpose,
    "aten.swapdims": _transpose,
    "aten.t": _transpose,
    "aten.numpy_T": _reversed,
    "aten.mT": lambda b, x: _transpose(b, x, -2, -1),
    "aten.movedim": _movedim,
    "aten.moveaxis": _movedim,
    "aten.expand": _expand,
    "aten.expand_as": _expand_as,
    "aten.broadcast_to": _expand,
    "aten.broadcast_tensors": _broadcast,
    "aten.repeat": _repeat,
    "aten.tile": _repeat,
    "aten.repeat_interleave": _repeat_interleave,
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
}  # fmt: skip
"""Converters by the name of the operator."""
