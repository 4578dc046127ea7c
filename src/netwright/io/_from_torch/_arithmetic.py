"""Arithmetic, comparison and logic on elements."""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter, NoFormError

__all__ = ["ARITHMETIC", "scaled"]


def scaled(b: Builder, value: Any, factor: float) -> Any:
    """A value times a Python number, which is mostly 1."""
    return value if factor == 1 else _binary(ops.mul)(b, value, factor)


def _binary(op: Callable[..., Tensor]) -> Converter:
    def convert(b: Builder, x: Any, y: Any) -> Any:
        operands = b.operands(x, y)
        return _of_bits(op, operands[0].dtype)(*operands)

    return convert


OF_BITS: dict[Any, Callable[..., Any]] = {
    ops.add: ops.logical_or,
    ops.mul: ops.logical_and,
    ops.maximum: ops.logical_or,
    ops.minimum: ops.logical_and,
}
"""Arithmetic on bits, which ONNX does not have under these names."""


def _of_bits(op: Callable[..., Any], dtype: str) -> Callable[..., Any]:
    return OF_BITS[op] if dtype == "bool" and op in OF_BITS else op


def _sum(op: Callable[..., Tensor]) -> Converter:
    """Sum or difference, the second operand times `alpha`."""

    def convert(b: Builder, x: Any, y: Any, alpha: float = 1) -> Any:
        left, right = b.tensors((x, y), b.dtype)
        if b.dtype == "bool":
            return _of_bits(op, b.dtype)(left, right)
        return op(left, right if alpha == 1 else ops.mul(right, b.constant(alpha, b.dtype)))

    return convert


def _rsub(b: Builder, x: Any, y: Any, alpha: float = 1) -> Any:
    return _sum(ops.sub)(b, y, scaled(b, x, alpha))


def _div(b: Builder, x: Any, y: Any, rounding_mode: str | None = None) -> Any:
    left, right = b.tensors((x, y), b.dtype)
    if b.dtype.startswith("float"):
        quotient = ops.div(left, right)
        if rounding_mode == "trunc":
            return _trunc(b, quotient)
        return ops.floor(quotient) if rounding_mode == "floor" else quotient
    if rounding_mode == "floor":
        # The quotient of integers is rounded towards zero, so what the remainder takes is subtracted first.
        left = ops.sub(left, ops.mod(left, right))
    return ops.div(left, right)


def _floor_divide(b: Builder, x: Any, y: Any) -> Any:
    return _div(b, x, y, "floor")


def _trunc(b: Builder, x: Any) -> Any:
    x = b.tensor(x)
    return ops.mul(ops.sign(x), ops.floor(ops.abs(x)))


def _fmod(b: Builder, x: Any, y: Any) -> Any:
    return ops.mod(*b.operands(x, y), fmod=1)


def _compare(op: Callable[..., Tensor], *, inverted: bool = False) -> Converter:
    def convert(b: Builder, x: Any, y: Any) -> Tensor:
        found = op(*b.operands(x, y))
        return ops.logical_not(found) if inverted else found

    return convert


def _logical(op: Callable[..., Tensor]) -> Converter:
    return lambda b, *values: op(*b.tensors(values, "bool"))


def _bitwise(op: Callable[..., Tensor]) -> Converter:
    def convert(b: Builder, *values: Any) -> Tensor:
        if b.dtype != "bool":
            raise NoFormError("bits of integers")
        return op(*b.tensors(values, "bool"))

    return convert


def _where(b: Builder, condition: Any, x: Any, y: Any) -> Any:
    return ops.where(b.tensor(condition, "bool"), *b.tensors((x, y), b.dtype))


def _masked_fill(b: Builder, x: Any, mask: Any, value: Any) -> Any:
    return _where(b, mask, value, x)


def _hypot(b: Builder, x: Any, y: Any) -> Any:
    x, y = b.tensors((x, y), b.dtype)
    return ops.sqrt(ops.add(ops.mul(x, x), ops.mul(y, y)))


def _atan2(b: Builder, y: Any, x: Any) -> Any:
    """The angle of (x, y): that of y / x, and half a turn on where x is negative; zeros have no sign here."""
    y, x = b.tensors((y, x), b.dtype)
    zero, half_turn = b.constant(0, b.dtype), b.constant(pi, b.dtype)
    # On the axis x = 0 the quotient by a tiny number is as good as infinite, and 0 where y is 0 as well.
    tiny = b.constant(SMALLEST.get(b.dtype, 1e-30), b.dtype)
    angle = ops.atan(ops.div(y, ops.where(ops.equal(x, zero), tiny, x)))
    turn = ops.where(ops.less(y, zero), ops.neg(half_turn), half_turn)
    return ops.add(angle, ops.where(ops.less(x, zero), turn, zero))


SMALLEST = {"float16": 1e-7}
"""What stands for 0 in a divisor, by element type."""


def _cdist(b: Builder, x: Any, y: Any, p: float = 2.0, *_: Any) -> Any:
    """Distances of every row of (..., P, M) from every row of (..., R, M)."""
    x, y = b.tensors((x, y), b.dtype)
    apart = ops.sub(ops.unsqueeze(x, axes=(x.rank - 1,)), ops.unsqueeze(y, axes=(y.rank - 2,)))
    norms = {1.0: ops.reduce_l1, 2.0: ops.reduce_l2}
    if p not in norms:
        raise NoFormError(f"a distance of p = {p}")
    return norms[p](apart, axes=(apart.rank - 1,), keepdims=0)


def _addcmul(b: Builder, x: Any, first: Any, second: Any, value: float = 1) -> Any:
    return ops.add(b.tensor(x, b.dtype), b.tensor(scaled(b, _binary(ops.mul)(b, first, second), value), b.dtype))


def _addcdiv(b: Builder, x: Any, first: Any, second: Any, value: float = 1) -> Any:
    return ops.add(b.tensor(x, b.dtype), b.tensor(scaled(b, _binary(ops.div)(b, first, second), value), b.dtype))


def _lerp(b: Builder, start: Any, end: Any, weight: Any) -> Any:
    start, end, weight = b.tensors((start, end, weight), b.dtype)
    return ops.add(start, ops.mul(weight, ops.sub(end, start)))


def _clamp(b: Builder, x: Any, min: Any = None, max: Any = None) -> Any:
    """Limits that are numbers are attributes; limits that are tensors are further operands."""
    made = b.tensor(x, b.dtype)
    whole = not b.dtype.startswith("float")
    numbers = {k: v for k, v in (("min", min), ("max", max)) if isinstance(v, (int, float))}
    if numbers:
        made = ops.clip(made, **{k: int(v) if whole else float(v) for k, v in numbers.items()})
    for op, limit in ((ops.maximum, min), (ops.minimum, max)):
        if limit is not None and not isinstance(limit, (int, float)):
            made = op(made, b.tensor(limit, b.dtype))
    return made


ARITHMETIC: dict[str, Converter] = {
    "aten.add": _sum(ops.add),
    "aten.sub": _sum(ops.sub),
    "aten.rsub": _rsub,
    "aten.mul": _binary(ops.mul),
    "aten.multiply": _binary(ops.mul),
    "aten.div": _div,
    "aten.divide": _div,
    "aten.true_divide": _div,
    "aten.floor_divide": _floor_divide,
    "aten.remainder": _binary(ops.mod),
    "aten.fmod": _fmod,
    "aten.pow": lambda b, x, y: ops.pow(*b.tensors((x, y), b.dtype)),
    "aten.trunc": _trunc,
    "aten.fix": _trunc,
    "aten.maximum": _binary(ops.maximum),
    "aten.minimum": _binary(ops.minimum),
    "aten.max.other": _binary(ops.maximum),
    "aten.min.other": _binary(ops.minimum),
    "aten.eq": _compare(ops.equal),
    "aten.ne": _compare(ops.equal, inverted=True),
    "aten.not_equal": _compare(ops.equal, inverted=True),
    "aten.gt": _compare(ops.greater),
    "aten.lt": _compare(ops.less),
    "aten.ge": _compare(ops.greater_or_equal),
    "aten.le": _compare(ops.less_or_equal),
    "aten.logical_and": _logical(ops.logical_and),
    "aten.logical_or": _logical(ops.logical_or),
    "aten.logical_xor": _logical(ops.logical_xor),
    "aten.logical_not": _logical(ops.logical_not),
    "aten.bitwise_and": _bitwise(ops.logical_and),
    "aten.bitwise_or": _bitwise(ops.logical_or),
    "aten.bitwise_xor": _bitwise(ops.logical_xor),
    "aten.bitwise_not": _bitwise(ops.logical_not),
    "aten.__and__": _bitwise(ops.logical_and),
    "aten.__or__": _bitwise(ops.logical_or),
    "aten.__xor__": _bitwise(ops.logical_xor),
    "aten.where": _where,
    "aten.masked_fill": _masked_fill,
    "aten.addcmul": _addcmul,
    "aten.addcdiv": _addcdiv,
    "aten.lerp": _lerp,
    "aten.atan2": _atan2,
    "aten.arctan2": _atan2,
    "aten.hypot": _hypot,
    "aten.cdist": _cdist,
    "aten._cdist_forward": _cdist,
    "aten.clamp": _clamp,
    "aten.clip": _clamp,
    "aten.clamp_min": _clamp,
    "aten.clamp_max": lambda b, x, limit: _clamp(b, x, max=limit),
}
"""Converters by the name of the operator."""
