"""`seq` and `repeat`: parts one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.errors import SpaceError
from netwright.graph import Tensor, scope
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes, merge_uses
from netwright.space._domain import Choice, option_labels, placeholders, plain_values
from netwright.space._expression import Builder, Expression, as_expression, given_inside, named, unique_labels
from netwright.space._forest import join_path
from netwright.space._given import Given, Placeholder, filled
from netwright.space._spelling import Spelling, with_keywords
from netwright.space._tie import Copies

__all__ = ["Repeat", "Seq", "compose", "repeat", "seq"]


def compose(compiler: Compiler, outcomes: Outcomes, part: Expression, component: str, contexts: Contexts) -> Outcomes:
    """Put a part behind what has been composed so far: one product for each pair of shapes in between and after.

    Folding left and keying by the shapes reached keeps a long sequence linear: routes are never enumerated.
    """
    found: dict[Outcome, list[tuple[None, int]]] = {}
    for before, node in outcomes.items():
        for after, child in compiler.compile_at(component, part, contexts.at(before.types)).items():
            size = before.size + after.size
            if contexts.grammar is not None and contexts.grammar.over(size, contexts.left):
                continue
            outcome = Outcome(after.types, merge_uses(before.uses, after.uses), size)
            pair = compiler.forest.product(("", node), (component, child)) if component else child
            found.setdefault(outcome, []).append((None, pair))
    return {outcome: compiler.forest.choice(None, nodes) for outcome, nodes in found.items()}


class Seq(Expression):
    """Parts one after the other."""

    def __init__(self, parts: Sequence[Expression]) -> None:
        super().__init__(tuple(parts), children=parts)
        self.parts = tuple(zip(unique_labels(parts), parts, strict=True))

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        outcomes: Outcomes = {Outcome(contexts.types): compiler.forest.leaf()}
        for component, part in self.parts:
            outcomes = compose(compiler, outcomes, part, component, contexts)
        return outcomes

    def recursion(self, inner: Sequence[float]) -> float:
        return max(inner, default=0)

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        for component, part in self.parts:
            x = builder.build(part, x, prefix, component)
        return x

    def spelled(self) -> Spelling:
        return Spelling("seq", *with_keywords([part for _, part in self.parts]))

    def __repr__(self) -> str:
        return f"seq({', '.join(repr(part) for _, part in self.parts)})"


def seq(*parts: Any, **named_parts: Any) -> Expression:
    """Parts one after the other; keywords name them.

    >>> from netwright.blocks import conv
    >>> seq(conv(8), head=conv(4))
    seq(conv(channels=8), named('head', conv(channels=4)))

    A sequence inside a sequence is flattened unless it has a name. Raises SpaceError for a part that is no network.
    """
    flat: list[Expression] = []
    for part in map(as_expression, parts):
        flat.extend(inner for _, inner in part.parts) if isinstance(part, Seq) else flat.append(part)
    flat.extend(named(name, part) for name, part in named_parts.items())
    return Seq(flat)


class Repeat(Expression):
    """Copies of a part one after the other, each with decisions of its own, or all with the same ones (tied)."""

    def __init__(
        self,
        body: Expression,
        times: Choice,
        *,
        fixed: bool,
        tied: bool,
        first: Given = (),
        rest: Given = (),
        each: Given = (),
    ) -> None:
        super().__init__(body, times, fixed, tied, first, rest, each, children=(body,))
        self.body = body
        self.times = times
        self.fixed = fixed
        self.first = first
        self.rest = rest
        self.each = each
        self.free = given_inside(given_inside(body.free, first, rest), each) | placeholders(times)
        self.tie = Copies("each", body) if tied else None

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        counts = self._counts(contexts)
        outcomes: Outcomes = {Outcome(contexts.types): compiler.forest.leaf()}
        reached = {0: outcomes}
        for copy in range(max(counts)):
            into = contexts.giving(self.given_to(copy))
            outcomes = compose(compiler, outcomes, self.tie or self.body, str(copy), into)
            if self.tie is not None:
                # Copies that no one decision makes, as of two widths in turn, would be carried along to the end.
                number = compiler.tie_number(self.tie)
                outcomes = {o: n for o, n in outcomes.items() if compiler.consistent(o.uses, number, contexts)}
            reached[copy + 1] = outcomes
        if self.tie is not None:
            reached = {n: compiler.resolve(reached[n], compiler.tie_number(self.tie), contexts) for n in counts}
        if self.fixed:
            return reached[counts[0]]
        return compiler.gather(
            "times", [(n, reached[n], p) for n, p in zip(counts, self.times.probabilities, strict=True)]
        )

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        path = join_path(prefix, "times")
        times = self.times.options[0] if self.fixed else self.times.option(builder.decide(path), path)
        for copy in range(_count(filled(times, builder.given))):
            with scope(str(copy)), builder.giving(self.given_to(copy)):
                x = self.body.build(builder, x, join_path(prefix, "each" if self.tie else str(copy)))
        return x

    def _counts(self, contexts: Contexts) -> Sequence[int]:
        """Numbers of copies, or the one that is given; raises SpaceError where a tie is given several."""
        if not placeholders(self.times):
            return self.times.options
        given = {_count(filled(self.times.options[0], dict(values))) for values in contexts.values()}
        if len(given) > 1:
            raise SpaceError(f"parts of one tie must have as many copies, but they are given {sorted(given)}.")
        return tuple(given)

    def given_to(self, copy: int) -> Given:
        """What one copy is given; raises SpaceError where there is no value for it."""
        each = ((name, _of(copy, name, values)) for name, values in self.each)
        return (*(self.rest if copy else self.first), *each)

    def spelled(self) -> Spelling:
        options: dict[str, Any] = {"times": self.times.options[0] if self.fixed else self.times}
        options |= {"tied": True} if self.tie else {}
        return Spelling("repeat", (self.body,), options | self._values())

    def _values(self) -> dict[str, dict[str, Any]]:
        given = {"first": self.first, "rest": self.rest, "each": self.each}
        return {name: dict(values) for name, values in given.items() if values}

    def __repr__(self) -> str:
        times = self.times.options[0] if self.fixed else self.times
        values = "".join(f", {name}={values!r}" for name, values in self._values().items())
        return f"repeat({self.body!r}, times={times!r}{', tied=True' if self.tie else ''}{values})"


def _of(copy: int, name: str, values: Any) -> Any:
    if isinstance(values, Placeholder):
        return Placeholder(values.name, (*values.places, copy))
    if not isinstance(values, tuple) or len(values) <= copy:
        raise SpaceError(f"each copy must have a value, but {name!r} is {values!r} for {copy + 1} copies.")
    return values[copy] if copy >= 0 else None


def _count(times: Any) -> int:
    """A number of copies; raises SpaceError for anything else."""
    if not isinstance(times, int) or isinstance(times, bool) or times < 0:
        raise SpaceError(f"times must be whole numbers of at least 0, but got {times!r}.")
    return times


def repeat(
    body: Any,
    times: Any,
    *,
    tied: bool = False,
    first: Mapping[str, Any] | None = None,
    rest: Mapping[str, Any] | None = None,
    each: Mapping[str, Any] | None = None,
) -> Expression:
    """Copies of a part one after the other; `times` is a number, a choice of numbers, or given.

    >>> from netwright.blocks import conv
    >>> from netwright.space import oneof
    >>> repeat(conv(8), times=oneof(1, 2))
    repeat(conv(channels=8), times=oneof(1, 2))

    tied: all copies share their decisions (not their weights); these stand under `each` in a design.
    first, rest: what `given(name)` in the body stands for in the first copy, and in all others, as where a stage
        halves the image once: `repeat(conv(16, stride=given("stride")), 3, first={"stride": 2}, rest={"stride": 1})`.
    each: the same for one copy after the other, as `each={"width": (16, 32, 64)}`; or what is given under a name.

    Raises SpaceError when a count is not a whole number of at least 0, for a choice among the values, and where
    `each` has fewer values than there are copies.
    """
    choice = times if isinstance(times, Choice) else Choice((times,), option_labels((times,)), (1.0,))
    given = {name: tuple(values) if isinstance(values, list) else values for name, values in (each or {}).items()}
    values = {"first": plain_values(first or {}), "rest": plain_values(rest or {}), "each": plain_values(given)}
    found = Repeat(as_expression(body), choice, fixed=not isinstance(times, Choice), tied=tied, **values)
    if not placeholders(choice):
        found.given_to(max(map(_count, choice.options)) - 1)
    return found
