"""Converters of the operators that ONNX Runtime's optimizer writes into models (domain com.microsoft)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netwright.graph import Tensor, ops
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._layers import layer_normalization
from netwright.io._from_onnx._linear import matmul

__all__ = ["CONVERTERS"]

Converter = Callable[[Call], Any]


def _gelu(approximate: str) -> Converter:
    """A bias may come with it."""

    def convert(call: Call) -> Tensor:
        x = call.tensor(0)
        bias = call.optional(1, "bias")
        result: Tensor = ops.gelu(x if bias is None else x + bias, approximate=approximate)
        return result

    return convert


def _quick_gelu(call: Call) -> Tensor:
    result: Tensor = ops.silu(call.tensor(0), alpha=call.attrs.get("alpha", 1.702))
    return result


def _skip_normalization(op: Callable[..., Tensor], *, shifts: bool) -> Converter:
    """The sum of a residual connection, normalised; the sum itself is the last output."""

    def convert(call: Call) -> list[Any]:
        call.refuse(any(call.used[1:3]), "its statistics are read")
        x = call.tensor(0) + call.tensor(1)
        bias = call.optional(4 if shifts else 3, "bias")
        x = x if bias is None else x + bias
        shift = call.optional(3, "bias") if shifts else None
        epsilon = call.attrs.get("epsilon", 1e-12)
        y = layer_normalization(op, x, call.optional(2, "scale"), shift, -1, epsilon)
        return [y, None, None, x][: max(len(call.used), 1)]

    return convert


def _simplified_normalization(call: Call) -> Tensor:
    call.only_first_output()
    axis, epsilon = call.attrs.get("axis", -1), call.attrs.get("epsilon", 1e-5)
    return layer_normalization(ops.rms_normalization, call.tensor(0), call.weight(1, "scale"), None, axis, epsilon)


def _fused_matmul(call: Call) -> Tensor:
    call.refuse(bool(call.attrs.get("transBatchA", 0) or call.attrs.get("transBatchB", 0)), "it moves the batch axis")
    a, b = (
        _turned(call.tensor(i)) if call.attrs.get(key, 0) else call.tensor(i)
        for i, key in ((0, "transA"), (1, "transB"))
    )
    alpha = call.attrs.get("alpha", 1.0)
    return matmul(a, b) if alpha == 1 else matmul(a, b) * alpha


def _turned(x: Tensor) -> Tensor:
    axes = tuple(range(x.rank))
    result: Tensor = ops.transpose(x, perm=(*axes[:-2], axes[-1], axes[-2]))
    return result


CONVERTERS: dict[str, Converter] = {
    "com.microsoft::Gelu": _gelu("none"),
    "com.microsoft::BiasGelu": _gelu("none"),
    "com.microsoft::FastGelu": _gelu("tanh"),
    "com.microsoft::QuickGelu": _quick_gelu,
    "com.microsoft::SkipLayerNormalization": _skip_normalization(ops.layer_normalization, shifts=True),
    "com.microsoft::SkipSimplifiedLayerNormalization": _skip_normalization(ops.rms_normalization, shifts=False),
    "com.microsoft::FusedMatMul": _fused_matmul,
    "SimplifiedLayerNormalization": _simplified_normalization,
}
