"""The end of a search: finalists measured again and compared, the winner trained on all but the test part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netwright._count import counted
from netwright.graph import Graph, simplify
from netwright.study._checks import front_checks, known_costs, timing_of, told_by_targets, verdicts
from netwright.study._deadline import Deadline
from netwright.study._metrics import LATENCY
from netwright.study._plan import Plan
from netwright.study._records import Study, Trial
from netwright.study._trainings import Candidate, Lengths, pace_of, pace_on_all, train_finalist, train_finally

if TYPE_CHECKING:
    from netwright.strategy import Objective
    from netwright.target import Estimate

__all__ = ["Finished", "Say", "finish", "ranked", "time_for_the_end"]

FINALISTS = 3
"""Best designs that are trained for longer before one of them wins."""
SHARE = 0.45
"""Part of a search's time that its end may take on top; where it would take more, trainings are shortened."""
LEAST = 60.0
"""Seconds that the end may take in any case."""
COMPARING = 0.4
"""Part of the time for the trainings in which finalists are compared; the final training has the rest."""
TELLING = 1.5
"""Epochs of a finalist, in multiples of a trial's, below which its training would tell nothing new."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Finished:
    """What the end of a search gave: the winner, and candidates whose limits did not hold when measured again.

    front: the limits of its trials by number, held against what the targets say when asked again.
    """

    winner: Candidate | None
    broken: list[dict[str, Any]]
    finalists: list[dict[str, Any]]
    seconds: float
    front: Mapping[int, list[dict[str, Any]]]


@dataclass(frozen=True)
class Ready:
    """A trial whose limits hold when its targets are asked again."""

    trial: Trial
    graph: Graph
    told: Mapping[str, Estimate]
    limits: list[dict[str, Any]]


@dataclass(frozen=True)
class Finalist:
    """A trial that may win: its metrics after a longer training, where it had one, and its pace in that."""

    ready: Ready
    metrics: Mapping[str, float]
    pace: float
    epochs: int = 0

    def rank(self, objective: Objective) -> tuple[float, float]:
        """Smaller is better: the objective, then the loss, each the mean over the trial and the longer training."""
        both = [self.ready.trial.values, self.metrics]
        return objective.sign * _mean(both, objective.metric), _mean(both, "loss")

    def to_json(self) -> dict[str, Any]:
        """The finalist as `result.json` tells it."""
        trial = self.ready.trial
        return {
            "trial": trial.number,
            "valid": dict(self.metrics),
            "epochs": self.epochs,
            "values": dict(trial.values),
        }


def time_for_the_end(study: Study, lengths: Lengths) -> Deadline:
    """When the end of a search that has just ended must be over: never where the user said how long it trains.

    What the last trial needed over the budget is taken from the time of the end.
    """
    if lengths.fixed:
        return Deadline.never()
    planned = min(study.elapsed, study.spec.budget.seconds or math.inf)
    return Deadline.after(max(LEAST, (1 + SHARE) * planned - study.elapsed))


def finish(plan: Plan, study: Study, lengths: Lengths, until: Deadline, say: Say = lambda text: None) -> Finished:
    """Choose, train and test the winner of a search on a task.

    The best designs are measured again; those whose limits no longer hold are set aside and reported. The others
    are trained for longer with another part of the data for validation, where there is time for it; the best on
    average over both parts is trained on all but the test part and tested once.

    until: when the trainings end.
    """
    started = time.perf_counter()
    ready, broken = _checked(plan, study, say)
    checked = {entry.trial.number: entry.limits for entry in ready} | {row["trial"]: row["limits"] for row in broken}
    front = front_checks(plan, study, checked) if plan.spec.limits else {}
    if not ready or plan.task is None:
        return Finished(None, broken, [], time.perf_counter() - started, front)
    finalists = _compared(plan, ready, lengths, until.part(COMPARING), say)
    best = min(finalists, key=lambda finalist: finalist.rank(plan.spec.objectives[0]))
    winner = _won(plan, best, lengths, until, say)
    told = [entry.to_json() for entry in finalists]
    return Finished(winner, broken, told, time.perf_counter() - started, front)


def _checked(plan: Plan, study: Study, say: Say) -> tuple[list[Ready], list[dict[str, Any]]]:
    """The best trials whose limits hold when their targets are asked again, and those before them that broke one."""
    ready: list[Ready] = []
    broken: list[dict[str, Any]] = []
    for trial in ranked(study):
        if len(ready) == FINALISTS:
            break
        say(f"measuring trial {trial.number} again")
        graph = simplify(plan.space.network(trial.design))
        told = told_by_targets(plan, graph, trial.design)
        checks = verdicts(plan.spec.limits, known_costs(plan, trial.design, graph, told), trial.values, told)
        if all(check["holds"] for check in checks):
            ready.append(Ready(trial, graph, told, checks))
        else:
            broken.append({"trial": trial.number, "limits": checks})
    return ready, broken


def _compared(plan: Plan, ready: list[Ready], lengths: Lengths, until: Deadline, say: Say) -> list[Finalist]:
    """The finalists after a longer training each, as many as there is time for; else the best trial as it is."""
    assert plan.task is not None
    paces = [pace_of(plan, entry.trial, lengths) for entry in ready]
    number, epochs = _number_and_epochs(paces, lengths, until)
    if number < 2:
        known = {name: value for name, value in ready[0].trial.values.items() if name in plan.task.metrics}
        return [Finalist(ready[0], known, paces[0])]
    # One small validation part was already looked at for every trial: a new one is not yet worn out.
    other = plan.task.refolded(plan.spec.seed)
    finalists: list[Finalist] = []
    for entry, pace in zip(ready[:number], paces, strict=False):
        if finalists and until.passed:
            break
        say(f"training finalist {entry.trial.number} for {counted(epochs, 'epoch')}")
        metrics, measured = train_finalist(plan, other, entry.trial, entry.graph, epochs, until.keep_on)
        finalists.append(Finalist(entry, metrics, max(pace, measured), epochs))
    return finalists


def _number_and_epochs(paces: list[float], lengths: Lengths, until: Deadline) -> tuple[int, int]:
    """How many finalists are trained for longer, and for how long, so that each has a training that tells more.

    >>> _number_and_epochs([1.0, 1.0, 1.0], Lengths(short=9), Deadline.after(100, clock=lambda: 0.0))
    (3, 27)
    >>> _number_and_epochs([1.0, 1.0, 1.0], Lengths(short=9), Deadline.after(40, clock=lambda: 0.0))
    (2, 17)
    >>> _number_and_epochs([1.0, 1.0, 1.0], Lengths(short=9), Deadline.after(20, clock=lambda: 0.0))
    (1, 0)
    """
    for number in range(len(paces), 1, -1):
        epochs = until.epochs(lengths.promoted, sum(paces[:number]))
        if lengths.fixed or epochs >= TELLING * lengths.short:
            return number, epochs
    return 1, 0


def _won(plan: Plan, best: Finalist, lengths: Lengths, until: Deadline, say: Say) -> Candidate:
    """The winner, trained for as long as there is time on training and validation part, and tested."""
    trial, graph, told = best.ready.trial, best.ready.graph, best.ready.told
    wanted = lengths.own(plan, trial.design).final
    epochs = max(1, until.epochs(wanted, pace_on_all(plan, best.pace)))
    say(f"training the winner, trial {trial.number}, on all but the test part for {counted(epochs, 'epoch')}")
    winner = train_finally(plan, trial.design, graph, epochs, trial.seed, until.keep_on)
    winner.trial, winner.metrics["valid"] = trial.number, dict(best.metrics)
    winner.estimates = {name: estimate.to_json() for name, estimate in told.items()}
    winner.latency = dict(told[LATENCY].detail) if LATENCY in told else timing_of(graph)
    winner.costs = known_costs(plan, trial.design, graph, told) | {LATENCY: winner.latency["median_ms"]}
    winner.limits = best.ready.limits
    return winner


def ranked(study: Study) -> list[Trial]:
    """Complete trials, best in the first objective first; the loss tells apart those that are equal in it."""
    first = study.spec.objectives[0]
    return sorted(
        study.of_state("complete"),
        key=lambda t: (first.sign * t.values[first.metric], t.values.get("loss", 0.0), t.number),
    )


def _mean(several: list[Mapping[str, float]], name: str) -> float:
    values = [each[name] for each in several if name in each]
    return sum(values) / len(values) if values else 0.0
