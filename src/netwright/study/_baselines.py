"""Honest baselines: random search at equal cost, and the largest designs that the limits allow."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.errors import NetwrightError
from netwright.graph import simplify
from netwright.study._budget import Budget
from netwright.study._checks import timing_of
from netwright.study._deadline import Deadline
from netwright.study._finish import ranked
from netwright.study._loop import run_loop, start
from netwright.study._metrics import LATENCY
from netwright.study._plan import Plan
from netwright.study._processes import ProcessExecutor
from netwright.study._records import Study, StudySpec
from netwright.study._store import Store
from netwright.study._trainings import Lengths, pace_of, pace_on_all, train_finally

if TYPE_CHECKING:
    from netwright.space import Design

__all__ = ["Baseline", "baselines", "random_search"]

FOLDER = "random"


def random_spec(spec: StudySpec) -> StudySpec:
    """The same study asked of random search alone, with another seed."""
    options = {name: value for name, value in spec.options.items() if name != "largest"}
    return replace(spec, strategy={"name": "random"}, seed=spec.seed + 1, options=options)


def random_search(plan: Plan, folder: Path, budget: Budget, workers: int = 1) -> None:
    """Random search within a budget, or go on with it where it was begun."""
    spec = replace(random_spec(plan.spec), budget=budget)
    executor = ProcessExecutor(workers) if workers > 1 else None
    with suppress(NetwrightError, KeyboardInterrupt):
        if (folder / FOLDER).exists():
            with Store.open(folder / FOLDER) as store:
                run_loop(store, plan.parts(spec), executor=executor, progress=False)
        else:
            start(folder / FOLDER, spec, plan.parts(spec), executor=executor, progress=False)


@dataclass(frozen=True)
class Baseline:
    """A design to be trained like the winner.

    pace: seconds that an epoch on all but the test part should take. said: what the report tells of it besides.
    """

    names: tuple[str, ...]
    design: Design
    seed: int
    pace: float
    said: Mapping[str, Any]


def baselines(plan: Plan, study: Study, lengths: Lengths, until: Deadline) -> Iterator[dict[str, Any]]:
    """The best of random search and the largest designs, each trained and tested like the winner, one by one.

    Each has an equal part of the time until the deadline, and its result says how many epochs that was.
    """
    found = _that_fit(_found(plan, study, lengths), lengths, until)
    for number, entry in enumerate(found):
        turn = until.part(1 / (len(found) - number))
        epochs = turn.epochs(lengths.own(plan, entry.design).final, entry.pace)
        if not epochs:
            continue
        # A baseline that cannot be trained is missing from the report; it must not take the result with it.
        with suppress(NetwrightError):
            result = _trained(plan, entry, epochs, turn)
            yield from ({"name": name, **result} for name in entry.names)


def _that_fit(found: Sequence[Baseline], lengths: Lengths, until: Deadline) -> list[Baseline]:
    """Baselines of which each can have the epochs of a trial at least; the slowest are left out first, but one."""
    kept = list(found)
    while len(kept) > 1:
        slowest = max(kept, key=lambda entry: entry.pace)
        if until.part(1 / len(kept)).epochs(lengths.short, slowest.pace) >= lengths.short:
            break
        kept.remove(slowest)
    return kept


def _found(plan: Plan, study: Study, lengths: Lengths) -> list[Baseline]:
    """The baselines there are; a design that is the largest in both ways is one."""
    found: list[Baseline] = []
    chance = _study_of(study.folder / FOLDER)
    if chance is not None and chance.of_state("complete"):
        best = ranked(chance)[0]
        said = {"trials": len(chance.trials), "searched": chance.elapsed, "best": dict(best.values)}
        pace = pace_on_all(plan, pace_of(plan, best, lengths))
        found.append(Baseline(("random search at equal cost",), best.design, best.seed, pace, said))
    for design, names in plan.largest:
        pace = pace_on_all(plan, _expected_pace(plan, study, design, lengths))
        found.append(Baseline(tuple(names), design, plan.spec.seed, pace, {"trials": 1}))
    return found


def _expected_pace(plan: Plan, study: Study, design: Design, lengths: Lengths) -> float:
    """Seconds an epoch of a design should take on the training part: those of the trial nearest to it in MACs."""

    def macs(of: Design) -> float:
        return max(plan.space.costs(of, ["macs"])["macs"], 1.0)

    own = macs(design)
    nearest = min(study.of_state("complete"), key=lambda trial: abs(math.log(own / macs(trial.design))))
    return pace_of(plan, nearest, lengths) * max(1.0, own / macs(nearest.design))


def _study_of(folder: Path) -> Study | None:
    try:
        with Store.open(folder) as store:
            return store.study()
    except NetwrightError:
        return None


def _trained(plan: Plan, entry: Baseline, epochs: int, until: Deadline) -> dict[str, Any]:
    started = time.perf_counter()
    graph = simplify(plan.space.network(entry.design))
    candidate = train_finally(plan, entry.design, graph, epochs, entry.seed, until.keep_on)
    latency = timing_of(graph)
    return {
        "design": dict(entry.design),
        "metrics": candidate.metrics["test"],
        "costs": {**candidate.costs, LATENCY: latency["median_ms"]},
        "epochs": candidate.epochs,
        "seconds": time.perf_counter() - started,
        **entry.said,
    }
