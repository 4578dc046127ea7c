"""The packed AND/OR forest: every shape-correct design of a space, and nothing else."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from netwright.cost import Cost
from netwright.errors import SpaceError
from netwright.graph import Graph
from netwright.space._design import Value

__all__ = ["And", "Forest", "ForestNode", "Leaf", "Or", "check_names", "deciding", "join_path"]


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """Blocks applied with every decision made: their graphs, and how often each stands in the network.

    decision: in a forest made by `placed`, the path and value that was decided; an empty path is the whole design.
    """

    graphs: tuple[tuple[Graph, int], ...] = ()
    decision: tuple[str, Value] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing can cost anything here."""
        return not self.graphs and self.decision is None


@dataclass(frozen=True, slots=True, eq=False)
class Or:
    """A union. With a name it is a decision: one alternative per value. Without, it gathers derivations."""

    name: str | None
    alternatives: tuple[tuple[Value | None, int], ...]
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class And:
    """A product of two nodes, each under a component of the path (empty: the same path)."""

    left: tuple[str, int]
    right: tuple[str, int]


ForestNode = Leaf | Or | And


def join_path(prefix: str, name: str) -> str:
    """Path below a prefix.

    >>> join_path("stage1", "0"), join_path("", "0"), join_path("stage1", "")
    ('stage1.0', '0', 'stage1')
    """
    return f"{prefix}.{name}" if prefix and name else prefix or name


@dataclass
class Forest:
    """Nodes in topological order, children before parents; the last one that `root` names derives whole designs.

    Equal nodes are stored once, so a stage that occurs twice at one shape is compiled once.
    """

    nodes: list[ForestNode] = field(default_factory=list)
    root: int = -1
    kinds: dict[int, Hashable] = field(default_factory=dict)
    """What the rules of a grammar derive: equal for one rule on equal types, however much depth is left."""
    _known: dict[Hashable, int] = field(default_factory=dict)
    _costs: dict[str, list[float]] = field(default_factory=dict)

    def leaf(self, graphs: Sequence[tuple[Graph, int]] = (), decision: tuple[str, Value] | None = None) -> int:
        """Number of the leaf with these graphs, or of a decision."""
        kept = tuple((graph, count) for graph, count in graphs if graph.nodes)
        made = None if decision is None else (decision[0], type(decision[1]).__name__, decision[1])
        return self._add(("leaf", tuple((id(graph), count) for graph, count in kept), made), Leaf(kept, decision))

    def choice(
        self,
        name: str | None,
        alternatives: Sequence[tuple[Value | None, int]],
        weights: Sequence[float] | None = None,
    ) -> int:
        """Number of the union; one unnamed alternative is itself, unless it has only a share of the weight."""
        if name is None and len(alternatives) == 1 and (weights is None or weights[0] == 1):
            return alternatives[0][1]
        # The type is part of the key: True and 1 are equal in Python and are two values here.
        key = ("or", name, tuple((type(v).__name__, v, n) for v, n in alternatives), weights and tuple(weights))
        return self._add(key, Or(name, tuple(alternatives), None if weights is None else tuple(weights)))

    def product(self, left: tuple[str, int], right: tuple[str, int]) -> int:
        """Number of the product."""
        return self._add(("and", left, right), And(left, right))

    def _add(self, key: Hashable, node: ForestNode) -> int:
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self.nodes)
            self.nodes.append(node)
        return number

    def trimmed(self) -> Forest:
        """The same forest with only the nodes that the root reaches."""
        return self.trimmed_with_numbers()[0]

    def trimmed_with_numbers(self) -> tuple[Forest, list[int]]:
        """The same forest with only the nodes that the root reaches, and their old numbers."""
        reached = bytearray(len(self.nodes))
        reached[self.root] = True
        for number in range(self.root, -1, -1):
            if reached[number]:
                for child in _children(self.nodes[number]):
                    reached[child] = True
        kept = [number for number, is_reached in enumerate(reached) if is_reached]
        new = [-1] * len(self.nodes)
        for i, number in enumerate(kept):
            new[number] = i
        kinds = {new[number]: kind for number, kind in self.kinds.items() if reached[number]}
        return Forest([_renumbered(self.nodes[number], new) for number in kept], new[self.root], kinds), kept

    def leaf_costs(self, cost: Cost) -> list[float]:
        """Cost of each node's own graphs: zero for all but leaves; kept, as graphs never change."""
        known = self._costs.get(cost.name)
        if known is None:
            values: dict[Graph, float] = {}
            known = [_leaf_cost(node, cost, values) for node in self.nodes]
            self._costs[cost.name] = known
        return known

    def __len__(self) -> int:
        return len(self.nodes)


def check_names(forest: Forest) -> None:
    """Raise SpaceError where two parts of the network would decide under one name, as a tie and a stage may.

    Only names at the top can meet: further down, those side by side are told apart where they are put together.
    """
    names: dict[int, set[str]] = {}
    pending = [forest.root]
    while pending:
        number = pending.pop()
        if number not in names:
            names[number] = set()
            pending += _children_at_same_path(forest.nodes[number])
    idle: set[int] = set()
    for number in sorted(names):
        node, known = forest.nodes[number], names[number]
        if isinstance(node, And):
            left, right = (
                ({component} if _decides(forest, child, idle) else set()) if component else names[child]
                for component, child in (node.left, node.right)
            )
            _raise_if_shared(left & right)
            known |= left | right
        elif isinstance(node, Or):
            known.update(*(names[child] for _, child in node.alternatives))
            _raise_if_shared(known & {"input"} if node.name == "input" else set())
            known |= {node.name.partition(".")[0]} if node.name else set()
    if "recipe" in names[forest.root]:
        raise SpaceError("no part of a network can be named 'recipe': designs keep the recipe there.")


def deciding(forest: Forest) -> list[bool]:
    """Whether any decision is made at or below each node."""
    found: list[bool] = []
    for node in forest.nodes:
        here = isinstance(node, Or) and node.name is not None
        found.append(here or any(found[child] for child in _children(node)))
    return found


def _decides(forest: Forest, number: int, idle: set[int]) -> bool:
    """Whether any decision is made at or below a node; idle: nodes known to have none, which grow."""
    seen, pending = set[int](), [number]
    while pending:
        here = pending.pop()
        node = forest.nodes[here]
        if isinstance(node, Or) and node.name is not None:
            return True
        if here not in seen and here not in idle:
            seen.add(here)
            pending += _children(node)
    idle |= seen
    return False


def _raise_if_shared(names: set[str]) -> None:
    if names:
        raise SpaceError(f"parts and ties of a network must differ in name, but two decide under {min(names)!r}.")


def _children_at_same_path(node: ForestNode) -> list[int]:
    if isinstance(node, And):
        return [child for component, child in (node.left, node.right) if not component]
    return _children(node)


def _leaf_cost(node: ForestNode, cost: Cost, values: dict[Graph, float]) -> float:
    if not isinstance(node, Leaf):
        return 0
    if cost.by_decision or node.decision is not None:
        return cost.of_decision(*node.decision) if node.decision is not None else 0
    total: float = 0
    for graph, count in node.graphs:
        if graph not in values:
            values[graph] = cost.of(graph)
        total += count * values[graph]
    return total


def _children(node: ForestNode) -> list[int]:
    if isinstance(node, Or):
        return [child for _, child in node.alternatives]
    return [node.left[1], node.right[1]] if isinstance(node, And) else []


def _renumbered(node: ForestNode, new: Sequence[int]) -> ForestNode:
    if isinstance(node, Or):
        return Or(node.name, tuple((value, new[child]) for value, child in node.alternatives), node.weights)
    if isinstance(node, And):
        return And((node.left[0], new[node.left[1]]), (node.right[0], new[node.right[1]]))
    return node
