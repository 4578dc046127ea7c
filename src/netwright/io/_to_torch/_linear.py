"""Matrix products, attention and normalisation in PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netwright.errors import ExportError
from netwright.graph import Node, Parameter
from netwright.io._to_torch._base import Form, Scribe
from netwright.io._to_torch._code import PRODUCT, Code
from netwright.io._to_torch._elementwise import infix
from netwright.io._to_torch._windows import convolution, transposed_convolution

__all__ = ["LINEAR", "OPTIONAL_INPUTS"]

Optional = Callable[[Scribe, Node, Sequence[str | None]], str]


def _attention(s: Scribe, node: Node, given: list[Code]) -> Code:
    q, k, *_ = node.inputs
    query, key, value, *_ = (g.text for g in given)
    if q is None or k is None:
        raise ExportError("Attention needs Q, K and V.")
    if q.shape[1] != k.shape[1]:
        times = s.hole("heads_per_group", q.shape[1] // k.shape[1])
        key, value = (f"{g.atom}.repeat_interleave({times}, dim=1)" for g in given[1:3])
    usual = abs(node.attrs["scale"] - q.shape[3] ** -0.5) < 1e-12
    scale = "" if usual else f", scale={s.hole('scale', node.attrs['scale'])}"
    return Code(f"F.scaled_dot_product_attention({query}, {key}, {value}{_mask(s, node, given)}{scale})")


def _mask(s: Scribe, node: Node, given: list[Code]) -> str:
    """What an attention leaves out; PyTorch takes a mask or a causal order, but not both."""
    q, k, *_ = node.inputs
    is_causal = node.attrs["is_causal"]
    if len(given) < 4 or q is None or k is None:
        return ", is_causal=True" if is_causal else ""
    mask = given[3].text
    if is_causal:
        sizes = f"{s.hole('queries', q.shape[2])}, {s.hole('keys', k.shape[2])}"
        mask = f"{s.helper('causal')}({mask}, {sizes})"
    return f", attn_mask={mask}"


def _gemm(s: Scribe, node: Node, given: list[Code]) -> Code:
    """A linear layer, or torch.addmm where its bias broadcasts otherwise or has a factor."""
    a, (x, weight, *bias) = node.attrs, given
    alpha, beta = a.get("alpha", 1.0), a.get("beta", 1.0)
    rows = f"{x.atom}.t()" if a.get("transA") else x.text
    vector = all(t is None or t.shape == node.output.shape[1:] for t in node.inputs[2:])
    if vector and alpha == beta == 1:
        turned = weight.text if a["transB"] else f"{weight.atom}.t()"
        return Code(f"F.linear({rows}, {turned}{''.join(f', {c.text}' for c in bias)})")
    matrix = f"{weight.atom}.t()" if a["transB"] else weight.text
    factors = s.hole("beta", beta, ", beta=", 1.0) + s.hole("alpha", alpha, ", alpha=", 1.0)
    if bias:
        return Code(f"torch.addmm({bias[0].text}, {rows}, {matrix}{factors})")
    return Code(f"{s.hole('alpha', alpha)} * torch.mm({rows}, {matrix})", PRODUCT)


def _einsum(s: Scribe, node: Node, given: list[Code]) -> Code:
    return Code(f'torch.einsum("{node.attrs["equation"]}", {", ".join(g.text for g in given)})')


def _local_response_norm(s: Scribe, node: Node, given: list[Code]) -> Code:
    a = node.attrs
    keys = {"size": "size", "alpha": "alpha", "beta": "beta", "k": "bias"}
    options = ", ".join(f"{key}={s.hole(key, a[name])}" for key, name in keys.items())
    if a["size"] % 2:
        return Code(f"F.local_response_norm({given[0].text}, {options})")
    # An even number of channels around has one more after the channel in ONNX, and before it in PyTorch.
    return Code(f"F.local_response_norm({given[0].atom}.flip(1), {options}).flip(1)")


def _lp_normalization(s: Scribe, node: Node, given: list[Code]) -> Code:
    order = "" if node.attrs["p"] == 2 else f"p={node.attrs['p']}, "
    return Code(f"F.normalize({given[0].text}, {order}dim={node.attrs['axis']})")


LINEAR: dict[str, Form] = {
    "MatMul": infix("@", PRODUCT),
    "Attention": _attention,
    "Einsum": _einsum,
    "Gemm": _gemm,
    "LRN": _local_response_norm,
    "LpNormalization": _lp_normalization,
}
"""Operators whose inputs are all present."""


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
        # A scale that is worked out is no name that an attribute could follow.
        named = scale and isinstance(node.inputs[1], Parameter)
        shape = f"{scale}.shape" if named else s.hole("shape", node.output.shape[node.attrs["axis"] :])
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
    "BatchNormalization": _batch_normalization,
    "GroupNormalization": _channel_norm("group_norm"),
    "InstanceNormalization": _channel_norm("instance_norm"),
    "LayerNormalization": _axis_norm("layer_norm"),
    "RMSNormalization": _axis_norm("rms_norm"),
}
"""Operators some of whose inputs may be absent."""
