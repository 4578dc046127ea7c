"""The modules of a network: its scopes as a tree, and for each the order in which to run what it holds."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from netwright.graph import Constant, Graph, Node, Parameter, Tensor

__all__ = ["Unit", "resolved", "unit_tree"]


class Unit:
    """One scope as a module: its parameters, its submodules, and the items that its forward pass runs in order."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path
        self.children: dict[str, Unit] = {}
        self.nodes: list[Node] = []
        self.parameters: list[Parameter] = []
        self.called = True
        self.items: list[Node | Unit] = []
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []

    def __repr__(self) -> str:
        return f"<Unit {'.'.join(self.path) or 'network'}, {len(self.items)} items>"

    def subtree(self) -> Iterator[Unit]:
        """This unit and all below it."""
        yield self
        for child in self.children.values():
            yield from child.subtree()


def resolved(tensor: Tensor) -> Tensor:
    """The tensor behind any Identity."""
    while tensor.node is not None and tensor.node.op.name == "Identity":
        source = tensor.node.inputs[0]
        if source is None:
            break
        tensor = source
    return tensor


def unit_tree(graph: Graph) -> Unit:
    """Tree of the modules of a graph, each with its items in an order of execution.

    A scope whose nodes cannot run in one go, because something outside stands between them, stays a module that holds
    parameters, and its parent runs its nodes.

    >>> from netwright.graph import Graph, image, ops, scope
    >>> x = image(1, 4, 4)
    >>> with scope("stem"):
    ...     y = ops.relu(x)
    >>> unit_tree(Graph([x], [y])).items
    [<Unit stem, 1 items>]
    """
    root = Unit(())
    for node in graph.nodes:
        for tensor in node.inputs:
            if isinstance(tensor, Parameter):
                owner = _unit_at(root, graph.scope_of(tensor))
                if tensor not in owner.parameters:
                    owner.parameters.append(tensor)
        if node.op.name != "Identity":
            _unit_at(root, graph.scope_of(node)).nodes.append(node)
    for output in graph.outputs:
        if isinstance(output, Parameter) and output not in _unit_at(root, graph.scope_of(output)).parameters:
            _unit_at(root, graph.scope_of(output)).parameters.append(output)
    _Planner(graph).plan(root)
    root.inputs = list(graph.inputs)
    root.outputs = [resolved(t) for t in graph.outputs]
    return root


def _unit_at(root: Unit, path: tuple[str, ...]) -> Unit:
    unit = root
    for name in path:
        if name not in unit.children:
            unit.children[name] = Unit((*unit.path, name))
        unit = unit.children[name]
    return unit


class _Planner:
    """Orders the items of every unit of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.position = {node: number for number, node in enumerate(graph.nodes)}
        self.readers: dict[Tensor, list[Node]] = {}
        for node in graph.nodes:
            for tensor in node.inputs:
                if tensor is not None and node.op.name != "Identity":
                    self.readers.setdefault(resolved(tensor), []).append(node)
        self.results = {resolved(t) for t in graph.outputs}

    def plan(self, unit: Unit) -> None:
        """Set the items, inputs and outputs of a unit and of all below it."""
        items: list[Node | Unit] = [*unit.nodes, *(c for c in unit.children.values() if self._nodes(c))]
        for child in unit.children.values():
            if not self._nodes(child):
                # What holds parameters that others read, and runs nothing itself, has no forward method.
                for below in child.subtree():
                    below.called = False
        while True:
            unit.items, stuck = self._ordered(items)
            if not stuck:
                break
            for inner in stuck:
                inner.called = False
                items.remove(inner)
                items.extend([*inner.nodes, *(c for c in inner.children.values() if self._nodes(c))])
        self._set_borders(unit)
        for item in unit.items:
            if isinstance(item, Unit):
                self.plan(item)
        unit.children = {name: child for name, child in unit.children.items() if _is_needed(child)}

    def _nodes(self, item: Node | Unit) -> list[Node]:
        if isinstance(item, Node):
            return [item]
        return sorted((n for unit in item.subtree() for n in unit.nodes), key=self.position.__getitem__)

    def _ordered(self, items: list[Node | Unit]) -> tuple[list[Node | Unit], list[Unit]]:
        """Items in an order that respects their edges, and the units that stand in the way of one."""
        owner = {node: number for number, item in enumerate(items) for node in self._nodes(item)}
        after: list[set[int]] = [set() for _ in items]
        for node, number in owner.items():
            for tensor in node.outputs:
                after[number] |= {owner[r] for r in self.readers.get(tensor, ()) if r in owner} - {number}
        first = [min(self.position[n] for n in self._nodes(item)) for item in items]
        order = _sorted_by_edges(after, first)
        if len(order) == len(items):
            return [items[i] for i in order], []
        before: list[set[int]] = [{i for i, to in enumerate(after) if j in to} for j in range(len(items))]
        free = set(order) | set(_sorted_by_edges(before, first))
        return [], [item for i, item in enumerate(items) if i not in free and isinstance(item, Unit)]

    def _set_borders(self, unit: Unit) -> None:
        inside = self._nodes(unit)
        known, own = set(inside), {p for below in unit.subtree() for p in below.parameters}
        inputs: dict[Tensor, None] = {}
        for node in inside:
            for tensor in (resolved(t) for t in node.inputs if t is not None):
                if tensor not in own and tensor.node not in known and not isinstance(tensor, Constant):
                    inputs.setdefault(tensor)
        unit.inputs = list(inputs)
        made = [t for node in inside for t in node.outputs]
        unit.outputs = [t for t in made if t in self.results or any(r not in known for r in self.readers.get(t, ()))]


def _is_needed(unit: Unit) -> bool:
    """Whether a module runs something or holds a parameter, itself or below it."""
    return bool(unit.items or unit.parameters or any(map(_is_needed, unit.children.values())))


def _sorted_by_edges(after: list[set[int]], first: list[int]) -> list[int]:
    """Kahn's algorithm, earliest first; what lies on or behind a cycle is left out."""
    waiting = [0] * len(after)
    for targets in after:
        for target in targets:
            waiting[target] += 1
    ready = [(first[i], i) for i, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        _, number = heapq.heappop(ready)
        order.append(number)
        for target in after[number]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(ready, (first[target], target))
    return order
