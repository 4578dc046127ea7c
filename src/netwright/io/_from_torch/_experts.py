"""Mixtures of experts as transformers exports them: rows in the order of their experts, one product per group."""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError

__all__ = ["EXPERTS"]


def _histogram(b: Builder, x: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many elements fall into each of equal bins, the last of which holds its upper end too."""
    x = b.tensor(x)
    if min >= max:
        raise NoFormError("bins between the smallest and the largest element")
    flat = ops.reshape(x, shape=(x.size, 1))
    low = min + (max - min) / bins * np.arange(bins)
    high = [*low[1:], np.inf]
    inside = ops.logical_and(
        ops.greater_or_equal(flat, b.constant(low, x.dtype)), ops.less(flat, b.constant(high, x.dtype))
    )
    inside = ops.logical_and(inside, ops.less_or_equal(flat, b.constant(max, x.dtype)))
    return ops.reduce_sum(ops.cast(inside, to=b.dtype), axes=(0,), keepdims=0)


def _grouped_product(b: Builder, x: Any, weight: Any, offs: Any = None, *options: Any) -> Any:
    """Each row (T, K) times the matrix of its group (E, K, M), where `offs` holds the end of each group.

    The matrix is looked up for each row, so that the count of multiply-adds is that of the experts that are used.
    """
    x, weight, ends = b.tensor(x), b.tensor(weight), b.optional(offs)
    if ends is None or x.rank != 2 or weight.rank != 3:
        raise NoFormError("groups other than of rows")
    places = b.constant(np.arange(x.shape[0])[:, None], ends.dtype)
    passed: Tensor = ops.cast(ops.greater_or_equal(places, ends), to="int64")
    group = ops.reduce_sum(passed, axes=(1,), keepdims=0)
    rows = ops.matmul(ops.unsqueeze(x, axes=(1,)), ops.gather(weight, group, axis=0))
    return ops.squeeze(rows, axes=(1,))


EXPERTS: dict[str, Converter] = {
    "aten.histc": _histogram,
    "aten._grouped_mm": _grouped_product,
    "transformers.grouped_mm_fallback": _grouped_product,
}
"""Converters by the name of the operator."""
