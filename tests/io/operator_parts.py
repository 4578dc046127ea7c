"""What the cases of the operators are built from."""

from __future__ import annotations

from collections.abc import Callable

from netwright.graph import Init, Parameter, Tensor, constant, ops, parameter

Build = Callable[..., Tensor | tuple[Tensor, ...]]
Case = tuple[str, tuple[int, ...], Build]
"""Label, shape of the input, and what is built on it."""

IMAGE = (1, 4, 6, 8)
TOKENS = (1, 5, 12)


def weight(*shape: int, hint: str = "weight", init: str = "normal") -> Parameter:
    return parameter(hint, shape, Init(init, 0.5))


def positive(x: Tensor) -> Tensor:
    return ops.abs(x) + 0.5


def bits(x: Tensor) -> Tensor:
    return ops.greater(x, constant(0.0))


def elementwise(op: Callable[..., Tensor], **attrs: object) -> tuple[str, tuple[int, ...], Build]:
    return "", IMAGE, lambda x: op(x, **attrs)


def whole(x: Tensor, dtype: str = "int64") -> Tensor:
    """Whole numbers of both signs."""
    return ops.cast(x * 9.0, to=dtype)
