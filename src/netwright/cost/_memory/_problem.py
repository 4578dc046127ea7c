"""What a schedule is about: buffers with sizes, steps that make and free them, and which step waits for which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from netwright.graph import Constant, Graph, Input, Node, Parameter, Tensor

__all__ = ["VIEWS", "Problem", "Step", "problem_of"]

VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
"""Operators that a runtime does without touching memory: what they make is the buffer that they read."""


@dataclass(slots=True)
class Step:
    """A node that touches memory. before, after: steps by number; reads, makes: buffers by number."""

    node: Node
    before: tuple[int, ...]
    reads: tuple[int, ...]
    makes: tuple[int, ...]
    after: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Problem:
    """Steps in the graph's order.

    sizes: bytes of each buffer. readers: steps that read it. makers: the step that makes it, -1 for an input of the
    graph. kept: buffers that are outputs of the graph, which are never freed.
    """

    steps: list[Step] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    makers: list[int] = field(default_factory=list)
    readers: list[list[int]] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)

    def buffer(self, tensor: Tensor, maker: int) -> int:
        """Number of a new buffer."""
        self.sizes.append(tensor.bytes)
        self.makers.append(maker)
        self.readers.append([])
        return len(self.sizes) - 1

    @property
    def at_start(self) -> int:
        """Bytes of the inputs, which are live before the first step."""
        return sum(size for size, maker in zip(self.sizes, self.makers, strict=True) if maker < 0)

    def levels(self, order: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Bytes that are live while each step of an order runs, and after it."""
        left = [len(readers) for readers in self.readers]
        live = self.at_start
        for number in order:
            step = self.steps[number]
            during = live + sum(self.sizes[made] for made in step.makes)
            live = during - sum(self.sizes[made] for made in step.makes if not left[made] and made not in self.kept)
            for read in step.reads:
                left[read] -= 1
                if not left[read] and read not in self.kept:
                    live -= self.sizes[read]
            yield during, live


def problem_of(graph: Graph) -> Problem:
    """The scheduling problem of a graph.

    A view is part of the buffer that it reads, however often that is read, so views are no steps. Parameters,
    constants and what is made of them alone hold no activations.
    """
    problem = Problem()
    buffers: dict[Tensor, int] = {t: problem.buffer(t, -1) for t in graph.leaves if isinstance(t, Input)}
    waits: dict[Node, tuple[int, ...]] = {}
    constant = graph.constant_nodes
    for node in graph.nodes:
        if node in constant:
            waits[node] = ()
            continue
        sources = [t for t in node.inputs if t is not None and not isinstance(t, Parameter | Constant)]
        before = dict.fromkeys(number for t in sources if t.node is not None for number in waits[t.node])
        if node.op.name in VIEWS:
            waits[node] = tuple(before)
            if sources and sources[0] in buffers:
                buffers[node.output] = buffers[sources[0]]
            continue
        number = len(problem.steps)
        reads = tuple(dict.fromkeys(buffers[t] for t in sources if t in buffers))
        makes = tuple(problem.buffer(t, number) for t in node.outputs)
        buffers.update(zip(node.outputs, makes, strict=True))
        problem.steps.append(Step(node, tuple(before), reads, makes))
        waits[node] = (number,)
        for earlier in before:
            problem.steps[earlier].after.append(number)
        for read in reads:
            problem.readers[read].append(number)
    problem.kept = {buffers[t] for t in graph.outputs if t in buffers}
    return problem
