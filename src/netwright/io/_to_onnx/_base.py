"""What the ONNX forms of the operators share."""

from __future__ import annotations

from collections.abc import Callable

from netwright.graph import Node, Tensor
from netwright.io._to_onnx._model import OnnxBuilder

__all__ = ["Writer", "last", "number", "optional_input"]

Writer = Callable[[OnnxBuilder, Node], None]
"""Writes a node of the graph as one or several ONNX nodes."""


def last(builder: OnnxBuilder, node: Node) -> str:
    """Name of what a node makes, for the last of its parts."""
    return builder.names[node.output]


def number(builder: OnnxBuilder, node: Node, hint: str, value: float) -> str:
    """A scalar of the element type that the node makes."""
    return builder.value(node, hint, value, node.output.dtype)


def optional_input(node: Node, index: int) -> Tensor | None:
    """An input that may be absent, also at the end."""
    return node.inputs[index] if index < len(node.inputs) else None
