"""`tied`: one decision that holds in several places."""

from __future__ import annotations

from typing import Any

from netwright.errors import SpaceError
from netwright.graph import Tensor
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes, Use, Uses
from netwright.space._expression import Builder, Expression, as_expression

__all__ = ["Copies", "Tied", "tied"]


class Tied(Expression):
    """A part whose decisions are the same wherever it occurs; each occurrence has weights of its own."""

    local = False
    """Whether the key counts only inside the expression that made the tie."""

    def __init__(self, key: str, body: Expression) -> None:
        super().__init__(key, body, children=(body,))
        self.key = key
        self.body = body

    @property
    def label(self) -> str:
        return self.key

    def ties(self) -> set[Expression]:
        return {self} | super().ties()

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        """No decisions here: only what may flow out, and a note of the contexts for when the tie is resolved."""
        if self.recursive and not self.local:
            raise SpaceError(f"tied({self.key!r}) must hold a whole grammar, but it holds a rule of one around it.")
        number = compiler.tie_number(self)
        outputs = {outcome.types: None for outcome in compiler.compile(self.body, contexts)}
        return {Outcome(types, _uses(number, contexts, types)): compiler.forest.leaf() for types in outputs}

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        return self.body.build(builder, x, self.key)

    def __repr__(self) -> str:
        return f"tied({self.key!r}, {self.body!r})"


class Copies(Tied):
    """The tie among the copies of one `repeat`."""

    local = True


def _uses(number: int, contexts: Contexts, outputs: tuple[Any, ...]) -> Uses:
    counts: dict[Use, int] = {}
    for into, out, times in zip(contexts.types, outputs, contexts.times, strict=True):
        counts[number, into, out] = counts.get((number, into, out), 0) + times
    return tuple(sorted(counts.items()))


def tied(key: str, body: Any) -> Expression:
    """One set of decisions for a part, wherever the same key occurs in the space.

    In a design they stand once, under `key`. The forest compiles the part once over the vector of all contexts
    (widths, resolutions) in which it occurs, so costs and budgets count every occurrence.

    >>> from netwright.blocks import conv
    >>> from netwright.space import oneof, seq
    >>> layer = tied("layer", conv(8, kernel=oneof(3, 5)))
    >>> seq(layer, layer)
    seq(tied('layer', conv(channels=8, kernel=oneof(3, 5))), tied('layer', conv(channels=8, kernel=oneof(3, 5))))
    """
    from netwright.space._expression import checked_name

    return Tied(checked_name(key), as_expression(body))
