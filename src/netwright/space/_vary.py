"""Mutation, crossover and neighbours that stay inside the space and its budgets, without rejection."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from netwright.errors import LimitError
from netwright.space._condition import Visit, ancestors, condition, same, trace
from netwright.space._design import Design, Value
from netwright.space._forest import Forest
from netwright.space._index import design_at
from netwright.space._sample import Sampler, Window
from netwright.space._semiring import count

__all__ = ["crossover", "freed", "mutate", "neighbours"]


def freed(forest: Forest, design: Design, path: str) -> Forest | None:
    """Designs that decide otherwise at `path`, as they like below it, and as `design` everywhere else."""
    kept = design.without(path)
    old = design[path]

    def allow(asked: str, value: Value | None) -> bool:
        if asked == path:
            return not same(old, value)
        return asked not in kept or same(kept[asked], value)

    return condition(forest, allow, ancestors([*kept, path]))


def mutate(
    forest: Forest, design: Design, windows: Sequence[Window], rng: np.random.Generator, *, weighted: bool = False
) -> Design | None:
    """Change one decision, drawn uniformly among those that can change, and draw what hangs below it.

    What is drawn is uniform (weighted: in proportion to the weights) over the designs with that decision changed and
    all others kept that are within the budgets. None when no single decision can change.
    """
    paths = list(design)
    for i in rng.permutation(len(paths)):
        part = freed(forest, design, paths[i])
        if part is None:
            continue
        try:
            return Sampler(part, windows, weighted=weighted).draw(1, rng).designs[0]
        except LimitError:
            continue
    return None


def neighbours(
    forest: Forest, design: Design, windows: Sequence[Window], *, per_decision: int = 1000
) -> Iterator[Design]:
    """Every design that differs in one decision (and what hangs below it) and is within the budgets.

    per_decision: where a decision opens more than this many ways to complete it, only that many are given.
    """
    for path in design:
        part = freed(forest, design, path)
        if part is None:
            continue
        for number in range(min(count(part), per_decision)):
            found = design_at(part, number)
            if within(part, found, windows):
                yield found


def within(forest: Forest, design: Design, windows: Sequence[Window]) -> bool:
    """Whether a design of the forest keeps every budget."""
    top = trace(forest, design)
    return top is not None and _fits(_spent(forest, top, windows), windows)


def _spent(forest: Forest, top: Visit, windows: Sequence[Window]) -> list[float]:
    visits = top.all()
    return [sum(forest.leaf_costs(cost)[visit.number] for visit in visits) for cost, _, _ in windows]


def _fits(costs: Sequence[float], windows: Sequence[Window]) -> bool:
    return all(
        (low is None or value >= low) and (high is None or value <= high)
        for value, (_, low, high) in zip(costs, windows, strict=True)
    )


def crossover(
    forest: Forest, a: Design, b: Design, windows: Sequence[Window], rng: np.random.Generator
) -> Design | None:
    """`a` with one sub-derivation taken from `b`, at nodes of the forest that both pass.

    Equal nodes derive the same language from the same shapes, so the child is valid wherever in `b` the part stood;
    a rule of a grammar on the same shapes is taken as well where its depth fits. Costs of the child are known exactly
    before it is built. Drawn uniformly among the exchanges that change something and keep
    the budgets. None when there is none, or when so many could be made that the first few thousand tell.
    """
    tops = [trace(forest, design) for design in (a, b)]
    if tops[0] is None or tops[1] is None:
        return None
    total = _spent(forest, tops[0], windows)
    for old, new in _pairs(forest, tops[0], tops[1], rng):
        out, into = old.decisions(), _moved(new, old.prefix)
        if out == into or len(out) == len(a):
            continue
        change = zip(_spent(forest, new, windows), _spent(forest, old, windows), strict=True)
        if _fits([t + (plus - minus) for t, (plus, minus) in zip(total, change, strict=True)], windows):
            child = Design(_exchanged(a, out, into))
            if old.number == new.number or trace(forest, child) is not None:
                return child
    return None


def _pairs(forest: Forest, a: Visit, b: Visit, rng: np.random.Generator) -> Iterator[tuple[Visit, Visit]]:
    """Visits of one kind by both derivations, each pair as likely to come next; never all of a long list of them."""

    def kind(visit: Visit) -> Hashable:
        return forest.kinds.get(visit.number, visit.number)

    donors: dict[Hashable, list[Visit]] = {}
    for visit in _deciding(b):
        donors.setdefault(kind(visit), []).append(visit)
    olds = [visit for visit in _deciding(a) if kind(visit) in donors]
    ends = np.cumsum([len(donors[kind(visit)]) for visit in olds])
    total = int(ends[-1]) if olds else 0
    for index in rng.permutation(total) if total <= TRIED else rng.integers(total, size=TRIED):
        place = int(np.searchsorted(ends, index, side="right"))
        yield olds[place], donors[kind(olds[place])][index - ends[place]]


TRIED = 4096
"""Exchanges that are tried."""


def _deciding(top: Visit) -> list[Visit]:
    """Visits that make a decision, or stand above one that does."""
    deciding: set[int] = set()
    visits = top.all()
    for visit in reversed(visits):
        if visit.here or any(id(inner) in deciding for inner in visit.below):
            deciding.add(id(visit))
    return [visit for visit in visits if id(visit) in deciding]


def _moved(visit: Visit, prefix: str) -> dict[str, Value]:
    """Decisions of a visit as they read under another prefix."""
    old = visit.prefix
    return {_rebased(path, old, prefix): value for path, value in visit.decisions().items()}


def _rebased(path: str, old: str, new: str) -> str:
    if old == new:
        return path
    rest = path[len(old) :].lstrip(".") if old else path
    return f"{new}.{rest}" if new and rest else new or rest


def _exchanged(a: Design, out: dict[str, Value], into: dict[str, Value]) -> dict[str, Value]:
    """The decisions of `a` with those of `out` replaced in place by those of `into`."""
    child: dict[str, Value] = {}
    for path, value in a.items():
        if path not in out:
            child[path] = value
        elif into:
            child.update(into)
            into = {}
    child.update(into)
    return child
