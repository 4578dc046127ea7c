"""Converters of layers on whole numbers: the layer between the numbers they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from netwright.graph import Tensor, constant, ops
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._layers import window
from netwright.io._from_onnx._values import Known

__all__ = ["CONVERTERS"]

Converter = Callable[[Call], Any]
MICROSOFT = "com.microsoft"


def _whole(call: Call, index: int) -> Tensor:
    """Whole numbers of an input; those that are known belong to the layer."""
    return call.weight(index) if isinstance(call.value(index), Known) else call.tensor(index)


def _numbers(call: Call, index: int, axis: int = 1) -> Tensor:
    """What the whole numbers of an input stand for; its scale and its zero point come after it."""
    return _dequantized(_whole(call, index), *_grid(call, index + 1), axis)


def _grid(call: Call, index: int) -> tuple[Tensor, Tensor | None]:
    """A scale and the zero point after it."""
    return call.tensor(index), call.optional(index + 1)


def _dequantized(x: Tensor, scale: Tensor, zero: Tensor | None, axis: int = 1) -> Tensor:
    result: Tensor = ops.dequantize_linear(x, scale, *([] if zero is None else [zero]), axis=axis)
    return result


def _quantized(call: Call, y: Tensor, index: int, dtype: str) -> Tensor:
    """Whole numbers of a result on the grid at an input; without a zero point it is zero."""
    scale, zero = _grid(call, index)
    zero = constant(np.zeros(scale.shape), dtype) if zero is None else zero
    result: Tensor = ops.quantize_linear(y, scale, zero)
    return result


def _conv(call: Call) -> Tensor:
    """QLinearConv; its bias stands on the grid of the products."""
    x, w = _numbers(call, 0), _numbers(call, 3, axis=0)
    bias = []
    if call.has(8):
        scale = call.known(1).reshape(-1) * call.known(4).reshape(-1)
        scale = scale if scale.size > 1 else scale.reshape(())
        bias = [_dequantized(call.weight(8, "bias"), constant(scale), None, axis=0)]
    y = ops.conv(x, w, *bias, group=call.attrs.get("group", 1), **window(call, x, w.shape[2:]))
    return _quantized(call, y, 6, call.tensor(0).dtype)


def _matmul(call: Call) -> Tensor:
    y = ops.matmul(_numbers(call, 0), _numbers(call, 3, axis=-1))
    return _quantized(call, y, 6, call.tensor(0).dtype)


def _shifted(call: Call, index: int, zero: int, dtype: str, *, rows: bool = False) -> Tensor:
    """Whole numbers less their zero point, or one for each row, in a type that has room."""
    x = _whole(call, index)
    wide: Tensor = ops.cast(x, to=dtype)
    if not call.has(zero):
        return wide
    offset: Tensor = ops.cast(call.tensor(zero), to=dtype)
    if rows and offset.size > 1:
        offset = ops.reshape(offset, shape=(-1, *[1] * (x.rank - 1)))
    return wide - offset


def _matmul_integer(call: Call) -> Tensor:
    result: Tensor = ops.matmul(_shifted(call, 0, 2, "int32", rows=True), _shifted(call, 1, 3, "int32"))
    return result


def _conv_integer(call: Call) -> Tensor:
    """In float32, which PyTorch has convolutions for, and which is exact below 2 ** 24."""
    w = _shifted(call, 1, 3, "float32", rows=True)
    x = _shifted(call, 0, 2, "float32")
    y = ops.conv(x, w, group=call.attrs.get("group", 1), **window(call, x, w.shape[2:]))
    result: Tensor = ops.cast(y, to="int32")
    return result


def _pair(op: Callable[..., Tensor]) -> Converter:
    """A function of two quantised tensors: each with scale and zero point, then those of the result."""
    return lambda call: _quantized(call, op(_numbers(call, 0), _numbers(call, 3)), 6, call.tensor(0).dtype)


def _single(op: Callable[..., Tensor], *keys: str) -> Converter:
    def convert(call: Call) -> Tensor:
        call.refuse(bool(call.attrs.get("channels_last", 0)), "its channels come last")
        attrs = {key: call.attrs[key] for key in keys if key in call.attrs}
        return _quantized(call, op(_numbers(call, 0), **attrs), 3, call.tensor(0).dtype)

    return convert


def _concat(call: Call) -> Tensor:
    parts = [_numbers(call, index) for index in range(2, len(call.inputs), 3)]
    y: Tensor = ops.concat(*parts, axis=call.attrs["axis"])
    return _quantized(call, y, 0, call.tensor(2).dtype)


CONVERTERS: dict[str, Converter] = {
    "QLinearConv": _conv,
    "QLinearMatMul": _matmul,
    "MatMulInteger": _matmul_integer,
    "ConvInteger": _conv_integer,
    f"{MICROSOFT}::QLinearAdd": _pair(ops.add),
    f"{MICROSOFT}::QLinearMul": _pair(ops.mul),
    f"{MICROSOFT}::QLinearSigmoid": _single(ops.sigmoid),
    f"{MICROSOFT}::QLinearLeakyRelu": _single(ops.leaky_relu, "alpha"),
    f"{MICROSOFT}::QLinearGlobalAveragePool": _single(ops.global_average_pool),
    f"{MICROSOFT}::QLinearConcat": _concat,
}
"""Converters by operator."""
