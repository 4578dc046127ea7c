"""`let`: decisions made first, and what follows from them in all of a part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

from netwright.errors import DesignError, SpaceError
from netwright.graph import Graph, Tensor
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes
from netwright.space._domain import Choice, Decisions, as_choice, decide, plain_values
from netwright.space._expression import Builder, Expression, as_expression, checked_name, given_inside
from netwright.space._forest import And, Forest, Leaf, join_path
from netwright.space._formula import Formula
from netwright.space._given import Given, merged
from netwright.space._spelling import Spelling

__all__ = ["Let", "let"]

BODY = "body"


class Let(Expression):
    """A part in which values are given: chosen ones, fixed ones, and those that a formula makes of them."""

    def __init__(self, body: Expression, by: Formula | None, values: tuple[tuple[str, Any], ...]) -> None:
        super().__init__(body, by, values, children=(body,))
        self.body = body
        self.by = by
        self.values = values
        self.choices = {name: choice for name, value in values if isinstance(choice := value, Choice)}
        self.fixed = tuple((name, value) for name, value in values if name not in self.choices)
        self.free = given_inside(body.free.union(by.needs if by else ()), values)

    def _combinations(self) -> Iterator[tuple[Decisions, Given]]:
        """Every way to decide, with the values chosen."""
        for way in product(*(zip(c.labels, c.options, c.probabilities, strict=True) for c in self.choices.values())):
            named = [(name, *each) for name, each in zip(self.choices, way, strict=True)]
            yield tuple((n, label, p) for n, label, _, p in named), tuple((n, option) for n, _, option, _ in named)

    def _given(self, outer: Given, chosen: Given) -> Given | None:
        """What is given inside; None where the formula refuses it."""
        known = merged(outer, (*self.fixed, *chosen))
        made = self.by.values(dict(known)) if self.by else ()
        return None if made is None else merged(known, made)

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        leaves: list[tuple[Decisions, tuple[Outcome, int]]] = []
        alone: dict[int, Counter[Graph] | None] = {}
        refused = True
        for decisions, chosen in self._combinations():
            given = [self._given(outer, chosen) for outer in contexts.values()]
            inside = tuple(values for values in given if values is not None)
            if len(inside) < len(given):
                continue
            refused = False
            outcomes = compiler.compile_at(BODY, self.body, contexts._replace(given=inside))
            leaves += [(decisions, (o, _under(compiler.forest, node, alone))) for o, node in outcomes.items()]
        if refused:
            compiler.note_misfit("let", contexts.types, f"{self.by} allows no combination of its choices.")
        return decide(compiler, leaves)

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        labels = {name: builder.decide(join_path(prefix, name)) for name in self.choices}
        chosen = tuple((n, c.option(labels[n], join_path(prefix, n))) for n, c in self.choices.items())
        given = self._given(tuple(builder.given.items()), chosen)
        if given is None:
            told = ", ".join(f"{name}={label}" for name, label in labels.items())
            raise DesignError(f"{prefix or 'the network'} must be what {self.by} allows, but {told} is not.")
        with builder.giving(given):
            return builder.build(self.body, x, prefix, BODY)

    def spelled(self) -> Spelling:
        return Spelling("let", (self.body, *([self.by] if self.by else [])), dict(self.values))

    def __repr__(self) -> str:
        values = "".join(f", {name}={value!r}" for name, value in self.values)
        return f"let({self.body!r}{f', {self.by}' if self.by else ''}{values})"


def _under(forest: Forest, node: int, known: dict[int, Counter[Graph] | None]) -> int:
    """A node below the component of the body; thousands that decide nothing are told apart by what they cost."""
    graphs = _graphs(forest, node, known)
    return forest.product((BODY, node), ("", forest.leaf())) if graphs is None else forest.leaf([*graphs.items()])


def _graphs(forest: Forest, number: int, known: dict[int, Counter[Graph] | None]) -> Counter[Graph] | None:
    """Graphs of a node with a single derivation and no decision, with how often each stands in it; else None."""
    if number not in known:
        node = forest.nodes[number]
        if isinstance(node, Leaf):
            # A tied block that meets one shape in two places stands there twice.
            known[number] = sum((Counter({graph: count}) for graph, count in node.graphs), Counter[Graph]())
        elif isinstance(node, And):
            left, right = (_graphs(forest, child, known) for _, child in (node.left, node.right))
            known[number] = None if left is None or right is None else left + right
        else:
            known[number] = None
    return known[number]


def let(body: Any, by: Formula | None = None, /, **values: Any) -> Expression:
    """Decisions made first, each under its name, and a part in which `given` stands for what follows from them.

    For spaces with a rule across decisions in different places: one width in all blocks, widths of stages that lie
    on a line, attention that never falls from stage to stage.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, formula, given, integer, oneof, repeat
    >>> @formula
    ... def line(depth, slope, least=8):
    ...     return {"widths": tuple(least + slope * i for i in range(depth))} if depth * slope < 12 else None
    >>> tower = repeat(conv(given("width")), times=given("depth"), each={"width": given("widths")})
    >>> space = Space(let(tower, line, depth=integer(1, 3), slope=oneof(2, 4)), input=image(3, 8, 8))
    >>> space.size(), space.design_at(3)
    (5, Design({'depth': 2, 'slope': 4}))

    by: makes further values of those that it names; where it gives None there is no design. It is asked once for
        each combination of the choices, so that there should be thousands of them, not millions.
    values: choices among values, which are decisions; and values that are fixed. Decisions inside the part stand
        under `body`.

    Raises SpaceError without any value, for a choice among parts of a network, and for a function that is no formula.
    """
    if by is not None and not isinstance(by, Formula):
        raise SpaceError(f"what follows from values must be made by a formula, but got {by!r}.")
    if not values and by is None:
        raise SpaceError("let needs values to give, but got none.")
    for name, value in values.items():
        checked_name(name)
        if isinstance(value, Expression):
            raise SpaceError(f"what is given must be values or choices of values, but {name!r} is {value!r}.")
    fixed = dict(plain_values({name: value for name, value in values.items() if as_choice(value) is None}))
    return Let(as_expression(body), by, tuple((values | fixed).items()))
