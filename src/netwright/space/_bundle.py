"""`several`, `grow` and `take`: parts that pass several tensors on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from netwright.errors import ShapeError, SpaceError
from netwright.graph import Tensor
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes, tensors_of
from netwright.space._expression import Builder, Expression, as_expression, named, unique_labels
from netwright.space._join import Network
from netwright.space._sequence import Seq
from netwright.space._spelling import Spelling, with_keywords

__all__ = ["grow", "several", "take"]


class Several(Expression):
    """Parts side by side on the same input, whose outputs go on together."""

    def __init__(self, parts: Sequence[tuple[str, Expression]]) -> None:
        super().__init__(tuple(parts), children=[part for _, part in parts])
        self.parts = tuple(parts)
        self.decides_here = any(part.decides_here for name, part in parts if not name)

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        network = Network(compiler, contexts)
        for name, part in self.parts:
            network.extend(name, 0, part, None)
        return network.bundled()

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        found: list[Tensor] = []
        for name, part in self.parts:
            found += tensors(builder.build(part, x, prefix, name))
        return cast(Tensor, tuple(found))

    def spelled(self) -> Spelling:
        if not self.parts[0][0]:
            return Spelling("grow", (self.parts[1][1],))
        return Spelling("several", *with_keywords([part for _, part in self.parts]))

    def __repr__(self) -> str:
        if not self.parts[0][0]:
            return f"grow({self.parts[1][1]!r})"
        return f"several({', '.join(repr(part) for _, part in self.parts)})"


class Take(Expression):
    """One of several tensors."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        groups = [tensors_of(t) for t in contexts.types]
        if any(self.place >= len(group) for group in groups):
            compiler.note_misfit(repr(self), contexts.types, f"there must be more than {self.place} tensors.")
            return {}
        return {Outcome(tuple(group[self.place] for group in groups)): compiler.forest.leaf()}

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        found = tensors(x)
        if self.place >= len(found):
            raise ShapeError(f"take({self.place}) needs more than {self.place} tensors, but got {len(found)}.")
        return found[self.place]

    def spelled(self) -> Spelling:
        return Spelling("take", (self.place,))

    def __repr__(self) -> str:
        return f"take({self.place})"


def tensors(x: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What flows at one place: one tensor or several."""
    return x if isinstance(x, tuple) else (x,)


def several(*parts: Any, **named_parts: Any) -> Expression:
    """Parts side by side on the same input, whose outputs all go on; keywords name them.

    What follows takes them apart with `take`, joins them (`branch`), or is a block of several tensors. A part that
    gives several tensors adds them all; `seq()` gives its input, whatever it is. At the end of a network they are
    its outputs. What follows must read all of them in every design: a tensor that nothing reads is left out of the
    network, but not out of the costs that the forest knows.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, branch, seq
    >>> network = seq(several(conv(8), conv(4)), branch(take(0), take(1), join="concat"))
    >>> space = Space(network, input=image(3, 8, 8))
    >>> space.network(space.design_at(0)).outputs[0].shape
    (1, 12, 8, 8)

    Raises SpaceError without parts.
    """
    found = [*map(as_expression, parts), *(named(name, part) for name, part in named_parts.items())]
    if not found:
        raise SpaceError("several needs at least one part, but got none.")
    return Several(tuple(zip(unique_labels(found), found, strict=True)))


def grow(part: Any) -> Expression:
    """What flows in, and behind it what a part makes of it: how the nodes of a cell come one by one.

    >>> from netwright.blocks import conv
    >>> from netwright.space import seq
    >>> grow(seq(take(0), conv(8)))
    grow(seq(take(0), conv(channels=8)))
    """
    return Several((("", Seq(())), ("", as_expression(part))))


def take(place: int) -> Expression:
    """One of several tensors, counted from 0.

    >>> take(1)
    take(1)

    Raises SpaceError for a place below 0.
    """
    if place < 0:
        raise SpaceError(f"a tensor is taken by its place, counted from 0, but got {place}.")
    return Take(place)
