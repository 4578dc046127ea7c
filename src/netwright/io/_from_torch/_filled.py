"""Operators that read only the shape of a tensor: what they make is known at once."""

from __future__ import annotations

from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_torch._builder import Builder
from netwright.io._from_torch._form import Converter

__all__ = ["FILLED"]


def _full(b: Builder, value: Any) -> Any:
    import torch

    return torch.full(b.shape, value, dtype=getattr(torch, b.dtype))


def _filled(value: float) -> Converter:
    return lambda b, *rest, **options: _full(b, value)


def _fill(b: Builder, x: Any, value: Any) -> Any:
    """A number, or a tensor of one, at every place."""
    import torch

    if isinstance(value, Tensor):
        return ops.expand(b.tensor(value, b.dtype), shape=b.shape)
    return _full(b, value.item() if isinstance(value, torch.Tensor) else value)


FILLED: dict[str, Converter] = {
    **{f"aten.{name}": _filled(0) for name in ("zeros_like", "new_zeros", "empty_like", "new_empty", "zero")},
    **{f"aten.{name}": _filled(1) for name in ("ones_like", "new_ones")},
    "aten.full_like": lambda b, x, value, **options: _full(b, value),
    "aten.new_full": lambda b, x, size, value, **options: _full(b, value),
    "aten.fill": _fill,
}
"""Converters by the name of the operator."""
