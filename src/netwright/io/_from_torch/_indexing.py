"""Reading and writing by index."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError, axis_of
from netwright.io._from_torch._movement import moved
from netwright.io._from_torch._parts import part

__all__ = ["INDEXING"]


def _embedding(b: Builder, table: Any, indices: Any, *options: Any) -> Any:
    return ops.gather(b.tensor(table), b.tensor(indices), axis=0)


def _index_select(b: Builder, x: Any, dim: int, index: Any) -> Any:
    return ops.gather(b.tensor(x), b.tensor(index), axis=dim)


def _gather(b: Builder, x: Any, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    return ops.gather_elements(b.tensor(x), b.tensor(index), axis=dim)


def _diagonal(b: Builder, x: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """Elements (i, i + offset) of two axes, which become one behind the others."""
    x = b.tensor(x)
    rows, columns = axis_of(dim1, x.rank), axis_of(dim2, x.rank)
    rest = [a for a in range(x.rank) if a not in (rows, columns)]
    width = x.shape[columns]
    merged = ops.reshape(moved(x, [*rest, rows, columns]), shape=(*b.shape[:-1], x.shape[rows] * width))
    first = max(offset, 0) + max(-offset, 0) * width
    places = [first + i * (width + 1) for i in range(b.shape[-1])]
    return ops.gather(merged, b.constant(places), axis=len(rest))


def _take_along(b: Builder, x: Any, index: Any, dim: int | None = None) -> Any:
    x = b.tensor(x)
    if dim is None:
        x, dim = ops.reshape(x, shape=(x.size,)), 0
    return ops.gather_elements(x, ops.expand(b.tensor(index), shape=b.shape), axis=dim)


def _scatter(reduction: str = "none") -> Converter:
    def convert(b: Builder, x: Any, dim: int, index: Any, source: Any, reduce: str = reduction) -> Any:
        index = b.tensor(index)
        updates = b.tensor(source, b.dtype)
        if updates.shape != index.shape:
            updates = ops.expand(updates, shape=index.shape) if updates.rank == 0 else _corner(updates, index.shape)
        return ops.scatter_elements(b.tensor(x), index, updates, axis=dim, reduction=REDUCED.get(reduce, reduce))

    return convert


REDUCED = {"sum": "add", "prod": "mul", "amin": "min", "amax": "max", "multiply": "mul"}
"""Names of ATen for reductions of ONNX."""


def _scatter_reduce(
    b: Builder, x: Any, dim: int, index: Any, source: Any, reduce: str, include_self: bool = True
) -> Any:
    if not include_self or reduce == "mean":
        raise NoFormError(f"reduction {reduce} without what was there")
    return _scatter(reduce)(b, x, dim, index, source)


def _corner(x: Tensor, shape: Sequence[int]) -> Tensor:
    """ATen reads only as much of the source as there are indices."""
    for axis, size in enumerate(shape):
        x = part(x, axis, 0, size)
    return x


def _known_indices(b: Builder, x: Any, indices: Sequence[Any]) -> list[Any]:
    """Indices per axis; a mask of known bits becomes the places where it is set."""
    import torch

    plain: list[Any] = []
    for index in indices:
        if index is not None and b.promoted(index) == "bool":
            if not isinstance(index, torch.Tensor):
                raise NoFormError("a mask whose count depends on data")
            plain += list(torch.nonzero(index, as_tuple=True))
        else:
            plain.append(index)
    sizes = b.sizes(x)
    return [
        torch.where(i < 0, i + sizes[axis], i) if isinstance(i, torch.Tensor) else i for axis, i in enumerate(plain)
    ]


def _index(b: Builder, x: Any, indices: Sequence[Any]) -> Any:
    places = _known_indices(b, x, indices)
    axes = [axis for axis, index in enumerate(places) if index is not None]
    x = b.tensor(x)
    if len(axes) == 1:
        return ops.gather(x, b.tensor(places[axes[0]], "int64"), axis=axes[0])
    if _by_row(b, x, places, axes):
        index = b.tensor(places[1], "int64")
        return ops.gather_nd(x, ops.unsqueeze(index, axes=(index.rank,)), batch_dims=1)
    adjacent = axes == list(range(axes[0], axes[-1] + 1))
    rest = [axis for axis in range(x.rank) if axis not in axes]
    first = moved(x, [*axes, *rest])
    sizes = [x.shape[axis] for axis in axes]
    flat = ops.reshape(first, shape=(prod(sizes), *(x.shape[axis] for axis in rest)))
    index = _linear(b, [places[axis] for axis in axes], sizes)
    made: Tensor = ops.gather(flat, index, axis=0)
    # Adjacent indices leave their axes where the first one was, others come to the front.
    before = axes[0] if adjacent else 0
    count = index.rank
    return moved(made, [*range(count, count + before), *range(count), *range(count + before, made.rank)])


def _by_row(b: Builder, x: Tensor, places: Sequence[Any], axes: Sequence[int]) -> bool:
    """Whether this is x[arange(batch), index] or x[arange(batch)[:, None], indices]: places in each row."""
    import torch

    return (
        list(axes) == [0, 1]
        and x.shape[0] == 1
        and isinstance(places[0], torch.Tensor)
        and isinstance(places[1], Tensor)
        and b.sizes(places[0]) == (1,) * places[1].rank == (*places[1].shape[:1], *(1,) * (places[1].rank - 1))
    )


def _linear(b: Builder, places: Sequence[Any], sizes: Sequence[int]) -> Tensor:
    """One index into merged axes."""
    import torch

    total: Any = places[0]
    for place, size in zip(places[1:], sizes[1:], strict=True):
        if isinstance(total, torch.Tensor) and isinstance(place, torch.Tensor):
            total = total * size + place
        else:
            total = ops.add(ops.mul(b.tensor(total, "int64"), b.constant(size)), b.tensor(place, "int64"))
    return b.tensor(total, "int64")


def _index_put(b: Builder, x: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """Writes as ScatterND: the indexed axes in front, one row of numbers per place."""
    if _is_mask(b, indices) and not accumulate and prod(b.sizes(values)) == 1:
        return _where_set(b, b.tensor(x), b.tensor(indices[0], "bool"), values)
    places = _known_indices(b, x, indices)
    axes = [axis for axis, index in enumerate(places) if index is not None]
    x = b.tensor(x)
    if axes != list(range(len(axes))):
        return _put_behind(b, x, axes, places, values, accumulate)
    given = [places[axis] for axis in axes]
    shape = np.broadcast_shapes(*(b.sizes(place) for place in given))
    columns = [ops.unsqueeze(_grown(b.tensor(g, "int64"), shape), axes=(len(shape),)) for g in given]
    index = ops.concat(*columns, axis=len(shape)) if len(columns) > 1 else columns[0]
    updates = _grown(b.tensor(values, x.dtype), (*shape, *x.shape[len(axes) :]))
    return ops.scatter_nd(x, index, updates, reduction="add" if accumulate else "none")


def _put_behind(
    b: Builder, x: Tensor, axes: Sequence[int], places: Sequence[Any], values: Any, accumulate: bool
) -> Tensor:
    """Writes along one axis, or numbers that are all alike along several, with these axes brought to the front."""
    perm = [*axes, *(axis for axis in range(x.rank) if axis not in axes)]
    if prod(b.sizes(values)) > 1:
        if len(axes) > 1 or len(b.sizes(places[axes[0]])) != 1:
            raise NoFormError("writes behind an axis that is not indexed")
        (axis,), updates = axes, b.tensor(values, x.dtype)
        updates = _grown(updates, (*x.shape[:axis], *b.sizes(places[axis]), *x.shape[axis + 1 :]))
        values = moved(updates, perm)
    written: Tensor = _index_put(b, moved(x, perm), [places[axis] for axis in axes], values, accumulate)
    return moved(written, [perm.index(axis) for axis in range(x.rank)])


def _is_mask(b: Builder, indices: Sequence[Any]) -> bool:
    """Whether this is x[x < 0] = y: a mask from data alone."""
    return len(indices) == 1 and isinstance(indices[0], Tensor) and indices[0].dtype == "bool"


def _where_set(b: Builder, x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """One number written where a mask is set; the mask may lack the last axes."""
    missing = x.rank - mask.rank
    mask = ops.unsqueeze(mask, axes=tuple(range(mask.rank, x.rank))) if missing else mask
    number = b.tensor(value, x.dtype)
    made: Tensor = ops.where(mask, ops.reshape(number, shape=()) if number.rank else number, x)
    return made


def _grown(x: Tensor, shape: Sequence[int]) -> Tensor:
    return x if x.shape == tuple(shape) else ops.expand(x, shape=tuple(shape))


def _slice_scatter(
    b: Builder, x: Any, source: Any, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Any:
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    places = range(*slice(start, end, step).indices(x.shape[axis]))
    updates = b.tensor(source, x.dtype)
    if step == 1:
        return _replaced(x, updates, axis, places.start, places.start + len(places))
    index = b.constant([[place] for place in places])
    to_front = [axis, *(a for a in range(x.rank) if a != axis)]
    written = ops.scatter_nd(moved(x, to_front), index, moved(updates, to_front))
    return moved(written, [to_front.index(a) for a in range(x.rank)])


def _replaced(x: Tensor, updates: Tensor, axis: int, start: int, end: int) -> Tensor:
    """What stands before, the new part, and what stands behind."""
    size = x.shape[axis]
    pieces = [
        *([part(x, axis, 0, start)] if start > 0 else []),
        updates,
        *([part(x, axis, end, size)] if end < size else []),
    ]
    return ops.concat(*pieces, axis=axis) if len(pieces) > 1 else updates


def _select_scatter(b: Builder, x: Any, source: Any, dim: int, index: int) -> Any:
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    place = index % x.shape[axis]
    return _replaced(x, ops.unsqueeze(b.tensor(source, x.dtype), axes=(axis,)), axis, place, place + 1)


def _copy(b: Builder, x: Any, source: Any, non_blocking: bool = False) -> Any:
    return _grown(b.tensor(source, b.dtype), b.sizes(x))


def _one_hot(b: Builder, x: Any, num_classes: int = -1) -> Any:
    return ops.one_hot(b.tensor(x), depth=b.shape[-1], dtype="int64")


def _windows(b: Builder, x: Any, dim: int, size: int, step: int) -> Any:
    """Windows along one axis as a new last axis."""
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    count = (x.shape[axis] - size) // step + 1
    index = b.constant([[i * step + j for j in range(size)] for i in range(count)])
    cut: Tensor = ops.gather(x, index, axis=axis)
    return moved(cut, [a for a in range(cut.rank) if a != axis + 1] + [axis + 1])


INDEXING: dict[str, Converter] = {
    "aten.diagonal": _diagonal,
    "aten.embedding": _embedding,
    "aten.index_select": _index_select,
    "aten.gather": _gather,
    "aten.take_along_dim": _take_along,
    "aten.scatter": _scatter(),
    "aten.scatter_add": _scatter("add"),
    "aten.scatter_reduce": _scatter_reduce,
    "aten.index": _index,
    "aten.index_put": _index_put,
    "aten.slice_scatter": _slice_scatter,
    "aten.select_scatter": _select_scatter,
    "aten.copy": _copy,
    "aten.one_hot": _one_hot,
    "aten.unfold": _windows,
}
"""Converters by the name of the operator."""
