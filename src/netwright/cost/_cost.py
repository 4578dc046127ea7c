"""What a cost is: a number that a graph has without being run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from netwright.cost._memory import VIEWS
from netwright.graph import Constant, Graph, Node, Parameter

__all__ = ["Additive", "Cost", "Total", "Weights", "activation_bytes"]


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
