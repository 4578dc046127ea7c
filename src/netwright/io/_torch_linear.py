"""Matrix products, attention and normalisation in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netwright.errors import ExportError
from netwright.graph import Node
from netwright.io._code import PRODUCT, Code
from netwright.io._torch_base import Form, Scribe
from netwright.io._torch_elementwise import infix
from netwright.io._torch_windows import convolution, transposed_convolution

__all__ = ["LINEAR", "OPTIONAL_INPUTS"]

Optional = Callable[[Scribe, Node, Sequence[str | None]], str]


def _attention(s: Scribe, node: Node, given: list[Code]) -> Code:
    q, k, *_ = node.inputs
    query, key, value = (g.text for g in given[:3])
    if q is None or k is None:
        raise ExportError("Attention needs Q, K and V.")
    if q.shape[1] != k.shape[1]:
        times = s.hole("heads_per_group", q.shape[1] // k.shape[1])
        key, value = (f"{g.atom}.repeat_interleave({times}, dim=1)" for g in given[1:3])
    usual = abs(node.attrs["scale"] - q.shape[3] ** -0.5) < 1e-12
    scale = "" if usual else f", scale={s.hole('scale', node.attrs['scale'])}"
    return Code(f"F.scaled_dot_product_attention({query}, {key}, {value}{_hidden(node, given)}{scale})")


def _hidden(node: Node, given: list[Code]) -> str:
    """Arguments that say which keys a query does not see; PyTorch takes a mask or `is_causal`, not both."""
    if len(given) == 3:
        return ", is_causal=True" if node.attrs["is_causal"] else ""
    mask, query, key = given[3], given[0].atom, given[1].atom
    if not node.attrs["is_causal"]:
        return f", attn_mask={mask.text}"
    earlier = f"torch.ones({query}.shape[2], {key}.shape[2], dtype=torch.bool, device={query}.device).tril()"
    if node.inputs[3] is not None and node.inputs[3].dtype == "bool":
        return f", attn_mask={mask.atom} & {earlier}"
    return f', attn_mask=torch.where({earlier}, {mask.text}, float("-inf"))'


LINEAR: dict[str, Form] = {
    "MatMul": infix("@", PRODUCT),
    "Attention": _attention,
}
"""Operators whose inputs are all present."""


def _gemm(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
    x, weight, bias, *_ = (*given, None)
    alpha, beta = node.attrs.get("alpha", 1.0), node.attrs.get("beta", 1.0)
    if (alpha, beta) != (1.0, 1.0):
        raise ExportError("Gemm with alpha or beta has no form in PyTorch; multiply by them.")
    turned = weight if node.attrs["transB"] else f"{weight}.t()"
    return f"F.linear({x}, {turned}{f', {bias}' if bias else ''})"


def _batch_normalization(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
    x, scale, shift, mean, variance = given
    momentum = s.hole("momentum", round(1 - node.attrs["momentum"], 10), ", momentum=", 0.1)
    eps = s.hole("eps", node.attrs["epsilon"], ", eps=", 1e-5)
    return f"F.batch_norm({x}, {mean}, {variance}, {scale}, {shift}, training=self.training{momentum}{eps})"


def _channel_norm(function: str) -> Optional:
    def form(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
        x, scale, shift, *_ = (*given, None, None)
        groups = f", {s.hole('groups', node.attrs['num_groups'])}" if function == "group_norm" else ""
        eps = s.hole("eps", node.attrs["epsilon"], ", eps=", 1e-5)
        named = [f", {key}={value}" for key, value in (("weight", scale), ("bias", shift)) if value]
        return f"F.{function}({x}{groups}{''.join(named)}{eps})"

    return form


def _axis_norm(function: str) -> Optional:
    def form(s: Scribe, node: Node, given: Sequence[str | None]) -> str:
        x, scale, shift, *_ = (*given, None, None)
        shape = f"{scale}.shape" if scale else s.hole("shape", node.output.shape[node.attrs["axis"] :])
        arguments = [str(x), shape, *([f"weight={scale}"] if scale else [])]
        eps = node.attrs["epsilon"]
        if function == "rms_norm":
            # The default of PyTorch is the machine epsilon, so ours is always written.
            text = f"F.rms_norm({', '.join(arguments)}, eps={s.hole('eps', eps)})"
            return f"({text} + {shift})" if shift else text
        arguments += [f"bias={shift}"] if shift else []
        return f"F.layer_norm({', '.join(arguments)}{s.hole('eps', eps, ', eps=', 1e-5)})"

    return form


OPTIONAL_INPUTS: dict[str, Optional] = {
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Gemm": _gemm,
    "BatchNormalization": _batch_normalization,
    "GroupNormalization": _channel_norm("group_norm"),
    "InstanceNormalization": _channel_norm("instance_norm"),
    "LayerNormalization": _axis_norm("layer_norm"),
    "RMSNormalization": _axis_norm("rms_norm"),
}
"""Operators some of whose inputs may be absent."""
