"""Time of a run from cycles by kind of operator: an estimate with a wide interval."""

from __future__ import annotations

from collections import Counter

from netwright.graph import Graph, Node
from netwright.target._microcontroller._device import Device
from netwright.target._microcontroller._runtime import LINEAR, fused

__all__ = ["Milliseconds", "amounts", "milliseconds"]

Milliseconds = tuple[float, float, float]


def amounts(graph: Graph) -> Counter[str]:
    """Multiply-adds or elements of each kind of operator; those of `elementwise` are all that have no other.

    >>> from netwright.blocks import conv, depthwise_separable
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> dict(amounts(Graph([x], [depthwise_separable(conv(x, 16), 32)])))
    {'conv': 27648, 'depthwise': 9216, 'pointwise': 32768}
    """
    found: Counter[str] = Counter()
    skipped = fused(graph) | graph.constant_nodes
    for node in graph.nodes:
        if node not in skipped:
            kind = kind_of(node)
            found[kind] += _amount(node, kind)
    return found


def kind_of(node: Node) -> str:
    """Kind of an operator."""
    name = node.op.name
    if name == "Conv":
        _, weight, *_ = node.inputs
        assert weight is not None
        if node.attrs["group"] > 1 and weight.shape[1] == 1:
            return "depthwise"
        return "pointwise" if all(size == 1 for size in weight.shape[2:]) else "conv"
    if name in LINEAR or node.op.macs(node):
        return "conv" if name == "ConvTranspose" else "linear"
    return "pool" if "Pool" in name or name.startswith("Reduce") else "elementwise"


def _amount(node: Node, kind: str) -> int:
    """Multiply-adds; without any, floating-point operations, elements read of a pool's windows; or elements moved."""
    return node.op.macs(node) or node.op.flops(node) or sum(t.size for t in node.outputs)


def milliseconds(graph: Graph, device: Device) -> tuple[Milliseconds, dict[str, Milliseconds]]:
    """Low end, estimate and high end of a run, whole and by kind of operator, in ms."""
    per_ms = device.clock_mhz * 1e3
    by_kind = {
        kind: tuple(amount * each / per_ms for each in (cycles.low, cycles.value, cycles.high))
        for kind, amount in amounts(graph).items()
        for cycles in [device.cycles[kind]]
    }
    low, value, high = (sum(times[i] for times in by_kind.values()) for i in range(3))
    return (low, value, high), {kind: (times[0], times[1], times[2]) for kind, times in by_kind.items()}
