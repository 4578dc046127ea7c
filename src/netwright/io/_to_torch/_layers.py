"""Scopes that are a layer of torch.nn: one node and its own parameters under the names that the layer uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netwright.graph import Constant, Graph, Node, Shape
from netwright.io._to_torch._code import Holes
from netwright.io._to_torch._units import Unit
from netwright.io._to_torch._windows import compact, symmetric

__all__ = ["layer"]

Form = Callable[[Holes, Node, tuple[Shape | None, ...]], str | None]


def layer(graph: Graph, unit: Unit, holes: Holes) -> str | None:
    """Expression that constructs the layer of torch.nn which a scope is, or None where it is none."""
    if unit.children or not unit.nodes or not unit.called:
        return None
    if len(unit.nodes) > 1:
        return _linear_in_parts(graph, unit, holes)
    node = unit.nodes[0]
    form, names = LAYERS.get(node.op.name, (None, ()))
    data = 1 if node.op.name == "Gather" else 0
    if form is None or unit.inputs != [node.inputs[data]] or unit.outputs != list(node.outputs):
        return None
    read = [t for i, t in enumerate(node.inputs) if i != data]
    read += [None] * (len(names) - len(read))
    present = {name: t for name, t in zip(names, read, strict=False) if t is not None}
    if {graph.names[t].rpartition(".")[2]: t for t in unit.parameters} != present:
        return None
    frozen = node.op.name in FREEZABLE and not any(p.trainable for p in unit.parameters)
    usual = all(p.trainable != graph.names[p].rpartition(".")[2].startswith("running") for p in unit.parameters)
    if any(p.dtype != "float32" for p in unit.parameters) or not (usual or frozen):
        return None
    text = form(holes, node, tuple(None if t is None else t.shape for t in read))
    return text if text is None or usual else f"{text}.requires_grad_(False)"


def _bias(holes: Holes, shape: Shape | None) -> str:
    return holes.mark("bias", shape is not None, ", bias=", True)


def _convolution(transposed: bool) -> Form:
    def form(holes: Holes, node: Node, shapes: tuple[Shape | None, ...]) -> str | None:
        a, (weight, bias) = node.attrs, shapes
        pads, rank = symmetric(node), node.output.rank - 2
        if weight is None or pads is None or rank > 3:
            return None
        channels = (weight[0], weight[1] * a["group"])
        channels = channels if transposed else (weight[1] * a["group"], weight[0])
        text = (
            f"nn.Conv{'Transpose' if transposed else ''}{rank}d({holes.mark('in_channels', channels[0])},"
            f" {holes.mark('out_channels', channels[1])}, {holes.mark('kernel_size', compact(weight[2:]))}"
        )
        text += holes.mark("stride", compact(a["strides"]), ", stride=", 1)
        text += holes.mark("padding", compact(pads), ", padding=", 0)
        if transposed:
            text += holes.mark("output_padding", compact(a["output_padding"]), ", output_padding=", 0)
        text += holes.mark("dilation", compact(a["dilations"]), ", dilation=", 1)
        text += holes.mark("groups", a["group"], ", groups=", 1)
        return f"{text}{_bias(holes, bias)})"

    return form


def _linear(holes: Holes, node: Node, shapes: tuple[Shape | None, ...]) -> str | None:
    weight, bias = shapes
    plain = (
        node.attrs["transB"]
        and not node.attrs.get("transA")
        and node.attrs.get("alpha", 1) == node.attrs.get("beta", 1) == 1
    )
    if weight is None or not plain or (bias is not None and bias != weight[:1]):
        return None
    return _linear_text(holes, weight, bias)


def _linear_text(holes: Holes, weight: Shape, bias: Shape | None) -> str:
    features = f"{holes.mark('in_features', weight[1])}, {holes.mark('out_features', weight[0])}"
    return f"nn.Linear({features}{_bias(holes, bias)})"


def _linear_in_parts(graph: Graph, unit: Unit, holes: Holes) -> str | None:
    """A product with a turned weight, and perhaps a sum: nn.Linear on more than two axes, in the layout it stores."""
    turned, product, *sums = unit.nodes
    own = {graph.names[p].rpartition(".")[2]: p for p in unit.parameters}
    weight, bias = own.get("weight"), own.get("bias")
    plain = all(p.trainable and p.dtype == "float32" for p in own.values())
    if [n.op.name for n in unit.nodes] != ["Transpose", "MatMul", "Add"][: len(unit.nodes)] or not plain:
        return None
    if weight is None or own.keys() - {"weight", "bias"} or turned.inputs != (weight,) or weight.rank != 2:
        return None
    if product.inputs[1] is not turned.output or unit.inputs != [product.inputs[0]] or len(sums) != len(own) - 1:
        return None
    if sums and (bias is None or bias.shape != weight.shape[:1] or set(sums[0].inputs) != {product.output, bias}):
        return None
    if unit.outputs != list(unit.nodes[-1].outputs):
        return None
    return _linear_text(holes, weight.shape, None if bias is None else bias.shape)


def _embedding(holes: Holes, node: Node, shapes: tuple[Shape | None, ...]) -> str | None:
    (table,) = shapes
    index = node.inputs[1]
    from_end = isinstance(index, Constant) and bool((index.value < 0).any())
    if table is None or len(table) != 2 or node.attrs["axis"] != 0 or from_end:
        return None
    return f"nn.Embedding({holes.mark('rows', table[0])}, {holes.mark('features', table[1])})"


def _eps(holes: Holes, node: Node) -> str:
    return holes.mark("eps", node.attrs["epsilon"], ", eps=", 1e-5)


def _batch_norm(holes: Holes, node: Node, shapes: tuple[Shape | None, ...]) -> str | None:
    rank = max(node.output.rank - 2, 1)
    if rank > 3 or None in shapes:
        return None
    momentum = holes.mark("momentum", round(1 - node.attrs["momentum"], 10), ", momentum=", 0.1)
    return f"nn.BatchNorm{rank}d({holes.mark('channels', node.output.shape[1])}{_eps(holes, node)}{momentum})"


def _group_norm(holes: Holes, node: Node, shapes: tuple[Shape | None, ...]) -> str | None:
    if None in shapes:
        return None
    groups, channels = node.attrs["num_groups"], node.output.shape[1]
    return f"nn.GroupNorm({holes.mark('num_groups', groups)}, {holes.mark('channels', channels)}{_eps(holes, node)})"


def _instance_norm(holes: Holes, node: Node, shapes: tuple[Shape | None, ...]) -> str | None:
    rank = node.output.rank - 2
    if None in shapes or not 1 <= rank <= 3:
        return None
    return f"nn.InstanceNorm{rank}d({holes.mark('channels', node.output.shape[1])}{_eps(holes, node)}, affine=True)"


def _axis_norm(name: str) -> Form:
    def form(holes: Holes, node: Node, shapes: tuple[Shape | None, ...]) -> str | None:
        weight, *bias = shapes
        if weight is None:
            return None
        features: Any = weight[0] if len(weight) == 1 else weight
        text = f"nn.{name}({holes.mark('features', features)}"
        if name == "RMSNorm":
            return f"{text}, eps={holes.mark('eps', node.attrs['epsilon'])})"
        return f"{text}{_eps(holes, node)}{_bias(holes, bias[0])})"

    return form


FREEZABLE = ("Conv", "Gemm", "Gather")
"""Operators whose layer may have weights that are not trained."""

LAYERS: dict[str, tuple[Form, tuple[str, ...]]] = {
    "Conv": (_convolution(transposed=False), ("weight", "bias")),
    "ConvTranspose": (_convolution(transposed=True), ("weight", "bias")),
    "Gemm": (_linear, ("weight", "bias")),
    "Gather": (_embedding, ("weight",)),
    "BatchNormalization": (_batch_norm, ("weight", "bias", "running_mean", "running_var")),
    "GroupNormalization": (_group_norm, ("weight", "bias")),
    "InstanceNormalization": (_instance_norm, ("weight", "bias")),
    "LayerNormalization": (_axis_norm("LayerNorm"), ("weight", "bias")),
    "RMSNormalization": (_axis_norm("RMSNorm"), ("weight",)),
}
"""Constructor and names of the parameters, in the order of the node's inputs, of each layer."""
