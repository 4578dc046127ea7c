"""Quantisation: numbers on an integer grid."""

from __future__ import annotations

from typing import Any

from netwright.errors import ShapeError
from netwright.graph._operator import Operator, Types, positive_axis, require
from netwright.graph._tensor import Node


class Linear(Operator):
    """To (`QuantizeLinear`) or from (`DequantizeLinear`) integers: X, scale, optional zero point.

    >>> import numpy as np
    >>> from netwright.graph import constant, image, ops
    >>> scale, zero = constant(0.1), constant(np.int8(0), "int8")
    >>> codes = ops.quantize_linear(image(3, 8, 8), scale, zero)
    >>> codes.dtype, ops.dequantize_linear(codes, scale, zero).dtype
    ('int8', 'float32')

    q = round(x / scale) + zero point, kept in the range of the integer type, and x = (q - zero point) * scale. The
    scale is one number, or one for each position along `axis`. QuantizeLinear gives the dtype of its zero point, or
    uint8. Two FLOPs per element.
    """

    def infer(self, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Types:
        x, scale, zero, *_ = (*inputs, None)
        axis = attrs["axis"] = positive_axis(self, attrs.get("axis", 1), x) if scale.size > 1 else 0
        require(
            scale.size == 1 or scale.shape == (x.shape[axis],), self, "scale must be one number or one per position",
            inputs,
        )  # fmt: skip
        require(zero is None or zero.shape == scale.shape, self, "the zero point must have the scale's shape", inputs)
        if self.name == "QuantizeLinear":
            return ((x.shape, "uint8" if zero is None else zero.dtype),)
        if not x.dtype.startswith(("int", "uint")):
            raise ShapeError(f"{self.name}: the input must be integers, but got {x.dtype}.")
        return ((x.shape, scale.dtype),)

    def flops(self, node: Node) -> int:
        return 2 * node.output.size


quantize_linear = Linear("QuantizeLinear")
dequantize_linear = Linear("DequantizeLinear")
