"""Reductions along axes, and reading and writing by index."""

from __future__ import annotations

from typing import Any

from netwright.graph._operator import Operator, Types, positive_axis, require
from netwright.graph._tensor import Node


class Reduce(Operator):
    """One value for all elements along `axes`; one FLOP per element read.

    >>> from netwright.graph import image, ops
    >>> x = image(3, 8, 8)
    >>> ops.reduce_mean(x, axes=(2, 3)).shape, ops.reduce_sum(x, axes=(1,), keepdims=0).shape
    ((1, 3, 1, 1), (1, 8, 8))
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        axes = attrs["axes"] = tuple(sorted(positive_axis(self, a, x) for a in attrs.get("axes", range(x.rank))))
        keep = attrs.setdefault("keepdims", 1)
        sizes = [1 if i in axes else size for i, size in enumerate(x.shape) if keep or i not in axes]
        return ((tuple(sizes), x.dtype),)

    def flops(self, node: Node) -> int:
        x = node.inputs[0]
        assert x is not None
        return x.size


class LogReduce(Reduce):
    """Logarithm of a sum along `axes`: not zero where all elements are.

    >>> from netwright.graph import Input, ops
    >>> ops.reduce_log_sum_exp(Input((1, 16, 8)), axes=(-1,)).shape
    (1, 16, 1)
    """

    keeps_zero = False


class Arg(Reduce):
    """Index of the largest or smallest element along `axis`.

    >>> from netwright.graph import Input, ops
    >>> found = ops.arg_max(Input((1, 16, 8)), axis=-1, keepdims=0)
    >>> found.shape, found.dtype
    ((1, 16), 'int64')
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        axis = attrs["axis"] = positive_axis(self, attrs.get("axis", 0), x)
        keep = attrs.setdefault("keepdims", 1)
        sizes = [1 if i == axis else size for i, size in enumerate(x.shape) if keep or i != axis]
        return ((tuple(sizes), "int64"),)


class CumSum(Operator):
    """Running sum along `axis`.

    >>> from netwright.graph import Input, ops
    >>> ops.cumsum(Input((1, 16, 8)), axis=1).shape
    (1, 16, 8)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        attrs["axis"] = positive_axis(self, attrs["axis"], x)
        return ((x.shape, x.dtype),)

    def flops(self, node: Node) -> int:
        return node.output.size


class Gather(Operator):
    """Slices of `data` along `axis` by integer index; with a parameter as data this is an embedding lookup.

    >>> from netwright.graph import Input, ops, parameter
    >>> ops.gather(parameter("embedding", (1000, 64)), Input((1, 16), "int64")).shape
    (1, 16, 64)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        data, indices = inputs
        axis = attrs["axis"] = positive_axis(self, attrs.get("axis", 0), data)
        require(indices.dtype in ("int64", "int32"), self, "indices must be integers", inputs)
        return (((*data.shape[:axis], *indices.shape, *data.shape[axis + 1 :]), data.dtype),)


class GatherElements(Operator):
    """Elements of `data` along `axis`, one for each index.

    >>> from netwright.graph import Input, ops
    >>> ops.gather_elements(Input((1, 16, 8)), Input((1, 4, 8), "int64"), axis=1).shape
    (1, 4, 8)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        data, indices = inputs
        attrs["axis"] = positive_axis(self, attrs.get("axis", 0), data)
        require(data.rank == indices.rank, self, "data and indices must have one rank", inputs)
        return ((indices.shape, data.dtype),)


class ScatterElements(Operator):
    """`data` with `updates` written along `axis` at `indices`; `reduction` none, add, mul, min or max.

    >>> from netwright.graph import Input, ops
    >>> ops.scatter_elements(Input((1, 16, 8)), Input((1, 4, 8), "int64"), Input((1, 4, 8)), axis=1).shape
    (1, 16, 8)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        data, indices, updates = inputs
        attrs["axis"] = positive_axis(self, attrs.get("axis", 0), data)
        attrs.setdefault("reduction", "none")
        require(
            indices.shape == updates.shape and data.rank == indices.rank,
            self,
            "indices and updates must have one shape, and data their rank",
            inputs,
        )
        return ((data.shape, data.dtype),)


class GatherND(Operator):
    """Slices of `data` at indices (..., k) into its first k axes after the first `batch_dims` shared ones.

    >>> from netwright.graph import Input, ops
    >>> ops.gather_nd(Input((1, 16, 8)), Input((1, 4, 1), "int64"), batch_dims=1).shape
    (1, 4, 8)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        data, indices = inputs
        shared = attrs.setdefault("batch_dims", 0)
        depth = indices.shape[-1]
        holds = shared < min(data.rank, indices.rank) and data.shape[:shared] == indices.shape[:shared]
        require(holds and 1 <= depth <= data.rank - shared, self, "indices must be (..., k) into k axes", inputs)
        require(indices.dtype in ("int64", "int32"), self, "indices must be integers", inputs)
        return (((*indices.shape[:-1], *data.shape[shared + depth :]), data.dtype),)


class ScatterND(Operator):
    """`data` with slices `updates` written at indices (..., k); `reduction` none, add, mul, min or max.

    >>> from netwright.graph import Input, ops
    >>> ops.scatter_nd(Input((1, 16, 8)), Input((4, 2), "int64"), Input((4, 8)), reduction="add").shape
    (1, 16, 8)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        data, indices, updates = inputs
        attrs.setdefault("reduction", "none")
        depth = indices.shape[-1]
        holds = 1 <= depth <= data.rank and updates.shape == (*indices.shape[:-1], *data.shape[depth:])
        require(holds, self, "updates must have the shape (*indices.shape[:-1], *data.shape[k:])", inputs)
        return ((data.shape, data.dtype),)


class OneHot(Operator):
    """Rows of 0 with a 1 at each index: a new axis of size `depth` at `axis`, of dtype `dtype`.

    >>> from netwright.graph import Input, ops
    >>> ops.one_hot(Input((1, 16), "int64"), depth=10).shape
    (1, 16, 10)
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        axis = attrs.setdefault("axis", -1)
        attrs.setdefault("dtype", "float32")
        require(-x.rank - 1 <= axis <= x.rank and attrs["depth"] >= 1, self, f"axis ({axis}) must exist", inputs)
        axis = attrs["axis"] = axis % (x.rank + 1)
        return (((*x.shape[:axis], attrs["depth"], *x.shape[axis:]), attrs["dtype"]),)


class Trilu(Operator):
    """The upper (`upper` 1) or lower triangle of the last two axes from diagonal `k` on, the rest 0.

    >>> from netwright.graph import Input, ops
    >>> ops.trilu(Input((1, 16, 16)), upper=0).shape
    (1, 16, 16)
    """

    keeps_zero = True

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x = inputs[0]
        require(x.rank >= 2, self, "the rank must be at least 2", inputs)
        attrs.setdefault("upper", 1)
        attrs.setdefault("k", 0)
        return ((x.shape, x.dtype),)


class TopK(Operator):
    """The `k` largest values along `axis` and their indices; one FLOP per element read.

    >>> from netwright.graph import Input, ops
    >>> values, indices = ops.topk(Input((1, 16, 8)), k=2, axis=-1)
    >>> values.shape, indices.dtype
    ((1, 16, 2), 'int64')
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, k = inputs[0], attrs["k"]
        axis = attrs["axis"] = positive_axis(self, attrs.get("axis", -1), x)
        require(1 <= k <= x.shape[axis], self, f"k ({k}) must be in 1..size of axis {axis}", inputs)
        shape = (*x.shape[:axis], k, *x.shape[axis + 1 :])
        return ((shape, x.dtype), (shape, "int64"))

    def flops(self, node: Node) -> int:
        x = node.inputs[0]
        assert x is not None
        return x.size


reduce_mean = Reduce("ReduceMean")
reduce_sum = Reduce("ReduceSum")
reduce_max = Reduce("ReduceMax")
reduce_min = Reduce("ReduceMin")
reduce_prod = Reduce("ReduceProd")
reduce_l1 = Reduce("ReduceL1")
reduce_l2 = Reduce("ReduceL2")
reduce_sum_square = Reduce("ReduceSumSquare")
reduce_log_sum_exp = LogReduce("ReduceLogSumExp")
arg_max = Arg("ArgMax")
arg_min = Arg("ArgMin")
cumsum = CumSum("CumSum")
gather = Gather("Gather")
gather_elements = GatherElements("GatherElements")
scatter_elements = ScatterElements("ScatterElements")
topk = TopK("TopK")
gather_nd = GatherND("GatherND")
scatter_nd = ScatterND("ScatterND")
one_hot = OneHot("OneHot")
trilu = Trilu("Trilu")
