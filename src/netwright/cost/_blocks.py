"""The blocks of a network: its modules as a tree with their costs, equal neighbours folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from netwright.cost._amounts import Amounts, amounts_of
from netwright.graph import Graph, Node, Parameter

__all__ = ["Block", "NodeCost", "block_tree", "node_costs", "opened"]


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One node and what it costs. path: the modules around it."""

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

    name: within the block around it. path: of the first copy, from the network down. count: equal copies in a row.
    operators: nodes inside, over all copies. amounts: of all copies together. blocks: what one copy is made of.
    signature: equal for blocks that are the same but for their names.
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
    """Every node with its costs, in the order of the graph."""
    counted: set[Parameter] = set()
    names, scope_of = graph.names, graph.scope_of
    return tuple(
        NodeCost(names[node.output], node.op.name, scope_of(node), node.output.shape, amounts_of(node, counted), node)
        for node in graph.nodes
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
    root = _Module()
    for node in nodes:
        module = root
        for name in node.path:
            inner = module.members.setdefault(name, _Module())
            assert isinstance(inner, _Module)
            module = inner
        module.members[node.node] = node
    return _Folding().module("", "", root)


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
        folded = tuple(_folded(parts))
        signature = self._number(tuple(part.signature for part in parts))
        whole = Amounts.total([part.amounts for part in parts])
        count = sum(part.operators for part in parts)
        return Block(name, path, 1, count, whole, parts[-1].shape if parts else (), folded, signature)

    def leaf(self, cost: NodeCost) -> Block:
        node = cost.node
        parameters = tuple(t.shape for t in node.inputs if isinstance(t, Parameter))
        attributes = tuple((key, repr(value)) for key, value in sorted(node.attrs.items()))
        signature = self._number((cost.operator, attributes, cost.shape, cost.amounts, parameters))
        name = cost.name.rpartition(".")[2]
        return Block(name, cost.name, 1, 1, cost.amounts, cost.shape, (), signature, cost.operator)


def _folded(parts: Sequence[Block]) -> Iterator[Block]:
    """Parts with equal neighbours made one."""
    start = 0
    while start < len(parts):
        end = start + 1
        while end < len(parts) and parts[end].signature == parts[start].signature:
            end += 1
        yield _joined(parts[start:end])
        start = end


def _joined(copies: Sequence[Block]) -> Block:
    first = copies[0]
    if len(copies) == 1:
        return first
    return replace(
        first,
        name=f"{first.name} … {copies[-1].name}",
        count=len(copies),
        operators=sum(copy.operators for copy in copies),
        amounts=Amounts.total([copy.amounts for copy in copies]),
    )


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
