"""What a name of the file stands for while the graph is built."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.graph import Constant, Parameter, Shape, Tensor
from netwright.io._from_onnx._weights import Stored

__all__ = ["Array", "Env", "Known", "Made", "NoCounterpart", "Value", "dtype_of", "small"]

Array = NDArray[Any]

MOST_FOLDED = 1 << 26
"""Elements of an array that is worked out while a model is read."""


class NoCounterpart(Exception):  # noqa: N818 -- caught where nodes are listed, never seen by a user
    """A node cannot be expressed in the vocabulary; the text says why, or is empty."""


@dataclass(eq=False)
class Known:
    """A value that is known before the network runs: a tensor of the file, or what follows from such."""

    name: str
    source: Stored | Array
    parameter: Parameter | None = None
    constant: Constant | None = None

    @property
    def stored(self) -> bool:
        """Whether the file holds it as it is."""
        return isinstance(self.source, Stored)

    @property
    def array(self) -> Array:
        """Its numbers."""
        return self.source.array if isinstance(self.source, Stored) else self.source

    @property
    def shape(self) -> Shape:
        """Its shape, without reading it."""
        return tuple(self.source.shape)

    @property
    def dtype(self) -> str:
        """Its element type."""
        return self.source.dtype if isinstance(self.source, Stored) else str(self.source.dtype)

    @property
    def is_weight(self) -> bool:
        """Whether it is likely to be learned: more than one stored number, floating or of 8 bits."""
        return self.stored and self.source.size > 1 and self.dtype.startswith(("float", "bfloat", "int8", "uint8"))


@dataclass(eq=False)
class Made:
    """A value that the network computes; `fold` gives its numbers where it depends on nothing but weights."""

    tensor: Tensor
    fold: Callable[[], Array] | None = None


Value = Known | Made


def dtype_of(value: Value) -> str:
    """Element type of a value."""
    return value.dtype if isinstance(value, Known) else value.tensor.dtype


Env = ChainMap[str, Value | None]
"""Values by name, those of a subgraph before those around it; None for a value whose shape is not known."""


def small(shape: Shape) -> bool:
    """Whether an array of a shape may be worked out."""
    return bool(np.prod([float(size) for size in shape]) <= MOST_FOLDED)
