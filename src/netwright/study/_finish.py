"""The end of a search: the best designs trained for longer, the winner tested once, measured again and exported."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cost import Limit, costs_of
from netwright.errors import StudyError
from netwright.graph import Graph, simplify
from netwright.study._metrics import LATENCY, asked, is_told, on_target
from netwright.study._plan import Plan, plan_of
from netwright.study._records import Study, Trial

if TYPE_CHECKING:
    from netwright.space import Design, Space
    from netwright.strategy import Objective
    from netwright.target import Estimate

__all__ = [
    "Candidate",
    "Finished",
    "Lengths",
    "finish",
    "ranked",
    "timing_of",
    "told_by_targets",
    "train_finally",
    "train_trial",
    "verdicts",
]

FINALISTS = 3
"""Best designs that are trained for longer before one of them wins."""
PROMOTED = 3
"""Epochs of a finalist, in multiples of a trial's."""
LONGER = 5
"""Epochs of the final training, in multiples of a trial's."""
SHARE = 0.5
"""Part of a search's time that its end may take on top; where it would take more, trainings are shortened."""
LEAST = 60.0
"""Seconds that the end may take in any case."""
Say = Callable[[str], None]


@dataclass
class Candidate:
    """A design that was trained to the end: its network with weights, and all that is known of it."""

    design: Design
    graph: Graph
    metrics: dict[str, dict[str, float]]
    costs: dict[str, float]
    latency: dict[str, float] | None
    limits: list[dict[str, Any]]
    trial: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    epochs: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    estimates: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every limit holds, as measured again."""
        return all(entry["holds"] for entry in self.limits)

    def to_json(self) -> dict[str, Any]:
        """The candidate without its graph."""
        return {k: dict(v) if isinstance(v, Mapping) else v for k, v in vars(self).items() if k != "graph"}


@dataclass(frozen=True)
class Finished:
    """What the end of a search gave: the winner, and candidates whose limits did not hold when measured again."""

    winner: Candidate | None
    broken: list[dict[str, Any]]
    finalists: list[dict[str, Any]]
    seconds: float


def finish(plan: Plan, study: Study, lengths: Lengths, say: Say = lambda text: None) -> Finished:
    """Choose, train and test the winner of a search on a task.

    The best designs of the front are measured again; those whose limits no longer hold are set aside and reported.
    The others are trained for longer on the training part, compared on the validation part, and the best is trained
    on both and tested once.
    """
    started = time.perf_counter()
    ready, broken = _checked(plan, study, say)
    if not ready or plan.task is None:
        return Finished(None, broken, [], time.perf_counter() - started)
    scores = [_promoted(plan, trial, graph, lengths.promoted, say) for trial, graph, *_ in ready]
    best = min(range(len(ready)), key=lambda i: _rank(scores[i], plan.spec.objectives[0]))
    trial, graph, told, checks = ready[best]
    say(f"training the winner, trial {trial.number}, on all but the test part")
    winner = train_finally(plan, trial.design, graph, lengths.final, trial.seed)
    winner.trial, winner.metrics["valid"] = trial.number, scores[best]
    winner.estimates = {name: estimate.to_json() for name, estimate in told.items()}
    winner.latency = dict(told[LATENCY].detail) if LATENCY in told else timing_of(graph)
    winner.costs = known_costs(plan, trial.design, graph, told) | {LATENCY: winner.latency["median_ms"]}
    winner.limits = checks
    finalists = [
        {"trial": entry[0].number, "valid": score, "values": dict(entry[0].values)}
        for entry, score in zip(ready, scores, strict=True)
    ]
    return Finished(winner, broken, finalists, time.perf_counter() - started)


_Ready = tuple[Trial, Graph, dict[str, "Estimate"], list[dict[str, Any]]]


def _checked(plan: Plan, study: Study, say: Say) -> tuple[list[_Ready], list[dict[str, Any]]]:
    """The best trials whose limits hold when their targets are asked again, and those before them that broke one."""
    ready: list[_Ready] = []
    broken: list[dict[str, Any]] = []
    for trial in ranked(study):
        if len(ready) == FINALISTS:
            break
        say(f"measuring trial {trial.number} again")
        graph = simplify(plan.space.network(trial.design))
        told = told_by_targets(plan, graph, trial.design)
        checks = verdicts(plan.spec.limits, known_costs(plan, trial.design, graph, told), trial.values, told)
        if all(check["holds"] for check in checks):
            ready.append((trial, graph, told, checks))
        else:
            broken.append({"trial": trial.number, "limits": checks})
    return ready, broken


@dataclass(frozen=True)
class Lengths:
    """Epochs of the trainings at the end of a search.

    seconds: that the end should take. per_mac: seconds of an epoch for each MAC of the network, the median over the
    trials; 0 when unknown.
    """

    final: int
    promoted: int
    seconds: float = LEAST
    per_mac: float = 0.0

    def too_long(self, macs: float) -> bool:
        """Whether the final training of a network would take twice the time that the whole end should."""
        return self.per_mac * macs * self.final > 2 * self.seconds

    @classmethod
    def of(cls, plan: Plan, study: Study, epochs: int | None) -> Lengths:
        """The usual multiples of a trial's epochs, shortened where they would take too long.

        The time of an epoch is the median over the trials. epochs: of the final training, where the user says so.
        """
        short = int(plan.spec.options["epochs"])
        trials = study.of_state("complete")
        costs = sorted(trial.cost for trial in trials)
        if epochs is not None or not costs:
            return cls(epochs or LONGER * short, epochs or PROMOTED * short)
        allowed = max(LEAST, SHARE * study.elapsed)
        wanted = (FINALISTS * PROMOTED + LONGER) * costs[len(costs) // 2]
        scale = min(1.0, allowed / wanted)
        rates = sorted(t.cost / short / t.values["macs"] for t in trials if t.values.get("macs"))
        return cls(
            max(2 * short, round(LONGER * short * scale)),
            max(short, round(PROMOTED * short * scale)),
            allowed,
            rates[len(rates) // 2] if rates else 0.0,
        )


def ranked(study: Study) -> list[Trial]:
    """Complete trials, best in the first objective first."""
    first = study.spec.objectives[0]
    return sorted(study.of_state("complete"), key=lambda t: (first.sign * t.values[first.metric], t.number))


def train_finally(plan: Plan, design: Design, graph: Graph, epochs: int, seed: int) -> Candidate:
    """Train a network on training and validation part, and test it once."""
    from netwright.io import to_module, weights_of
    from netwright.quality import Recipe, evaluate, train

    assert plan.task is not None
    module = to_module(graph, seed=seed)
    chosen = dict(plan.space.recipe(design))
    length = int(chosen.pop("epochs", 0) or 0) * LONGER or epochs
    recipe = Recipe.from_mapping({**chosen, "epochs": length, "seed": seed})
    result = train(module, (plan.task.development(), None), recipe, threads=1, graph=graph)
    tested = evaluate(module, plan.task.test)
    trained = graph.with_weights(weights_of(module, graph))
    costs = known_costs(plan, design, graph, {})
    return Candidate(
        design, trained, {"test": tested}, costs, None, [], recipe=chosen, epochs=length, history=result.history
    )


def train_trial(
    study: Study, trial: Trial, *, space: Space | None = None, task: Any = None, epochs: int | None = None
) -> Candidate:
    """Train the network of any trial as a winner is trained: on all but the test part, tested once.

    space, task: of the study, where the search got them as objects.
    epochs: in place of the usual multiple of a trial's.

    Raises StudyError when the search evaluated with a function of its own, which has no task to train on.
    """
    plan = plan_of(study.spec, space=space, task=task)
    if plan.task is None:
        raise StudyError("only a search on a task can train a trial again, but this one evaluated with a function.")
    length = epochs or LONGER * int(study.spec.options.get("epochs", 1))
    return train_finally(plan, trial.design, simplify(plan.space.network(trial.design)), length, trial.seed)


def _promoted(plan: Plan, trial: Trial, graph: Graph, epochs: int, say: Say) -> dict[str, float]:
    from netwright.io import to_module
    from netwright.quality import Recipe, train

    say(f"training finalist {trial.number} for {epochs} epochs")
    assert plan.task is not None
    chosen = {k: v for k, v in plan.space.recipe(trial.design).items() if k != "epochs"}
    recipe = Recipe.from_mapping({**chosen, "epochs": epochs, "seed": trial.seed})
    return train(to_module(graph, seed=trial.seed), plan.task, recipe, threads=1, graph=graph).metrics


def _rank(metrics: Mapping[str, float], objective: Objective) -> tuple[float, float]:
    """Smaller is better: the objective, where it is a metric of the training, then the loss."""
    value = metrics.get(objective.metric)
    return (0.0 if value is None else objective.sign * value, metrics.get("loss", 0.0))


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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(json.dumps(content, indent=2, default=_plain) + "\n", encoding="utf-8")
    draft.replace(path)


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    return dict(value) if isinstance(value, Mapping) else str(value)
