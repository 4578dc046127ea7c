"""Wirings counted: the forest of a cell whose edges are decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

from netwright.blocks import conv
from netwright.graph import Graph, Tensor, ops, scope
from netwright.space._compile import Compiler, Contexts, Outcome
from netwright.space._expression import Expression

__all__ = ["Wirings", "narrowed", "projected", "shares", "subsets", "targets_label"]

Widths = tuple[int, ...]
"""Width of one vertex in each context."""
Counted = tuple[int | None, int]
"""Node of some wirings, None where no operation fits, and how many wirings they are."""


def narrowed(x: Tensor, channels: int) -> Tensor:
    if x.shape[1] == channels:
        return x
    y: Tensor = ops.slice_(x, starts=(0,), ends=(channels,), axes=(1,))
    return y


def projected(x: Tensor, channels: int) -> Tensor:
    with scope("project"):
        y: Tensor = conv(x, channels, kernel=1)
    return y


def shares(channels: int, parts: int) -> list[int]:
    """The output's channels shared among the vertices that enter it; the first ones get what is left over."""
    return [channels // parts + (i < channels % parts) for i in range(parts)]


def targets_label(targets: Sequence[int]) -> str:
    """Vertices that one vertex leads to, as a design writes them.

    >>> targets_label((1, 3, 6))
    '1+3+6'
    """
    return "+".join(map(str, targets))


def subsets(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return (some for size in range(1, len(items) + 1) for some in combinations(items, size))


def _added(x: Tensor, channels: int) -> Tensor:
    return x + x


@dataclass(frozen=True)
class _State:
    """What the vertices that are still to come must know of those behind them, last vertex first."""

    widths: tuple[Widths, ...] = ()
    """Of the vertices from the one just decided to the last but one."""
    entered: frozenset[int] = frozenset()
    edges: int = 0
    ending: int = 0


@dataclass
class Wirings:
    """Forest of all wirings of one number of vertices, decided from the last vertex to the first.

    Each is as likely as any other: a decision's weights are the numbers of wirings that its options lead to.
    """

    operation: Expression
    n: int
    edges: int
    compiler: Compiler
    contexts: Contexts
    out: Widths
    _memo: dict[tuple[int, int, _State], Counted] = field(default_factory=dict)

    def whole(self) -> int | None:
        """Node of all of them; how many vertices end in the output sets every width, so that goes first."""
        forest, last = self.compiler.forest, self.n - 1
        found: list[tuple[None, int | None, int]] = []
        for ending in range(0 if self.n == 2 else 1, last):
            node, count = self._before(last, ending, _State(entered=frozenset({last} if ending else ())))
            # A share of no channels at all fits nothing.
            fits = node is not None and min(self.out) >= ending
            whole = None if node is None or not fits else forest.product(("", self._end(ending)), ("", node))
            found.append((None, whole, count))
        return self._choice(None, found)[0]

    def _choice(self, name: str | None, options: Sequence[tuple[str | None, int | None, int]]) -> Counted:
        """Decision among the options that have a node; those without still count for the shares of the others."""
        total = sum(count for *_, count in options)
        full = [(value, node, count / total) for value, node, count in options if node is not None]
        if not full:
            return None, total
        kept = [(value, node) for value, node, _ in full]
        return self.compiler.forest.choice(name, kept, [share for *_, share in full]), total

    def _before(self, done: int, ending: int, state: _State) -> Counted:
        """Node of all ways to wire the vertices before `done`, and their number, whatever the vertices do."""
        key = (done, ending, state)
        if key not in self._memo:
            self._memo[key] = self._first(state) if done == 1 else self._vertex(done - 1, ending, state)
        return self._memo[key]

    def _vertex(self, vertex: int, ending: int, state: _State) -> Counted:
        forest, last = self.compiler.forest, self.n - 1
        options: list[tuple[str, int | None, int]] = []
        for targets in subsets(range(vertex + 1, self.n)):
            edges, ends = state.edges + len(targets), state.ending + (last in targets)
            # Every vertex in front of this one needs an edge of its own.
            if edges + vertex > self.edges or not ending - vertex + 1 <= ends <= ending:
                continue
            width = self._width(vertex, targets, ending, state)
            work = self._operation(vertex, width)
            rest, count = self._before(
                vertex, ending, _State((width, *state.widths), state.entered | {*targets}, edges, ends)
            )
            whole = None
            if work is not None and rest is not None:
                here = forest.product(("", self._into(vertex, width, targets, state)), (f"op{vertex}", work))
                whole = forest.product(("", here), ("", rest))
            if count:
                options.append((targets_label(targets), whole, count))
        return self._choice(f"to{vertex}", options)

    def _first(self, state: _State) -> Counted:
        """The input leads at least to every vertex that nothing else enters."""
        must = set(range(1, self.n)) - state.entered
        options = [
            (targets_label(targets), self._projections(targets, state), 1)
            for targets in subsets(range(1, self.n))
            if must <= {*targets} and state.edges + len(targets) <= self.edges
        ]
        return self._choice("to0", options)

    def _width(self, vertex: int, targets: Sequence[int], ending: int, state: _State) -> Widths:
        if self.n - 1 in targets:
            return tuple(shares(out, ending)[ending - 1 - state.ending] for out in self.out)
        return tuple(map(max, zip(*(state.widths[j - vertex - 1] for j in targets), strict=True)))

    # -- what stands on the edges and vertices, in all contexts ----------------------------------------------------

    def _operation(self, vertex: int, width: Widths) -> int | None:
        types = self._types(width)
        outcomes = self.compiler.compile_at(f"op{vertex}", self.operation, self.contexts.at(types))
        for outcome, node in outcomes.items():
            if outcome == Outcome(types):
                return node
        return None

    def _types(self, width: Widths) -> tuple[Any, ...]:
        return tuple(each.wide(c) for c, each in zip(width, self.contexts.single(), strict=True))

    def _into(self, vertex: int, width: Widths, targets: Sequence[int], state: _State) -> int:
        parts: list[tuple[Graph, int]] = []
        for j in targets:
            if j < self.n - 1:
                into = state.widths[j - vertex - 1]
                parts += self._graphs("narrow", narrowed, width, into)
                parts += self._graphs("add", _added, into, into) if j in state.entered else []
        return self.compiler.forest.leaf(parts)

    def _projections(self, targets: Sequence[int], state: _State) -> int:
        parts: list[tuple[Graph, int]] = []
        for j in targets:
            into = self.out if j == self.n - 1 else state.widths[j - 1]
            parts += self._graphs("project", projected, tuple(each.shape[1] for each in self.contexts.single()), into)
            parts += self._graphs("add", _added, into, into) if j in state.entered else []
        return self.compiler.forest.leaf(parts)

    def _end(self, ending: int) -> int:
        if ending < 2:
            return self.compiler.forest.leaf()
        parts: list[tuple[Graph, int]] = []
        rows = zip(self.out, self.contexts.single(), self.contexts.times, strict=True)
        for out, each, times in rows:
            group = tuple(each.wide(c) for c in shares(out, ending))
            graphs = self.compiler.apply("concat", partial(ops.concat, axis=1), [group])
            parts += [(graph, times) for graph in graphs or ()]
        return self.compiler.forest.leaf(parts)

    def _graphs(
        self, name: str, build: Callable[..., Tensor], source: Widths, target: Widths
    ) -> Iterator[tuple[Graph, int]]:
        """Graph of one edge in every context."""
        rows = zip(self._types(source), target, self.contexts.times, strict=True)
        for kind, channels, times in rows:
            graphs = self.compiler.apply((name, channels), partial(build, channels=channels), [(kind,)])
            yield from ((graph, times) for graph in graphs or ())
