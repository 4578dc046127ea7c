"""What the PyTorch forms of the operators share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from netwright.errors import ExportError
from netwright.graph import Node, Shape, Tensor
from netwright.io._to_torch._code import Code

__all__ = ["Form", "Scribe", "last_as_minus_one", "source_of"]


class Scribe(Protocol):
    """What an operator needs of the source under construction."""

    shapes_at_two: dict[Tensor, Shape]

    def hole(self, name: str, value: Any, prefix: str = "", default: Any = None) -> str:
        """Text of a literal that may differ between copies of a module."""

    def helper(self, name: str) -> str:
        """Name of a function at the top of the source, which is written there."""


Form = Callable[[Scribe, Node, list[Code]], Code]
"""PyTorch expression of a node on the expressions of its inputs that are present."""


def source_of(node: Node) -> Tensor:
    """First input of a node; raises ExportError where it is absent."""
    source = node.inputs[0] if node.inputs else None
    if source is None:
        raise ExportError(f"{node.op.name} needs an input.")
    return source


def last_as_minus_one(node: Node) -> int:
    """Axis of a node, as -1 where it is the last."""
    axis = int(node.attrs["axis"])
    return -1 if axis == source_of(node).rank - 1 else axis
