"""More kinds of parts for the second reading: cells with open edges, several tensors, values that a rule gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

from netwright.blocks import conv
from netwright.errors import ShapeError
from netwright.graph import Tensor, ops
from netwright.space import formula, given, grow, let, oneof, repeat, seq, several, take, wiring

from .interpreter import Build, Derived, Part, Rules, below, chained, flat, giving, joined, one_after_the_other


@dataclass(frozen=True)
class Wiring(Part):
    """A cell with edges to decide."""

    operation: Part
    vertices: tuple[int, ...]
    edges: int
    channels: int | None = None

    def expression(self) -> Any:
        vertices = self.vertices[0] if len(self.vertices) == 1 else oneof(*self.vertices)
        return wiring(self.operation.expression(), vertices=vertices, edges=self.edges, channels=self.channels)

    def _wirings(self, n: int) -> list[tuple[tuple[int, ...], ...]]:
        rows = [
            [some for size in range(1, n - i) for some in combinations(range(i + 1, n), size)] for i in range(n - 1)
        ]
        return [
            targets for targets in product(*rows)
            if sum(map(len, targets)) <= self.edges and {j for t in targets for j in t} == set(range(1, n))
        ]  # fmt: skip

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        for n in self.vertices:
            start = (
                at if len(self.vertices) == 1 else at.decided(below(prefix, "vertices"), n, 1 / len(self.vertices))
            )
            found = self._wirings(n)
            for targets in found:
                wired = replace(start, probability=start.probability / len(found))
                for i, some in enumerate(targets):
                    wired = wired.decided(below(prefix, f"to{i}"), "+".join(map(str, some)), 1.0)
                placed = [(self.operation, below(prefix, f"op{i}")) for i in range(1, n - 1)]
                for derived, builds in one_after_the_other(placed, wired, rules):
                    yield derived.building(lambda x, t=targets, builds=builds: self._network(x, t, builds))

    def _network(self, x: Tensor, targets: Sequence[Sequence[int]], builds: Sequence[Build]) -> Tensor:
        end = len(targets)
        out = x.shape[1] if self.channels is None else self.channels
        into_end = [i for i in range(1, end) if end in targets[i]]
        if len(into_end) > out:
            raise ShapeError("too few channels")
        widths = {i: out // len(into_end) + (k < out % len(into_end)) for k, i in enumerate(into_end)}
        for i in reversed(range(1, end)):
            widths.setdefault(i, max([widths[j] for j in targets[i] if j < end], default=0))
        values = {0: x}
        for i in range(1, end):
            values[i] = builds[i - 1](self._entering(values, targets, i, widths[i]))
            if values[i].shape != (x.shape[0], widths[i], *x.shape[2:]):
                raise ShapeError("an operation changes the shape")
        y = joined("concat", [values[i] for i in into_end]) if into_end else None
        if end in targets[0]:
            straight = conv(x, out, kernel=1)
            y = straight if y is None else y + straight
        assert y is not None
        return y

    def _entering(self, values: Mapping[int, Tensor], targets: Sequence[Sequence[int]], i: int, width: int) -> Tensor:
        total: Tensor | None = None
        for j in range(i):
            if i in targets[j]:
                value = conv(values[0], width, kernel=1) if j == 0 else values[j]
                cut = value if value.shape[1] == width else ops.slice_(value, starts=(0,), ends=(width,), axes=(1,))
                total = cut if total is None else total + cut
        assert total is not None
        return total


@dataclass(frozen=True)
class Several(Part):
    """Parts b0, b1, ... whose outputs all go on."""

    parts: tuple[Part, ...]

    def expression(self) -> Any:
        return several(**{f"b{i}": part.expression() for i, part in enumerate(self.parts)})

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        placed = [(part, below(prefix, f"b{i}")) for i, part in enumerate(self.parts)]
        for derived, builds in one_after_the_other(placed, at, rules):
            yield derived.building(lambda x, builds=builds: flat([build(x) for build in builds]))


@dataclass(frozen=True)
class Grow(Part):
    """The input, and behind it what a part makes of it."""

    part: Part

    def __post_init__(self) -> None:
        object.__setattr__(self, "decides_here", self.part.decides_here)

    def expression(self) -> Any:
        return grow(self.part.expression())

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        for derived in self.part.derivations(at, prefix, rules):
            yield derived.building(lambda x, build=derived.build: flat([x, build(x)]))


@dataclass(frozen=True)
class Take(Part):
    """One of several tensors."""

    place: int

    def expression(self) -> Any:
        return take(self.place)

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        yield at.building(lambda x: x[self.place] if isinstance(x, tuple) else x)


@formula
def rising(width: int, copies: int, most: int) -> dict[str, Any] | None:
    """Widths that rise by one from copy to copy, where they are no more than so many in all."""
    return {"widths": [width + i for i in range(copies)]} if width * copies <= most else None


@dataclass(frozen=True)
class Let(Part):
    """As many copies of a part as are decided, each one wider, and behind them a part of the first width.

    Layers of `GIVEN` channels in both take the width, which a rule may refuse.
    """

    channels: tuple[int, ...]
    copies: tuple[int, ...]
    copied: Part
    last: Part
    most: int | None = None
    tied: bool = False

    def expression(self) -> Any:
        values = {"width": oneof(*self.channels), "copies": oneof(*self.copies)}
        if self.most is None:
            copied = repeat(self.copied.expression(), times=given("copies"), tied=self.tied)
            return let(seq(p0=copied, p1=self.last.expression()), **values)
        each = {"width": given("widths")}
        copied = repeat(self.copied.expression(), times=given("copies"), tied=self.tied, each=each)
        return let(seq(p0=copied, p1=self.last.expression()), rising, **values, most=self.most)

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        for width, copies in product(self.channels, self.copies):
            if self.most is None or width * copies <= self.most:
                start = at.decided(below(prefix, "width"), width, 1 / len(self.channels))
                start = start.decided(below(prefix, "copies"), copies, 1 / len(self.copies))
                widths = [width + (i if self.most is not None else 0) for i in range(copies)]
                yield from self._inside(start, below(prefix, "body"), rules, widths, width)

    def _inside(
        self, start: Derived, prefix: str, rules: Rules, widths: Sequence[int], last: int
    ) -> Iterator[Derived]:
        names = ["each"] if self.tied and widths else [] if self.tied else list(map(str, range(len(widths))))
        placed = [(self.copied, below(prefix, f"p0.{name}")) for name in names]
        for derived, builds in one_after_the_other([*placed, (self.last, below(prefix, "p1"))], start, rules):
            copies = builds[:1] * len(widths) if self.tied else builds[:-1]
            made = [giving(width, build) for width, build in zip(widths, copies, strict=True)]
            yield derived.building(chained([*made, giving(last, builds[-1])]))
