"""The one table of converters, by operator; those of other domains with the domain in front."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netwright.io._from_onnx import (
    _contrib,
    _elementwise,
    _indexing,
    _layers,
    _linear,
    _moves,
    _quantised,
    _recurrent,
    _resize,
)
from netwright.io._from_onnx._call import Call

__all__ = ["CONVERTERS"]

CONVERTERS: dict[str, Callable[[Call], Any]] = {
    **_elementwise.CONVERTERS,
    **_layers.CONVERTERS,
    **_linear.CONVERTERS,
    **_recurrent.CONVERTERS,
    **_moves.CONVERTERS,
    **_resize.CONVERTERS,
    **_indexing.CONVERTERS,
    **_quantised.CONVERTERS,
    **_contrib.CONVERTERS,
}
"""Each takes one node and returns its outputs: tensors, arrays that are known, or None for one that nothing reads."""
