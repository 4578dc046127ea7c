"""Honest baselines: random search at equal cost, and the largest designs that the limits allow."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.cost import Limit
from netwright.errors import LimitError, NetwrightError
from netwright.graph import simplify
from netwright.study._budget import Budget
from netwright.study._finish import Candidate, ranked, timing_of, train_finally, verdicts
from netwright.study._loop import run_loop, start
from netwright.study._plan import Plan
from netwright.study._records import Study, StudySpec
from netwright.study._store import Store
from netwright.study._trial import LATENCY

if TYPE_CHECKING:
    from netwright.space import Design

__all__ = ["RandomSearch", "baselines", "largest_within"]

FOLDER = "random"
TRIES = 20
"""Largest designs that are measured before a limit that is not additive is taken to exclude them."""


def random_spec(spec: StudySpec) -> StudySpec:
    """The same study asked of random search, with another seed."""
    return replace(spec, strategy={"name": "random"}, seed=spec.seed + 1)


class RandomSearch:
    """Random search with the budget of a study, in a process beside it while the search runs.

    With a single core, or with a task or space that cannot be sent to another process, it runs after the search, for
    as long in seconds of evaluation as the search took.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder / FOLDER
        self._process: Any = None

    def begin(self) -> None:
        """Start beside the search where that is possible."""
        if (os.cpu_count() or 1) < 2 or self._plan.spec.budget.seconds is None:
            return
        try:
            pickle.dumps(self._plan)
        except Exception:  # whatever a user's own object raises: it then runs afterwards, in this process
            return
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_beside, args=(self._plan, self._folder), daemon=True)
        self._process.start()

    def stop(self) -> None:
        """End it; what it has committed stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()

    def end(self, study: Study) -> Study | None:
        """Wait for it, or run it now; None when it gave nothing."""
        if self._process is not None:
            self._process.join()
        else:
            spent = sum(trial.cost for trial in study.trials)
            with suppress(NetwrightError):
                _run(self._plan, self._folder, Budget(evaluation_seconds=spent))
        try:
            with Store.open(self._folder) as store:
                return store.study()
        except NetwrightError:
            return None


def _beside(plan: Plan, folder: Path) -> None:
    with suppress(NetwrightError, KeyboardInterrupt):
        _run(plan, folder, plan.spec.budget)


def _run(plan: Plan, folder: Path, budget: Budget) -> None:
    """Start random search, or go on with it."""
    spec = replace(random_spec(plan.spec), budget=budget)
    if folder.exists():
        with Store.open(folder) as store:
            run_loop(store, plan.parts(spec), progress=False)
    else:
        start(folder, spec, plan.parts(spec), progress=False)


def largest_within(plan: Plan, cost: str, rng: np.random.Generator) -> Design | None:
    """A design with the largest value of an additive cost that all limits allow; None when none is found.

    The largest value is bracketed by asking the forest whether any design is above a bound; limits that are not
    additive are then checked on designs near the top.
    """
    held = [limit for limit in plan.spec.limits if plan.space.additive(limit.metric)]
    (low, _), (high, _) = plan.space.extremes(cost)
    ceiling = high
    for limit in held:
        if limit.metric == cost and limit.high is not None:
            ceiling = min(ceiling, limit.high)
    rest = [limit for limit in held if limit.metric != cost]
    other = [limit for limit in plan.spec.limits if limit not in held]
    for _ in range(TRIES):
        floor = _highest_floor(plan, cost, low, ceiling, rest)
        if floor is None:
            return None
        design = plan.space.sample(rng, limits=[*rest, Limit(cost, floor, ceiling)])[0]
        graph = simplify(plan.space.network(design))
        if not other or all(check["holds"] for check in _measured(other, graph)):
            return design
        # Too slow: step down and look again.
        ceiling = floor - (ceiling - low) * 0.05
    return None


def _highest_floor(plan: Plan, cost: str, low: float, ceiling: float, rest: Sequence[Limit]) -> float | None:
    """A bound below the ceiling with designs between the two, as high as twelve halvings find."""
    found: float | None = None
    bottom, top = low, ceiling
    for _ in range(12):
        middle = (bottom + top) / 2
        try:
            plan.space.check_limits([*rest, Limit(cost, middle, ceiling)])
        except LimitError:
            top = middle
        else:
            found = bottom = middle
    return found


def _measured(limits: Sequence[Limit], graph: Any) -> list[dict[str, Any]]:
    latency = timing_of(graph) if any(limit.metric == LATENCY for limit in limits) else None
    known = {} if latency is None else {LATENCY: latency["median_ms"]}
    return verdicts([limit for limit in limits if limit.metric in known], known)


def baselines(
    plan: Plan, study: Study, chance: Study | None, epochs: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Each baseline trained and tested exactly like the winner."""
    rng = np.random.default_rng([plan.spec.seed, 2**31])
    found: list[dict[str, Any]] = []
    if chance is not None and chance.of_state("complete"):
        best = ranked(chance)[0]
        say("training the best of random search")
        entry = _trained(plan, "random search at equal cost", best.design, epochs, best.seed)
        found.append({**entry, "trials": len(chance.trials), "best": dict(best.values)})
    for name, cost in (("largest by params", "params"), ("largest by MACs", "macs")):
        design = largest_within(plan, cost, rng)
        if design is not None:
            say(f"training the {name}")
            found.append({**_trained(plan, name, design, epochs, plan.spec.seed), "trials": 1})
    return found


def _trained(plan: Plan, name: str, design: Design, epochs: int, seed: int) -> dict[str, Any]:
    started = time.perf_counter()
    graph = simplify(plan.space.network(design))
    candidate: Candidate = train_finally(plan, design, graph, epochs, seed)
    candidate.latency = timing_of(graph)
    return {
        "name": name,
        "design": dict(design),
        "metrics": candidate.metrics["test"],
        "costs": {**candidate.costs, LATENCY: candidate.latency["median_ms"]},
        "seconds": time.perf_counter() - started,
    }
