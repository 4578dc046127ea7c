"""What a search found as plain JSON: the content of result.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from netwright.study._finish import Finished
from netwright.study._plan import Plan
from netwright.study._records import STATES, Study, Trial

__all__ = ["summarise"]

VERSION = 1
REASONS = 5
"""Most reasons of failures that are named; the store has that of every trial."""


def summarise(
    plan: Plan,
    study: Study,
    finished: Finished,
    compared: Sequence[Mapping[str, Any]],
    seconds: Mapping[str, float],
    paths: Mapping[str, str],
) -> dict[str, Any]:
    """The content of result.json; its keys are documented in docs/cli.md."""
    return {
        "version": VERSION,
        "folder": str(study.folder),
        "space": _space(plan),
        "task": _task(plan),
        "seed": study.spec.seed,
        "strategy": study.spec.strategy["name"],
        "objectives": [str(objective) for objective in study.spec.objectives],
        "limits": [str(limit) for limit in study.spec.limits],
        "trials": {"total": len(study.trials), **{state: len(study.of_state(state)) for state in STATES}},
        "seconds": dict(seconds),
        "winner": None if finished.winner is None else finished.winner.to_json(),
        "broken": finished.broken,
        "finalists": finished.finalists,
        "front": [_on_the_front(trial, finished) for trial in study.front],
        "failures": _failures(study),
        "infeasible": _infeasible(study),
        "baselines": list(compared),
        "paths": dict(paths),
        "environment": dict(study.environment),
    }


def _space(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.space.name,
        "designs": str(plan.space.size()),
        "input": [list(tensor.shape[1:]) for tensor in plan.space.inputs.values()],
    }


def _task(plan: Plan) -> dict[str, Any]:
    task = plan.task
    if task is None:
        function = {"name": str(plan.spec.task.get("function")), "kind": "function"}
        return {**function, "input_shape": None, "classes": None, "note": "", "sizes": {}}
    return {
        "name": task.name,
        "kind": task.kind,
        "input_shape": list(task.input_shape),
        "classes": task.classes,
        "note": task.note,
        "sizes": dict(task.sizes),
    }


def _on_the_front(trial: Trial, finished: Finished) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "design": dict(trial.design),
        "values": dict(trial.values),
        "limits": finished.front.get(trial.number),
    }


def _failures(study: Study) -> list[dict[str, Any]]:
    """Why trials failed, the most frequent reason first."""
    reasons = Counter(trial.error or "" for trial in study.of_state("failed"))
    return [{"error": reason, "trials": number} for reason, number in reasons.most_common(REASONS)]


def _infeasible(study: Study) -> list[dict[str, Any]]:
    """The limits that infeasible trials broke, each with the value that came nearest to it."""
    told = []
    for limit in study.spec.limits:
        values = [t.values[limit.metric] for t in study.of_state("infeasible") if limit.metric in t.values]
        broken = [value for value in values if not limit.holds(value)]
        if broken:
            told.append({"limit": str(limit), "trials": len(broken), "nearest": min(broken, key=limit.violation)})
    return told
