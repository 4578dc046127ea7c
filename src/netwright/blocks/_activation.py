"""Activations by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netwright.errors import UnknownNameError
from netwright.graph import Tensor, ops

__all__ = ["ACTIVATIONS", "activate"]

ACTIVATIONS: dict[str, Callable[[Tensor], Any]] = {
    "relu": ops.relu,
    "relu6": lambda x: ops.clip(x, min=0.0, max=6.0),
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "mish": ops.mish,
    "hard_swish": ops.hard_swish,
    "hard_sigmoid": ops.hard_sigmoid,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "squared_relu": lambda x: _squared(ops.relu(x)),
    "none": lambda x: x,
}


def _squared(x: Tensor) -> Tensor:
    return x * x


def activate(x: Tensor, activation: str) -> Tensor:
    """Apply an activation by name; raises UnknownNameError.

    >>> from netwright.graph import image
    >>> activate(image(1, 2, 2), "relu").node.op.name
    'Relu'
    """
    if activation not in ACTIVATIONS:
        raise UnknownNameError("activation", activation, ACTIVATIONS)
    y: Tensor = ACTIVATIONS[activation](x)
    return y
