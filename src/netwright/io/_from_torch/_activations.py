"""Functions of one element: mathematical ones and activations."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, axis_of

__all__ = ["ACTIVATIONS"]

Unary = Callable[[Tensor], Any]


def _unary(op: Unary) -> Converter:
    """A function that gives its operand's type, or floats where ATen turns integers into floats."""
    return lambda b, x: op(b.tensor(x, b.dtype))


def _test(op: Unary) -> Converter:
    return lambda b, x: op(b.tensor(x))


def _number(b: Builder, value: float) -> Tensor:
    return b.constant(value, b.dtype)


def _rsqrt(x: Tensor) -> Any:
    return ops.reciprocal(ops.sqrt(x))


def _square(x: Tensor) -> Any:
    return ops.mul(x, x)


def _scaled_log(base: float) -> Converter:
    return lambda b, x: ops.div(ops.log(b.tensor(x, b.dtype)), _number(b, log(base)))


def _softplus(b: Builder, x: Any, beta: float = 1, threshold: float = 20) -> Any:
    """The threshold only avoids an overflow that ours avoids too."""
    x = b.tensor(x, b.dtype)
    if beta == 1:
        return ops.softplus(x)
    return ops.div(ops.softplus(ops.mul(x, _number(b, beta))), _number(b, beta))


def _elu(b: Builder, x: Any, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Any:
    x = b.tensor(x)
    made = ops.elu(x if input_scale == 1 else ops.mul(x, _number(b, input_scale)), alpha=float(alpha))
    return made if scale == 1 else ops.mul(made, _number(b, scale))


def _hardtanh(b: Builder, x: Any, low: float = -1, high: float = 1) -> Any:
    return ops.clip(b.tensor(x), min=float(low), max=float(high))


def _threshold(b: Builder, x: Any, limit: float, value: float) -> Any:
    x = b.tensor(x)
    if value == 0 and limit >= 0:
        return ops.thresholded_relu(x, alpha=float(limit))
    return ops.where(ops.greater(x, _number(b, limit)), x, _number(b, value))


def _prelu(b: Builder, x: Any, slope: Any) -> Any:
    x, slope = b.tensor(x), b.tensor(slope)
    if slope.size > 1 and x.rank > 2:
        slope = ops.reshape(slope, shape=(-1, *(1,) * (x.rank - 2)))
    return ops.prelu(x, slope)


def _glu(b: Builder, x: Any, dim: int = -1) -> Any:
    x = b.tensor(x)
    axis = axis_of(dim, x.rank)
    half = x.shape[axis] // 2
    value, gate = ops.split(x, split=(half, half), axis=axis)
    return ops.mul(value, ops.sigmoid(gate))


def _softmax(op: Callable[..., Tensor]) -> Converter:
    def convert(b: Builder, x: Any, dim: int, dtype: Any = None) -> Tensor:
        return op(b.tensor(x, b.dtype), axis=dim)

    return convert


def _log_sigmoid(x: Tensor) -> Any:
    return ops.neg(ops.softplus(ops.neg(x)))


def _gelu(b: Builder, x: Any, approximate: str = "none") -> Any:
    return ops.gelu(b.tensor(x), approximate=approximate)


PLAIN: dict[str, Unary] = {
    "abs": ops.abs, "acos": ops.acos, "acosh": ops.acosh, "asin": ops.asin, "asinh": ops.asinh,
    "atan": ops.atan, "atanh": ops.atanh, "ceil": ops.ceil, "cos": ops.cos, "cosh": ops.cosh, "erf": ops.erf,
    "exp": ops.exp, "floor": ops.floor, "log": ops.log, "neg": ops.neg, "reciprocal": ops.reciprocal,
    "round": ops.round, "sign": ops.sign, "sgn": ops.sign, "sin": ops.sin, "sinh": ops.sinh,
    "sqrt": ops.sqrt, "tan": ops.tan, "tanh": ops.tanh, "special_erf": ops.erf, "rsqrt": _rsqrt,
    "square": _square, "relu": ops.relu, "sigmoid": ops.sigmoid, "silu": ops.silu, "mish": ops.mish,
    "hardswish": ops.hard_swish, "hardsigmoid": ops.hard_sigmoid, "selu": ops.selu,
    "log_sigmoid": _log_sigmoid,
}  # fmt: skip
"""Functions of one element without options."""

ACTIVATIONS: dict[str, Converter] = {
    **{f"aten.{name}": _unary(op) for name, op in PLAIN.items()},
    "aten.isnan": _test(ops.is_nan),
    "aten.isinf": _test(ops.is_inf),
    "aten.expm1": lambda b, x: ops.sub(ops.exp(b.tensor(x, b.dtype)), _number(b, 1)),
    "aten.log1p": lambda b, x: ops.log(ops.add(b.tensor(x, b.dtype), _number(b, 1))),
    "aten.exp2": lambda b, x: ops.pow(_number(b, 2), b.tensor(x, b.dtype)),
    "aten.erfc": lambda b, x: ops.sub(_number(b, 1), ops.erf(b.tensor(x, b.dtype))),
    "aten.log2": _scaled_log(2),
    "aten.log10": _scaled_log(10),
    "aten.relu6": lambda b, x: _hardtanh(b, x, 0, 6),
    "aten.hardtanh": _hardtanh,
    "aten.threshold": _threshold,
    "aten.leaky_relu": lambda b, x, slope=0.01: ops.leaky_relu(b.tensor(x), alpha=float(slope)),
    "aten.rrelu": lambda b, x, low=0.125, high=1 / 3, *_: ops.leaky_relu(b.tensor(x), alpha=(low + high) / 2),
    "aten.elu": _elu,
    "aten.celu": lambda b, x, alpha=1.0: ops.celu(b.tensor(x), alpha=float(alpha)),
    "aten.gelu": _gelu,
    "aten.softplus": _softplus,
    "aten.hardshrink": lambda b, x, lambd=0.5: ops.shrink(b.tensor(x), lambd=float(lambd), bias=0.0),
    "aten.softshrink": lambda b, x, lambd=0.5: ops.shrink(b.tensor(x), lambd=float(lambd), bias=float(lambd)),
    "aten.prelu": _prelu,
    "aten._prelu_kernel": lambda b, x, slope: ops.prelu(*b.tensors((x, slope))),
    "aten.glu": _glu,
    "aten.softmax": _softmax(ops.softmax),
    "aten._softmax": _softmax(ops.softmax),
    "aten.log_softmax": _softmax(ops.log_softmax),
    "aten._log_softmax": _softmax(ops.log_softmax),
}
"""Converters by the name of the operator."""
