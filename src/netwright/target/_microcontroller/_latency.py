"""Time of a run from what its kernels do: multiply-adds, elements that they write, and weights that they fetch.

Three costs for each library and device tell networks that had no part in them better than cycles by kind of operator
do: see `bench/microcontrollers.py`. A depthwise layer is slow for it has few multiply-adds for each element that it
writes, and a linear one for it uses each weight once.
"""

from __future__ import annotations

from typing import NamedTuple

from netwright.graph import Graph, Node
from netwright.target._microcontroller._device import Device, Library
from netwright.target._microcontroller._runtime import LINEAR, fused

__all__ = ["KernelWork", "milliseconds", "works"]


class KernelWork(NamedTuple):
    """What kernels do: multiply-adds or elements without any, elements that layers write, and their weights."""

    macs: int = 0
    outputs: int = 0
    weights: int = 0

    def plus(self, other: KernelWork) -> KernelWork:
        """Both."""
        return KernelWork(*(a + b for a, b in zip(self, other, strict=True)))

    def cycles(self, library: Library) -> float:
        """Cycles in a library."""
        return self.macs * library.mac + self.outputs * library.output + self.weights * library.weight


def works(graph: Graph) -> dict[str, KernelWork]:
    """Work by kind of operator; `elementwise` is what has no other.

    >>> from netwright.blocks import conv, depthwise_separable
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> found = works(Graph([x], [depthwise_separable(conv(x, 16), 32)]))
    >>> found["pointwise"]
    KernelWork(macs=32768, outputs=2048, weights=512)
    >>> {kind: work.macs for kind, work in found.items()}
    {'conv': 27648, 'depthwise': 9216, 'pointwise': 32768}
    """
    found: dict[str, KernelWork] = {}
    skipped = fused(graph) | graph.constant_nodes
    for node in graph.nodes:
        if node not in skipped:
            kind = kind_of(node)
            found[kind] = found.get(kind, KernelWork()).plus(_work(node))
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


def _work(node: Node) -> KernelWork:
    """Work of one node; without multiply-adds, floating-point operations, elements of windows, or elements moved."""
    written = sum(tensor.size for tensor in node.outputs)
    macs = node.op.macs(node)
    if not macs:
        return KernelWork(node.op.flops(node) or written)
    # A bias has one dimension.
    fetched = sum(tensor.size for tensor in node.inputs[1:] if tensor is not None and tensor.rank > 1)
    return KernelWork(macs, written, fetched)


def milliseconds(graph: Graph, device: Device, library: Library) -> dict[str, float]:
    """Time by kind of operator, in ms."""
    per_ms = device.clock_mhz * 1e3
    return {kind: work.cycles(library) / per_ms for kind, work in works(graph).items()}
