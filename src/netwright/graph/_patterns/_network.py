"""A network while it is rewritten: what each node reads now, who reads each value, and what grows with the batch."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from netwright.errors import NetwrightError
from netwright.graph._batch import Inputs, leads_with_batch
from netwright.graph._graph import Graph
from netwright.graph._rewrites import Known, identity_of
from netwright.graph._tensor import Constant, Node, Parameter, Shape, Tensor

__all__ = ["Network", "Operand"]

Operand = Tensor | float
"""What a node reads; a float where a constant is seen through, as the 0.5 of x / 2."""

ROWS = 1009
"""A batch that no other size is likely to have."""


class Network:
    """The nodes of a graph, each with what it reads now; `replace` puts one value in place of another."""

    def __init__(self, graph: Graph) -> None:
        self.outputs: list[Tensor] = list(graph.outputs)
        self._graph = graph
        self._known = Known(rows={t for t in graph.inputs if t.batch_axis == 0}, ones=_ones(graph))
        self._flowing: set[Tensor | None] = set(graph.inputs)
        self._users: dict[Tensor, dict[Node, None]] = {}
        self._many: dict[Tensor, Shape] = {}
        self._numbers: dict[Constant, float] = {}
        try:
            self._take(graph.nodes, {t: t.shape_at(ROWS) for t in graph.inputs})
        except NetwrightError:
            # A network for one number of rows.
            self._take(graph.nodes, {t: t.shape for t in graph.inputs})

    def _take(self, nodes: Iterable[Node], many: dict[Tensor, Shape]) -> None:
        self._many = many
        for node in nodes:
            self._add(node)

    def _add(self, node: Node) -> None:
        """Take in a node all of whose inputs are known."""
        inputs = node.inputs
        changed = any(t is not None and self.many(t) != t.shape for t in inputs)
        if changed:
            twins = tuple(None if t is None else self._twin(t) for t in inputs)
            types = node.op.infer(twins, dict(node.attrs))
            self._many.update((t, shape) for t, (shape, _) in zip(node.outputs, types, strict=True))
        self._known.steps[node] = inputs
        for t in inputs:
            if t is not None:
                self._users.setdefault(t, {})[node] = None
        if not self._flowing.isdisjoint(inputs):
            self._flowing.update(node.outputs)
        if leads_with_batch(node, inputs, self._known.rows):
            self._known.rows.update(node.outputs)

    def _twin(self, t: Tensor) -> Tensor:
        """Tensor as it is with many rows; leaves as they are, since some rules look at what they hold."""
        many = self.many(t)
        return t if many == t.shape else Tensor(many, t.dtype)

    def many(self, t: Tensor) -> Shape:
        """Shape with `ROWS` rows."""
        return self._many.get(t, t.shape)

    def alike(self, a: Tensor, b: Tensor) -> bool:
        """Whether two values have one type and, with any number of rows, one shape."""
        return a.shape == b.shape and a.dtype == b.dtype and self.many(a) == self.many(b)

    def flows(self, t: Tensor) -> bool:
        """Whether a value depends on the inputs of the network."""
        return t in self._flowing

    def maker(self, operand: Operand) -> Node | None:
        """Node that makes a value."""
        node = operand.node if isinstance(operand, Tensor) else None
        return node if node in self._known.steps else None

    def inputs(self, node: Node) -> Inputs:
        """What a node reads now, without absent inputs at the end."""
        inputs = self._known.steps[node]
        while inputs and inputs[-1] is None:
            inputs = inputs[:-1]
        return inputs

    def users(self, t: Tensor) -> list[Node]:
        """Nodes that read a value."""
        return list(self._users.get(t, ()))

    def number(self, operand: Operand | None) -> float | None:
        """The value of a constant of one element, also of another type than it was written with."""
        if isinstance(operand, float):
            return operand
        node = self.maker(operand) if operand is not None else None
        if node is not None and node.op.name == "Cast":
            operand = self._known.steps[node][0]
        if not isinstance(operand, Constant) or operand.size != 1 or operand.dtype == "bool":
            return None
        if operand not in self._numbers:
            # The shortest decimal number that is this one in its precision: 1e-05, not 9.999999747378752e-06.
            self._numbers[operand] = float(str(operand.value.flat[0]))
        return self._numbers[operand]

    def filled_with(self, t: Tensor, number: float) -> bool:
        """Whether every element of a constant, or of a parameter with weights, is this number."""
        weights = self._graph.weights
        if isinstance(t, Constant):
            return bool((t.value == number).all())
        known = isinstance(t, Parameter) and weights is not None
        return known and weights is not None and bool((weights[self._graph.names[t]] == number).all())

    def pair(self, node: Node, op: str) -> tuple[Operand, Operand] | None:
        """The two operands of a product (`op` Mul) or a sum (Add); a constant that divides multiplies."""
        if len(node.inputs) != 2:
            return None
        first, second = self._known.steps[node]
        if first is None or second is None or node.op.name == op:
            return None if first is None or second is None else (first, second)
        number = self.number(second) if node.op.name == {"Mul": "Div", "Add": "Sub"}[op] else None
        if number is None or "float" not in first.dtype or (op == "Mul" and number == 0):
            return None
        return first, 1 / number if op == "Mul" else -number

    def view(self, x: Tensor, like: Tensor) -> Shape | None:
        """Attribute of a Reshape of `x` to the shape of `like` for any number of rows."""
        grown = [i for i, (a, b) in enumerate(zip(like.shape, self.many(like), strict=True)) if a != b]
        if len(grown) > 1 or prod(x.shape) != prod(like.shape):
            return None
        sizes = list(like.shape)
        for i in grown:
            sizes[i] = 0 if i < x.rank and self.many(x)[i] == self.many(like)[i] else -1
        return tuple(sizes)

    def private(self, nodes: Iterable[Node], root: Node) -> bool:
        """Whether no other node, and no output, reads what these nodes work out on the way to the root.

        What only moves elements may be read by others too: there is no work in it that would be done twice.
        """
        own = set(nodes)
        for node in own - {root}:
            if node.op.flops(node) and any(
                t in self.outputs or not own.issuperset(self._users.get(t, ())) for t in node.outputs
            ):
                return False
        return True

    def identity(self, node: Node) -> Tensor | None:
        """The value that a node only hands on."""
        return identity_of(node, self._known.steps[node], self._known)

    def take_in(self, values: Iterable[Tensor]) -> list[Node]:
        """Add the nodes by which new values are made; raises ShapeError where they do not run with any batch."""
        found = _made_by(values, self)
        try:
            for node in found:
                self._add(node)
        except NetwrightError:
            for node in reversed(found):
                self.drop(node)
            raise
        return found

    def replace(self, old: Tensor, new: Tensor) -> None:
        """Let all that reads one value read another one, and drop what nothing reads any more."""
        for user in self._users.pop(old, ()):
            self._known.steps[user] = tuple(new if t is old else t for t in self._known.steps[user])
            self._users.setdefault(new, {})[user] = None
        self.outputs = [new if t is old else t for t in self.outputs]
        if old.node is not None:
            self.drop(old.node)

    def drop(self, node: Node) -> None:
        """Remove a node that nothing reads, and what only it read."""
        pending = [node]
        while pending:
            node = pending.pop()
            if any(self._users.get(t) or t in self.outputs for t in node.outputs) or node not in self._known.steps:
                continue
            for t in self._known.steps.pop(node):
                if t is not None:
                    self._users.get(t, {}).pop(node, None)
                    pending += [] if t.node is None else [t.node]

    def __contains__(self, node: Node) -> bool:
        return node in self._known.steps

    def ordered(self) -> list[Node]:
        """Nodes in topological order."""
        order: dict[Node, None] = {}
        pending = [t.node for t in reversed(self.outputs) if t.node is not None]
        while pending:
            node = pending[-1]
            waiting = [
                t.node
                for t in self._known.steps[node]
                if t is not None and t.node is not None and t.node not in order
            ]
            if waiting and node not in order:
                pending += reversed(waiting)
            else:
                order.setdefault(pending.pop())
        return list(order)

    def steps(self) -> list[tuple[Node, Inputs]]:
        """Nodes in topological order, each with what it reads now."""
        return [(node, self._known.steps[node]) for node in self.ordered()]


def _ones(graph: Graph) -> set[Tensor | None]:
    constants = [t for t in graph.leaves if isinstance(t, Constant) and t.dtype != "bool"]
    return {c for c in constants if (c.value == 1).all()}


def _made_by(values: Iterable[Tensor], known: Network) -> list[Node]:
    """Nodes that are not known yet, each after those it reads."""
    order: dict[Node, None] = {}
    pending = [t.node for t in values]
    while pending:
        node = pending[-1]
        waiting = [t.node for t in node.inputs if t is not None] if node is not None else []
        waiting = [n for n in waiting if n is not None and n not in known and n not in order]
        if node is None or node in known or node in order or not waiting:
            pending.pop()
            if node is not None and node not in known:
                order.setdefault(node)
        else:
            pending += waiting
    return list(order)
