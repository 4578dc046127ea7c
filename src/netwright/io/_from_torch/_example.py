"""The example that a module is exported with: what users may write for it, as tensors of one row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["arguments_of"]

FORMS = "an array, a tuple of arrays, a dict of keyword arguments, a shape such as (1, 3, 224, 224) or '1x3x224x224'"


def arguments_of(example: Any, module: nn.Module) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments of one row.

    A shape stands for random numbers of the module's floating dtype. Where all arrays have one first size, that is
    taken for the batch, and the first row stays. An argument may itself be a list, a tuple or a dict of arrays.
    """
    shape = _shape(example)
    if shape is not None:
        return (_random(shape, module),), {}
    if isinstance(example, Mapping):
        return (), _first_row({str(name): _tensors(value) for name, value in example.items()})
    given = list(example) if isinstance(example, (tuple, list)) else [example]
    if not given:
        raise ModelError(f"an example must be {FORMS}, but got {example!r}.")
    return tuple(_first_row([_tensors(value) for value in given])), {}


def _shape(example: Any) -> tuple[int, ...] | None:
    """Sizes, where the example is a shape."""
    if isinstance(example, str):
        if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", example.strip()):
            raise ModelError(f"a shape must read like '1x3x224x224', but got {example!r}.")
        return tuple(map(int, example.strip().split("x")))
    if isinstance(example, (tuple, list)) and example and all(type(size) is int for size in example):
        if min(example) < 1:
            raise ModelError(f"sizes must be positive integers, but got {tuple(example)}.")
        return tuple(example)
    return None


def _random(shape: tuple[int, ...], module: nn.Module) -> torch.Tensor:
    import torch

    floating = (p.dtype for p in module.parameters() if p.dtype.is_floating_point)
    generator = torch.Generator().manual_seed(0)
    return torch.randn(shape, generator=generator).to(next(floating, torch.float32))


def _tensor(value: Any) -> Any:
    """A tensor that shares memory with an array; None and Python numbers are options of the module, not inputs."""
    import torch

    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, torch.Tensor):
        return value.detach() if value.is_meta else value.detach().cpu()
    if isinstance(value, (np.ndarray, np.generic)) and np.asarray(value).dtype.kind in "fiub":
        return torch.from_numpy(np.array(value))
    raise ModelError(f"an example must be {FORMS}, but got {type(value).__name__}.")


def _tensors(value: Any) -> Any:
    """Tensors in the lists, tuples and dicts in which the arrays are."""
    if type(value) in (list, tuple):
        return type(value)(map(_tensors, value))
    return {name: _tensors(part) for name, part in value.items()} if type(value) is dict else _tensor(value)


def _first_row(values: Any) -> Any:
    import torch
    from torch.utils import _pytree

    leaves: list[Any] = _pytree.tree_leaves(values)
    tensors = [v for v in leaves if isinstance(v, torch.Tensor)]
    sizes = {v.shape[0] if v.ndim else 1 for v in tensors}
    if len(sizes) != 1 or sizes == {1}:
        return values
    return _pytree.tree_map(lambda v: v[:1] if isinstance(v, torch.Tensor) else v, values)
