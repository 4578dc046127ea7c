"""`several`, `grow`, `take` and `put`: parts that pass several tensors on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

from netwright.errors import ShapeError, SpaceError
from netwright.graph import Tensor
from netwright.space._compile import Bundle, Compiler, Contexts, Outcome, Outcomes, tensors_of
from netwright.space._expression import Builder, Expression, as_expression, named, unique_labels
from netwright.space._join import Network
from netwright.space._sequence import Seq
from netwright.space._spelling import Spelling, with_keywords

__all__ = ["grow", "put", "several", "take"]


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
    """One of several tensors, or some of them."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__(tuple(places))
        self.places = tuple(places)

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        groups = [tensors_of(t) for t in contexts.types]
        if any(max(self.places) >= len(group) for group in groups):
            compiler.note_misfit(repr(self), contexts.types, f"there must be more than {max(self.places)} tensors.")
            return {}
        taken = (tuple(group[place] for place in self.places) for group in groups)
        return {Outcome(tuple(t[0] if len(t) == 1 else Bundle(t) for t in taken)): compiler.forest.leaf()}

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        found = tensors(x)
        if max(self.places) >= len(found):
            raise ShapeError(f"{self!r} needs more than {max(self.places)} tensors, but got {len(found)}.")
        taken = tuple(found[place] for place in self.places)
        return taken[0] if len(taken) == 1 else cast(Tensor, taken)

    def spelled(self) -> Spelling:
        return Spelling("take", self.places)

    def __repr__(self) -> str:
        return f"take({', '.join(map(str, self.places))})"


class Put(Expression):
    """Several tensors, one of which a part makes anew of all of them."""

    def __init__(self, place: int, part: Expression) -> None:
        super().__init__(place, part, children=(part,))
        self.place = place
        self.part = part
        self.decides_here = part.decides_here

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        groups = [tensors_of(t) for t in contexts.types]
        if any(self.place >= len(group) for group in groups):
            compiler.note_misfit(repr(self), contexts.types, f"there must be more than {self.place} tensors.")
            return {}
        found: Outcomes = {}
        for outcome, node in compiler.compile_at("", self.part, contexts).items():
            made = zip(groups, map(tensors_of, outcome.types), strict=True)
            types = tuple(Bundle(_replaced(group, self.place, new)) for group, new in made)
            found[Outcome(types, outcome.uses, outcome.size)] = node
        return found

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        made = tensors(builder.build(self.part, x, prefix, ""))
        return cast(Tensor, _replaced(tensors(x), self.place, made))

    def spelled(self) -> Spelling:
        return Spelling("put", (self.place, self.part))

    def __repr__(self) -> str:
        return f"put({self.place}, {self.part!r})"


_Each = TypeVar("_Each")


def _replaced(group: Sequence[_Each], place: int, new: Sequence[_Each]) -> tuple[_Each, ...]:
    return (*group[:place], *new, *group[place + 1 :])


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


def take(*places: int) -> Expression:
    """One of several tensors, counted from 0, or some of them in any order.

    >>> take(1), take(0, 2)
    (take(1), take(0, 2))

    Raises SpaceError without a place, and for one below 0.
    """
    if min(places, default=-1) < 0:
        raise SpaceError(f"a tensor is taken by its place, counted from 0, but got {', '.join(map(str, places))}.")
    return Take(places)


def put(place: int, part: Any) -> Expression:
    """All tensors that flow in, but for one, counted from 0, in whose place stands what a part makes of them.

    >>> from netwright.blocks import conv
    >>> from netwright.space import seq
    >>> put(1, seq(take(0), conv(8)))
    put(1, seq(take(0), conv(channels=8)))

    Raises SpaceError for a place below 0.
    """
    if place < 0:
        raise SpaceError(f"a tensor is put in a place, counted from 0, but got {place}.")
    return Put(place, as_expression(part))
