"""Converters of arithmetic, comparison and activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from netwright.graph import OPERATORS, Tensor, ops
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._weights import DTYPES, numbered_dtype

__all__ = ["CONVERTERS"]

Converter = Callable[[Call], Any]


def plain(*keys: str, **defaults: float | int | str) -> Converter:
    """The operator of the same name on all inputs, with these attributes; ONNX's defaults where ours differ."""

    def convert(call: Call) -> Any:
        attrs = {key: call.attrs[key] for key in (*keys, *defaults) if key in call.attrs}
        return OPERATORS[call.op](*call.tensors(), **(defaults | attrs))

    return convert


def _variadic(call: Call) -> Tensor:
    return call.tensor(0) if len(call.inputs) == 1 else OPERATORS[call.op](*call.tensors())


def _mean(call: Call) -> Tensor:
    total: Tensor = ops.sum(*call.tensors())
    return total / float(len(call.inputs))


def _pow(call: Call) -> Tensor:
    """The exponent may have an element type of its own."""
    x, y = call.tensors()
    result: Tensor = ops.pow(x, y if y.dtype == x.dtype else ops.cast(y, to=x.dtype))
    return result


def _clip(call: Call) -> Tensor:
    """Bounds are attributes before operator set 11; those that are computed become Max and Min."""
    x = call.tensor(0)
    bounds: dict[str, float | None] = {"min": call.attrs.get("min"), "max": call.attrs.get("max")}
    late: dict[str, Tensor] = {}
    for index, key in ((1, "min"), (2, "max")):
        if call.has(index) and call.is_known(index):
            bounds[key] = call.number(index)
        elif call.has(index):
            late[key] = call.tensor(index)
    if any(bound is not None for bound in bounds.values()) or not late:
        x = ops.clip(x, **bounds)
    x = ops.maximum(x, late["min"]) if "min" in late else x
    return ops.minimum(x, late["max"]) if "max" in late else x


def _cast(call: Call) -> Tensor:
    to = call.attrs["to"]
    call.refuse(to not in DTYPES, f"there is no element type {numbered_dtype(to)} here")
    result: Tensor = ops.cast(call.tensor(0), to=DTYPES[to])
    return result


def _dropout(call: Call) -> list[Any]:
    """At inference it passes its input on, and its mask keeps all."""
    x = call.tensor(0)
    ratio = call.number(1) if call.has(1) else call.attrs.get("ratio", 0.5)
    call.refuse(call.has(2) and bool(call.known(2)) and ratio > 0, "it drops at inference too")
    return [ops.dropout(x, ratio=float(ratio)), np.broadcast_to(np.bool_(True), x.shape)]


def _softmax(call: Call) -> Tensor:
    """Before operator set 13 all axes from `axis` on are one."""
    x, op = call.tensor(0), OPERATORS[call.op]
    axis = call.attrs.get("axis", -1 if call.opset >= 13 else 1)
    axis += x.rank if axis < 0 else 0
    if call.opset >= 13 or all(size == 1 for size in x.shape[axis + 1 :]):
        result: Tensor = op(x, axis=axis)
        return result
    flat = op(ops.flatten(x, axis=axis), axis=1)
    return ops.reshape(flat, shape=x.shape)  # type: ignore[no-any-return]


def _gelu(call: Call) -> Tensor:
    result: Tensor = ops.gelu(call.tensor(0), approximate=call.attrs.get("approximate", "none"))
    return result


def _is_inf(call: Call) -> Tensor:
    both = call.attrs.get("detect_negative", 1) and call.attrs.get("detect_positive", 1)
    call.refuse(not both, "it looks for one sign only")
    result: Tensor = ops.is_inf(call.tensor(0))
    return result


def _prelu(call: Call) -> Tensor:
    result: Tensor = ops.prelu(call.tensor(0), call.weight(1))
    return result


SAME = (
    "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Div", "Equal",
    "Erf", "Exp", "Floor", "Greater", "GreaterOrEqual", "HardSwish", "Identity", "IsNaN", "Less", "LessOrEqual",
    "Log", "Mish", "Mul", "Neg", "Not", "Or", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign", "Sin", "Sinh",
    "Softplus", "Softsign", "Sqrt", "Sub", "Tan", "Tanh", "Where", "Xor",
)  # fmt: skip
"""Operators that are the same here, without attributes."""

CONVERTERS: dict[str, Converter] = {
    **dict.fromkeys(SAME, plain()),
    **dict.fromkeys(("Max", "Min"), _variadic),
    "Sum": plain(),
    "Mean": _mean,
    "Mod": plain("fmod"),
    "Pow": _pow,
    "Clip": _clip,
    "Cast": _cast,
    "Dropout": _dropout,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "Hardmax": _softmax,
    "LeakyRelu": plain(alpha=0.01),
    "Elu": plain(alpha=1.0),
    "Celu": plain(alpha=1.0),
    "Selu": plain("alpha", "gamma"),
    "HardSigmoid": plain(alpha=0.2, beta=0.5),
    "ThresholdedRelu": plain(alpha=1.0),
    "Shrink": plain(lambd=0.5, bias=0.0),
    "Swish": plain("alpha"),
    "Gelu": _gelu,
    "PRelu": _prelu,
    "IsInf": _is_inf,
}
