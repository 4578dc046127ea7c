"""`oneof`: a union of values or of networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from netwright.blocks import Block, Call
from netwright.errors import SpaceError
from netwright.graph import Tensor
from netwright.space._compile import Compiler, Contexts, Outcomes
from netwright.space._domain import Choice, Real, option_labels
from netwright.space._expression import Builder, Expression, as_expression
from netwright.space._forest import join_path
from netwright.space._spelling import Spelling, choice_spelling

__all__ = ["OneOf", "oneof"]


class OneOf(Expression):
    """One of several parts of a network."""

    decides_here = True

    def __init__(self, choice: Choice) -> None:
        options = tuple(as_expression(option) for option in choice.options)
        super().__init__(choice.labels, options, choice.probabilities, children=options)
        self.choice = choice
        self._options = tuple(
            (label, option, str(label) if option.decides_here else "")
            for label, option in zip(choice.labels, options, strict=True)
        )

    @property
    def label(self) -> str:
        return "choice"

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        options = []
        for (label, option, component), p in zip(self._options, self.choice.probabilities, strict=True):
            outcomes = compiler.compile(option, contexts)
            if component:
                empty = compiler.forest.leaf()
                outcomes = {
                    outcome: compiler.forest.product((component, node), ("", empty))
                    for outcome, node in outcomes.items()
                }
            options.append((label, outcomes, p))
        return compiler.gather("", options)

    def recursion(self, inner: Sequence[float]) -> float:
        return min(inner)

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        value = builder.decide(prefix)
        self.choice.option(value, prefix)
        for label, option, component in self._options:
            if label == value:
                return option.build(builder, x, join_path(prefix, component))
        raise AssertionError("unreachable: the label was found above")

    def spelled(self) -> Spelling:
        return choice_spelling(tuple(option for _, option, _ in self._options), self.choice.probabilities)

    def __repr__(self) -> str:
        return f"oneof({', '.join(repr(option) for _, option, _ in self._options)})"


def oneof(*options: Any, weights: Sequence[float] | None = None) -> Any:
    """One of the options: values for a hyperparameter, or blocks and expressions for a part of a network.

    >>> from netwright.blocks import conv
    >>> conv(oneof(8, 16), kernel=oneof(3, 5))
    conv(channels=oneof(8, 16), kernel=oneof(3, 5))

    weights: probability of each option, up to a factor, for grammars and weighted sampling; equal when absent.
        Uniform sampling is uniform over designs and ignores them.

    A choice among choices is one choice; where one of them has weights, theirs are multiplied. Raises SpaceError
    without options, for equal options, or for weights that are not one positive number per option.
    """
    if not options:
        raise SpaceError("oneof needs at least one option, but got none.")
    if weights is not None and (len(weights) != len(options) or not all(0 < w < math.inf for w in weights)):
        raise SpaceError(
            f"weights must be one positive number per option, but got {list(weights)} for {len(options)}."
        )
    if any(isinstance(option, Real) for option in options):
        raise SpaceError("an option must be a value or a part of a network, but got a real interval.")
    if weights is None and all(_even(option) for option in options):
        pairs = [(inner, 1.0) for option in options for inner, _ in _flat(option)]
    else:
        pairs = [
            (inner, weight * share)
            for option, weight in zip(options, weights or [1.0] * len(options), strict=True)
            for inner, share in _flat(option)
        ]
    options, total = tuple(option for option, _ in pairs), sum(share for _, share in pairs)
    # Shares that sum to one stay as they are to the last bit, so that a choice written down and read is the same.
    total = 1.0 if math.isclose(total, 1.0, rel_tol=1e-14) else total
    choice = Choice(options, option_labels(options), tuple(share / total for _, share in pairs))
    parts = [isinstance(option, (Expression, Block, Call)) for option in options]
    return OneOf(choice) if all(parts) else choice


def _flat(option: Any) -> list[tuple[Any, float]]:
    """Options of an option that is itself a choice, with the share of each."""
    if isinstance(option, OneOf):
        option = option.choice
    if not isinstance(option, Choice):
        return [(option, 1.0)]
    return list(zip(option.options, option.probabilities, strict=True))


def _even(option: Any) -> bool:
    return len({share for _, share in _flat(option)}) == 1
