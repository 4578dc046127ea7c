"""What a cost is: a number that a graph has without being run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Set

from netwright.cost._memory import VIEWS
from netwright.errors import DesignError
from netwright.graph import Constant, Graph, Node, Parameter, Tensor

__all__ = [
    "ActivationBytes",
    "Additive",
    "Cost",
    "DecisionCost",
    "Total",
    "Weights",
    "activation_bytes",
    "data_of",
    "weights_of",
]


class Cost(ABC):
    """A named number of a graph, with its unit.

    >>> from netwright.graph import Graph
    >>> class Depth(Cost):
    ...     def of(self, graph):
    ...         return len(graph.nodes)
    >>> from netwright.graph import image, ops
    >>> x = image(3, 8, 8)
    >>> Depth("depth", "nodes", "operators in the graph").of(Graph([x], [ops.relu(x) + x]))
    2

    To write one, give `of`. When the cost of a network is the sum of the costs of its blocks, set `additive`: a
    space then holds a limit on it exactly, with no rejection.
    """

    additive: bool = False
    by_decision: bool = False
    """Whether it is a sum over the decisions of a design, which a graph alone does not tell; see `DecisionCost`."""

    def __init__(self, name: str, unit: str, meaning: str) -> None:
        self.name = name
        self.unit = unit
        self.meaning = meaning

    @abstractmethod
    def of(self, graph: Graph) -> float:
        """Cost of one graph, for one example."""

    def of_design(self, design: Mapping[str, object], graph: Graph) -> float:
        """Cost of one design, whose graph is given, too."""
        return self.of(graph)

    def of_decision(self, path: str, value: object) -> float:
        """What one decision costs beyond the blocks that it leads to."""
        return 0.0

    def __repr__(self) -> str:
        return f"<cost {self.name} [{self.unit}]>"


class Additive(Cost):
    """The sum of a rule over the nodes; those that depend on no input run once for all examples and count nothing.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> relus = Additive("relus", "", "rectified elements", lambda n: n.output.size if n.op.name == "Relu" else 0)
    >>> relus.of(Graph([x], [ops.relu(x) + x]))
    192

    rule: cost of one node, for one example.
    """

    additive = True

    def __init__(self, name: str, unit: str, meaning: str, rule: Callable[[Node], int]) -> None:
        super().__init__(name, unit, meaning)
        self.rule = rule

    def of(self, graph: Graph) -> int:
        constant = graph.constant_nodes
        return sum(
            map(self.rule, [node for node in graph.nodes if node not in constant] if constant else graph.nodes)
        )


class DecisionCost(Cost):
    """A sum over decisions, such as a device's latency that a table of measured designs gives.

    >>> prices = {("layer0", "conv"): 2.0, ("layer1", "skip"): 0.5}
    >>> latency = DecisionCost("latency_ms@phone", "ms", "fitted to 200 designs", prices, base=1.0)
    >>> latency.of_design({"layer0": "conv", "layer1": "skip"})
    3.5

    prices: by path and value; a decision without a price costs nothing. base: what every design costs.
    """

    additive = True
    by_decision = True

    def __init__(
        self, name: str, unit: str, meaning: str, prices: Mapping[tuple[str, object], float], base: float = 0.0
    ) -> None:
        super().__init__(name, unit, meaning)
        self.prices = dict(prices)
        self.base = base

    def of(self, graph: Graph) -> float:
        """Raises DesignError: a graph does not tell its decisions."""
        raise DesignError(f"{self.name} is a sum over decisions and needs a design, but got a graph alone.")

    def of_design(self, design: Mapping[str, object], graph: Graph | None = None) -> float:
        return sum((self.prices.get(decision, 0.0) for decision in design.items()), start=self.base)

    def of_decision(self, path: str, value: object) -> float:
        return self.prices.get((path, value), 0.0) if path else self.base


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


def activation_bytes(node: Node, constant: Set[Node] = frozenset()) -> int:
    """Bytes of activations that a node reads and writes; a view moves none, and a value read twice counts twice.

    >>> from netwright.graph import image, ops
    >>> activation_bytes(ops.relu(image(3, 8, 8)).node)
    1536

    constant: nodes whose results are no activations, such as the transposition of a weight.
    """
    if node.op.name in VIEWS or node in constant:
        return 0
    return sum(t.bytes for t in data_of(node, constant)) + sum(t.bytes for t in node.outputs)


def data_of(node: Node, constant: Set[Node] = frozenset()) -> list[Tensor]:
    """What a node reads of activations: neither weights and constants nor what is made of them alone."""
    return [
        t for t in node.inputs
        if t is not None and not isinstance(t, (Parameter, Constant)) and (t.node is None or t.node not in constant)
    ]  # fmt: skip


def weights_of(node: Node, constant: Set[Node] = frozenset()) -> list[Parameter]:
    """Parameters that a node reads, directly or through nodes that make constants of them."""
    found: dict[Parameter, None] = {}
    waiting = list(node.inputs[::-1])
    while waiting:
        tensor = waiting.pop()
        if isinstance(tensor, Parameter):
            found[tensor] = None
        elif tensor is not None and tensor.node is not None and tensor.node in constant:
            waiting += tensor.node.inputs[::-1]
    return list(found)


class ActivationBytes(Cost):
    """Activations read and written, summed over the nodes."""

    additive = True

    def of(self, graph: Graph) -> int:
        constant = graph.constant_nodes
        return sum([activation_bytes(node, constant) for node in graph.nodes])
