"""How much work is done per byte moved: arithmetic intensity, and the same with kinds of data weighted."""

from __future__ import annotations

from netwright.cost._cost import Cost, activation_bytes, data_of, weights_of
from netwright.errors import NetwrightError
from netwright.graph import Graph, Parameter

__all__ = ["Intensity", "WeightedIntensity", "bytes_by_dtype"]


class Intensity(Cost):
    """FLOPs per byte of memory traffic: the place of a network on a roofline (Williams, Waterman, Patterson 2009)."""

    def __init__(self, flops: Cost, traffic: Cost) -> None:
        super().__init__("intensity", "FLOPs/byte", "arithmetic intensity: FLOPs per byte of memory traffic")
        self.flops, self.traffic = flops, traffic

    def of(self, graph: Graph) -> float:
        traffic = self.traffic.of(graph)
        return self.flops.of(graph) / traffic if traffic else 0.0


class WeightedIntensity(Cost):
    """Data-type-aware weighted arithmetic intensity, DI = MACs / (alpha A + (1 - alpha) P), in MACs per element.

    A counts the elements that the layers with multiply-adds read and write, P their parameters. Plain arithmetic
    intensity weights both alike (alpha = 1/2, but for a factor of two). alpha in [0, 1] is a constant of the
    hardware, found by fitting DI to measured energy efficiency, so there is no default.

    >>> from netwright.graph import Graph, image, ops, parameter
    >>> x = image(16, 8, 8)
    >>> layer = Graph([x], [ops.conv(x, parameter("weight", (16, 16, 1, 1)))])
    >>> WeightedIntensity(1.0).of(layer), WeightedIntensity(0.0).of(layer)
    (8.0, 64.0)

    Raises NetwrightError when alpha is outside of [0, 1].

    Source: Jha & Mittal 2020, "Modeling Data Reuse in Deep Neural Networks by Taking Data-Types into Cognizance"; the
    form follows descriptions of the paper, whose own equation was not at hand to compare.
    """

    def __init__(self, alpha: float) -> None:
        if not 0 <= alpha <= 1:
            raise NetwrightError(f"the weight of activations must be in [0, 1], but got alpha={alpha}.")
        super().__init__(f"intensity:weighted:{alpha:g}", "MACs/element", "weighted arithmetic intensity DI")
        self.alpha = alpha

    def of(self, graph: Graph) -> float:
        layers = [n for n in graph.nodes if n not in graph.constant_nodes and n.op.macs(n)]
        parameters = {t: t.size for node in layers for t in weights_of(node, graph.constant_nodes)}
        constant = graph.constant_nodes
        activations = sum(t.size for node in layers for t in (*data_of(node, constant), *node.outputs))
        moved = self.alpha * activations + (1 - self.alpha) * sum(parameters.values())
        return sum(node.op.macs(node) for node in layers) / moved if moved else 0.0


def bytes_by_dtype(graph: Graph) -> dict[str, dict[str, int]]:
    """Bytes by data type: `activations` read and written, and `weights` as stored.

    >>> from netwright.graph import Graph, ops, parameter, tokens
    >>> x = tokens(4)
    >>> bytes_by_dtype(Graph([x], [ops.gather(parameter("table", (10, 8)), x)]))
    {'activations': {'int64': 32, 'float32': 128}, 'weights': {'float32': 320}}
    """
    activations: dict[str, int] = {}
    weights: dict[str, int] = {}
    constant = graph.constant_nodes
    for node in graph.nodes:
        if not activation_bytes(node, constant):
            continue
        for tensor in (*data_of(node, constant), *node.outputs):
            activations[tensor.dtype] = activations.get(tensor.dtype, 0) + tensor.bytes
    for leaf in graph.leaves:
        if isinstance(leaf, Parameter):
            weights[leaf.dtype] = weights.get(leaf.dtype, 0) + leaf.bytes
    return {"activations": activations, "weights": weights}
