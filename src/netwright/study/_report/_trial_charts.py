"""Charts of the trials of a search: the front and the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from netwright._count import counted
from netwright._page import Axis, Canvas, Chart, Key, Point, finite, headed, label, line_axis, quantity
from netwright.study._report._chart_axes import FEW, axis_of, cut_notes

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.strategy import Objective
    from netwright.study._records import Trial

__all__ = ["MOST_POINTS", "Context", "history", "scatter", "thinned"]

MOST_POINTS = 700
"""Trials in one chart; beyond them the page grows and the eye gains nothing."""

_ORIGIN_SYMBOLS = ("ring", "triangle", "square", "diamond", "plus")


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
    across, up = axis_of(x, known, main), axis_of(y, placed, main)
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
    notes = [*_scatter_notes(shown, known, placed, joined, unplaced), *cut_notes([across, up])]
    title = headed(f"{label(y.metric)} against {label(x.metric)}")
    description = (
        f"{title}: {counted(len(placed), 'trial')}, {len(main)} on the front. The table of trials has the values."
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
    y = axis_of(objective, complete, ())
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
    notes = (*_thin_notes(shown, complete, "every new best"), *cut_notes([y]))
    title = headed(f"{label(objective.metric)} over {'time' if by_time else 'trials'}")
    best = quantity(objective.metric, path[-1][1])
    description = f"{title}: the best of {counted(len(complete), 'trial')} reaches {best}."
    return Chart(title, canvas.svg(description), tuple(keys), notes)


def _has(trial: Trial, metric: str) -> bool:
    return finite(trial.values.get(metric)) is not None


def _passage(told: Sequence[Trial], by_time: bool) -> tuple[dict[int, float], Axis]:
    """Where each trial stands in the course of the search, and the axis of that."""
    if not by_time:
        places = {trial.number: float(i) for i, trial in enumerate(told, 1)}
        return places, line_axis("finished trials", 0.0, float(max(len(told), FEW)))
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
        notes.append(f"Not drawn: {counted(unplaced, 'trial')} that broke a limit before any measurement.")
    if not joined:
        notes.append("The front is over all objectives; seen in two of them alone, some of its points look beaten.")
    if len(placed) < len(known):
        notes.append(
            f"Ticks at the foot: {counted(len(known) - len(placed), 'trial')} that broke a limit before any training."
        )
    return notes


def _thin_notes(shown: Sequence[Trial], known: Sequence[Trial], kept: str) -> list[str]:
    if len(shown) == len(known):
        return []
    return [f"Drawn are {len(shown):,} of {counted(len(known), 'trial')}: {kept}, and the others at even steps."]


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
