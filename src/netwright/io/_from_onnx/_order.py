"""Which nodes are needed, each after those it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from netwright.errors import ModelError
from netwright.io._from_onnx._values import Env

if TYPE_CHECKING:
    import onnx

__all__ = ["ordered", "read_names"]


def read_names(node: onnx.NodeProto) -> list[str]:
    """Names that a node reads, its subgraphs included."""
    names = [name for name in node.input if name]
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs) if attribute.type in (5, 10) else ():
            names += _captured(graph)
    return names


def _captured(graph: onnx.GraphProto) -> Iterator[str]:
    """Names of the graph around that a subgraph reads."""
    own = {t.name for t in graph.initializer} | {t.name for t in graph.input}
    own.update(name for node in graph.node for name in node.output)
    for node in graph.node:
        yield from (name for name in read_names(node) if name not in own)
    yield from (t.name for t in graph.output if t.name not in own)


def ordered(nodes: Sequence[onnx.NodeProto], wanted: Iterable[str], env: Env) -> list[onnx.NodeProto]:
    """Nodes that the wanted names need, in an order of execution that keeps close to that of the file.

    Raises ModelError when a node reads what nothing makes, or, by way of others, its own output.
    """
    makers = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    reads: dict[int, list[int]] = {}

    def sources(names: Iterable[str], reader: str) -> list[int]:
        for name in names:
            if name not in makers and name not in env:
                raise ModelError(f"what is read must be made, but nothing makes {name!r}, which {reader} reads.")
        return [makers[name] for name in names if name in makers]

    stack = sources(wanted, "the output of the graph")
    while stack:
        i = stack.pop()
        if i not in reads:
            reads[i] = sources(read_names(nodes[i]), f"{nodes[i].op_type} {nodes[i].name!r}")
            stack += reads[i]
    found = sorted(reads)
    if all(source < i for i in found for source in reads[i]):
        return [nodes[i] for i in found]
    return [nodes[i] for i in _sorted(reads, nodes)]


def _sorted(reads: dict[int, list[int]], nodes: Sequence[onnx.NodeProto]) -> list[int]:
    """Depth first, for files that list a node before those it reads."""
    order: list[int] = []
    state: dict[int, int] = {}
    for start in sorted(reads):
        stack = [start]
        while stack:
            i = stack[-1]
            waiting = [] if state.get(i) else [s for s in reads[i] if state.get(s) != 2]
            if state.get(i) is None:
                state[i] = 1
            if any(state.get(s) == 1 for s in waiting):
                raise ModelError(
                    f"a graph must have no cycle, but {nodes[i].op_type} {nodes[i].name!r}, which makes"
                    f" {nodes[i].output[0]!r}, reads what depends on it."
                )
            if waiting:
                stack += waiting
                continue
            stack.pop()
            if state[i] != 2:
                state[i] = 2
                order.append(i)
    return order
