"""What a block is: a plain function from symbolic tensors and hyperparameters to symbolic tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property, update_wrapper
from typing import Any

from netwright.errors import SpaceError
from netwright.graph import Tensor, scope

__all__ = ["Block", "Call", "block"]


class Call:
    """A block and its hyperparameters, waiting for the tensors to apply it to.

    Hyperparameters may hold choices; a space resolves them. Two calls with one block and equal hyperparameters are
    equal.

    >>> from netwright.graph import image
    >>> from netwright.blocks import conv
    >>> layer = conv(8, kernel=3)
    >>> layer
    conv(channels=8, kernel=3)
    >>> layer.apply(image(3, 4, 4)).shape
    (1, 8, 4, 4)
    """

    __slots__ = ("__weakref__", "_hash", "block", "hyperparameters")

    def __init__(self, block: Block, hyperparameters: Mapping[str, Any]) -> None:
        self.block = block
        self.hyperparameters = dict(hyperparameters)
        self._hash = hash((block, tuple(sorted((k, _hashable(v)) for k, v in hyperparameters.items()))))

    def apply(self, *tensors: Tensor) -> Tensor:
        """Build the block on tensors; calls among the hyperparameters must be free of choices."""
        y: Tensor = self.block(*tensors, **self.hyperparameters)
        return y

    __call__ = apply

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Call)
            and self._hash == other._hash
            and self.block is other.block
            and self.hyperparameters == other.hyperparameters
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.hyperparameters.items())
        return f"{self.block.name}({arguments})"


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


class Block:
    """A block function that builds on tensors and, called without any, waits as a `Call`.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> conv
    <block conv>
    >>> conv(image(3, 8, 8), 16).shape, conv(16)
    ((1, 16, 8, 8), conv(channels=16))

    Raises SpaceError for a hyperparameter that the function does not have, or that is given twice.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or function.__name__
        update_wrapper(self, function)

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.function).parameters.values())

    @cached_property
    def hyperparameters(self) -> tuple[str, ...]:
        """Names of everything but the tensors."""
        skip = inspect.Parameter.VAR_POSITIONAL
        return tuple(p.name for p in self._parameters[1:] if p.kind is not skip and "Tensor" not in str(p.annotation))

    def __call__(self, *arguments: Any, **hyperparameters: Any) -> Any:
        if arguments and isinstance(arguments[0], Tensor):
            with scope(self.name):
                return self.function(*arguments, **hyperparameters)
        return Call(self, self._bound(arguments, hyperparameters))

    def _bound(self, arguments: tuple[Any, ...], hyperparameters: dict[str, Any]) -> dict[str, Any]:
        names = self.hyperparameters
        if len(arguments) > len(names):
            raise SpaceError(f"{self.name} takes {len(names)} hyperparameters, but got {len(arguments)}.")
        bound = dict(zip(names, arguments, strict=False))
        free = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in self._parameters)
        for key, value in hyperparameters.items():
            if key in bound or (key not in names and not free):
                fault = "is given twice" if key in bound else f"is not one of {', '.join(names)}"
                raise SpaceError(f"hyperparameters of {self.name} must be known and given once, but {key!r} {fault}.")
            bound[key] = value
        return bound

    def __reduce__(self) -> str:
        # By name, like a function: pickle then finds this object where its module defines it.
        return str(getattr(self, "__qualname__", self.name))

    def __repr__(self) -> str:
        return f"<block {self.name}>"


def block(function: Callable[..., Any]) -> Block:
    """Make a function a block.

    The first argument is the input tensor (further tensors are annotated `Tensor`); all others are hyperparameters.
    What it builds is named after the function.

    >>> from netwright.graph import Graph, image, ops, parameter
    >>> @block
    ... def scaled(x, factor: float = 2.0):
    ...     return ops.relu(x) * factor
    >>> scaled(image(1, 2, 2)).shape
    (1, 1, 2, 2)
    >>> scaled(factor=3.0)
    scaled(factor=3.0)
    """
    return Block(function)
