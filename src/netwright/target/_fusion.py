"""Which operators of a network run as one kernel, and what such a group reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from netwright.graph import Constant, Graph, Node, Parameter, Tensor

__all__ = ["FREE", "Group", "fused"]

FREE = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
"""Operators that only give a value another name."""
HEADS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum"})
"""Operators that take what follows them into their own kernel."""
TAILS = frozenset(
    {
        "BatchNormalization", "Add", "Sub", "Mul", "Div", "Clip", "Relu", "LeakyRelu", "PRelu", "Elu", "Celu", "Selu",
        "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softplus", "Softsign", "Mish", "Gelu", "Swish", "Erf",
    }
)  # fmt: skip
"""Operators that work on each element as it is made."""


@dataclass(frozen=True)
class Group:
    """Nodes that run as one kernel, the first of which gives it its kind.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> (group,) = fused(Graph([x], [conv(x, 4)]))
    >>> group.head.op.name, [node.op.name for node in group.nodes], len(group.weights)
    ('Conv', ['Conv', 'BatchNormalization', 'Relu'], 5)

    reads: activations from outside, each once. weights: parameters and constants, each once. writes: what is used
    outside.
    """

    nodes: tuple[Node, ...]
    reads: tuple[Tensor, ...]
    weights: tuple[Tensor, ...]
    writes: tuple[Tensor, ...]

    @property
    def head(self) -> Node:
        """The first node."""
        return self.nodes[0]


def fused(graph: Graph, *, alone: bool = False, sums: bool = False) -> list[Group]:
    """The network as groups that run as one: a convolution or matrix product with the norm and activation behind it.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> [[node.op.name for node in group.nodes] for group in fused(Graph([x], [conv(conv(x, 8), 8)]))]
    [['Conv', 'BatchNormalization', 'Relu'], ['Conv', 'BatchNormalization', 'Relu']]

    An operator goes with the product in front of it where it works element by element, is the only one to read it,
    and waits for nothing that is made later: the sum of two branches goes with the branch that ends last. All others
    are groups of their own. What depends on no input runs once and for all, and views cost nothing, so neither is in
    a group.

    alone: make every operator a group of its own, as a program does that runs one after the other. sums: let a Sum,
    into which additions are simplified, follow as they would; some runtimes start it apart.
    """
    constant = graph.constant_nodes
    running = [node for node in graph.nodes if node not in constant and node.op.name not in FREE]
    place = {node: number for number, node in enumerate(running)}
    outputs = {_behind(tensor) for tensor in graph.outputs}
    users = _users(graph, running)
    tails = TAILS | {"Sum"} if sums else TAILS
    taken: set[Node] = set()
    groups = []
    for node in running:
        if node in taken:
            continue
        members = [node]
        while not alone and (tail := _tail(members, users, outputs, place, tails)) is not None:
            members.append(tail)
        taken.update(members)
        groups.append(_group(members, users, outputs, graph))
    return groups


def _behind(tensor: Tensor) -> Tensor:
    """The value that a view, or a view of views, gives another name."""
    while tensor.node is not None and tensor.node.op.name in FREE and tensor.node.inputs[0] is not None:
        tensor = tensor.node.inputs[0]
    return tensor


def _users(graph: Graph, running: list[Node]) -> dict[Tensor, list[Node]]:
    """Nodes that read each value, through any views of it."""
    found: dict[Tensor, list[Node]] = {}
    for node in running:
        for tensor in dict.fromkeys(_behind(t) for t in node.inputs if t is not None):
            found.setdefault(tensor, []).append(node)
    return found


def _tail(
    members: list[Node],
    users: Mapping[Tensor, list[Node]],
    outputs: set[Tensor],
    place: Mapping[Node, int],
    tails: Set[str],
) -> Node | None:
    """The node that the group takes in next."""
    made = members[-1].output
    readers = users.get(made, [])
    if members[0].op.name not in HEADS or made in outputs or len(readers) != 1 or readers[0].op.name not in tails:
        return None
    reader = readers[0]
    if reader.output.size != made.size:
        return None
    waits = [_behind(t).node for t in reader.inputs if t is not None]
    last = max(place[node] for node in waits if node is not None and node in place)
    return reader if last == place[members[-1]] else None


def _group(members: list[Node], users: Mapping[Tensor, list[Node]], outputs: set[Tensor], graph: Graph) -> Group:
    inside, constant = set(members), graph.constant_nodes
    reads: dict[Tensor, None] = {}
    weights: dict[Tensor, None] = {}
    for node in members:
        for tensor in (_behind(t) for t in node.inputs if t is not None):
            if isinstance(tensor, (Parameter, Constant)) or tensor.node in constant:
                weights[tensor] = None
            elif tensor.node not in inside:
                reads[tensor] = None
    written = [
        tensor
        for node in members
        for tensor in node.outputs
        if tensor in outputs or any(user not in inside for user in users.get(tensor, []))
    ]
    return Group(tuple(members), tuple(reads), tuple(weights), tuple(written or members[-1].outputs))
