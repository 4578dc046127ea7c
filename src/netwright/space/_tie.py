"""`tied`: one decision that holds in several places."""

from __future__ import annotations

from typing import Any

from netwright.errors import SpaceError
from netwright.graph import Tensor
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes, Use, Uses, in_order
from netwright.space._domain import plain_values
from netwright.space._expression import Builder, Expression, as_expression, given_inside
from netwright.space._given import Given
from netwright.space._spelling import Spelling

__all__ = ["Copies", "Tied", "tied"]


class Tied(Expression):
    """A part whose decisions are the same wherever it occurs; each occurrence has weights of its own."""

    local = False
    """Whether the key counts only inside the expression that made the tie."""

    def __init__(self, key: str, body: Expression, given: Given = ()) -> None:
        super().__init__(key, body, given, children=(body,))
        self.key = key
        self.body = body
        self.given = given
        self.free = given_inside(body.free, given)

    @property
    def label(self) -> str:
        return self.key

    @property
    def decisions(self) -> Tied:
        """The tie itself, whatever it is given where it stands."""
        return Tied(self.key, self.body) if self.given else self

    def ties(self) -> set[Expression]:
        return {self.decisions} | super().ties()

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        """No decisions here: only what may flow out, and a note of the contexts for when the tie is resolved."""
        if self.recursive and not self.local:
            raise SpaceError(f"tied({self.key!r}) must hold a whole grammar, but it holds a rule of one around it.")
        number = compiler.tie_number(self)
        # What the body does not read must not tell two uses of it apart.
        inside = contexts.giving(self.given).reading(self.body)
        outputs = {outcome.types: None for outcome in compiler.compile(self.body, inside)}
        return {Outcome(types, _uses(number, inside, types)): compiler.forest.leaf() for types in outputs}

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        with builder.giving(self.given):
            return self.body.build(builder, x, self.key)

    def spelled(self) -> Spelling:
        return Spelling("tied", (self.key, self.body), dict(self.given))

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self.given)
        return f"tied({self.key!r}, {self.body!r}{given})"


class Copies(Tied):
    """The tie among the copies of one `repeat`."""

    local = True


def _uses(number: int, contexts: Contexts, outputs: tuple[Any, ...]) -> Uses:
    counts: dict[Use, int] = {}
    for into, out, values, times in zip(contexts.types, outputs, contexts.values(), contexts.times, strict=True):
        use = (number, into, out, values)
        counts[use] = counts.get(use, 0) + times
    return in_order(counts)


def tied(key: str, body: Any, **values: Any) -> Expression:
    """One set of decisions for a part, wherever the same key occurs in the space.

    In a design they stand once, under `key`. The forest compiles the part once over the vector of all contexts
    (widths, resolutions) in which it occurs, so costs and budgets count every occurrence.

    >>> from netwright.blocks import conv
    >>> from netwright.space import given, oneof, seq
    >>> layer = tied("layer", conv(8, kernel=oneof(3, 5)))
    >>> seq(layer, layer)
    seq(tied('layer', conv(channels=8, kernel=oneof(3, 5))), tied('layer', conv(channels=8, kernel=oneof(3, 5))))

    values: what `given(name)` in the body stands for here, so that places that share their decisions may differ in
    width or stride:

    >>> cell = conv(given("channels"), kernel=oneof(3, 5))
    >>> seq(tied("cell", cell, channels=8), tied("cell", cell, channels=16))
    seq(tied('cell', conv(channels=given('channels'), kernel=oneof(3, 5)), channels=8),
        tied('cell', conv(channels=given('channels'), kernel=oneof(3, 5)), channels=16))

    Raises SpaceError for a value that is a choice.
    """
    from netwright.space._expression import checked_name

    return Tied(checked_name(key), as_expression(body), plain_values(values))
