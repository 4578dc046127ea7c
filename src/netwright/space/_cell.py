"""`cell`: a directed acyclic graph with a part on each edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.errors import SpaceError
from netwright.graph import Tensor
from netwright.space._compile import Compiler, Contexts, Outcomes
from netwright.space._expression import Builder, Expression, as_expression, checked_name
from netwright.space._join import Network
from netwright.space._joins import JOINS, joins_of
from netwright.space._spelling import Spelling

__all__ = ["Cell", "cell"]


class Cell(Expression):
    """A directed acyclic graph: nodes with numbers or names, a part on each edge, a join at each node."""

    def __init__(
        self,
        edges: Sequence[tuple[int, int, Expression]],
        join: str,
        outputs: Sequence[int],
        names: Sequence[str] = (),
    ) -> None:
        named = (tuple(names),) if names else ()
        super().__init__(tuple(edges), join, tuple(outputs), *named, children=[part for *_, part in edges])
        self.join = JOINS[join]
        self.outputs = tuple(outputs)
        self._nodes: tuple[Any, ...] = tuple(names) or tuple(range(1 + max(j for _, j, _ in edges)))
        self._into: dict[int, list[tuple[str, int, Expression]]] = {}
        for source, target, part in sorted(edges, key=lambda edge: (edge[1], edge[0])):
            name = f"{self._nodes[source]}-{self._nodes[target]}"
            self._into.setdefault(target, []).append((name, source, part))

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        network = Network(compiler, contexts)
        for node, parts in self._into.items():
            for name, source, part in parts:
                network.extend(name, source, part, self.join, str(self._nodes[node]))
            network.join(self.join)
        network.read(self.outputs)
        network.join(JOINS["concat"])
        return network.outcomes()

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        values = [x]
        for parts in self._into.values():
            values.append(
                self.join(*(builder.build(part, values[source], prefix, name) for name, source, part in parts))
            )
        return JOINS["concat"](*(values[i] for i in self.outputs))

    def _parts(self) -> dict[tuple[Any, Any], Expression]:
        return {(self._nodes[i], self._nodes[j]): part for i, j, part in self._key[0]}

    def _leaving(self) -> tuple[Any, ...]:
        return tuple(self._nodes[i] for i in self.outputs)

    def spelled(self) -> Spelling:
        options: dict[str, Any] = {} if self.join.name == "add" else {"join": self.join.name}
        return Spelling("cell", (self._parts(),), {**options, "output": self._leaving()})

    def __repr__(self) -> str:
        edges = ", ".join(f"{edge!r}: {part!r}" for edge, part in self._parts().items())
        return f"cell({{{edges}}}, join={self.join.name!r}, output={self._leaving()!r})"


Node = int | str


def cell(
    edges: Mapping[tuple[Node, Node], Any], *, join: str = "add", output: Node | Sequence[Node] | None = None
) -> Expression:
    """A directed acyclic graph with a part on each edge, between nodes that have numbers or names.

    Node 0 is the input, and an edge (i, j) needs i < j. Where nodes have names, the input is the one that no edge
    enters, and edges may stand in any order.

    >>> from netwright.blocks import conv
    >>> from netwright.space import oneof
    >>> cell({(0, 1): conv(8), (1, 2): conv(8), (0, 2): conv(8, kernel=oneof(1, 3))}).label
    'cell'
    >>> cell({("in", "a"): conv(8), ("a", "out"): conv(8), ("in", "out"): conv(8, kernel=oneof(1, 3))}).label
    'cell'

    join: add, mul or concat of the edges that enter a node. output: the node whose value leaves (default: the last,
    or the one that no edge leaves), or several whose values are concatenated. In a design, the edge (0, 1) is `0-1`,
    and ("in", "a") is `in-a`.

    Raises SpaceError when an edge goes backwards or in a circle, a node has no edge into it, or none that leads to
    the output.
    """
    if not isinstance(join, str):
        raise SpaceError(f"the join of a cell must be one name, but got {join!r}.")
    names = _names(edges)
    number: dict[Any, Any] = {n: i for i, n in enumerate(names)} or {n: n for edge in edges for n in edge}
    numbered = {(number[i], number[j]): as_expression(part) for (i, j), part in edges.items()}
    outputs = _checked(numbered, _numbered(output, number, numbered) if names else output, names)
    return Cell([(i, j, part) for (i, j), part in numbered.items()], joins_of(join)[0], outputs, names)


def _names(edges: Mapping[tuple[Node, Node], Any]) -> tuple[str, ...]:
    """Names of the nodes, each after those that lead to it; none where nodes have numbers."""
    for edge in edges:
        kinds = {type(node) for node in edge} if isinstance(edge, tuple) and len(edge) == 2 else set()
        if kinds not in ({int}, {str}):
            raise SpaceError(f"an edge of a cell must be two numbers or two names of nodes, but got {edge!r}.")
    ends = [end for edge in edges for end in edge]
    if not any(isinstance(end, str) for end in ends):
        return ()
    if not all(isinstance(end, str) for end in ends):
        raise SpaceError("the nodes of a cell must all have numbers or all names, but got both.")
    waiting = dict.fromkeys(checked_name(str(name), "a dot or a dash", ".-") for name in ends)
    starts = [name for name in waiting if not any(j == name for _, j in edges)]
    if len(starts) > 1:
        shown = ", ".join(starts)
        raise SpaceError(f"only the input of a cell may have no edge into it, but {shown} have none.")
    order: list[str] = []
    while ready := [name for name in waiting if not any(j == name and i in waiting for i, j in edges)]:
        order.append(ready[0])
        del waiting[ready[0]]
    if waiting:
        raise SpaceError(f"the edges of a cell must not run in a circle, but {', '.join(waiting)} do.")
    return tuple(order)


def _numbered(
    output: Node | Sequence[Node] | None, number: Mapping[Any, int], edges: Mapping[tuple[Any, Any], Any]
) -> list[int]:
    """Numbers of the nodes whose values leave; where it is not said, of those that no edge leaves."""
    if output is None:
        ends = [name for name, node in number.items() if not any(i == node for i, _ in edges)]
        if len(ends) > 1:
            raise SpaceError(f"the output of a cell must be stated where several nodes end it: {', '.join(ends)}.")
        return [number[name] for name in ends]
    wanted = (output,) if isinstance(output, (str, int)) else tuple(output)
    if not all(name in number for name in wanted):
        raise SpaceError(f"output must be nodes of the cell out of {', '.join(number)}, but got {output!r}.")
    return [number[name] for name in wanted]


def _checked(edges: Mapping[tuple[Any, Any], Any], output: Any, names: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the nodes whose values leave, once the edges of numbered nodes are known to make a cell."""
    for i, j in edges:
        if not 0 <= i < j:
            raise SpaceError(f"an edge (i, j) of a cell must have 0 <= i < j, but got {(i, j)}.")
    last = max((j for _, j in edges), default=0)
    missing = set(range(1, last + 1)) - {j for _, j in edges}
    if missing or not edges:
        raise SpaceError(f"every node of a cell needs an edge into it, but {sorted(missing) or 'all'} have none.")
    outputs = (last,) if output is None else (output,) if isinstance(output, int) else tuple(output)
    if not outputs or not all(isinstance(node, int) and 0 <= node <= last for node in outputs):
        raise SpaceError(f"output must be nodes of the cell from 0 to {last}, but got {outputs}.")
    used = set(outputs)
    for i, j in sorted(edges, key=lambda edge: edge[1], reverse=True):
        used |= {i} if j in used else set()
    if idle := sorted(set(range(1, last + 1)) - used):
        shown = [names[i] for i in idle] if names else idle
        raise SpaceError(f"every node of a cell must lead to its output, but {shown} do not.")
    return outputs
