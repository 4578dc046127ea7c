"""What four counters of PyTorch networks would say of a graph of ours: their rules, read from their sources.

Each rule takes one node and the module that ran it, for the counters patch functions and classes: a ReLU counts where
`torch.nn.ReLU` or `torch.nn.functional.relu` ran it. Rules stand for the versions in tests/cost/golden_others.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from netwright.graph import Graph, Node

__all__ = ["CONVENTIONS", "Call", "Convention", "calls", "differences"]

ACTIVATIONS = ("Relu", "PRelu", "Elu", "LeakyRelu", "Swish", "Gelu")
"""Those whose functions calflops and ptflops patch."""
NORMALISATIONS = ("LayerNormalization", "GroupNormalization", "InstanceNormalization")
POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")
PRODUCTS = ("Gemm", "MatMul")
CALLED = (("ConvNeXtBlock", "Mul"),)
"""Arithmetic that a module does by `Tensor.mul`, which calflops and ptflops patch, and not by the operator `*`."""
FAMILIES = {
    **dict.fromkeys((*ACTIVATIONS, "Clip", "Sigmoid", "HardSwish", "HardSigmoid", "Tanh"), "activations"),
    **dict.fromkeys((*NORMALISATIONS, "BatchNormalization", "RMSNormalization"), "normalisation"),
    **dict.fromkeys((*POOLS, "ReduceMean"), "pooling"),
    "Attention": "attention",
    "Softmax": "softmax",
    "Resize": "interpolation",
}


@dataclass(frozen=True)
class Call:
    """A node, the module that ran it, and the classes of the modules around that one."""

    node: Node
    owner: Any
    around: tuple[str, ...]

    @property
    def name(self) -> str:
        """Operator."""
        return self.node.op.name

    @property
    def macs(self) -> int:
        """Multiply-adds by our count."""
        return self.node.op.macs(self.node)

    @property
    def read(self) -> int:
        """Elements of the first input."""
        return self.shape(0).size

    @property
    def written(self) -> int:
        """Elements of the output."""
        return self.node.output.size

    @property
    def kind(self) -> str:
        """Class of the module."""
        return type(self.owner).__name__

    @property
    def plain(self) -> bool:
        """Whether the module is one of PyTorch's own: hooks by class do not see classes derived from them."""
        return type(self.owner).__module__.startswith("torch.nn.modules.")

    @property
    def fused(self) -> bool:
        """Whether one call of PyTorch does all of an attention; timm's modules say whether they write it out."""
        return self.name == "Attention" and bool(getattr(self.owner, "fused_attn", True))

    @property
    def layer(self) -> bool:
        """Whether it is part of a linear layer: the product, or the addition of its bias."""
        return self.kind in ("Linear", "Conv1D") and self.name in (*PRODUCTS, "Add")

    @property
    def bias(self) -> bool:
        """Whether a convolution or a fully connected layer has a bias."""
        return self.name in ("Conv", "ConvTranspose", "Gemm") and len(self.node.inputs) > 2

    @property
    def affine(self) -> bool:
        """Whether a normalisation scales."""
        return getattr(self.owner, "weight", None) is not None

    def shape(self, place: int) -> Any:
        """Input at a place."""
        return self.node.inputs[place]

    @property
    def family(self) -> str:
        """What a difference on this node is called."""
        if self.name in FAMILIES:
            return FAMILIES[self.name]
        if self.layer or self.name in ("Conv", "ConvTranspose"):
            return "projections in attention" if "Attention" in self.around and self.name != "Add" else "biases"
        return "matrix products" if self.macs else "arithmetic"


def calls(graph: Graph, module: Any) -> Iterator[Call]:
    """Nodes that depend on an input, with the modules that ran them."""
    modules, constant = dict(module.named_modules()), graph.constant_nodes
    for node in graph.nodes:
        if node not in constant:
            path = graph.scope_of(node)
            chain = [modules.get(".".join(path[:depth])) for depth in range(len(path) + 1)]
            yield Call(node, chain[-1], tuple(type(m).__name__ for m in chain[:-1]))


def flop_counter(call: Call) -> int:
    """Convolutions and matrix products; of the fused attentions those of graphics cards, not that of processors."""
    return 0 if call.fused else call.macs


def flop_counter_apart(call: Call) -> int:
    """With the attention taken apart: convolutions and all matrix products."""
    return call.macs


def fvcore(call: Call) -> int:
    """Multiply-adds, with 2 an element of a batch normalisation, 5 of the others, adaptive mean pools, upsampling."""
    if call.name == "BatchNormalization":
        return (2 if call.affine else 1) * call.read
    if call.name in NORMALISATIONS:
        return (5 if call.affine else 4) * call.read
    if call.kind == "AdaptiveAvgPool2d":
        return call.read
    if call.name == "Resize":
        return call.written * (4 if call.node.attrs.get("mode") == "linear" else 1)
    # A padding by name, "same", is an operator of its own in a trace, which fvcore does not know.
    named = call.name == "Conv" and isinstance(getattr(call.owner, "padding", 0), str)
    return 0 if call.fused or named else call.macs


def calflops_macs(call: Call) -> int:
    """Convolutions, linear layers and what calls `torch.matmul`; neither the operator @ nor fused attention."""
    if call.name == "ConvTranspose":
        return transposed(call)[0]
    return call.macs if call.layer or call.name == "Conv" else 0


def calflops_flops(call: Call) -> int:
    """Two a multiply-add, one an element of patched activations, softmax and pools read, 2 or 5 of normalisations."""
    if call.name == "ConvTranspose":
        macs, bias = transposed(call)
        return 2 * macs + (bias if call.bias else 0)
    if call.name == "Conv":
        return 2 * call.macs + (call.written if call.bias else 0)
    if call.layer:
        return 2 * call.macs + once_per_layer(call)
    if call.name == "BatchNormalization":
        return (2 if call.affine else 1) * call.read
    if call.name in NORMALISATIONS:
        return (5 if call.affine else 4) * call.read
    if call.name == "Resize":
        return prod(call.node.output.shape[2:])
    return functional(call)


def ptflops(call: Call) -> int:
    """Multiply-adds and biases of plain modules, their normalisations, activations and pools.

    A normalisation counts 2 an element where it has an attribute `affine`, which LayerNorm has not, else 1.
    Activations and pools count once for the module and again for the function that it calls. timm's Attention has a
    formula of its own, after which the layers inside it are left out.
    """
    if call.kind == "Attention" and call.fused:
        heads, length, width = call.shape(0).shape[1:]
        return int(heads * length * width + heads * length * length * (2 * width + 1))
    if call.kind == "Linear" and "Attention" in call.around:
        return 0
    if call.name in ("Conv", "ConvTranspose"):
        return call.macs + (call.written if call.bias else 0) if call.plain else 0
    if call.layer:
        bias = call.written if call.name == "Add" or call.bias else 0
        return call.macs + (once_per_layer(call) if call.kind == "Conv1D" else bias)
    if call.name in ("BatchNormalization", *NORMALISATIONS):
        return (2 if getattr(call.owner, "affine", False) else 1) * call.read if call.plain else 0
    if call.name == "Resize":
        return call.written * (2 if call.kind == "Upsample" else 1)
    return (0 if call.name == "LeakyRelu" else functional(call)) + hooked(call)


def transposed(call: Call) -> tuple[int, int]:
    """Multiply-adds and bias of a transposed convolution by calflops.

    It divides by the groups twice, and takes the size of the output of a convolution that is not transposed.
    """
    outputs, attrs = call.shape(1).shape[1], call.node.attrs
    sizes, rank = call.shape(0).shape[2:], len(attrs["kernel_shape"])
    spans = [d * (k - 1) + 1 for d, k in zip(attrs["dilations"], attrs["kernel_shape"], strict=True)]
    padded = [size + attrs["pads"][i] + attrs["pads"][rank + i] for i, size in enumerate(sizes)]
    places = [(size - span) // s + 1 for size, span, s in zip(padded, spans, attrs["strides"], strict=True)]
    return call.macs // outputs * (outputs // attrs["group"]), outputs * prod(places)


def once_per_layer(call: Call) -> int:
    """Elements of the bias itself, as both counters have it for `torch.addmm`; `linear` has none here."""
    if call.kind != "Conv1D":
        return 0
    return int(call.node.output.shape[-1]) if call.name == "Add" or call.bias else 0


def functional(call: Call) -> int:
    """One an element read by the functions that calflops and ptflops patch.

    transformers keeps some functions from before they were patched, or writes them out, and a ReLU6 is a `hardtanh`.
    Of an attention that is written out this is the softmax of its scores.
    """
    if call.name in ACTIVATIONS and type(call.owner).__module__ == "transformers.activations":
        return 0
    if call.name == "Attention" and not call.fused:
        return call.shape(0).size // call.shape(0).shape[-1] * int(call.shape(1).shape[2])
    pooled = call.name in POOLS and "Pool" in call.kind
    called = (call.kind, call.name) in CALLED
    return call.read if pooled or called or call.name in (*ACTIVATIONS, "Softmax") else 0


def hooked(call: Call) -> int:
    """One an element read by the modules that ptflops hooks."""
    seen = call.kind in ("ReLU", "PReLU", "ELU", "LeakyReLU", "ReLU6", "GELU") or "Pool" in call.kind
    return call.read if call.plain and seen and call.name in (*ACTIVATIONS, "Clip", *POOLS) else 0


@dataclass(frozen=True)
class Convention:
    """How a peer counts. cost: ours that it stands beside. rule: its count of one call, in that unit."""

    peer: str
    cost: str
    rule: Callable[[Call], int]


CONVENTIONS = (
    Convention("torch flop_counter", "macs", flop_counter),
    Convention("torch flop_counter, attention apart", "macs", flop_counter_apart),
    Convention("fvcore", "macs", fvcore),
    Convention("calflops", "macs", calflops_macs),
    Convention("calflops FLOPs", "flops", calflops_flops),
    Convention("ptflops", "macs", ptflops),
)


def differences(convention: Convention, found: list[Call]) -> dict[str, int]:
    """What the convention counts beyond ours, by family, largest first; families that agree are left out."""
    sums: dict[str, int] = {}
    for call in found:
        ours = call.macs if convention.cost == "macs" else call.node.op.flops(call.node)
        sums[call.family] = sums.get(call.family, 0) + convention.rule(call) - ours
    return dict(sorted(((k, v) for k, v in sums.items() if v), key=lambda pair: -abs(pair[1])))
