"""Flash that a network takes: weights in 8 bits, biases and scales in 32."""

from __future__ import annotations

from collections.abc import Iterator

from netwright.cost._cost import weights_of
from netwright.graph import Constant, Graph, Node, Parameter, Tensor
from netwright.target._microcontroller._runtime import LINEAR, by_channel, fused, int8_size

__all__ = ["flash_bytes"]

BY_CHANNEL = 12
"""Bias, multiplier and shift of each output channel of a convolution, in 32 bits each."""
BIAS = 4
"""Bias of each output of another layer with weights, in 32 bits; one scale for all of them is not counted."""


def flash_bytes(graph: Graph) -> int:
    """Bytes of the weights and constants of a network in 8 bits, without the program that runs it.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> flash_bytes(Graph([x], [conv(x, 16)])) == 3 * 3 * 3 * 16 + 12 * 16
    True

    A layer that is used twice is stored once. Normalisations that are fused with the layer before them are part of
    its bias; others take four bytes a number.
    """
    stored: dict[Tensor, int] = {}
    constant, done = graph.constant_nodes, fused(graph)
    for node in graph.nodes:
        if node not in constant and node not in done:
            for tensor, size in _of(node, constant):
                stored.setdefault(tensor, size)
    return sum(stored.values())


def _of(node: Node, constant: frozenset[Node]) -> Iterator[tuple[Tensor, int]]:
    """Bytes by what a node reads and does not compute; a layer's bias is counted with its weight."""
    fixed = [*weights_of(node, constant), *(t for t in node.inputs if isinstance(t, Constant))]
    if node.op.name in LINEAR:
        if fixed:
            weight = fixed[0]
            by_output = BY_CHANNEL if node.op.name.startswith("Conv") else BIAS
            yield weight, int8_size(weight) + by_output * _outputs(node)
        yield from ((bias, 0) for bias in fixed[1:])
        return
    if node.op.name == "Sum":
        fixed = [t for t in fixed if not _bias_of_a_term(t, node)]
    wide = node.op.name.endswith("Normalization")
    yield from ((t, 4 * t.size if wide and isinstance(t, Parameter) else int8_size(t)) for t in fixed)


def _bias_of_a_term(tensor: Tensor, node: Node) -> bool:
    """Whether a term is the bias of a layer that is summed, too."""
    # What is simplified has one sum in place of a bias and the sum after it.
    makers = [t.node for t in node.inputs if t is not None and t.node is not None]
    return any(maker.op.name in LINEAR and by_channel(tensor, maker) for maker in makers)


def _outputs(node: Node) -> int:
    return node.output.shape[1] if node.op.name.startswith("Conv") else node.output.shape[-1]
