"""The blocks of a network: its modules as a tree with their costs, equal neighbours folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from netwright.cost._amounts import Amounts, amounts_of
from netwright.graph import Graph, Node, Parameter

__all__ = ["Block", "NodeCost", "block_tree", "block_trees", "node_costs", "opened"]


MANY = 24
"""Parts of a module, beyond which neighbours are grouped."""
LONGEST_PERIOD = 4
_ROLES = {1: "weight", 2: "bias"}


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node and what it costs. path: the modules around it.

    >>> from netwright.blocks import conv
    >>> from netwright.cost import profile
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> node = profile(Graph([x], [conv(x, 4)])).nodes[0]
    >>> node.name, node.operator, node.path, node.shape, node.amounts.macs
    ('conv.conv.conv', 'Conv', ('conv', 'conv'), (1, 4, 8, 8), 6912)
    """

    name: str
    operator: str
    path: tuple[str, ...]
    shape: tuple[int, ...]
    amounts: Amounts
    node: Node

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "operator": self.operator,
            "block": ".".join(self.path),
            "shape": list(self.shape),
            **self.amounts.to_json(),
        }


@dataclass(frozen=True)
class Block:
    """A module of a network, or a node that stands beside modules, or several equal ones in a row.

    >>> from netwright.blocks import conv
    >>> from netwright.cost import profile
    >>> from netwright.graph import Graph, image
    >>> x = image(4, 8, 8)
    >>> (block,) = profile(Graph([x], [conv(conv(x, 4), 4)])).tree.blocks
    >>> block.name, block.count, block.amounts.macs, [part.name for part in block.blocks]
    ('conv … conv_1', 2, 18432, ['conv', 'norm', 'relu'])

    name: within the block around it. path: of the first copy, from the network down. count: equal copies in a row.
    operators: nodes inside, over all copies. amounts: of all copies together. blocks: what one copy is made of.
    signature: equal for blocks that are the same but for their names. kind: operator of a node. facts: its attributes
    and the shapes of its weights.
    """

    name: str
    path: str
    count: int
    operators: int
    amounts: Amounts
    shape: tuple[int, ...]
    blocks: tuple[Block, ...] = ()
    signature: int = 0
    kind: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data, with the blocks inside."""
        return {
            "name": self.name,
            "path": self.path,
            "count": self.count,
            "operator": self.kind or None,
            "operators": self.operators,
            "shape": list(self.shape),
            **self.amounts.to_json(),
            "blocks": [block.to_json() for block in self.blocks],
        }


@dataclass(slots=True)
class _Module:
    """A module in the making: nodes and modules in the order in which they first ran."""

    members: dict[str | Node, _Module | NodeCost] = field(default_factory=dict)


def node_costs(graph: Graph) -> tuple[NodeCost, ...]:
    """Every node that depends on an input, with its costs, in the order of the graph."""
    counted: set[Parameter] = set()
    names, constant = graph.names, graph.constant_nodes
    return tuple(
        NodeCost(
            names[node.output],
            node.op.name,
            graph.scope_of(node),
            node.output.shape,
            amounts_of(node, constant, counted),
            node,
        )
        for node in graph.nodes
        if node not in constant
    )


def block_tree(nodes: Iterable[NodeCost]) -> Block:
    """The whole network as one block of blocks.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(8, 8, 8)
    >>> tree = block_tree(node_costs(Graph([x], [conv(conv(x, 8), 8)])))
    >>> [(block.name, block.count, block.operators) for block in tree.blocks]
    [('conv … conv_1', 2, 6)]
    """
    return block_trees([nodes])[0]


def block_trees(networks: Iterable[Iterable[NodeCost]]) -> list[Block]:
    """Several networks as blocks whose signatures can be compared."""
    folding = _Folding()
    return [folding.module("", "", _modules(nodes)) for nodes in networks]


def _modules(nodes: Iterable[NodeCost]) -> _Module:
    root = _Module()
    for node in nodes:
        module = root
        for name in node.path:
            inner = module.members.setdefault(name, _Module())
            assert isinstance(inner, _Module)
            module = inner
        module.members[node.node] = node
    return root


class _Folding:
    """Makes blocks of modules; equal structures get equal numbers."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}

    def _number(self, structure: object) -> int:
        return self._numbers.setdefault(structure, len(self._numbers))

    def module(self, name: str, path: str, module: _Module) -> Block:
        parts = [
            self.module(str(key), f"{path}.{key}" if path else str(key), member)
            if isinstance(member, _Module)
            else self.leaf(member)
            for key, member in module.members.items()
        ]
        only = parts[0] if len(parts) == 1 else None
        if name and only is not None and only.blocks:
            return replace(only, name=f"{name}.{only.name}")
        signature = self._number(tuple(part.signature for part in parts))
        whole = Amounts.total([part.amounts for part in parts])
        count = sum(part.operators for part in parts)
        inside = tuple(folded(self.grouped(parts)))
        return Block(name, path, 1, count, whole, parts[-1].shape if parts else (), inside, signature)

    def leaf(self, cost: NodeCost) -> Block:
        node = cost.node
        attributes = [(key, repr(value)) for key, value in sorted(node.attrs.items())]
        weights = [
            (_ROLES.get(place, f"input {place}"), "x".join(map(str, t.shape)))
            for place, t in enumerate(node.inputs)
            if isinstance(t, Parameter)
        ]
        facts = (*attributes, *weights)
        signature = self._number((cost.operator, facts, cost.shape, cost.amounts))
        name = cost.name.rpartition(".")[2]
        return Block(name, cost.name, 1, 1, cost.amounts, cost.shape, (), signature, cost.operator, facts)

    def grouped(self, parts: Sequence[Block]) -> list[Block]:
        """Neighbours that work on maps of one size as one block, where a module has too many parts of its own."""
        if len(parts) <= MANY:
            return list(parts)
        runs = [list(run) for _, run in groupby(parts, key=lambda part: part.shape[2:] or part.shape[:1])]
        if len(runs) > MANY:
            size = -(-len(parts) // MANY)
            runs = [list(parts[i : i + size]) for i in range(0, len(parts), size)]
        return [self._run(run) for run in runs]

    def _run(self, run: Sequence[Block]) -> Block:
        if len(run) == 1:
            return run[0]
        signature = self._number(tuple(part.signature for part in run))
        return _window(run, tuple(folded(self.grouped(run) if len(run) < MANY else run)), signature)


def folded(parts: Sequence[Block]) -> Iterator[Block]:
    """Parts with equal neighbours, or equal runs of up to four neighbours, made one."""
    start = 0
    while start < len(parts):
        period, copies = max(
            ((period, _copies(parts, start, period)) for period in range(1, LONGEST_PERIOD + 1)),
            key=lambda found: (found[0] * found[1] if found[1] > 1 else 1, -found[0]),
        )
        if copies == 1:
            yield parts[start]
            start += 1
            continue
        yield _joined(parts[start : start + period * copies], period)
        start += period * copies


def _copies(parts: Sequence[Block], start: int, period: int) -> int:
    """How often the run of parts that begins at `start` stands there in a row."""
    copies = 1
    while start + (copies + 1) * period <= len(parts) and all(
        parts[start + i].signature == parts[start + copies * period + i].signature for i in range(period)
    ):
        copies += 1
    return copies


def _joined(parts: Sequence[Block], period: int) -> Block:
    whole = _window(parts, tuple(folded(parts[:period])), parts[0].signature)
    first = parts[0]
    if period == 1:
        whole = replace(whole, blocks=first.blocks, kind=first.kind, facts=first.facts, shape=first.shape)
    return replace(whole, count=len(parts) // period)


def _window(parts: Sequence[Block], inside: tuple[Block, ...], signature: int) -> Block:
    """Neighbours as one block."""
    first, last = parts[0], parts[-1]
    whole = Amounts.total([part.amounts for part in parts])
    count = sum(part.operators for part in parts)
    return Block(f"{first.name} … {last.name}", first.path, 1, count, whole, last.shape, inside, signature)


def opened(tree: Block, most: int, weight: Callable[[Block], float]) -> list[tuple[int, Block]]:
    """Blocks with their depth, the heaviest opened first as long as there are no more than `most` rows.

    >>> leaf = Block("a", "a", 1, 1, Amounts(), ())
    >>> wide = Block("b", "b", 1, 9, Amounts(flops=9), (), tuple([leaf] * 9))
    >>> [depth for depth, _ in opened(Block("", "", 1, 10, Amounts(), (), (leaf, wide)), 5, lambda b: b.operators)]
    [0, 0]
    """
    shown: set[int] = {id(tree)}
    rows = len(tree.blocks)
    waiting = list(tree.blocks)
    while waiting:
        block = max(waiting, key=weight)
        waiting.remove(block)
        if len(block.blocks) > 1 or any(inner.blocks for inner in block.blocks):
            if rows + len(block.blocks) > most:
                continue
            rows += len(block.blocks)
            shown.add(id(block))
            waiting += block.blocks
    return list(_rows(tree, shown, 0))


def _rows(block: Block, shown: set[int], depth: int) -> Iterator[tuple[int, Block]]:
    for inner in block.blocks:
        yield depth, inner
        if id(inner) in shown:
            yield from _rows(inner, shown, depth + 1)
