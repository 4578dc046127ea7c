"""`computed`: a part that a rule makes from numbers, which are the decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

from netwright.errors import DesignError, NetwrightError, SpaceError
from netwright.graph import Graph, Tensor
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes
from netwright.space._domain import Choice, Decisions, as_choice, decide
from netwright.space._expression import Builder, Expression, as_expression, checked_name
from netwright.space._forest import And, Forest, Leaf, join_path

__all__ = ["Computed", "computed"]

BODY = "body"


class Computed(Expression):
    """What a function makes of the values of its choices, for each combination of them."""

    def __init__(self, make: Callable[..., Any], choices: tuple[tuple[str, Choice], ...]) -> None:
        self.make = make
        self.choices = choices
        self._bodies = dict(self._combinations())
        super().__init__(make, choices, children=tuple(dict.fromkeys(self._bodies.values())))

    def _combinations(self) -> Iterator[tuple[Decisions, Expression]]:
        """Decisions and part of each combination that the function makes something of."""
        options = [
            [(name, label, p, option) for label, p, option in zip(c.labels, c.probabilities, c.options, strict=True)]
            for name, c in self.choices
        ]
        for combination in product(*options):
            body = self._made({name: option for name, _, _, option in combination})
            if body is not None:
                yield tuple((name, label, p) for name, label, p, _ in combination), body

    def _made(self, values: Mapping[str, Any]) -> Expression | None:
        made = self.make(**values)
        return None if made is None else as_expression(made)

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        leaves: list[tuple[Decisions, tuple[Outcome, int]]] = []
        forest, empty = compiler.forest, compiler.forest.leaf()
        flat: dict[int, Counter[Graph] | None] = {}
        for decisions, body in self._bodies.items():
            for outcome, node in compiler.compile_at(BODY, body, contexts).items():
                # Thousands of parts without decisions of their own are told apart by what they cost, no more.
                graphs = _graphs(forest, node, flat)
                whole = (
                    forest.product((BODY, node), ("", empty)) if graphs is None else forest.leaf([*graphs.items()])
                )
                leaves.append((decisions, (outcome, whole)))
        return decide(compiler, leaves)

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        values = {}
        for name, choice in self.choices:
            path = join_path(prefix, name)
            values[name] = choice.option(builder.decide(path), path)
        try:
            body = self._made(values)
        except NetwrightError as error:
            raise DesignError(f"{prefix or 'the network'} must be what its rule can make, but {error}") from error
        if body is None:
            raise DesignError(f"{prefix or 'the network'} must be what its rule can make, but {values} is not.")
        return builder.build(body, x, prefix, BODY)

    def __repr__(self) -> str:
        choices = ", ".join(f"{name}={choice!r}" for name, choice in self.choices)
        return f"computed({getattr(self.make, '__qualname__', self.make)}, {choices})"


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


def computed(make: Callable[..., Any], **choices: Any) -> Expression:
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

    make: called with keywords, once for each combination, so that there should be thousands of them, not millions; it
        must give equal parts for equal values. Decisions inside what it makes stand under `body`.

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
    return Computed(make, tuple(found))
