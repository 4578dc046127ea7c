"""Symbolic values: what flows through a graph, with shapes and no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import GraphError
from netwright.graph._scope import Scope, current_scope

if TYPE_CHECKING:
    from netwright.graph._operator import Operator

__all__ = [
    "DTYPE_BYTES",
    "Constant",
    "Init",
    "Input",
    "Node",
    "Parameter",
    "Shape",
    "Tensor",
    "constant",
    "image",
    "parameter",
    "tokens",
    "vector",
]

Shape = tuple[int, ...]

DTYPE_BYTES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "float8": 1,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1,
}  # fmt: skip


class Tensor:
    """A symbolic value: shape, dtype and the node that makes it.

    Dimension 0 is the batch; graphs are built with a batch of 1 and run with any.

    >>> x = image(3, 32, 32)
    >>> (x + x).shape
    (1, 3, 32, 32)
    """

    __slots__ = ("dtype", "index", "node", "shape")

    def __init__(self, shape: Shape, dtype: str = "float32", node: Node | None = None, index: int = 0) -> None:
        self.shape = shape
        self.dtype = dtype
        self.node = node
        self.index = index

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size in memory, in bytes."""
        return prod(self.shape) * DTYPE_BYTES[self.dtype]

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __repr__(self) -> str:
        made = f" by {self.node.op.name}" if self.node else ""
        return f"<{type(self).__name__} {'x'.join(map(str, self.shape))} {self.dtype}{made}>"

    def _binary(self, name: str, other: Tensor | float, *, swap: bool = False) -> Tensor:
        from netwright.graph._operator import OPERATORS

        value = other if isinstance(other, Tensor) else constant(other, self.dtype)
        result: Tensor = OPERATORS[name](*((value, self) if swap else (self, value)))
        return result

    def __add__(self, other: Tensor | float) -> Tensor:
        return self._binary("Add", other)

    def __sub__(self, other: Tensor | float) -> Tensor:
        return self._binary("Sub", other)

    def __mul__(self, other: Tensor | float) -> Tensor:
        return self._binary("Mul", other)

    def __truediv__(self, other: Tensor | float) -> Tensor:
        return self._binary("Div", other)

    def __matmul__(self, other: Tensor) -> Tensor:
        return self._binary("MatMul", other)

    def __radd__(self, other: float) -> Tensor:
        return self._binary("Add", other, swap=True)

    def __rsub__(self, other: float) -> Tensor:
        return self._binary("Sub", other, swap=True)

    def __rmul__(self, other: float) -> Tensor:
        return self._binary("Mul", other, swap=True)

    def __rtruediv__(self, other: float) -> Tensor:
        return self._binary("Div", other, swap=True)

    def __neg__(self) -> Tensor:
        from netwright.graph._operator import OPERATORS

        result: Tensor = OPERATORS["Neg"](self)
        return result


class Input(Tensor):
    """A value that the user of the network supplies.

    >>> Input((1, 16), "int64", name="words")
    <Input 1x16 int64>
    >>> image(3, 32, 32).batch_axis
    0

    batch_axis: which axis is the batch; None for an input that has none, such as a sampling rate, and for every input
    of a network that runs with one batch size only.
    """

    __slots__ = ("batch_axis", "name")

    def __init__(self, shape: Shape, dtype: str = "float32", name: str = "input", batch_axis: int | None = 0) -> None:
        super().__init__(shape, dtype)
        self.name = name
        self.batch_axis = batch_axis

    def shape_at(self, batch: int) -> Shape:
        """Shape with so many rows.

        >>> Input((2, 1, 128), batch_axis=1).shape_at(5)
        (2, 5, 128)
        """
        if self.batch_axis is None:
            return self.shape
        return (*self.shape[: self.batch_axis], batch, *self.shape[self.batch_axis + 1 :])


@dataclass(frozen=True, slots=True)
class Init:
    """How a parameter starts.

    >>> parameter("bias", (8,), Init("zeros")).init.kind
    'zeros'

    kind is one of zeros, ones, constant (value), normal (mean 0, standard deviation `value`), uniform (between
    -value and value), kaiming (normal with variance 2 / fan-in, He et al. 2015), xavier (uniform, Glorot & Bengio
    2010), signs (-1 or 1 with equal probability).
    """

    kind: str = "kaiming"
    value: float = 0.0


class Parameter(Tensor):
    """A value that belongs to the network: a weight, or (trainable=False) a buffer such as a running mean.

    >>> weight = parameter("weight", (8, 3, 3, 3))
    >>> weight.size, weight.bytes, weight.trainable
    (216, 864, True)

    Two Parameter objects are two layers with weights of their own; one object used twice is a shared layer.
    """

    __slots__ = ("hint", "init", "scope", "trainable")

    def __init__(
        self,
        hint: str,
        shape: Shape,
        init: Init,
        trainable: bool = True,
        dtype: str = "float32",
        scope: Scope | None = None,
    ) -> None:
        super().__init__(shape, dtype)
        self.hint = hint
        self.init = init
        self.trainable = trainable
        self.scope = scope


class Constant(Tensor):
    """A small fixed array that is part of the computation itself, such as the 0.5 in 0.5 * x.

    >>> half = constant(0.5)
    >>> half.shape, half.value.item()
    ((), 0.5)
    """

    __slots__ = ("value",)

    def __init__(self, value: NDArray[Any], dtype: str) -> None:
        super().__init__(value.shape, dtype)
        self.value = value


class Node:
    """One application of an operator: its inputs, its attributes and what it makes.

    >>> from netwright.graph import ops
    >>> node = ops.max_pool(image(3, 8, 8), kernel_shape=2).node
    >>> node
    <MaxPool (1x3x8x8) -> 1x3x7x7>
    >>> node.op.name, node.attrs["kernel_shape"], node.output.shape
    ('MaxPool', (2, 2), (1, 3, 7, 7))
    """

    __slots__ = ("attrs", "inputs", "op", "outputs", "scope")

    def __init__(
        self, op: Operator, inputs: tuple[Tensor | None, ...], attrs: dict[str, Any], scope: Scope | None
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attrs = attrs
        self.scope = scope
        self.outputs: tuple[Tensor, ...] = ()

    @property
    def output(self) -> Tensor:
        """First output, the only one of nearly every operator."""
        return self.outputs[0]

    def __repr__(self) -> str:
        shapes = ", ".join("-" if t is None else "x".join(map(str, t.shape)) for t in self.inputs)
        return f"<{self.op.name} ({shapes}) -> {', '.join('x'.join(map(str, t.shape)) for t in self.outputs)}>"


def _checked(shape: Sequence[int]) -> Shape:
    if not all(isinstance(size, int) and size > 0 for size in shape):
        raise GraphError(f"sizes must be positive integers, but got {tuple(shape)}.")
    return tuple(shape)


def image(channels: int, height: int, width: int, *, name: str = "input") -> Input:
    """Symbolic image input of shape `(1, channels, height, width)`.

    >>> image(3, 32, 32).shape
    (1, 3, 32, 32)
    """
    return Input((1, *_checked((channels, height, width))), name=name)


def vector(features: int, *, name: str = "input") -> Input:
    """Symbolic input of shape `(1, features)`: one row of a table.

    >>> vector(13).shape
    (1, 13)
    """
    return Input((1, *_checked((features,))), name=name)


def tokens(length: int, *, name: str = "input") -> Input:
    """Symbolic input of token numbers, shape `(1, length)`, dtype int64.

    >>> tokens(128).dtype
    'int64'
    """
    return Input((1, *_checked((length,))), "int64", name=name)


def parameter(
    hint: str,
    shape: Sequence[int],
    init: Init | None = None,
    *,
    trainable: bool = True,
    dtype: str = "float32",
) -> Parameter:
    """New parameter under the current scope; its name in a graph is the scope's path and `hint`.

    >>> parameter("weight", (16, 3, 3, 3)).size
    432
    """
    return Parameter(hint, _checked(shape), init or Init(), trainable, dtype, current_scope())


def constant(value: Any, dtype: str = "float32") -> Constant:
    """Fixed array or scalar as a tensor.

    >>> constant(0.5).shape
    ()
    """
    return Constant(np.asarray(value, dtype="float32" if dtype == "bfloat16" else dtype), dtype)
