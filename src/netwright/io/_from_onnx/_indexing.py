"""Converters of reductions and of reading and writing by index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from netwright.graph import OPERATORS, Tensor, constant, ops
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._values import Known, Made, dtype_of

__all__ = ["CONVERTERS"]

Converter = Callable[[Call], Any]


def _axes(call: Call) -> dict[str, Any] | None:
    """Attributes of a reduction; None for one that, without axes, is to do nothing."""
    axes, keepdims = call.ints_of("axes", 1), call.attrs.get("keepdims", 1)
    stays = call.attrs.get("noop_with_empty_axes", 0)
    if not axes and stays:
        return None
    return {"keepdims": keepdims, **({"axes": axes} if axes else {})}


def _reduce(call: Call) -> Tensor:
    attrs = _axes(call)
    if attrs is None:
        elementwise = call.op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")
        call.refuse(not elementwise, "without axes it works on each element")
        return ops.identity(call.tensor(0))  # type: ignore[no-any-return]
    result: Tensor = OPERATORS[call.op](call.tensor(0), **attrs)
    return result


def _reduce_log_sum(call: Call) -> Tensor:
    attrs = _axes(call)
    call.refuse(attrs is None, "without axes it works on each element")
    return ops.log(ops.reduce_sum(call.tensor(0), **(attrs or {})))  # type: ignore[no-any-return]


def _arg(call: Call) -> Tensor:
    attrs = {"axis": call.attrs.get("axis", 0), "keepdims": call.attrs.get("keepdims", 1)}
    attrs |= {"select_last_index": 1} if call.attrs.get("select_last_index", 0) else {}
    result: Tensor = OPERATORS[call.op](call.tensor(0), **attrs)
    return result


def _cumsum(call: Call) -> Tensor:
    attrs = {key: call.attrs[key] for key in ("exclusive", "reverse") if key in call.attrs}
    result: Tensor = ops.cumsum(call.tensor(0), axis=int(call.number(1)), **attrs)
    return result


def _indices(call: Call, index: int, size: int) -> Tensor:
    """Indices counted from the front, where they are known; those of a running network are taken to be so."""
    value = call.value(index)
    if isinstance(value, Made):
        return value.tensor
    array = value.array
    if array.size and array.min() < 0:
        return constant(np.where(array < 0, array + size, array), value.dtype)
    return call.tensor(index)


def _gather(call: Call) -> Tensor:
    table = call.value(0)
    axis = call.attrs.get("axis", 0)
    lookup = isinstance(table, Known) and table.dtype.startswith("float") and len(table.shape) > 1
    data = call.weight(0) if lookup else call.tensor(0)
    result: Tensor = ops.gather(data, _indices(call, 1, data.shape[axis]), axis=axis)
    return result


def _gather_elements(call: Call) -> Tensor:
    data, axis = call.tensor(0), call.attrs.get("axis", 0)
    result: Tensor = ops.gather_elements(data, _indices(call, 1, data.shape[axis]), axis=axis)
    return result


def _scatter_elements(call: Call) -> Tensor:
    data, axis = call.tensor(0), call.attrs.get("axis", 0)
    result: Tensor = ops.scatter_elements(
        data,
        _indices(call, 1, data.shape[axis]),
        call.tensor(2),
        axis=axis,
        reduction=call.attrs.get("reduction", "none"),
    )
    return result


def _gather_nd(call: Call) -> Tensor:
    data, shared = call.tensor(0), call.attrs.get("batch_dims", 0)
    result: Tensor = ops.gather_nd(data, _positions(call, data, shared), batch_dims=shared)
    return result


def _scatter_nd(call: Call) -> Tensor:
    data, reduction = call.tensor(0), call.attrs.get("reduction", "none")
    result: Tensor = ops.scatter_nd(data, _positions(call, data, 0), call.tensor(2), reduction=reduction)
    return result


def _positions(call: Call, data: Tensor, shared: int) -> Tensor:
    """Known positions counted from the front of each axis."""
    value = call.value(1)
    if isinstance(value, Known) and value.array.size and value.array.min() < 0:
        sizes = np.asarray(data.shape[shared : shared + value.shape[-1]])
        return constant(np.where(value.array < 0, value.array + sizes, value.array), value.dtype)
    return call.tensor(1)


def _one_hot(call: Call) -> Tensor:
    """Values other than 0 and 1 scale and shift the result."""
    indices, depth = call.tensor(0), int(call.number(1))
    off, on = call.known(2).reshape(-1).tolist()
    dtype = dtype_of(call.value(2))
    x = indices if indices.dtype == "int64" else ops.cast(indices, to="int64")
    hot: Tensor = ops.one_hot(x, depth=depth, axis=call.attrs.get("axis", -1), dtype=dtype)
    return hot if (off, on) == (0, 1) else hot * (on - off) + off


def _trilu(call: Call) -> Tensor:
    k = int(call.number(1)) if call.has(1) else 0
    result: Tensor = ops.trilu(call.tensor(0), upper=call.attrs.get("upper", 1), k=k)
    return result


def _topk(call: Call) -> Any:
    k = call.attrs["k"] if "k" in call.attrs else int(call.number(1))
    attrs = {key: call.attrs[key] for key in ("largest", "sorted") if key in call.attrs}
    return ops.topk(call.tensor(0), k=k, axis=call.attrs.get("axis", -1), **attrs)


def _quantisation(call: Call) -> Tensor:
    call.refuse(bool(call.attrs.get("block_size", 0)), "it scales blocks")
    x = call.weight(0) if _is_stored(call, 0) else call.tensor(0)
    rest = [call.tensor(i) for i in (1, 2) if call.has(i)]
    result: Tensor = OPERATORS[call.op](x, *rest, axis=call.attrs.get("axis", 1))
    return result


def _is_stored(call: Call, index: int) -> bool:
    value = call.value(index)
    return isinstance(value, Known) and value.stored


CONVERTERS: dict[str, Converter] = {
    **dict.fromkeys(
        (
            "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
            "ReduceSumSquare", "ReduceLogSumExp",
        ),
        _reduce,
    ),
    "ReduceLogSum": _reduce_log_sum,
    "ArgMax": _arg,
    "ArgMin": _arg,
    "CumSum": _cumsum,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Scatter": _scatter_elements,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "OneHot": _one_hot,
    "Trilu": _trilu,
    "TopK": _topk,
    "QuantizeLinear": _quantisation,
    "DequantizeLinear": _quantisation,
}  # fmt: skip
