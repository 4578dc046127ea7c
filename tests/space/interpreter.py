"""A second reading of the space language, to hold the first against.

A `Part` is written down twice: `expression` gives what a user would write, and `derivations` walks it naively, one
assignment of decisions after the other, with nothing shared and no shapes known until each network is built.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from netwright.blocks import block, skip
from netwright.blocks._layers import convolution
from netwright.cost import COSTS
from netwright.errors import ShapeError
from netwright.graph import Graph, Tensor, image, ops
from netwright.space import (
    Design,
    Space,
    branch,
    cell,
    given,
    grammar,
    named,
    oneof,
    repeat,
    residual,
    rule,
    seq,
    tied,
)

COST_NAMES = ("params", "macs", "activation_bytes", "weight_bytes")
Build = Callable[[Tensor], Tensor]
Weights = tuple[int, ...] | None


@block
def layer(x: Tensor, channels: int | None = None, kernel: int = 1, stride: int = 1, groups: int = 1) -> Tensor:
    """One convolution, and nothing else: cheap to build."""
    return convolution(x, channels or x.shape[1], kernel, stride=stride, groups=groups)


GIVEN = -1
"""Channels that the tie around a layer gives it."""
GIVEN_WIDTHS: list[int] = [0]
"""Widths given by what a network is being built in."""


def giving(width: int | None, build: Build) -> Build:
    """The same with a width given to it; None gives nothing new."""

    def built(x: Tensor) -> Tensor:
        GIVEN_WIDTHS.append(GIVEN_WIDTHS[-1] if width is None else width)
        try:
            return build(x)
        finally:
            GIVEN_WIDTHS.pop()

    return built


@dataclass(frozen=True)
class Rules:
    """What a rule means here: the bodies, how deep they may still go, how many may be used in all."""

    bodies: Mapping[str, Part] = field(default_factory=dict)
    depth: float = math.inf
    size: float = math.inf


def unchanged(x: Tensor) -> Tensor:
    return x


@dataclass(frozen=True)
class Derived:
    """A derivation so far: its decisions and probability, the ties and rules it has used, and what it builds."""

    decisions: tuple[tuple[str, Any], ...] = ()
    probability: float = 1.0
    ties: tuple[tuple[str, Build], ...] = ()
    used: int = 0
    build: Build = unchanged

    def decided(self, path: str, value: Any, probability: float) -> Derived:
        label = "none" if value is None else value
        return replace(self, decisions=(*self.decisions, (path, label)), probability=self.probability * probability)

    def building(self, build: Build) -> Derived:
        return replace(self, build=build)


def below(prefix: str, name: str) -> str:
    return ".".join(filter(None, (prefix, name)))


class Part:
    """One kind of expression."""

    decides_here = False

    def expression(self) -> Any:
        raise NotImplementedError

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        """Every way to go on from a derivation; `build` of each result is this part's alone."""
        raise NotImplementedError


@dataclass(frozen=True)
class Layer(Part):
    """A block whose hyperparameters are each a tuple of options; a single option is no decision."""

    channels: tuple[int | None, ...] = (None,)
    kernel: tuple[int, ...] = (1,)
    stride: tuple[int, ...] = (1,)
    groups: tuple[int, ...] = (1,)
    weights: Weights = None

    def _options(self) -> dict[str, tuple[Any, ...]]:
        return {"channels": self.channels, "kernel": self.kernel, "stride": self.stride, "groups": self.groups}

    def _weights(self, name: str) -> Weights:
        return self.weights if name == "channels" and self.weights else None

    def expression(self) -> Any:
        options = {**self._options(), "channels": tuple(given("width") if c == GIVEN else c for c in self.channels)}
        return layer(
            **{
                name: values[0] if len(values) == 1 else oneof(*values, weights=self._weights(name))
                for name, values in options.items()
            }
        )

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        ways: list[tuple[Derived, dict[str, Any]]] = [(at, {})]
        for name, values in self._options().items():
            weights = self._weights(name) or (1,) * len(values)
            ways = [
                (d if len(values) == 1 else d.decided(below(prefix, name), v, w / sum(weights)), {**chosen, name: v})
                for d, chosen in ways
                for v, w in zip(values, weights, strict=True)
            ]
        for derived, chosen in ways:
            yield derived.building(lambda x, chosen=chosen: layer(x, **_filled(chosen)))


def _filled(chosen: Mapping[str, Any]) -> dict[str, Any]:
    channels = GIVEN_WIDTHS[-1] if chosen["channels"] == GIVEN else chosen["channels"]
    return {**chosen, "channels": channels}


@dataclass(frozen=True)
class Skip(Part):
    """The input itself."""

    def expression(self) -> Any:
        return skip()

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        yield at.building(unchanged)


@dataclass(frozen=True)
class OneOf(Part):
    """A choice among parts, named o0, o1, ..."""

    options: tuple[Part, ...]
    weights: Weights = None

    decides_here = True

    def expression(self) -> Any:
        options = [named(f"o{i}", option.expression()) for i, option in enumerate(self.options)]
        return oneof(*options, weights=self.weights)

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        weights = self.weights or (1,) * len(self.options)
        for i, option in enumerate(self.options):
            decided = at.decided(prefix, f"o{i}", weights[i] / sum(weights))
            yield from option.derivations(decided, below(prefix, f"o{i}" if option.decides_here else ""), rules)


def one_after_the_other(
    parts: Sequence[tuple[Part, str]], at: Derived, rules: Rules
) -> Iterator[tuple[Derived, tuple[Build, ...]]]:
    """Derivations of several parts, each with its prefix, and what each of them builds."""
    if not parts:
        yield at, ()
        return
    (first, prefix), *rest = parts
    for derived in first.derivations(at, prefix, rules):
        for whole, builds in one_after_the_other(rest, derived, rules):
            yield whole, (derived.build, *builds)


def chained(builds: Sequence[Build]) -> Build:
    def build(x: Tensor) -> Tensor:
        for step in builds:
            x = step(x)
        return x

    return build


@dataclass(frozen=True)
class Seq(Part):
    """Parts p0, p1, ... one after the other."""

    parts: tuple[Part, ...]

    def expression(self) -> Any:
        return seq(**{f"p{i}": part.expression() for i, part in enumerate(self.parts)})

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        placed = [(part, below(prefix, f"p{i}")) for i, part in enumerate(self.parts)]
        for derived, builds in one_after_the_other(placed, at, rules):
            yield derived.building(chained(builds))


@dataclass(frozen=True)
class Repeat(Part):
    """Copies of a part; a single count is no decision."""

    body: Part
    times: tuple[int, ...]
    tied: bool = False
    widths: tuple[int, int] | None = None

    def expression(self) -> Any:
        times = self.times[0] if len(self.times) == 1 else oneof(*self.times)
        if self.widths is None:
            return repeat(self.body.expression(), times=times, tied=self.tied)
        first, rest = ({"width": width} for width in self.widths)
        return repeat(self.body.expression(), times=times, tied=self.tied, first=first, rest=rest)

    def _chained(self, builds: Sequence[Build]) -> Build:
        if self.widths is None:
            return chained(builds)
        first, rest = self.widths
        return chained([giving(rest if i else first, build) for i, build in enumerate(builds)])

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        for n in self.times:
            start = at if len(self.times) == 1 else at.decided(below(prefix, "times"), n, 1 / len(self.times))
            if self.tied:
                if n == 0:
                    yield start.building(unchanged)
                else:
                    for derived in self.body.derivations(start, below(prefix, "each"), rules):
                        yield derived.building(self._chained([derived.build] * n))
            else:
                placed = [(self.body, below(prefix, str(i))) for i in range(n)]
                for derived, builds in one_after_the_other(placed, start, rules):
                    yield derived.building(self._chained(builds))


def joined(join: str, values: Sequence[Tensor]) -> Tensor:
    if len(values) == 1:
        return values[0]
    y: Tensor
    if join == "concat":
        y = ops.concat(*values, axis=1)
        return y
    if len({value.shape for value in values}) > 1:
        raise ShapeError("shapes differ")
    if join == "mul":
        y = values[0]
        for value in values[1:]:
            y = y * value
        return y
    y = values[0] + values[1] if len(values) == 2 else ops.sum(*values)
    return y


@dataclass(frozen=True)
class Branch(Part):
    """Parts b0, b1, ... side by side."""

    parts: tuple[Part, ...]
    join: str = "add"

    def expression(self) -> Any:
        return branch(join=self.join, **{f"b{i}": part.expression() for i, part in enumerate(self.parts)})

    def _placed(self, prefix: str) -> list[tuple[Part, str]]:
        return [(part, below(prefix, f"b{i}")) for i, part in enumerate(self.parts)]

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        for derived, builds in one_after_the_other(self._placed(prefix), at, rules):
            yield derived.building(lambda x, builds=builds: joined(self.join, [build(x) for build in builds]))


@dataclass(frozen=True)
class Residual(Branch):
    """A part and a shortcut."""

    def expression(self) -> Any:
        return residual(*(part.expression() for part in self.parts))

    def _placed(self, prefix: str) -> list[tuple[Part, str]]:
        parts = (*self.parts, Skip())[:2]
        return list(zip(parts, (below(prefix, "body"), below(prefix, "shortcut")), strict=True))


@dataclass(frozen=True)
class Cell(Part):
    """A directed acyclic graph with a part on each edge."""

    edges: tuple[tuple[int, int, Part], ...]
    join: str = "add"
    outputs: tuple[int, ...] = ()

    def expression(self) -> Any:
        edges = {(i, j): part.expression() for i, j, part in self.edges}
        return cell(edges, join=self.join, output=self.outputs or None)

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        placed = [(part, below(prefix, f"{i}-{j}")) for i, j, part in self.edges]
        last = max(j for _, j, _ in self.edges)

        def build(x: Tensor, builds: Sequence[Build]) -> Tensor:
            values = [x]
            for node in range(1, last + 1):
                into = sorted((i, k) for k, (i, j, _) in enumerate(self.edges) if j == node)
                values.append(joined(self.join, [builds[k](values[i]) for i, k in into]))
            return joined("concat", [values[i] for i in self.outputs or (last,)])

        for derived, builds in one_after_the_other(placed, at, rules):
            yield derived.building(lambda x, builds=builds: build(x, builds))


def flat(found: Sequence[Any]) -> Any:
    together = tuple(t for x in found for t in (x if isinstance(x, tuple) else (x,)))
    TOGETHER.extend(together)
    return together


TOGETHER: list[Tensor] = []
"""Tensors that flow with others in the network that is being built."""


class UnreadError(Exception):
    """A network of a source makes a tensor that nothing reads, which the language asks its users not to do."""


@dataclass(frozen=True)
class Tied(Part):
    """The same decisions wherever the key occurs; `width` is what `GIVEN` channels stand for in the body."""

    key: str
    body: Part
    width: int | None = None

    def expression(self) -> Any:
        values = {} if self.width is None else {"width": self.width}
        return tied(self.key, self.body.expression(), **values)

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        known = dict(at.ties)
        if self.key in known:
            yield at.building(giving(self.width, known[self.key]))
            return
        for derived in self.body.derivations(at, self.key, rules):
            ties = (*derived.ties, (self.key, derived.build))
            yield replace(derived, ties=ties, build=giving(self.width, derived.build))


@dataclass(frozen=True)
class Rule(Part):
    """Use of a rule."""

    name: str

    decides_here = True

    def expression(self) -> Any:
        return rule(self.name)

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        if rules.depth > 0 and at.used < rules.size:
            inner = replace(rules, depth=rules.depth - 1)
            yield from rules.bodies[self.name].derivations(replace(at, used=at.used + 1), prefix, inner)


@dataclass(frozen=True)
class Grammar(Part):
    """Rules with a bound; the first starts."""

    bodies: tuple[tuple[str, Part], ...]
    bound: int
    by_size: bool = False

    decides_here = True

    def expression(self) -> Any:
        bound = {"size" if self.by_size else "depth": self.bound}
        return grammar(self.bodies[0][0], **bound, **{name: body.expression() for name, body in self.bodies})

    def derivations(self, at: Derived, prefix: str, rules: Rules) -> Iterator[Derived]:
        bound = {"size" if self.by_size else "depth": self.bound}
        inner = Rules(dict(self.bodies), **bound)
        for derived in Rule(self.bodies[0][0]).derivations(replace(at, used=0), prefix, inner):
            yield replace(derived, used=at.used)


@dataclass(frozen=True)
class Found:
    """One design of the reference: its probability and its costs, summed over the nodes of its own network."""

    design: Design
    probability: float
    costs: tuple[float, ...]
    graph: Graph


@dataclass(frozen=True)
class Source:
    """A part on one or several inputs `(channels, side)`."""

    part: Part
    inputs: tuple[tuple[int, int], ...] = ((2, 6),)

    def space(self, **options: Any) -> Space:
        return Space(self.part.expression(), input=[image(c, n, n) for c, n in self.inputs], **options)

    def prefix(self) -> str:
        if isinstance(self.part, Grammar):
            return self.part.bodies[0][0]
        return "choice" if self.part.decides_here else ""

    def derivations(self) -> Iterator[tuple[tuple[int, int], Derived]]:
        for channels, side in self.inputs:
            label = f"{channels}x{side}x{side}"
            start = Derived()
            if len(self.inputs) > 1:
                start = start.decided("input", label, 1 / len(self.inputs))
            for derived in self.part.derivations(start, self.prefix(), Rules()):
                yield (channels, side), derived


@lru_cache(maxsize=256)
def reference(source: Source) -> tuple[Found, ...]:
    """Every design whose shapes fit."""
    found = []
    for (channels, side), derived in source.derivations():
        x = image(channels, side, side)
        TOGETHER.clear()
        try:
            graph = Graph([x], list(flat([derived.build(x)])))
        except ShapeError:
            continue
        if not {t.node for t in TOGETHER} <= {None, *graph.nodes}:
            raise UnreadError
        costs = tuple(COSTS[name].of(graph) for name in COST_NAMES)
        found.append(Found(Design(dict(derived.decisions)), derived.probability, costs, graph))
    return tuple(found)
