"""Reductions along axes, running sums, and orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, prod
from typing import Any

import numpy as np

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError, axis_of
from netwright.io._from_torch._parts import part

__all__ = ["REDUCTIONS", "variance"]

Dims = int | Sequence[int] | None


def _axes(x: Tensor, dim: Dims) -> tuple[int, ...]:
    """All axes where none is named."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(x.rank))
    return tuple(sorted(axis_of(d, x.rank) for d in ((dim,) if isinstance(dim, int) else dim)))


def _reduced(op: Callable[..., Tensor], x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    return op(x, axes=_axes(x, dim), keepdims=int(keepdim)) if x.rank else x


def _reduction(op: Callable[..., Tensor]) -> Converter:
    def convert(b: Builder, x: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
        return _reduced(op, b.tensor(x, b.dtype), dim, keepdim)

    return convert


def _every(op: Callable[..., Tensor]) -> Converter:
    """Whether any or all hold: the largest or the smallest of 0 and 1."""

    def convert(b: Builder, x: Any, dim: Dims = None, keepdim: bool = False) -> Any:
        bits = ops.cast(b.tensor(x, "bool"), to="int32")
        return ops.cast(_reduced(op, bits, dim, keepdim), to="bool")

    return convert


def _extreme_of(op: Callable[..., Tensor], arg: Callable[..., Tensor]) -> Converter:
    """Values and places along one axis, or the one value of all."""

    def convert(b: Builder, x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        x = b.tensor(x)
        if dim is None:
            return _reduced(op, x, None, False)
        return _reduced(op, x, dim, keepdim), arg(x, axis=dim, keepdims=int(keepdim))

    return convert


def _arg(op: Callable[..., Tensor]) -> Converter:
    def convert(b: Builder, x: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
        x = b.tensor(x)
        if dim is None:
            return op(ops.reshape(x, shape=(x.size,)), axis=0, keepdims=0)
        return op(x, axis=dim, keepdims=int(keepdim))

    return convert


def _mean(b: Builder, x: Any, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    return _reduced(ops.reduce_mean, b.tensor(x, b.dtype), dim, keepdim)


def variance(x: Tensor, axes: tuple[int, ...], correction: float, *, keepdims: int) -> tuple[Tensor, Tensor]:
    """Variance, divided by the count less `correction`, and mean."""
    mean = ops.reduce_mean(x, axes=axes, keepdims=1)
    centred = ops.sub(x, mean)
    found = ops.reduce_mean(ops.mul(centred, centred), axes=axes, keepdims=keepdims)
    count = prod(x.shape[a] for a in axes)
    if correction:
        found = found * (count / (count - correction))
    return found, mean if keepdims else ops.squeeze(mean, axes=axes)


def _variance(*, root: bool, with_mean: bool = False) -> Converter:
    """`correction` is a keyword; the older overloads have a second or third argument `unbiased`."""

    def convert(
        b: Builder, x: Any, dim: Any = None, unbiased: Any = True, keepdim: bool = False,
        *, correction: float | None = None,
    ) -> Any:  # fmt: skip
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = float(unbiased)
        x = b.tensor(x)
        found, mean = variance(x, _axes(x, dim), float(correction), keepdims=int(keepdim))
        found = ops.sqrt(found) if root else found
        return (found, mean) if with_mean else found

    return convert


def _norm(b: Builder, x: Any, p: Any = 2, dim: Dims = None, keepdim: bool = False, dtype: Any = None) -> Any:
    x = b.tensor(x, b.dtype)
    known = {1.0: ops.reduce_l1, 2.0: ops.reduce_l2}
    p = 2.0 if p is None else float(p)
    if p in known:
        return _reduced(known[p], x, dim, keepdim)
    if p in (inf, -inf):
        return _reduced(ops.reduce_max if p > 0 else ops.reduce_min, ops.abs(x), dim, keepdim)
    if p == 0:
        raise NoFormError("the number of elements that are not zero")
    powers = ops.pow(ops.abs(x), b.constant(p, b.dtype))
    return ops.pow(_reduced(ops.reduce_sum, powers, dim, keepdim), b.constant(1 / p, b.dtype))


def _cumsum(b: Builder, x: Any, dim: int, dtype: Any = None) -> Any:
    return ops.cumsum(b.tensor(x, b.dtype), axis=dim)


def _cumprod(b: Builder, x: Any, dim: int, dtype: Any = None) -> Any:
    """Each position's product of the ones up to it, with 1 for those behind."""
    x = b.tensor(x, b.dtype)
    axis = axis_of(dim, x.rank)
    size = x.shape[axis]
    places = [1] * (x.rank + 1)
    places[axis] = places[axis + 1] = size
    before = np.tril(np.ones((size, size), dtype=bool)).reshape(places)
    factors = ops.where(b.constant(before, "bool"), ops.unsqueeze(x, axes=(axis,)), b.constant(1, b.dtype))
    return ops.reduce_prod(factors, axes=(axis + 1,), keepdims=0)


def _median(b: Builder, x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, of an even number the lower one."""
    x = b.tensor(x)
    if dim is None:
        return _median(b, ops.reshape(x, shape=(x.size,)), 0)[0]
    return _kth(b, x, (x.shape[axis_of(dim, x.rank)] + 1) // 2, dim, keepdim)


def _kth(b: Builder, x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """The k-th smallest element of an axis and its place."""
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    found = ops.topk(x, k=k, axis=axis, largest=0, sorted=1)
    last = [part(t, axis, k - 1, k) for t in found]
    return last if keepdim else [ops.squeeze(t, axes=(axis,)) for t in last]


def _topk(b: Builder, x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    return ops.topk(b.tensor(x), k=k, axis=dim, largest=int(largest), sorted=int(sorted))


def _sort(b: Builder, x: Any, dim: int = -1, descending: bool = False, *, stable: Any = None) -> Any:
    x = b.tensor(x)
    if stable:
        raise NoFormError("an order that keeps equal elements in place")
    return ops.topk(x, k=x.shape[axis_of(dim, x.rank)], axis=dim, largest=int(descending), sorted=1)


def _argsort(b: Builder, x: Any, dim: int = -1, descending: bool = False, *, stable: Any = None) -> Any:
    return _sort(b, x, dim, descending, stable=stable)[1]


REDUCTIONS: dict[str, Converter] = {
    "aten.mean": _mean,
    "aten.sum": _reduction(ops.reduce_sum),
    "aten.amax": _reduction(ops.reduce_max),
    "aten.amin": _reduction(ops.reduce_min),
    "aten.prod": _reduction(ops.reduce_prod),
    "aten.logsumexp": _reduction(ops.reduce_log_sum_exp),
    "aten.any": _every(ops.reduce_max),
    "aten.all": _every(ops.reduce_min),
    "aten.max": _extreme_of(ops.reduce_max, ops.arg_max),
    "aten.min": _extreme_of(ops.reduce_min, ops.arg_min),
    "aten.argmax": _arg(ops.arg_max),
    "aten.argmin": _arg(ops.arg_min),
    "aten.var": _variance(root=False),
    "aten.std": _variance(root=True),
    "aten.var_mean": _variance(root=False, with_mean=True),
    "aten.std_mean": _variance(root=True, with_mean=True),
    "aten.norm": _norm,
    "aten.linalg_vector_norm": _norm,
    "aten.cumsum": _cumsum,
    "aten.cumprod": _cumprod,
    "aten.median": _median,
    "aten.kthvalue": _kth,
    "aten.topk": _topk,
    "aten.sort": _sort,
    "aten.argsort": _argsort,
}
"""Converters by the name of the operator."""
