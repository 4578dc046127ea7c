"""Operators that show elements in another shape or order, or repeat them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError, axis_of, per_axis

__all__ = ["MOVEMENT", "moved"]


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
}  # fmt: skip
"""Converters by the name of the operator."""
