"""The costs by name."""

from __future__ import annotations

from collections.abc import Iterable

from netwright.cost._alpha_flops import AlphaFlops
from netwright.cost._cost import ActivationBytes, Additive, Cost, Total, Weights
from netwright.cost._intensity import Intensity
from netwright.cost._memory import peak_memory
from netwright.errors import UnknownNameError
from netwright.graph import Graph, Node

__all__ = ["COSTS", "cost", "costs_of"]


def _nasbench201_flops(node: Node) -> int:
    name = node.op.name
    if name in ("Conv", "Gemm", "MatMul"):
        return node.op.macs(node)
    if name == "BatchNormalization":
        return 2 * node.output.size
    if name in ("Relu", "AveragePool", "MaxPool"):
        return node.op.flops(node)
    if name == "GlobalAveragePool":
        x = node.inputs[0]
        assert x is not None
        return x.shape[1] * (x.shape[2] + 1) * (x.shape[3] + 1)
    return 0


class PeakMemory(Cost):
    """Largest sum of live activations, in bytes, when the nodes run in the order of the graph; see `memory_plan`."""

    def of(self, graph: Graph) -> int:
        return peak_memory(graph)


_ALL: tuple[Cost, ...] = (
    Weights("params", "", "trainable parameters", lambda p: p.size if p.trainable else 0),
    Additive("macs", "MACs", "multiply-adds of convolutions, matrix products and attention", lambda n: n.op.macs(n)),
    Additive("flops", "FLOPs", "floating-point operations; one multiply-add is two", lambda n: n.op.flops(n)),
    ActivationBytes("activation_bytes", "bytes", "activations read and written"),
    Weights("weight_bytes", "bytes", "parameters and buffers as stored", lambda p: p.bytes),
    AlphaFlops(),
    PeakMemory("peak_memory", "bytes", "largest sum of live activations in the graph's order"),
    Additive(
        "flops:nasbench201",
        "FLOPs",
        "convention of the published NAS-Bench-201 table: multiply-adds of convolutions and linear layers without"
        " bias, two per element of a batch normalisation, one of a ReLU, the window's elements per output of a pool,"
        " (H + 1)(W + 1) per channel of the global pool, nothing else",
        _nasbench201_flops,
    ),
)
COSTS: dict[str, Cost] = {cost.name: cost for cost in _ALL}
"""Costs by name; `flops:nasbench201` is a named convention of a cost."""
COSTS["traffic"] = Total(
    "traffic",
    "bytes",
    "memory traffic: activations read and written, and weights read once",
    (COSTS["activation_bytes"], COSTS["weight_bytes"]),
)
COSTS["intensity"] = Intensity(COSTS["flops"], COSTS["traffic"])


def cost(name: str) -> Cost:
    """Cost by name; raises UnknownNameError that lists the names.

    >>> cost("macs")
    <cost macs [MACs]>
    """
    if name not in COSTS:
        raise UnknownNameError("cost", name, COSTS)
    return COSTS[name]


def costs_of(
    graph: Graph, names: Iterable[str] = ("params", "macs", "flops", "traffic", "peak_memory")
) -> dict[str, float]:
    """Several costs of one graph by name, for one example.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> costs_of(Graph([x], [conv(x, 16)]), ["params", "macs"])
    {'params': 464, 'macs': 442368}

    Raises UnknownNameError.
    """
    return {name: cost(name).of(graph) for name in names}
