"""Costs: numbers that a graph has without being run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from netwright.errors import UnknownNameError
from netwright.graph import Constant, Graph, Input, Node, Parameter

__all__ = ["COSTS", "Additive", "Cost", "activation_bytes", "cost", "costs_of"]

VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
"""Operators that a runtime does without touching memory."""


class Cost(ABC):
    """A named number of a graph, with its unit.

    To write one, give `of`. When the cost of a network is the sum of the costs of its blocks, set `additive`: a
    space then holds a limit on it exactly, with no rejection.
    """

    additive: bool = False

    def __init__(self, name: str, unit: str, meaning: str) -> None:
        self.name = name
        self.unit = unit
        self.meaning = meaning

    @abstractmethod
    def of(self, graph: Graph) -> float:
        """Cost of one graph, for one example."""

    def __repr__(self) -> str:
        return f"<cost {self.name} [{self.unit}]>"


class Additive(Cost):
    """The sum over the nodes of a rule."""

    additive = True

    def __init__(self, name: str, unit: str, meaning: str, rule: Callable[[Node], int]) -> None:
        super().__init__(name, unit, meaning)
        self.rule = rule

    def of(self, graph: Graph) -> int:
        return sum(map(self.rule, graph.nodes))


class Weights(Cost):
    """The sum over the parameters of a rule; a layer that is used twice counts once."""

    additive = True

    def __init__(self, name: str, unit: str, meaning: str, rule: Callable[[Parameter], int]) -> None:
        super().__init__(name, unit, meaning)
        self.rule = rule

    def of(self, graph: Graph) -> int:
        return sum(self.rule(leaf) for leaf in graph.leaves if isinstance(leaf, Parameter))


class Total(Cost):
    """The sum of other costs."""

    def __init__(self, name: str, unit: str, meaning: str, terms: Iterable[Cost]) -> None:
        super().__init__(name, unit, meaning)
        self.terms = tuple(terms)
        self.additive = all(term.additive for term in self.terms)

    def of(self, graph: Graph) -> float:
        return sum(term.of(graph) for term in self.terms)


def activation_bytes(node: Node) -> int:
    """Bytes of activations that a node reads and writes; a view moves none, and a value read twice counts twice."""
    if node.op.name in VIEWS:
        return 0
    read = sum(t.bytes for t in node.inputs if t is not None and not isinstance(t, (Parameter, Constant)))
    return read + sum(t.bytes for t in node.outputs)


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
    """Largest sum of live activations, in bytes, when the nodes run in the order of the graph.

    A value lives from the node that makes it to the last node that reads it; a view shares its input's memory only
    where it is that input's last use, which this count allows for. Weights are not part of it.
    """

    def of(self, graph: Graph) -> int:
        uses = {tensor: len(nodes) for tensor, nodes in graph.users.items()}
        for output in graph.outputs:
            uses[output] = uses.get(output, 0) + 1
        live = sum(t.bytes for t in graph.leaves if isinstance(t, Input))
        peak = live
        for node in graph.nodes:
            made = sum(t.bytes for t in node.outputs)
            freed = sum(t.bytes for t in node.outputs if t not in uses)
            for tensor in node.inputs:
                if tensor is None or isinstance(tensor, (Parameter, Constant)):
                    continue
                uses[tensor] -= 1
                freed += tensor.bytes if uses[tensor] == 0 else 0
            view = node.op.name in VIEWS and freed > 0
            peak = max(peak, live if view else live + made)
            live += made - freed
        return peak


_ALL: tuple[Cost, ...] = (
    Weights("params", "", "trainable parameters", lambda p: p.size if p.trainable else 0),
    Additive("macs", "MACs", "multiply-adds of convolutions, matrix products and attention", lambda n: n.op.macs(n)),
    Additive("flops", "FLOPs", "floating-point operations; one multiply-add is two", lambda n: n.op.flops(n)),
    Additive("activation_bytes", "bytes", "activations read and written", activation_bytes),
    Weights("weight_bytes", "bytes", "parameters and buffers as stored", lambda p: p.bytes),
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
