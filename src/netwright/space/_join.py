"""`branch` and `residual`: parts side by side whose outputs are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.errors import SpaceError
from netwright.graph import Tensor
from netwright.space._compile import (
    Bundle,
    Compiler,
    Contexts,
    FlowType,
    Outcome,
    Outcomes,
    Uses,
    merge_uses,
    tensors_of,
)
from netwright.space._domain import Choice
from netwright.space._expression import Builder, Expression, Named, as_expression, named, unique_labels
from netwright.space._forest import join_path
from netwright.space._joins import JOINS, Join, joins_of
from netwright.space._sequence import Seq
from netwright.space._spelling import Spelling, with_keywords

__all__ = ["Branch", "Network", "branch", "residual"]

Types = tuple[FlowType, ...]


@dataclass(frozen=True)
class _Partial:
    """Derivations of the parts so far: the values that stand, those waiting for the join, tied uses, size."""

    values: tuple[Types, ...]
    waiting: tuple[Types, ...] = ()
    uses: Uses = ()
    size: int = 0


class Network:
    """Derivations of a directed acyclic graph under construction, grouped by the shapes of all its values."""

    def __init__(self, compiler: Compiler, contexts: Contexts) -> None:
        self._compiler = compiler
        self._contexts = contexts
        self._partials = {_Partial((contexts.types,)): compiler.forest.leaf()}
        self._grouped: dict[tuple[str, Types, int], dict[object, list[tuple[Outcome, int]]]] = {}

    def extend(self, name: str, source: int, part: Expression, join: Join | None, node: str = "") -> None:
        """Apply a part to a value and let the result wait for the join; without one it fits beside anything.

        node: name of the node of a cell where the join is, for errors.
        """
        grammar, left = self._contexts.grammar, self._contexts.left
        found: dict[_Partial, list[tuple[None, int]]] = {}
        at = f" at node {node}" if node else ""
        for partial, before in self._partials.items():
            for outcome, child in self._fitting(name, partial, source, part, join, at):
                size = partial.size + outcome.size
                if grammar is not None and grammar.over(size, left):
                    continue
                waiting = (*partial.waiting, outcome.types)
                new = _Partial(partial.values, waiting, merge_uses(partial.uses, outcome.uses), size)
                found.setdefault(new, []).append((None, self._compiler.forest.product(("", before), (name, child))))
        self._partials = {partial: self._compiler.forest.choice(None, nodes) for partial, nodes in found.items()}

    def _fitting(
        self, name: str, partial: _Partial, source: int, part: Expression, join: Join | None, at: str
    ) -> list[tuple[Outcome, int]]:
        """Outcomes of a part that the join may take beside the one that waits first: of many pairs, few fit."""
        into, place = partial.values[source], min(len(partial.waiting), 1)
        groups = self._grouped.get((name, into, place))
        if groups is None:
            groups = self._grouped[name, into, place] = {}
            for outcome, child in self._compiler.compile_at(name, part, self._contexts.at(into)).items():
                key = () if join is None else join.key(place, outcome.types)
                groups.setdefault(key, []).append((outcome, child))
        if join is None:
            return groups.get((), [])
        if not partial.waiting:
            return [pair for key, group in groups.items() if key is not None for pair in group]
        key = join.key(0, partial.waiting[0])
        if groups and key not in groups:
            other = next(iter(groups.values()))[0][0]
            self._compiler.note_misfit(f"{join.name}{at}", (partial.waiting[0][0], other.types[0]), join.rule)
        return groups.get(key, [])

    def read(self, values: Sequence[int]) -> None:
        """Let values that stand wait for the join."""
        self._partials = {
            _Partial(p.values, tuple(p.values[i] for i in values), p.uses, p.size): node
            for p, node in self._partials.items()
        }

    def join(self, join: Join) -> None:
        """Join what waits into a new value; derivations whose shapes the join does not take are dropped."""
        closed: dict[_Partial, list[tuple[None, int]]] = {}
        for partial, node in self._partials.items():
            graphs = self._compiler.apply(join, join, list(zip(*partial.waiting, strict=True)))
            if graphs is not None:
                outcome, leaf = self._compiler.leaf(graphs, self._contexts)
                new = _Partial((*partial.values, outcome.types), (), partial.uses, partial.size)
                costs = any(graph.nodes for graph in graphs)
                whole = self._compiler.forest.product(("", node), ("", leaf)) if costs else node
                closed.setdefault(new, []).append((None, whole))
        self._partials = {partial: self._compiler.forest.choice(None, nodes) for partial, nodes in closed.items()}

    def bundled(self) -> Outcomes:
        """Derivations grouped by all values that wait, which go on together."""
        found: dict[Outcome, list[tuple[None, int]]] = {}
        for partial, node in self._partials.items():
            places = zip(*partial.waiting, strict=True)
            types = tuple(Bundle(t for flow in flows for t in tensors_of(flow)) for flows in places)
            found.setdefault(Outcome(types, partial.uses, partial.size), []).append((None, node))
        return {outcome: self._compiler.forest.choice(None, nodes) for outcome, nodes in found.items()}

    def outcomes(self) -> Outcomes:
        """Derivations grouped by the value that was made last."""
        found: dict[Outcome, list[tuple[None, int]]] = {}
        for partial, node in self._partials.items():
            found.setdefault(Outcome(partial.values[-1], partial.uses, partial.size), []).append((None, node))
        return {outcome: self._compiler.forest.choice(None, nodes) for outcome, nodes in found.items()}


class Branch(Expression):
    """Parts side by side on the same input, joined."""

    def __init__(self, parts: Sequence[Expression], join: Any, label: str = "branch") -> None:
        super().__init__(tuple(parts), join, label, children=parts)
        self.parts = tuple(zip(unique_labels(parts), parts, strict=True))
        self.join = join
        self._label = label

    @property
    def label(self) -> str:
        return self._label

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        return compile_joined(compiler, self.join, lambda join: self._joined(compiler, contexts, join))

    def recursion(self, inner: Sequence[float]) -> float:
        return max(inner)

    def _joined(self, compiler: Compiler, contexts: Contexts, join: Join) -> Outcomes:
        network = Network(compiler, contexts)
        for name, part in self.parts:
            network.extend(name, 0, part, join)
        network.join(join)
        return network.outcomes()

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        join = decided_join(builder, self.join, prefix)
        return join(*(builder.build(part, x, prefix, name) for name, part in self.parts))

    def spelled(self) -> Spelling:
        parts = [part for _, part in self.parts]
        if self.label == "residual":
            body, around = (part.body for part in parts if isinstance(part, Named))
            return Spelling("residual", (body,) if around == Seq(()) else (body, around))
        found, named_parts = with_keywords(parts, taken=(JOIN,))
        return Spelling("branch", found, {**named_parts, **({} if self.join == "add" else {"join": self.join})})

    def __repr__(self) -> str:
        return f"branch({', '.join(repr(part) for _, part in self.parts)}, join={self.join!r})"


JOIN = "join"


def compile_joined(compiler: Compiler, join: Any, outcomes: Callable[[Join], Outcomes]) -> Outcomes:
    """Outcomes with one join, or the union over a choice of joins, which is a decision."""
    if not isinstance(join, Choice):
        return outcomes(JOINS[join])
    options = zip(join.options, join.labels, join.probabilities, strict=True)
    return compiler.gather(JOIN, [(label, outcomes(JOINS[name]), share) for name, label, share in options])


def decided_join(builder: Builder, join: Any, prefix: str) -> Join:
    """The join that a design has where several can be."""
    path = join_path(prefix, JOIN)
    return JOINS[join.option(builder.decide(path), path) if isinstance(join, Choice) else join]


def branch(*parts: Any, join: Any = "add", **named_parts: Any) -> Expression:
    """Parts side by side on the same input; keywords name them.

    >>> from netwright.blocks import conv
    >>> branch(conv(8), wide=conv(8, kernel=5), join="concat")
    branch(conv(channels=8), named('wide', conv(channels=8, kernel=5)), join='concat')

    join: how they become one, or a choice of such names, which a design then makes under `join`. add and mul need
        equal shapes, concat stacks channels (features of tokens), concat1, concat2 and concat3 that axis; dot and
        scaled_dot are the matrix product of two parts, the latter over the root of the last size (attention's).

    Raises SpaceError without parts, UnknownNameError for another join.
    """
    branches = [*map(as_expression, parts), *(named(name, part) for name, part in named_parts.items())]
    if not branches:
        raise SpaceError("a branch needs at least one part, but got none.")
    joins_of(join)
    return Branch(branches, join)


def residual(body: Any, shortcut: Any = None) -> Expression:
    """A part and a shortcut around it, added; without `shortcut` the input itself.

    >>> from netwright.blocks import conv
    >>> residual(conv(8))
    branch(named('body', conv(channels=8)), named('shortcut', seq()), join='add')
    """
    around = Seq(()) if shortcut is None else as_expression(shortcut)
    return Branch([named("body", body), named("shortcut", around)], "add", "residual")
