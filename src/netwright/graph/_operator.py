"""What an operator is: a name of the ONNX vocabulary, a shape rule and a cost, side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from netwright.errors import ShapeError
from netwright.graph._scope import current_scope
from netwright.graph._tensor import Node, Shape, Tensor

__all__ = ["OPERATORS", "Opaque", "Operator", "Types", "broadcast", "positive_axis", "require"]

Types = Sequence[tuple[Shape, str]]

OPERATORS: dict[str, Operator] = {}
"""Every operator by its ONNX name; filled once, when the operators are defined."""


class Operator(ABC):
    """One operator: call it with tensors to build a node.

    >>> from netwright.graph import image, ops, parameter
    >>> y = ops.conv(image(3, 8, 8), parameter("weight", (4, 3, 3, 3)), pads=1)
    >>> y.shape, y.node.op.macs(y.node)
    ((1, 4, 8, 8), 6912)

    To write one, subclass with `infer` (the shape rule: inputs and attributes to the shape and dtype of each
    output; it may fill in attributes) and, where it does arithmetic, `macs` and `flops`.

    Conventions of the costs: one MAC is one multiply-add of a convolution or matrix product, and two FLOPs. An
    elementwise function, a comparison or an activation counts one FLOP per output element; a pooling window or a
    reduction one per input element it reads; batch normalisation two per element (at inference it is a scale and
    a shift); the other normalisations and softmax five. Moving data counts nothing.
    """

    commutative: bool = False
    """Order of the inputs does not change the result."""
    keeps_zero: bool = False
    """An all-zero first input gives an all-zero output, whatever the other inputs."""

    def __init__(self, name: str) -> None:
        self.name = name
        OPERATORS[name] = self

    @abstractmethod
    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        """Shape and dtype of each output; raises ShapeError where the inputs do not fit."""

    def maps_zero(self, node: Node) -> bool:
        """Whether this application gives zero where its first input is all zero."""
        return self.keeps_zero

    def macs(self, node: Node) -> int:
        """Multiply-adds of one application."""
        return 0

    def flops(self, node: Node) -> int:
        """Floating-point operations of one application."""
        return 2 * self.macs(node)

    def __call__(self, *inputs: Tensor | None, **attrs: Any) -> Any:
        node = Node(self, inputs, attrs, current_scope())
        types = self.infer(inputs, attrs)
        node.outputs = tuple([Tensor(shape, dtype, node, i) for i, (shape, dtype) in enumerate(types)])
        return node.outputs[0] if len(node.outputs) == 1 else node.outputs

    def __repr__(self) -> str:
        return f"<operator {self.name}>"


class Opaque(Operator):
    """An operator outside the vocabulary, kept with the shapes it makes so that a graph around it can be read.

    It costs nothing that is known, and it cannot be exported. It is no member of `OPERATORS`.

    >>> from netwright.graph._tensor import image
    >>> Opaque("com.vendor::Fast", [((1, 8), "float32")])(image(3, 4, 4))
    <Tensor 1x8 float32 by com.vendor::Fast>
    """

    def __init__(self, name: str, types: Types) -> None:
        self.name = name
        self.types = tuple(types)

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        return self.types


def require(holds: bool, op: Operator, rule: str, inputs: Sequence[Tensor | None]) -> None:
    """Raise ShapeError with the operator, its rule and the shapes, unless the rule holds."""
    if not holds:
        shapes = ", ".join("absent" if t is None else str(t.shape) for t in inputs)
        raise ShapeError(f"{op.name}: {rule}, but got shapes {shapes}.")


def broadcast(op: Operator, inputs: Sequence[Tensor]) -> Shape:
    """Shape of an elementwise result by the multidirectional rule of ONNX and NumPy."""
    first = inputs[0].shape
    if all(t.shape == first for t in inputs):
        return first
    rank = max(t.rank for t in inputs)
    sizes = [1] * rank
    for t in inputs:
        for i, size in enumerate(t.shape, start=rank - t.rank):
            if size != 1:
                require(sizes[i] in (1, size), op, "sizes must be equal or 1 in each dimension", inputs)
                sizes[i] = size
    return tuple(sizes)


def positive_axis(op: Operator, axis: int, x: Tensor) -> int:
    """Axis counted from the front; raises ShapeError when the tensor has no such axis."""
    if not -x.rank <= axis < x.rank:
        raise ShapeError(f"{op.name}: axis must be in [-{x.rank}, {x.rank}), but got {axis} for {x.shape}.")
    return axis % x.rank
