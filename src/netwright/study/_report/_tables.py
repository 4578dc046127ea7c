"""The tables of a report: baselines, the design, the trials, the failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netwright._page import duration, finite, label, quantity
from netwright.study._report import _charts as charts
from netwright.study._report._sections import between, dig, first_line, headline_metric, told_metrics
from netwright.study._report._trial_charts import thinned
from netwright.study._report._words import difference, interval_of, proportion

if TYPE_CHECKING:
    from netwright.strategy import Objective
    from netwright.study._records import Study, Trial

__all__ = ["baselines", "design_rows", "failures", "trial_table"]

_TABLE_ROWS = 400
_REASONS = 40


def baselines(result: Mapping[str, Any], study: Study) -> dict[str, Any] | None:
    """The winner beside its baselines, with what the difference in the test result is worth."""
    winner, rows = result.get("winner"), result.get("baselines") or ()
    if not winner or not rows:
        return None
    tested = dig(winner, "metrics", "test") or {}
    metric = headline_metric(study, tested)
    n = dig(result, "task", "sizes", "test")
    costs = [name for name in ("params", "macs") if dig(winner, "costs", name)]
    costs += [name for name in winner.get("costs") or {} if name.startswith("latency_ms")][:1]
    winner_row = {
        **winner,
        "name": "winner",
        "seconds": dig(result, "seconds", "search"),
        "trials": dig(result, "trials", "total"),
    }
    lines = [_baseline_line(row, winner_row, metric, costs, n, study) for row in (winner_row, *rows)]
    dots = [line["dot"] for line in lines if line["dot"] is not None]
    objective = _objective_of(metric, study) if metric else None
    return {
        "metric": label(metric) if metric else "test result",
        "costs": [label(name) for name in costs],
        "lines": lines,
        "chart": charts.intervals(dots, objective) if objective else None,
        "sized": metric is not None and proportion(metric, tested.get(metric), n),
    }


def design_rows(design: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Decisions by the place they are made at.

    >>> design_rows({"stem.channels": 8, "stage.0.kernel": 3, "stage.0.expand": 2, "depth": 1})
    [('stem', [('channels', 8)]), ('stage.0', [('kernel', 3), ('expand', 2)]), ('', [('depth', 1)])]
    """
    places: dict[str, list[tuple[str, Any]]] = {}
    for path, value in design.items():
        place, _, name = str(path).rpartition(".")
        places.setdefault(place, []).append((name, value))
    return list(places.items())


def trial_table(study: Study, winner: Any) -> dict[str, Any]:
    """Rows of the table of trials: all, or the front, the best and an even selection of many."""
    metrics = told_metrics(study)
    front = frozenset(trial.number for trial in study.front)
    first = study.spec.objectives[0]
    complete = [trial for trial in study.of_state("complete") if finite(trial.values.get(first.metric)) is not None]
    best = sorted(complete, key=lambda trial: first.sign * trial.values[first.metric])[: _TABLE_ROWS // 2]
    chosen = frozenset(trial.number for trial in best)
    rows = thinned(study.trials, frozenset({winner}), front, chosen, most=_TABLE_ROWS)
    return {
        "metrics": [label(name) for name in metrics],
        "total": len(study.trials),
        "rows": [_trial_row(trial, metrics, front, winner) for trial in rows],
    }


def failures(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """Reasons for which trials were not complete, the most frequent first."""
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        if trial.state in ("failed", "infeasible", "pruned"):
            # Infeasible trials say by how much; what they break is what they have in common.
            reason = first_line(trial.error or "no reason was recorded")
            key = "breaks " + reason.partition(" breaks ")[2] if " breaks " in reason else reason
            groups.setdefault((trial.state, key), []).append(trial)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0] != "failed", -len(item[1])))
    return [
        {
            "state": state,
            "reason": reason,
            "number": len(members),
            "trials": ", ".join(str(trial.number) for trial in members[:8]) + (" …" if len(members) > 8 else ""),
            "detail": next((t.error[:2000] for t in members if t.error and "\n" in t.error.strip()), ""),
        }
        for (state, reason), members in ordered[:_REASONS]
    ]


def _objective_of(metric: str, study: Study) -> Objective:
    from netwright.strategy import Objective

    known = {objective.metric: objective for objective in study.spec.objectives}
    down = any(word in metric for word in ("loss", "error", "rmse", "mae"))
    return known.get(metric, Objective(metric, "minimize" if down else "maximize"))


def _baseline_line(
    row: Mapping[str, Any], winner: Mapping[str, Any], metric: str | None, costs: Sequence[str], n: Any, study: Study
) -> dict[str, Any]:
    tested, reference = _tested(row), _tested(winner)
    value = finite(tested.get(metric)) if metric else None
    own = row is winner
    verdict = ("", "", "")
    if metric and value is not None and not own:
        verdict = _verdict(metric, float(reference[metric]), value, n, _objective_of(metric, study).sign)
        if row.get("design", "") == winner.get("design"):
            verdict = ("the winner itself", f"trained by another seed: {verdict[1]}", "open")
    bounds = interval_of(tested, metric, n) if metric else None
    name = str(row.get("name", "baseline"))
    return {
        "name": name,
        "winner": own,
        "value": quantity(metric, value) if metric else "—",
        "bounds": between(metric, bounds) if metric and bounds else "",
        "verdict": verdict[0],
        "why": verdict[1],
        "kind": verdict[2],
        "costs": [_ratio(metric_name, row, winner, own) for metric_name in costs],
        "seconds": duration(row.get("seconds")),
        "trials": row.get("trials") if row.get("trials") is not None else "—",
        "epochs": row.get("epochs") if row.get("epochs") is not None else "—",
        "dot": charts.Interval(name, value, bounds, own) if value is not None else None,
    }


def _tested(row: Mapping[str, Any]) -> Mapping[str, Any]:
    metrics = row.get("metrics") or {}
    tested = metrics.get("test", metrics)
    return tested if isinstance(tested, Mapping) else {}


def _verdict(metric: str, winner: float, other: float, n: Any, sign: int) -> tuple[str, str, str]:
    """What a difference is worth, the numbers behind it, and whether it speaks for or against the winner."""
    if not (proportion(metric, winner, n) and proportion(metric, other, n)):
        gain = sign * (other - winner)
        ahead = "winner ahead" if gain > 0 else "baseline ahead" if gain < 0 else "equal"
        return ahead, f"by {quantity(metric, abs(gain))}; no interval is known", "open"
    low, high = difference(winner, other, n)
    points = (
        f"{100 * (winner - other):+.2f} points for the winner, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}"
    )
    if low <= 0 <= high:
        return "within noise", points, "open"
    return ("winner better", points, "good") if low > 0 else ("baseline better", points, "bad")


def _ratio(name: str, row: Mapping[str, Any], winner: Mapping[str, Any], own: bool) -> dict[str, str]:
    value, reference = finite(dig(row, "costs", name)), finite(dig(winner, "costs", name))
    times = f"{value / reference:.2g}×" if value and reference and not own else ""
    return {"text": quantity(name, value), "times": times}


def _trial_row(trial: Trial, metrics: Sequence[str], front: frozenset[int], winner: Any) -> dict[str, Any]:
    mark = "★ winner" if trial.number == winner else "● front" if trial.number in front else ""
    values = [(quantity(name, trial.values.get(name)), finite(trial.values.get(name))) for name in metrics]
    return {
        "number": trial.number,
        "state": trial.state,
        "mark": mark,
        "origin": trial.origin,
        "parents": ", ".join(map(str, trial.parents)),
        "values": values,
        "seconds": f"{trial.cost:.2f}",
        "error": first_line(trial.error or (f"same network as {trial.copy_of}" if trial.copy_of is not None else ""))[
            :120
        ],
    }
