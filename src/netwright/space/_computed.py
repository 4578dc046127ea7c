"""`computed`: a part that a rule makes from numbers, which are the decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from netwright.errors import DesignError, SpaceError
from netwright.graph import Graph, Tensor
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes
from netwright.space._design import Value
from netwright.space._domain import Choice, Decisions, as_choice, decide
from netwright.space._expression import Builder, Expression, as_expression, checked_name
from netwright.space._forest import And, Forest, Leaf, join_path
from netwright.space._spelling import Spelling

__all__ = ["Computed", "computed"]

BODY = "body"


class Computed(Expression):
    """What a function makes of the values of its choices, for each combination of their labels."""

    def __init__(
        self, choices: tuple[tuple[str, Choice], ...], bodies: Mapping[tuple[Value, ...], Expression]
    ) -> None:
        # What the function made is the meaning; two functions that make the same are one space.
        super().__init__(choices, tuple(bodies.items()), children=tuple(dict.fromkeys(bodies.values())))
        self.choices = choices
        self._bodies = dict(bodies)

    def _decisions(self, labels: tuple[Value, ...]) -> Decisions:
        return tuple(
            (name, label, choice.probabilities[choice.labels.index(label)])
            for (name, choice), label in zip(self.choices, labels, strict=True)
        )

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        leaves: list[tuple[Decisions, tuple[Outcome, int]]] = []
        forest, empty = compiler.forest, compiler.forest.leaf()
        flat: dict[int, Counter[Graph] | None] = {}
        for labels, body in self._bodies.items():
            for outcome, node in compiler.compile_at(BODY, body, contexts).items():
                # Thousands of parts without decisions of their own are told apart by what they cost, no more.
                graphs = _graphs(forest, node, flat)
                leaf = None if graphs is None else forest.leaf([*graphs.items()])
                whole = forest.product((BODY, node), ("", empty)) if leaf is None else leaf
                leaves.append((self._decisions(labels), (outcome, whole)))
        return decide(compiler, leaves)

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        labels = []
        for name, choice in self.choices:
            path = join_path(prefix, name)
            labels.append(builder.decide(path))
            choice.option(labels[-1], path)
        if tuple(labels) not in self._bodies:
            given = ", ".join(f"{name}={label}" for (name, _), label in zip(self.choices, labels, strict=True))
            raise DesignError(f"{prefix or 'the network'} must be what its rule can make, but {given} is not.")
        return builder.build(self._bodies[tuple(labels)], x, prefix, BODY)

    def spelled(self) -> Spelling:
        return Spelling("computed", (self._bodies,), dict(self.choices))

    def __repr__(self) -> str:
        return f"computed({', '.join(f'{name}={choice!r}' for name, choice in self.choices)})"


def _graphs(forest: Forest, number: int, known: dict[int, Counter[Graph] | None]) -> Counter[Graph] | None:
    """Graphs of a node with a single derivation and no decision, with how often each stands in it; else None."""
    if number not in known:
        node = forest.nodes[number]
        if isinstance(node, Leaf):
            known[number] = Counter(dict(node.graphs))
        elif isinstance(node, And):
            left, right = (_graphs(forest, child, known) for _, child in (node.left, node.right))
            known[number] = None if left is None or right is None else left + right
        else:
            known[number] = None
    return known[number]


def computed(make: Callable[..., Any] | Mapping[Any, Any], **choices: Any) -> Expression:
    """A part that a function makes of one value of each choice; a combination of which it makes None is no design.

    For spaces whose decisions are numbers in a rule, as where a width grows linearly with the depth.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, integer, oneof, seq
    >>> def pyramid(depth, slope):
    ...     return seq(*(conv(8 + slope * i) for i in range(depth))) if depth * slope < 12 else None
    >>> space = Space(computed(pyramid, depth=integer(1, 3), slope=oneof(2, 4)), input=image(3, 8, 8))
    >>> space.size(), space.design_at(3)
    (5, Design({'depth': 2, 'slope': 4}))

    make: called with keywords, once for each combination, so that there should be thousands of them, not millions.
        Decisions inside what it makes stand under `body`. Or what it made: a part by labels, such as `(2, 4)`.

    Raises SpaceError without a choice, and for one among parts of a network.
    """
    found = []
    for name, values in choices.items():
        choice = as_choice(values)
        if choice is None or isinstance(values, Expression):
            raise SpaceError(f"what a rule computes with must be choices of values, but {name!r} is {values!r}.")
        found.append((checked_name(name), choice))
    if not found:
        raise SpaceError("a rule needs at least one choice to compute with, but got none.")
    bodies = {}
    if isinstance(make, Mapping):
        return _tabulated(make, tuple(found))
    for combination in product(*(zip(choice.labels, choice.options, strict=True) for _, choice in found)):
        part = make(**{name: option for (name, _), (_, option) in zip(found, combination, strict=True)})
        if part is not None:
            bodies[tuple(label for label, _ in combination)] = as_expression(part)
    return Computed(tuple(found), bodies)


def _tabulated(parts: Mapping[Any, Any], choices: tuple[tuple[str, Choice], ...]) -> Computed:
    """What was made before, by the labels of each choice."""
    labels = [[*map(repr, choice.labels)] for _, choice in choices]
    for key in parts:
        known = isinstance(key, tuple) and len(key) == len(labels)
        if not known or not all(repr(one) in all_of for one, all_of in zip(key, labels, strict=True)):
            raise SpaceError(f"parts must be given by one label of each choice, but got {key!r}.")
    return Computed(choices, {key: as_expression(part) for key, part in parts.items()})
