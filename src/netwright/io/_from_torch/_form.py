"""What the converters of ATen operators share: their signature, their error, and small facts about arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Converter", "NoFormError", "axis_of", "per_axis"]

Converter = Callable[..., Any]
"""Called with the builder and the arguments of the ATen operator; gives what the operator gives."""


class NoFormError(Exception):
    """An operator, as it is used here, has no counterpart; it is decomposed or reported."""


def axis_of(axis: int, rank: int) -> int:
    """Axis counted from the front; a scalar has the axes 0 and -1 of one element."""
    return axis % max(rank, 1)


def per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """One number per axis, as a single one or a list of one means in ATen."""
    numbers = (value,) if isinstance(value, int) else tuple(value)
    return numbers * rank if len(numbers) == 1 else numbers
