"""The page of a comparison of spaces: distributions, efficiency of random search, what the differences are worth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._count import plural
from netwright._page import Axis, Canvas, Chart, Key, Point, fit, headed, label, line_axis, percent, quantity, render

if TYPE_CHECKING:
    from netwright.study._comparison import Comparison
    from netwright.study._population import Population

__all__ = ["comparison_page"]

_TEMPLATE = Path(__file__).parent / "populations.html"
_STYLES = 5
_SYMBOLS = ("ring", "triangle", "square", "diamond", "plus")


def comparison_page(found: Comparison, title: str, *, at_equal_cost: Comparison | None = None) -> str:
    """HTML of a comparison, which holds no link to anything outside of it.

    >>> from netwright.study import Comparison, Population
    >>> small = Population("small", "accuracy", -1, (0.7, 0.72, 0.74, 0.75))
    >>> large = Population("large", "accuracy", -1, (0.8, 0.82, 0.84, 0.85))
    >>> page = comparison_page(Comparison("accuracy", (), (small, large)), "Small or large")
    >>> "Small or large" in page, "large is better" in page
    (True, True)

    at_equal_cost: the same populations matched by a cost, shown beside it.

    Raises MissingExtraError without jinja2.
    """
    return render(
        _TEMPLATE,
        {
            "title": title,
            "names": [population.name for population in found.populations],
            "metric": label(found.metric),
            "limits": found.limits,
            "charts": [
                _distributions(found, "Share of designs at least this good"),
                _efficiency(found),
                *([_distributions(at_equal_cost, f"The same at equal {label(at_equal_cost.matched_by or '')}")]
                  if at_equal_cost else []),
                *[_scatter(found, cost) for cost in found.populations[0].costs if cost != found.metric],
            ],
            "rows": [_row(population) for population in found.populations],
            "pairs": [_words(found)] + ([_words(at_equal_cost)] if at_equal_cost else []),
        },
    )  # fmt: skip


def _distributions(found: Comparison, title: str) -> Chart:
    """Empirical distribution functions, one line for each space."""
    x = _axis(found, [value for population in found.populations for value in population.values])
    canvas = Canvas(x, line_axis("share of the designs", 0.0, 1.0))
    canvas.grid()
    say = partial(quantity, found.metric)
    for i, population in enumerate(found.populations):
        values, shares = population.distribution()
        places = [(float(v), float(s)) for v, s in zip(values, shares, strict=True)]
        canvas.line([(places[0][0], 0.0), *places], f"curve{i % _STYLES}", steps=True)
        canvas.marks(
            [_hover(*place, f"{population.name}\n{percent(place[1])} reach {say(place[0])}") for place in places]
        )
    said = ", ".join(f"{p.name} {quantity(found.metric, p.quantile(0.5))}" for p in found.populations)
    return Chart(title, canvas.svg(f"{title}. Reached by half of the designs: {said}."), _keys(found), _cut(x))


def _efficiency(found: Comparison) -> Chart:
    """What random search is expected to reach after so many trials, exactly."""
    curves = [population.efficiency() for population in found.populations]
    ends = [
        mean + step * spread
        for c in curves
        for mean, spread in zip(c.mean, c.spread, strict=True)
        for step in (-1, 1)
    ]
    y = _axis(found, ends)
    x = Axis(
        "trials (logarithmic)", 0.9, 1.1 * max(curve.trials[-1] for curve in curves), True, lambda v, _: f"{v:g}"
    )
    canvas = Canvas(x, y)
    canvas.grid()
    say = partial(quantity, found.metric)
    for i, (population, curve) in enumerate(zip(found.populations, curves, strict=True)):
        places = list(zip(map(float, curve.trials), curve.mean, strict=True))
        canvas.line(places, f"curve{i % _STYLES}")
        canvas.marks(
            [_hover(*p, f"{population.name}\nbest of {p[0]:g} {plural(p[0], 'trial')} {say(p[1])}") for p in places]
        )
    title = "Efficiency of random search"
    said = ", ".join(
        f"{p.name} {quantity(found.metric, c.mean[-1])}" for p, c in zip(found.populations, curves, strict=True)
    )
    note = "The exact mean of the best of so many of these designs, drawn without putting any back."
    return Chart(title, canvas.svg(f"{title}. At its end: {said}."), _keys(found), (note,))


def _scatter(found: Comparison, cost: str) -> Chart:
    """Each design by its cost and its value."""
    x = fit(cost, [value for population in found.populations for value in population.costs[cost]])
    y = _axis(found, [value for population in found.populations for value in population.values])
    canvas = Canvas(x, y)
    canvas.grid()
    keys = []
    for i, population in enumerate(found.populations):
        symbol, group = _SYMBOLS[i % len(_SYMBOLS)], f"series{i % _STYLES}"
        canvas.marks(
            [
                Point(c, v, symbol, group, f"{population.name}\n{label(found.metric)} {quantity(found.metric, v)}")
                for c, v in zip(population.costs[cost], population.values, strict=True)
            ]
        )
        keys.append(Key(symbol, group, population.name))
    title = headed(f"{label(found.metric)} against {label(cost)}")
    return Chart(title, canvas.svg(f"{title}, a mark for each design."), tuple(keys), _cut(y))


def _axis(found: Comparison, values: Sequence[float]) -> Axis:
    return fit(found.metric, values, better=-found.populations[0].sign)


def _cut(axis: Axis) -> tuple[str, ...]:
    return (
        (f"Beyond the scale, drawn at its edge: {axis.cut:,} design{'s' if axis.cut > 1 else ''}.",)
        if axis.cut
        else ()
    )


def _hover(x: float, y: float, words: str) -> Point:
    return Point(x, y, "none", "hidden", words)


def _keys(found: Comparison) -> tuple[Key, ...]:
    return tuple(Key("line", f"curve{i % _STYLES}", p.name) for i, p in enumerate(found.populations))


def _row(population: Population) -> tuple[str, list[str]]:
    say = partial(quantity, population.metric)
    reached = [say(population.quantile(share)) for share in (0.0, 0.1, 0.5, 0.9)]
    costs = [quantity(cost, sorted(values)[len(values) // 2]) for cost, values in population.costs.items()]
    return population.name, [f"{len(population):,}", *reached, *costs]


def _words(found: Comparison) -> dict[str, Any]:
    rows = [
        (pair.first, pair.second, percent(pair.wins), " to ".join(map(percent, pair.interval)), pair.verdict)
        for pair in found.pairs
    ]
    return {"by": label(found.matched_by) if found.matched_by else None, "rows": rows}
