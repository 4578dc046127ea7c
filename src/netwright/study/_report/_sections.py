"""What each section of a report says, as plain values for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from netwright._count import plural
from netwright._page import Chart, count, finite, headed, label, quantity
from netwright.errors import NetwrightError
from netwright.study._report import _charts as charts
from netwright.study._report._trial_charts import Context, history, scatter
from netwright.study._report._words import interval_of, share

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.space import Histogram, Space
    from netwright.strategy import Objective
    from netwright.study._records import Study, Trial

__all__ = [
    "between",
    "dig",
    "first_line",
    "headline",
    "headline_metric",
    "learning",
    "search_charts",
    "space_section",
    "told_metrics",
    "trial_words",
]

_OTHER_ENDS = {"running": "still running", "duplicate": "repeats of a network", "pruned": "stopped early"}


def dig(values: Any, *path: str) -> Any:
    """What stands at a path of nested mappings, or None.

    >>> dig({"a": {"b": 1}}, "a", "b"), dig({"a": None}, "a", "b")
    (1, None)
    """
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def headline_metric(study: Study, metrics: Mapping[str, Any]) -> str | None:
    """The metric that speaks for a network: the first objective that was tested, else the first tested metric."""
    wanted = [objective.metric for objective in study.spec.objectives]
    return next((name for name in (*wanted, *metrics) if finite(metrics.get(name)) is not None), None)


def headline(result: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """The winner in a few numbers, and whether the limits hold."""
    winner = result.get("winner")
    counts = {state: len(study.of_state(state)) for state in ("complete", "infeasible", "failed")}
    counts |= {state: len(study.of_state(state)) for state in _OTHER_ENDS}  # type: ignore[arg-type]
    ends = [f"{number:,} {_OTHER_ENDS.get(state, state)}" for state, number in counts.items() if number]
    said: dict[str, Any] = {
        "trials": len(study.trials),
        "ends": ", ".join(ends) or "none yet",
        "tiles": [],
        "limits": [],
    }
    said["broken"] = _broken(result.get("broken") or ())
    if not winner:
        return {**said, "winner": None, "best": _best_words(study)}
    trial = next((t for t in study.trials if t.number == winner.get("trial")), None)
    return {
        **said,
        "winner": winner.get("trial"),
        "origin": trial.origin if trial is not None else "",
        "epochs": winner.get("epochs"),
        "tested": bool(dig(winner, "metrics", "test")),
        "tiles": [*_metric_tiles(result, study), *_cost_tiles(winner)],
        "limits": [_limit_row(row) for row in winner.get("limits") or ()],
    }


def search_charts(result: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """The front, once for each further objective, and the history over trials and over time."""
    objectives, winner = study.spec.objectives, dig(result, "winner", "trial")
    first = objectives[0]
    metrics = told_metrics(study)
    context = Context(winner, lambda trial: trial_words(trial, metrics))
    fronts = []
    for x in objectives[1:] or _cost_objective(study, first):
        alone = len(objectives) == 1
        members = _front(study.trials, (first, x)) if alone else study.front
        joined, limits = len(objectives) <= 2, study.spec.limits
        fronts.append(scatter(study.trials, first, x, context, front=members, joined=joined, limits=limits))
    over = {name: history(study.trials, first, context, by_time=name == "time") for name in ("trials", "time")}
    return {
        "fronts": [chart for chart in fronts if chart is not None],
        "history": over,
        "front": _front_rows(result, study),
    }


def trial_words(trial: Trial, metrics: Sequence[str]) -> str:
    """A trial in a few lines: what it is, where it came from, its values."""
    made = trial.origin or "made"
    made += f" of {', '.join(map(str, trial.parents))}" if trial.parents else ""
    values = [f"{label(name)} {quantity(name, trial.values[name])}" for name in metrics if name in trial.values]
    ending = [] if trial.state == "complete" else [first_line(trial.error or trial.state)[:160]]
    return "\n".join([f"Trial {trial.number}, {made}", *values, *ending])


def told_metrics(study: Study, most: int = 6) -> list[str]:
    """Metrics worth a column: objectives, limited ones, then the usual costs that some trial has."""
    wanted = [objective.metric for objective in study.spec.objectives]
    wanted += [limit.metric for limit in study.spec.limits]
    known = {name for trial in study.trials for name in trial.values}
    extra = [name for name in ("params", "macs") if name in known]
    return list(dict.fromkeys([*wanted, *extra]))[:most]


def space_section(space: Space | None, result: Mapping[str, Any], study: Study) -> dict[str, Any]:
    """Exact histograms of the limited additive costs, else of params and macs, and what they say."""
    if space is None:
        return {
            "size": None,
            "costs": [],
            "several": False,
            "faults": ["The space was not at hand when this page was written."],
        }
    limited = {limit.metric: limit for limit in study.spec.limits}
    names = [name for name in dict.fromkeys([*limited, "params", "macs"]) if space.additive(name)][:4]
    found: list[dict[str, Any]] = []
    faults: list[str] = []
    total = None
    for name in names:
        try:
            histogram = space.histogram(name)
        except NetwrightError as error:
            faults.append(f"{label(name)}: {error}")
            continue
        total = histogram.total
        winner = finite(dig(result, "winner", "costs", name))
        chart = charts.space_costs(histogram, limited.get(name), winner)
        found.append({"chart": chart, "words": _space_words(histogram, limited.get(name), winner)})
    return {
        "size": None if total is None else count(total),
        "digits": None if total is None else f"{total:,}",
        "costs": found,
        "several": sum(name in limited for name in names) > 1,
        "faults": faults,
    }


def within(histogram: Histogram, limit: Limit) -> tuple[Fraction, Fraction]:
    """Share of all designs that keep a limit: bounds from below and above, equal where the histogram is exact."""
    low = -float("inf") if limit.low is None else limit.low
    high = float("inf") if limit.high is None else limit.high
    sure = possible = 0
    for cost, number in zip(histogram.costs, histogram.counts, strict=True):
        least, most = cost - histogram.below, cost + histogram.above
        sure += number if least >= low and most <= high else 0
        possible += number if most >= low and least <= high else 0
    return Fraction(sure, histogram.total), Fraction(possible, histogram.total)


def learning(epochs: Sequence[Mapping[str, Any]], study: Study) -> list[Chart]:
    """Learning curves of the final training."""
    known = dict.fromkeys(name for epoch in epochs for name in epoch)
    losses = [name for name in known if "loss" in name]
    wanted = [objective.metric for objective in study.spec.objectives]
    others = [name for name in (*wanted, "accuracy", "train_accuracy", "r2") if name in known]
    found = [charts.curves(epochs, losses, "loss")]
    found += [charts.curves(epochs, [name], label(name)) for name in dict.fromkeys(others)]
    return [chart for chart in found if chart is not None][:4]


def _metric_tiles(result: Mapping[str, Any], study: Study) -> list[dict[str, str]]:
    split = "test" if dig(result, "winner", "metrics", "test") else "valid"
    metrics = dig(result, "winner", "metrics", split) or {}
    metric = headline_metric(study, metrics)
    if metric is None:
        return []
    n = dig(result, "task", "sizes", split)
    bounds = interval_of(metrics, metric, n)
    if split == "valid":
        detail = "on the data the search looked at; no test part was kept apart"
    elif bounds is not None:
        detail = f"95 % interval {between(metric, bounds)}, on {n:,} test examples"
    else:
        detail = f"on {n:,} test examples" if isinstance(n, int) else "on the test part"
    name = f"{split if split == 'test' else 'validation'} {label(metric)}"
    return [{"name": name, "value": quantity(metric, metrics[metric]), "detail": detail, "kind": "main"}]


def _cost_tiles(winner: Mapping[str, Any]) -> list[dict[str, str]]:
    costs, latency = winner.get("costs") or {}, winner.get("latency") or {}
    tiles = [
        {"name": label(name), "value": quantity(name, costs[name]), "detail": detail, "kind": ""}
        for name, detail in (
            ("params", "trainable weights"),
            ("macs", "multiply-adds for one example"),
        )
        if finite(costs.get(name)) is not None
    ]
    if finite(latency.get("median_ms")) is not None:
        runs = latency.get("runs", "several")
        detail = f"median of {runs} {plural(runs, 'run')}"
        if finite(latency.get("low_ms")) is not None and finite(latency.get("high_ms")) is not None:
            bounds = float(latency["low_ms"]), float(latency["high_ms"])
            detail = f"95 % interval {between('latency_ms', bounds)}, {detail}"
        value = quantity("latency_ms", latency["median_ms"])
        tiles.append({"name": "latency on this machine", "value": value, "detail": detail, "kind": ""})
    return tiles


def between(metric: str, bounds: tuple[float, float]) -> str:
    """Both ends of an interval, the unit once.

    >>> between("accuracy", (0.97, 0.99)), between("latency_ms", (0.25, 0.5))
    ('97.00–99.00 %', '0.25–0.50 ms')
    """
    (low, unit), (high, other) = (quantity(metric, end).partition(" ")[::2] for end in bounds)
    if unit != other:
        return f"{low} {unit}–{high} {other}"
    # Equally many decimals, as in 0.46–0.50: a zero at the end is a digit that was measured.
    low, high = (_padded(text, max(_decimals(low), _decimals(high))) for text in (low, high))
    return f"{low}–{high} {unit}".strip()


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _padded(text: str, decimals: int) -> str:
    missing = decimals - _decimals(text)
    return text + ("." if missing and "." not in text else "") + "0" * missing


def _broken(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Trials that were set aside at the end, each with what it broke when measured again."""
    said = []
    for row in rows[:6]:
        failed = [_limit_row(limit) for limit in row.get("limits") or () if not limit.get("holds")]
        faults = " and ".join(f"{limit['limit']} with {limit['value']}" for limit in failed)
        said.append(f"trial {row.get('trial')} ({faults})")
    return said + [f"{len(rows) - 6} more"] * (len(rows) > 6)


def _limit_row(row: Mapping[str, Any]) -> dict[str, Any]:
    metric = _metric_in(str(row.get("limit", "")))
    value = quantity(metric, row.get("value"))
    if row.get("crosses") and finite(row.get("low")) is not None and finite(row.get("high")) is not None:
        value += f", not for sure: between {between(metric, (row['low'], row['high']))}"
    return {"limit": row.get("limit"), "value": value, "holds": bool(row.get("holds"))}


def _in_doubt(limits: Sequence[Mapping[str, Any]]) -> list[str]:
    """Limits that a trial breaks, or may break, when its targets are asked again."""
    rows = [_limit_row(row) for row in limits if row.get("crosses") or not row.get("holds")]
    return [f"{row['limit']}: {row['value']}{'' if row['holds'] else ', BROKEN'}" for row in rows]


def _metric_in(limit: str) -> str:
    from netwright.cost import Limit

    try:
        return Limit.parse(limit).metric
    except NetwrightError:
        return ""


def _best_words(study: Study) -> str | None:
    if not study.front:
        return None
    return trial_words(study.best, told_metrics(study)).replace("\n", " · ")


def _cost_objective(study: Study, first: Objective) -> list[Objective]:
    from netwright.strategy import Objective

    known = [*(limit.metric for limit in study.spec.limits), "params", "macs", "flops"]
    had = {name for trial in study.trials for name, value in trial.values.items() if finite(value) is not None}
    found = next((name for name in known if name in had and name != first.metric), None)
    return [Objective(found, "minimize")] if found else []


def _front(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    from netwright.study._records import front

    metrics = [objective.metric for objective in objectives]
    return front([t for t in trials if all(finite(t.values.get(m)) is not None for m in metrics)], objectives)


def _front_rows(result: Mapping[str, Any], study: Study) -> dict[str, Any]:
    metrics = told_metrics(study)
    limits = {entry.get("trial"): entry.get("limits") or () for entry in result.get("front") or ()}
    rows = [
        (
            trial.number,
            [quantity(name, trial.values.get(name)) for name in metrics],
            _in_doubt(limits.get(trial.number, ())),
        )
        for trial in study.front[:30]
    ]
    return {"metrics": [label(name) for name in metrics], "rows": rows, "total": len(study.front)}


def _space_words(histogram: Histogram, limit: Limit | None, winner: float | None) -> list[str]:
    words = []
    if limit is not None:
        low, high = within(histogram, limit)
        found = share(low, high)
        held = int(low * histogram.total)
        number = f" ({count(held)} {plural(held, 'design')})" if low == high else ""
        words.append(f"{headed(found)} of all {count(histogram.total)} designs are within {limit}{number}.")
    if winner is not None:
        low, high = histogram.cdf(winner)
        words.append(f"{headed(share(low, high))} of all designs need no more than the winner.")
    middle = quantity(histogram.cost, histogram.quantile(0.5))
    words.append(
        f"Least {quantity(histogram.cost, histogram.smallest)}, median {middle}, "
        f"most {quantity(histogram.cost, histogram.largest)}."
    )
    if not histogram.exact:
        words.append(
            "Every design is counted; costs are rounded to a grid here, by at most "
            f"{quantity(histogram.cost, max(histogram.below, histogram.above))}."
        )
    return words


def first_line(text: str) -> str:
    """First line of a text that may be empty."""
    return (text.strip().splitlines() or [""])[0]
