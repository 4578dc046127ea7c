"""Quantisation in PyTorch: written out, since its own operators work on quantised tensors."""

from __future__ import annotations

from netwright.graph import DTYPE_BYTES, Node
from netwright.io._to_torch._base import Form, Scribe
from netwright.io._to_torch._code import PRODUCT, SUM, Code

__all__ = ["QUANTISATION"]


def _quantize(s: Scribe, node: Node, given: list[Code]) -> Code:
    x, scale, *zero = given
    kind = node.output.dtype
    values = 2 ** (8 * DTYPE_BYTES[kind])
    least = 0 if kind.startswith("u") else -values // 2
    whole = Code(f"({x.within(PRODUCT)} / {_along(node, scale)}).round()")
    shifted = whole.text if not zero else f"({whole.text} + {_along(node, zero[0])})"
    return Code(f"{shifted}.clamp({least}, {least + values - 1}).to(torch.{kind})")


def _dequantize(s: Scribe, node: Node, given: list[Code]) -> Code:
    x, scale, *zero = given
    number = Code(f"{x.atom}.to(torch.{node.output.dtype})")
    shifted = Code(f"{number.text} - {_along(node, zero[0])}", SUM) if zero else number
    return Code(f"{shifted.within(PRODUCT)} * {_along(node, scale)}", PRODUCT)


def _along(node: Node, value: Code) -> str:
    """A scale or a zero point as it broadcasts to the tensor."""
    scale, after = node.inputs[1], node.output.rank - 1 - node.attrs["axis"]
    if scale is None or scale.size == 1 or not after:
        return value.atom
    return f"{value.atom}.reshape(-1{', 1' * after})"


QUANTISATION: dict[str, Form] = {
    "QuantizeLinear": _quantize,
    "DequantizeLinear": _dequantize,
}
"""Forms by operator."""
