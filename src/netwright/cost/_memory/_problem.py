"""What a schedule is about: buffers with sizes, steps that make and free them, and which step waits for which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from netwright.graph import Constant, Graph, Input, Node, Parameter, Tensor

__all__ = ["VIEWS", "Layout", "Problem", "Step", "problem_of"]

VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"})
"""Operators that a runtime does without touching memory: what they make is the buffer that they read."""


def _is_view(node: Node) -> bool:
    return node.op.name in VIEWS


@dataclass(frozen=True)
class Layout:
    """How a runtime lays out memory; as it stands, one that stores values as they are and fuses nothing.

    size: bytes of a value. silent: whether a node makes no buffer: what it makes is what its first input is.
    scratch: bytes that a node needs only while it runs. overwrites: whether a node may write its result where one of
    its inputs of the same size is, when nothing reads that again.
    """

    size: Callable[[Tensor], int] = lambda tensor: tensor.bytes
    silent: Callable[[Node], bool] = _is_view
    scratch: Callable[[Node], int] = lambda node: 0
    overwrites: Callable[[Node], bool] = lambda node: False


@dataclass(slots=True)
class Step:
    """A node that touches memory. before, after: steps by number; reads, makes: buffers by number.

    over: buffers among those read in whose place the result may be written.
    """

    node: Node
    before: tuple[int, ...]
    reads: tuple[int, ...]
    makes: tuple[int, ...]
    over: tuple[int, ...] = ()
    after: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Problem:
    """Steps in the graph's order.

    sizes: bytes of each buffer. readers: steps that read it. makers: the step that makes it, -1 for an input of the
    graph. kept: buffers that are outputs of the graph, which are never freed. tensors: what is in each buffer, None
    for scratch memory.
    """

    steps: list[Step] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    makers: list[int] = field(default_factory=list)
    readers: list[list[int]] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)
    tensors: list[Tensor | None] = field(default_factory=list)

    def buffer(self, tensor: Tensor | None, size: int, maker: int) -> int:
        """Number of a new buffer."""
        self.tensors.append(tensor)
        self.sizes.append(size)
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
            yield during - max((self.sizes[over] for over in step.over if not left[over]), default=0), live


def problem_of(graph: Graph, layout: Layout = Layout()) -> Problem:
    """The scheduling problem of a graph on a runtime.

    A view is part of the buffer that it reads, however often that is read, so views are no steps. Parameters,
    constants and what is made of them alone hold no activations.
    """
    problem = Problem()
    buffers: dict[Tensor, int] = {
        t: problem.buffer(t, layout.size(t), -1) for t in graph.leaves if isinstance(t, Input)
    }
    waits: dict[Node, tuple[int, ...]] = {}
    constant = graph.constant_nodes
    for node in graph.nodes:
        if node in constant:
            waits[node] = ()
            continue
        sources = [t for t in node.inputs if t is not None and not isinstance(t, Parameter | Constant)]
        before = dict.fromkeys(number for t in sources if t.node is not None for number in waits[t.node])
        if layout.silent(node):
            waits[node] = tuple(before)
            if sources and sources[0] in buffers:
                buffers[node.output] = buffers[sources[0]]
            continue
        waits[node] = (_add_step(problem, layout, buffers, node, tuple(before), sources),)
    problem.kept = {buffers[t] for t in graph.outputs if t in buffers}
    for step in problem.steps:
        step.over = tuple(read for read in step.over if read not in problem.kept)
    return problem


def _add_step(
    problem: Problem,
    layout: Layout,
    buffers: dict[Tensor, int],
    node: Node,
    before: tuple[int, ...],
    sources: Sequence[Tensor],
) -> int:
    """Number of a new step, with buffers for what it makes."""
    number = len(problem.steps)
    reads = tuple(dict.fromkeys(buffers[t] for t in sources if t in buffers))
    makes = tuple(problem.buffer(t, layout.size(t), number) for t in node.outputs)
    buffers.update(zip(node.outputs, makes, strict=True))
    over = _over(problem, reads, makes) if layout.overwrites(node) else ()
    scratch = layout.scratch(node)
    makes += (problem.buffer(None, scratch, number),) if scratch else ()
    problem.steps.append(Step(node, before, reads, makes, over))
    for earlier in before:
        problem.steps[earlier].after.append(number)
    for read in reads:
        problem.readers[read].append(number)
    return number


def _over(problem: Problem, reads: tuple[int, ...], makes: tuple[int, ...]) -> tuple[int, ...]:
    size = problem.sizes[makes[0]]
    return tuple(read for read in reads if problem.sizes[read] == size) if len(makes) == 1 and size else ()
