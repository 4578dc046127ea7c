"""`wiring`: a cell whose edges are decisions, not only what its vertices do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.errors import DesignError, SpaceError
from netwright.graph import Tensor, ops, scope
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes
from netwright.space._domain import Choice, option_labels, placeholders
from netwright.space._expression import Builder, Expression, as_expression
from netwright.space._forest import join_path
from netwright.space._given import Placeholder, filled
from netwright.space._spelling import Spelling
from netwright.space._wiring_forest import Wirings, narrowed, projected, shares, subsets, targets_label

__all__ = ["Wiring", "wiring"]


class Wiring(Expression):
    """A directed acyclic graph from its first vertex to its last, with edges and operations to decide."""

    def __init__(
        self, operation: Expression, vertices: Choice, edges: int, channels: int | Placeholder | None
    ) -> None:
        super().__init__(operation, vertices, edges, channels, children=(operation,))
        self.operation = operation
        self.vertices = vertices
        self.edges = edges
        self.channels = channels
        self.free |= placeholders(channels)

    def _width(self, shape: Sequence[int], given: Mapping[str, Any]) -> int:
        """Channels of the output for an input of this shape."""
        return shape[1] if self.channels is None else int(filled(self.channels, given))

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        entering = contexts.single()
        if not entering or any(len(each.shape) < 3 for each in entering):
            compiler.note_misfit("wiring", contexts.types, "the input must be (N, C, *space).")
            return {}
        given = zip(entering, contexts.values(), strict=True)
        out = tuple(self._width(each.shape, dict(values)) for each, values in given)
        types = tuple(each.wide(c) for each, c in zip(entering, out, strict=True))
        options: list[tuple[int, Outcomes, float]] = []
        for n, p in zip(self.vertices.options, self.vertices.probabilities, strict=True):
            node = Wirings(self.operation, n, self.edges, compiler, contexts, out).whole()
            options.append((n, {} if node is None else {Outcome(types): node}, p))
        if len(options) == 1:
            return options[0][1]
        return compiler.gather("vertices", options)

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        targets = self._targets(builder, prefix)
        last = len(targets)
        out = self._width(x.shape, builder.given)
        width = _vertex_widths(targets, out)
        values, ending = [x], []
        for vertex in range(1, last):
            with scope(str(vertex)):
                entering = [narrowed(values[i], width[vertex]) for i in range(1, vertex) if vertex in targets[i]]
                entering += [projected(x, width[vertex])] if vertex in targets[0] else []
                joined = _sum(entering)
            values.append(builder.build(self.operation, joined, prefix, f"op{vertex}"))
            ending += [values[-1]] if last in targets[vertex] else []
        leaving = [ops.concat(*ending, axis=1)] if len(ending) > 1 else ending
        with scope(str(last)):
            return _sum(leaving + ([projected(x, out)] if last in targets[0] else []))

    def _targets(self, builder: Builder, prefix: str) -> list[tuple[int, ...]]:
        """Vertices that each vertex but the last leads to; raises DesignError where that is no wiring."""
        path = join_path(prefix, "vertices")
        fixed = len(self.vertices.options) == 1
        n = self.vertices.options[0] if fixed else self.vertices.option(builder.decide(path), path)
        found = []
        for vertex in range(n - 1):
            path = join_path(prefix, f"to{vertex}")
            known = {targets_label(targets): targets for targets in subsets(range(vertex + 1, n))}
            label = builder.decide(path)
            if label not in known:
                raise DesignError(
                    f"{path!r} must be vertices from {vertex + 1} to {n - 1}, but the design has {label!r}."
                )
            found.append(known[str(label)])
        idle = set(range(1, n)) - {j for targets in found for j in targets}
        if idle or sum(map(len, found)) > self.edges:
            raise DesignError(
                f"a wiring must have at most {self.edges} edges and one into every vertex, but {prefix or 'it'!r} has"
                f" {sum(map(len, found))} and none into {sorted(idle) or 'no vertex'}."
            )
        return found

    def spelled(self) -> Spelling:
        channels = {} if self.channels is None else {"channels": self.channels}
        vertices = self.vertices if len(self.vertices.options) > 1 else self.vertices.options[0]
        return Spelling("wiring", (self.operation,), {"vertices": vertices, "edges": self.edges, **channels})

    def __repr__(self) -> str:
        return f"wiring({self.operation!r}, vertices={self.vertices!r}, edges={self.edges})"


def _sum(values: Sequence[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _vertex_widths(targets: Sequence[Sequence[int]], out: int) -> dict[int, int]:
    """Width of each vertex: its share of the output, or that of the widest vertex it leads to."""
    last = len(targets)
    ending = [vertex for vertex in range(1, last) if last in targets[vertex]]
    width = dict(zip(ending, shares(out, len(ending)), strict=True)) if ending else {}
    for vertex in range(last - 1, 0, -1):
        if vertex not in width:
            width[vertex] = max(width[j] for j in targets[vertex])
    return width


def wiring(
    operation: Any, *, vertices: Any = 7, edges: int = 9, channels: int | Placeholder | None = None
) -> Expression:
    """A directed acyclic graph whose edges are decided too: which vertices each vertex leads to, and what it does.

    Vertex 0 is the input, the last one the output; every vertex lies on a way from one to the other. A vertex
    applies `operation` to the sum of what enters it. What enters the output is concatenated and shares its
    channels; a vertex that does not is as wide as the widest that it leads to, and its value is cut where it
    meets a narrower one. An edge from the input is a 1x1 convolution. Ying et al. 2019, NAS-Bench-101, section 2.

    >>> from netwright.blocks import conv, max_pool
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> space = Space(wiring(oneof(conv(), max_pool()), vertices=oneof(2, 3, 4)), input=image(8, 4, 4))
    >>> space.size(), space.design_at(1)
    (45, Design({'vertices': 3, 'to1': '2', 'op1': 'conv', 'to0': '1'}))

    vertices: a number or a choice of numbers of at least 2, input and output included. edges: most edges.
    channels: width of the output, which a tie may give; that of the input where absent. In a design `to0` says where
        the input leads.

    Raises SpaceError for fewer than 2 vertices, for fewer edges than a chain of them needs, and for an operation that
    holds ties or rules of a grammar around it.
    """
    part = as_expression(operation)
    if part.recursive or part.ties():
        raise SpaceError(f"an operation of a wiring must hold neither ties nor rules, but got {part!r}.")
    choice = vertices if isinstance(vertices, Choice) else Choice((vertices,), option_labels((vertices,)), (1.0,))
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 2 for n in choice.options):
        raise SpaceError(f"vertices must be whole numbers of at least 2, but got {choice.options}.")
    if edges < min(choice.options) - 1:
        raise SpaceError(
            f"a wiring of {min(choice.options)} vertices needs {min(choice.options) - 1} edges, but got {edges}."
        )
    return Wiring(part, choice, edges, channels)
