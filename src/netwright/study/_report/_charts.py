"""The charts of a report: the front, the history, costs of the whole space, baselines, learning curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from netwright._page import (
    WIDTH,
    Axis,
    Canvas,
    Chart,
    Key,
    Point,
    count,
    count_axis,
    finite,
    fit,
    headed,
    label,
    line_axis,
    percent,
    quantity,
)
from netwright.study._report._words import direction_word, trials_word

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.space import Histogram
    from netwright.strategy import Objective
    from netwright.study._records import Trial

__all__ = [
    "MOST_POINTS",
    "Context",
    "Interval",
    "curves",
    "history",
    "intervals",
    "scatter",
    "space_costs",
    "thinned",
]

MOST_POINTS = 700
"""Trials in one chart; beyond them the page grows and the eye gains nothing."""

_ORIGIN_SYMBOLS = ("ring", "triangle", "square", "diamond", "plus")
_ROW, _ROWS_TOP, _ROWS_FOOT, _RIGHT = 44.0, 26.0, 50.0, 18.0
_BINS = 60
# Fewer whole numbers than this along an axis would give ticks at parts of them.
_FEW = 5


@dataclass(frozen=True)
class Interval:
    """A measured value of a contestant, with its interval where there is one."""

    name: str
    value: float
    bounds: tuple[float, float] | None
    winner: bool = False


@dataclass(frozen=True)
class Context:
    """What all charts of trials share: the trial that won, and how a trial is put into words."""

    winner: int | None
    describe: Callable[[Trial], str]

    @property
    def first(self) -> frozenset[int]:
        """The winner's number, if there is one."""
        return frozenset() if self.winner is None else frozenset({self.winner})


def thinned(trials: Sequence[Trial], *tiers: frozenset[int], most: int = MOST_POINTS) -> list[Trial]:
    """About `most` trials at most, in the order given: all of the first tier, then of the next, then of the others.

    Of a tier that is too large, trials at even steps are taken. A tenth of the room is left for each tier at least.
    """
    if len(trials) <= most:
        return list(trials)
    left = [trial.number for trial in trials]
    chosen: set[int] = set()
    for tier in (*tiers, frozenset(left)):
        members = [number for number in left if number in tier]
        left = [number for number in left if number not in tier]
        room = max(most - len(chosen), most // 10)
        taken = min(room, len(members))
        chosen.update(members[i * len(members) // taken] for i in range(taken))
    return [trial for trial in trials if trial.number in chosen]


def scatter(
    trials: Sequence[Trial],
    y: Objective,
    x: Objective,
    context: Context,
    *,
    front: Sequence[Trial],
    joined: bool,
    limits: Sequence[Limit],
) -> Chart | None:
    """Trials by two metrics; None where no trial has both.

    front: trials that no other beats. joined: these two metrics are all that the front is about, so a line joins it.
    """
    known = [t for t in trials if _has(t, x.metric) and t.state in ("complete", "infeasible", "pruned")]
    placed = [trial for trial in known if _has(trial, y.metric)]
    if not placed:
        return None
    main = [trial for trial in front if _has(trial, x.metric) and _has(trial, y.metric)]
    members = frozenset(trial.number for trial in front)
    across, up = _axis(x, known, main), _axis(y, placed, main)
    canvas = Canvas(across, up)
    hatched = [limit for limit in limits if limit.metric in (x.metric, y.metric)]
    for limit in hatched:
        canvas.beyond(limit.low, limit.high, on_x=limit.metric == x.metric)
    canvas.grid()
    if joined:
        path = sorted(main, key=lambda trial: x.sign * trial.values[x.metric])
        canvas.line([(trial.values[x.metric], trial.values[y.metric]) for trial in path], "front", steps=True)
    shown = thinned(known, context.first, members)
    points = [_scatter_point(trial, x, y, up, members, context) for trial in shown]
    order = ("complete", "pruned", "infeasible", "front", "winner")
    canvas.marks(sorted(points, key=lambda point: order.index(point.group)))
    unplaced = sum(trial.state == "infeasible" and not _has(trial, x.metric) for trial in trials)
    notes = [*_scatter_notes(shown, known, placed, joined, unplaced), *_cut_notes([across, up])]
    title = headed(f"{label(y.metric)} against {label(x.metric)}")
    description = (
        f"{title}: {trials_word(len(placed))}, {len(main)} on the front. The table of trials has the values."
    )
    return Chart(title, canvas.svg(description), _scatter_keys(points, joined, hatched), tuple(notes))


def history(trials: Sequence[Trial], objective: Objective, context: Context, *, by_time: bool) -> Chart | None:
    """Complete trials as they came in, by origin, and the best so far; None where no trial is complete.

    by_time: against the seconds that all workers together had spent, instead of the number of trials.
    """
    told = sorted((trial for trial in trials if trial.told is not None), key=lambda trial: trial.told or 0)
    complete = [trial for trial in told if trial.state == "complete" and _has(trial, objective.metric)]
    if not complete:
        return None
    places, x = _passage(told, by_time)
    y = _axis(objective, complete, ())
    records = _records(complete, objective)
    shown = thinned(complete, context.first, frozenset(trial.number for trial in records))
    origins = {origin: i for i, origin in enumerate(dict.fromkeys(trial.origin or "other" for trial in complete))}
    points = [_history_point(trial, places[trial.number], objective, origins, context) for trial in shown]
    canvas = Canvas(x, y)
    canvas.grid()
    canvas.marks([point for point in points if point.group != "winner"])
    path = [(places[trial.number], trial.values[objective.metric]) for trial in records]
    canvas.line([*path, (max(places.values()), path[-1][1])], "best", steps=True)
    won = [point for point in points if point.group == "winner"]
    canvas.marks(won)
    keys = [Key("line", "best", "best so far"), *(Key("star", "winner", "winner") for _ in won)]
    keys += [Key(_origin_symbol(i), f"origin{i % 5}", origin) for origin, i in origins.items()]
    notes = (*_thin_notes(shown, complete, "every new best"), *_cut_notes([y]))
    title = headed(f"{label(objective.metric)} over {'time' if by_time else 'trials'}")
    best = quantity(objective.metric, path[-1][1])
    description = f"{title}: the best of {trials_word(len(complete))} reaches {best}."
    return Chart(title, canvas.svg(description), tuple(keys), notes)


def space_costs(histogram: Histogram, limit: Limit | None, winner: float | None) -> Chart:
    """How many designs of the whole space have which cost, with the limit and the winner."""
    edges, numbers = histogram.bins(_BINS)
    metric, total = histogram.cost, histogram.total
    # As for a metric that gets better: the bars are equally wide, so the axis must not be logarithmic.
    x = fit(metric, [histogram.costs[0], histogram.costs[-1]], better=1)
    x = replace(x, title=f"{x.title}, each bar {quantity(metric, edges[1] - edges[0])} wide")
    canvas = Canvas(x, count_axis("number of designs (logarithmic)", max(numbers)))
    if limit is not None:
        canvas.beyond(limit.low, limit.high)
    canvas.grid()
    titles = [
        f"{quantity(metric, left)} to {quantity(metric, right)}\n{count(n)} designs, {percent(Fraction(n, total))}"
        for left, right, n in zip(edges, edges[1:], numbers, strict=False)
    ]
    # Exact counts go beyond the largest float; the axis ends at 1e307, where a bar is cut off.
    heights = [float(min(n, 10**307)) for n in numbers]
    kept = [limit is None or limit.holds((left + right) / 2) for left, right in pairwise(edges)]
    canvas.bars(edges, heights, titles, kept)
    keys = [Key("bar", "bar", "designs within the limit" if limit else "designs")]
    if limit is not None:
        keys += [Key("bar", "bar faint", "designs beyond the limit"), Key("hatch", "", f"excluded by {limit}")]
    if winner is not None and not canvas.x.outside(winner):
        canvas.flag(winner, f"winner: {quantity(metric, winner)}")
        keys.append(Key("star", "winner", "winner"))
    reach = f"from {quantity(metric, histogram.smallest)} to {quantity(metric, histogram.largest)}"
    description = f"Histogram of {label(metric)} over all {count(total)} designs, {reach}."
    return Chart(headed(f"{label(metric)} of all designs"), canvas.svg(description), tuple(keys))


def intervals(rows: Sequence[Interval], objective: Objective) -> Chart | None:
    """Values of contestants under each other, with their intervals; None where there are fewer than two."""
    if len(rows) < 2:
        return None
    ends = [end for row in rows for end in (row.bounds or (row.value, row.value))]
    height = _ROWS_TOP + _ROW * len(rows) + _ROWS_FOOT
    axis = _titled(fit(objective.metric, ends), objective)
    canvas = Canvas(axis, line_axis("", 0.0, 1.0), height=height, left=_RIGHT)
    canvas.grid(y_ticks=0)
    best = next((row for row in rows if row.winner), None)
    if best is not None and best.bounds is not None:
        left, right = map(canvas.across, best.bounds)
        canvas.raw(
            f'<rect class="band" x="{left:.1f}" y="26" width="{right - left:.1f}" height="{height - 76:.1f}"/>'
        )
    for i, row in enumerate(rows):
        _row(canvas, row, _ROWS_TOP + _ROW * i + 30, objective.metric)
    keys = [Key("star", "winner", "winner"), Key("dot", "front", "baseline")]
    keys += [Key("line", "whisker", "95 % interval"), Key("bar", "band", "interval of the winner")] if best else []
    said = ", ".join(f"{row.name} {quantity(objective.metric, row.value)}" for row in rows)
    return Chart("Test result against baselines", canvas.svg(f"{label(objective.metric)}: {said}."), tuple(keys))


def curves(epochs: Sequence[Mapping[str, Any]], names: Sequence[str], title: str) -> Chart | None:
    """Values by epoch, a line each; None where no name has two finite values."""
    series = {name: [(float(i), finite(e.get(name))) for i, e in enumerate(epochs, 1)] for name in names}
    lines = {name: [(i, v) for i, v in points if v is not None] for name, points in series.items()}
    lines = {name: points for name, points in lines.items() if len(points) > 1}
    if not lines:
        return None
    y = fit(next(iter(lines)), [v for points in lines.values() for _, v in points])
    y = replace(y, title="logarithmic" if y.log else "")
    canvas = Canvas(line_axis("epoch", 0.0, float(max(len(epochs), _FEW))), y)
    canvas.grid()
    for place, (name, points) in enumerate(lines.items()):
        canvas.line(points, f"curve{place % 3}")
        canvas.marks(
            [Point(i, v, "none", "hidden", f"epoch {i:g}\n{label(name)} {quantity(name, v)}") for i, v in points]
        )
    keys = tuple(Key("line", f"curve{i % 3}", label(name)) for i, name in enumerate(lines))
    ends = ", ".join(f"{label(name)} {quantity(name, points[-1][1])}" for name, points in lines.items())
    return Chart(
        headed(f"{title} by epoch"), canvas.svg(f"{title} over {len(epochs)} epochs; at the end {ends}."), keys
    )


def _has(trial: Trial, metric: str) -> bool:
    return finite(trial.values.get(metric)) is not None


def _of(trials: Sequence[Trial], objective: Objective) -> list[float]:
    return [float(trial.values[objective.metric]) for trial in trials]


def _better(objective: Objective) -> int:
    # What a network costs is no quality with a long bad tail: all of it is shown.
    return 1 if objective.direction == "maximize" else 0


def _axis(objective: Objective, trials: Sequence[Trial], also: Sequence[Trial]) -> Axis:
    values, held = _of(trials, objective), _of(also, objective)
    return _titled(fit(objective.metric, values, better=_better(objective), also=held), objective)


def _titled(axis: Axis, objective: Objective) -> Axis:
    scale = ", logarithmic" if axis.log else ""
    return replace(axis, title=f"{axis.title} · {direction_word(objective.direction)}{scale}")


def _passage(told: Sequence[Trial], by_time: bool) -> tuple[dict[int, float], Axis]:
    """Where each trial stands in the course of the search, and the axis of that."""
    if not by_time:
        places = {trial.number: float(i) for i, trial in enumerate(told, 1)}
        return places, line_axis("finished trials", 0.0, float(max(len(told), _FEW)))
    spent = list(accumulate(trial.cost for trial in told))
    factor, unit = _time_unit(spent[-1])
    places = {trial.number: seconds / factor for trial, seconds in zip(told, spent, strict=True)}
    return places, line_axis(f"evaluation time, all workers together ({unit})", 0.0, spent[-1] / factor)


def _scatter_point(
    trial: Trial, x: Objective, y: Objective, up: Axis, members: frozenset[int], context: Context
) -> Point:
    group = "winner" if trial.number == context.winner else "front" if trial.number in members else trial.state
    symbol = {"winner": "star", "front": "dot", "infeasible": "cross", "pruned": "plus"}.get(group, "ring")
    value = finite(trial.values.get(y.metric))
    if value is None:
        # Never evaluated: it has a place along the cost axis only.
        symbol, value = "tick", up.low
    return Point(trial.values[x.metric], value, symbol, group, context.describe(trial), trial.number)


def _scatter_keys(points: Sequence[Point], joined: bool, hatched: Sequence[Limit]) -> tuple[Key, ...]:
    words = {
        ("star", "winner"): "winner",
        ("dot", "front"): "on the front",
        ("ring", "complete"): "complete trial",
        ("plus", "pruned"): "stopped early",
        ("cross", "infeasible"): "breaks a limit",
        ("tick", "infeasible"): "breaks a limit, not trained",
    }
    seen = {(point.symbol, point.group) for point in points}
    keys = [Key(symbol, group, text) for (symbol, group), text in words.items() if (symbol, group) in seen]
    if joined:
        keys.insert(1, Key("line", "front", "front"))
    return (*keys, *(Key("hatch", "", f"excluded by {limit}") for limit in hatched))


def _scatter_notes(
    shown: Sequence[Trial], known: Sequence[Trial], placed: Sequence[Trial], joined: bool, unplaced: int
) -> list[str]:
    notes = _thin_notes(shown, known, "all of the front and the winner")
    if unplaced:
        notes.append(f"Not drawn: {trials_word(unplaced)} that broke a limit before any measurement.")
    if not joined:
        notes.append("The front is over all objectives; seen in two of them alone, some of its points look beaten.")
    if len(placed) < len(known):
        notes.append(
            f"Ticks at the foot: {trials_word(len(known) - len(placed))} that broke a limit before any training."
        )
    return notes


def _thin_notes(shown: Sequence[Trial], known: Sequence[Trial], kept: str) -> list[str]:
    if len(shown) == len(known):
        return []
    return [f"Drawn are {len(shown):,} of {trials_word(len(known))}: {kept}, and the others at even steps."]


def _cut_notes(axes: Sequence[Axis]) -> list[str]:
    return [f"Beyond the scale, drawn at its edge: {trials_word(axis.cut)}." for axis in axes if axis.cut]


def _records(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    found: list[Trial] = []
    for trial in trials:
        value = objective.sign * trial.values[objective.metric]
        if not found or value < objective.sign * found[-1].values[objective.metric]:
            found.append(trial)
    return found


def _history_point(
    trial: Trial, place: float, objective: Objective, origins: Mapping[str, int], context: Context
) -> Point:
    number, value = origins[trial.origin or "other"], trial.values[objective.metric]
    won = trial.number == context.winner
    symbol, group = ("star", "winner") if won else (_origin_symbol(number), f"origin{number % 5}")
    return Point(place, value, symbol, group, context.describe(trial), trial.number)


def _origin_symbol(number: int) -> str:
    return _ORIGIN_SYMBOLS[number % len(_ORIGIN_SYMBOLS)]


def _time_unit(seconds: float) -> tuple[float, str]:
    return (1.0, "s") if seconds < 180 else (60.0, "min") if seconds < 3 * 3600 else (3600.0, "h")


def _row(canvas: Canvas, row: Interval, y: float, metric: str) -> None:
    x = canvas.across(row.value)
    if row.bounds is not None:
        low, high = map(canvas.across, row.bounds)
        ends = "".join(f"M{end:.1f} {y - 5:.1f}v10" for end in (low, high))
        canvas.raw(f'<path class="line whisker" d="M{low:.1f} {y:.1f}H{high:.1f}{ends}"/>')
    symbol, group = ("star", "winner") if row.winner else ("dot", "front")
    canvas.raw(f'<g class="{group}"><use href="#s-{symbol}" x="{x:.1f}" y="{y:.1f}"/></g>')
    canvas.words(_RIGHT, y - 14, row.name, "strong" if row.winner else "")
    canvas.words(WIDTH - _RIGHT, y - 14, quantity(metric, row.value), "strong" if row.winner else "", "end")
