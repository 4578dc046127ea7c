"""A given network cut into parts one after the other: at values through which all of it flows, along its modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from netwright.errors import SpaceError
from netwright.graph import Graph, Node, Parameter, Tensor

__all__ = ["Part", "cut"]

Path = tuple[str, ...]

FEW = 8
"""Layers that a module may have to count as one block."""
JOINS = frozenset({"Add", "Sum", "Concat"})


@dataclass(frozen=True)
class Part:
    """Nodes between two values that all of the network flows through.

    path: module that all of them stand in. layers: nodes that multiply. joins: whether it ends where branches meet.
    """

    nodes: list[Node]
    into: Tensor
    out: Tensor
    path: Path
    layers: int
    joins: bool

    def followed_by(self, other: Part, path: Path) -> Part:
        """Both as one part."""
        return Part([*self.nodes, *other.nodes], self.into, other.out, path, self.layers + other.layers, other.joins)


def cut(graph: Graph) -> list[Part]:
    """Parts of a network in order: a block is one, a layer with what follows it up to the next layer is one.

    >>> from netwright.blocks import conv, residual_block
    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> y = conv(residual_block(conv(x, 16), 16), 4)
    >>> [part.path for part in cut(Graph([x], [y]))]
    [('conv',), ('residual_block',), ('conv_1',)]

    Raises SpaceError for a network with several inputs or outputs.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise SpaceError(
            "a space around a model needs one input and one output, but the model has"
            f" {len(graph.inputs)} and {len(graph.outputs)}."
        )
    pieces = list(_pieces(graph))
    blocks = _Blocks(graph, pieces)
    parts: list[Part] = []
    current: Path | None = None
    for piece in pieces:
        block = blocks.of(piece.path)
        if not piece.path and not piece.layers and piece.into.shape == piece.out.shape:
            block = current  # an activation of which no module is known
        if block is not None and block == current:
            parts[-1] = parts[-1].followed_by(piece, block)
        else:
            parts.append(replace(piece, path=block or piece.path))
        current = block
    return _with_followers(parts)


def _with_followers(parts: Sequence[Part]) -> list[Part]:
    """Normalisation, activation and pooling go with the layer before them, or after a block with what comes next."""
    found: list[Part] = []
    waiting: Part | None = None
    for part in parts:
        if part.layers == 0 and waiting is None and found and found[-1].layers == 1 and not found[-1].joins:
            found[-1] = found[-1].followed_by(part, found[-1].path)
            continue
        waiting = part if waiting is None else waiting.followed_by(part, part.path)
        if waiting.layers:
            found.append(waiting)
            waiting = None
    if waiting is not None:
        found = [*found[:-1], found[-1].followed_by(waiting, found[-1].path)] if found else [waiting]
    return found


def _pieces(graph: Graph) -> Iterator[Part]:
    """Shortest runs of nodes between values that all of the network flows through.

    A parameter that layers share flows, too: from the first of them to the last.
    """
    order = _in_order(graph)
    spans = _spans(graph, order)
    open_at = [0] * (len(order) + 2)
    for first, last in spans.values():
        open_at[first] += 1
        open_at[last] -= 1
    total = 0
    for i, change in enumerate(open_at):
        total += change
        open_at[i] = total
    through: dict[int, Tensor] = {}
    for tensor, (first, last) in spans.items():
        if not isinstance(tensor, Parameter):
            through.update((i, tensor) for i in range(max(first, 1), last) if open_at[i] == 1)
    into: Tensor = graph.inputs[0]
    begun = 0
    for end in sorted(through):
        nodes = order[begun:end]
        paths = [path for path in (_path(graph, node) for node in nodes) if path]
        layers = sum(node.op.macs(node) > 0 for node in nodes)
        joins = nodes[-1].op.name in JOINS and layers > 0 and len(nodes) > 1
        yield Part(nodes, into, through[end], _common(paths), layers, joins)
        into, begun = through[end], end


def _in_order(graph: Graph) -> list[Node]:
    """Nodes in an order in which what follows from parameters alone is made where it is read."""
    flowing: set[Tensor] = set(graph.inputs)
    own: dict[Tensor, Node] = {}
    order: list[Node] = []
    for node in graph.nodes:
        if not any(t in flowing for t in node.inputs):
            own.update((t, node) for t in node.outputs)
            continue
        flowing.update(node.outputs)
        pending = [(node, False)]
        while pending:
            at, ready = pending.pop()
            if ready:
                order.append(at)
                continue
            pending.append((at, True))
            makers = dict.fromkeys(own[t] for t in at.inputs if t in own)
            for maker in makers:
                for t in maker.outputs:
                    own.pop(t)
            pending += [(maker, False) for maker in reversed(makers)]
    return order


def _spans(graph: Graph, order: Sequence[Node]) -> dict[Tensor, tuple[int, int]]:
    """For each value the first place at which it is there and the first at which nothing reads it any more."""
    spans: dict[Tensor, tuple[int, int]] = {graph.inputs[0]: (0, 0)}
    for place, node in enumerate(order):
        for t in node.inputs:
            if t in spans:
                spans[t] = (spans[t][0], place + 1)
            elif isinstance(t, Parameter):
                spans[t] = (place + 1, place + 1)
        spans.update((t, (place + 1, place + 1)) for t in node.outputs)
    output = graph.outputs[0]
    spans[output] = (spans[output][0], len(order) + 1)
    return spans


def _path(graph: Graph, node: Node) -> Path:
    """Module of a node; of one that stands nowhere, such as those of most files, the module of its parameters."""
    names = (graph.names[t] for t in node.inputs if isinstance(t, Parameter))
    return graph.scope_of(node) or tuple(next(names, "").split(".")[:-1])


def _common(paths: Sequence[Path]) -> Path:
    """Longest common beginning."""
    return tuple(names[0] for names in takewhile(lambda names: len(set(names)) == 1, zip(*paths, strict=False)))


class _Blocks:
    """Which module a node belongs to as a block: one of the siblings of modules that end where branches meet, or a
    small module that is no mere sequence of others.
    """

    def __init__(self, graph: Graph, pieces: Sequence[Part]) -> None:
        self._joins = [piece.path for piece in pieces if piece.joins and piece.path]
        self._parents = {path[:-1] for path in self._joins}
        self._children: dict[Path, set[str]] = {}
        self._layers: dict[Path, int] = {}
        for node in graph.nodes:
            path = _path(graph, node)
            for depth in range(len(path)):
                self._children.setdefault(path[:depth], set()).add(path[depth])
            for depth in range(len(path) + 1):
                self._layers[path[:depth]] = self._layers.get(path[:depth], 0) + (node.op.macs(node) > 0)

    def of(self, path: Path) -> Path | None:
        """Path of the block, or None at the top."""
        above = [path[:depth] for depth in range(1, len(path) + 1)]
        siblings = (q for q in above if q[:-1] in self._parents and not self._holds_joins(q) and not self._is_name(q))
        return next(siblings, None) or next((q for q in above if not self._is_sequence(q)), None)

    def _holds_joins(self, path: Path) -> bool:
        return any(len(other) > len(path) and other[: len(path)] == path for other in self._joins)

    def _is_name(self, path: Path) -> bool:
        """Whether many blocks stand in it side by side, as in the one name that some files put before all others."""
        return self._layers[path] > FEW and self._joins.count(path) > 1

    def _is_sequence(self, path: Path) -> bool:
        children = self._children.get(path, set())
        if children and all(name.isdigit() for name in children):
            return True
        if self._layers[path] > FEW or self._holds_joins(path):
            return True
        below = (q for q in self._layers if len(q) > len(path) and q[: len(path)] == path)
        return any(q[-1].isdigit() and self._layers[q] > 1 for q in below)
