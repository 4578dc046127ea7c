"""What a finished network costs and what targets say of it, and whether that keeps the limits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from netwright.cost import Limit, costs_of
from netwright.graph import Graph, simplify
from netwright.study._metrics import asked, is_told, on_target
from netwright.study._plan import Plan

if TYPE_CHECKING:
    from netwright.space import Design
    from netwright.study._records import Study
    from netwright.target import Estimate

__all__ = ["front_checks", "known_costs", "timing_of", "told_by_targets", "verdicts"]

FRONT_SECONDS = 10.0
"""Time in which the trials of the front are asked about again, beside the finalists."""


def told_by_targets(plan: Plan, graph: Graph, design: Design) -> dict[str, Estimate]:
    """What the targets that a study asks about say of an exported network, measured longer than in a search."""
    metrics = [on_target(name, plan.space) for name in asked(plan.spec) if is_told(name, plan.space)]
    return {metric.name: metric.careful().of(graph, design) for metric in metrics if metric is not None}


def timing_of(graph: Graph) -> dict[str, float]:
    """Latency of a network on this machine with its interval, in ms, whether or not a study asks for it."""
    from netwright.target import Here

    return dict(Here().careful().latency(graph).detail)


def known_costs(plan: Plan, design: Design, graph: Graph, told: Mapping[str, Estimate]) -> dict[str, float]:
    """Costs of an exported network by name, and what targets say of it."""
    limited = [limit.metric for limit in plan.spec.limits if plan.space.additive(limit.metric)]
    own = {name: plan.space.cost(name).of_design(design, graph) for name in limited if name not in told}
    return costs_of(graph) | own | {name: estimate.value for name, estimate in told.items()}


def verdicts(
    limits: Sequence[Limit],
    costs: Mapping[str, float],
    values: Mapping[str, float] = {},
    told: Mapping[str, Estimate] = {},
) -> list[dict[str, Any]]:
    """Each limit with the value it is held against, and whether it holds.

    Where a target told the value, also the interval of it, and whether that crosses the limit: such a network may
    break its limit, or keep one that it seems to break.
    """
    found: list[dict[str, Any]] = []
    for limit in limits:
        value = costs.get(limit.metric, values.get(limit.metric))
        found.append({"limit": str(limit), "value": value, "holds": value is not None and limit.holds(value)})
        if limit.metric in told:
            known = told[limit.metric]
            found[-1] |= {"low": known.low, "high": known.high, "crosses": known.crosses(limit)}
    return found


def front_checks(
    plan: Plan, study: Study, known: Mapping[int, list[dict[str, Any]]]
) -> dict[int, list[dict[str, Any]]]:
    """The limits of each trial of the front, by its number, held against what its targets say when asked again.

    known: those of trials that were asked before. A front that a target would measure for too long is asked about as
    far as the time goes, the best of the first objective first.
    """
    first, end = plan.spec.objectives[0], time.perf_counter() + FRONT_SECONDS
    found: dict[int, list[dict[str, Any]]] = {}
    for trial in sorted(study.front, key=lambda trial: first.sign * trial.values[first.metric]):
        if trial.number in known:
            found[trial.number] = known[trial.number]
        elif time.perf_counter() < end:
            graph = simplify(plan.space.network(trial.design))
            told = told_by_targets(plan, graph, trial.design)
            costs = known_costs(plan, trial.design, graph, told)
            found[trial.number] = verdicts(plan.spec.limits, costs, trial.values, told)
    return found
