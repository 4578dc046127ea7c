"""Honest baselines: random search at equal cost, and the largest designs that the limits allow."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.cost import Limit
from netwright.errors import NetwrightError
from netwright.graph import simplify
from netwright.study._budget import Budget
from netwright.study._finish import Lengths, ranked, timing_of, told_by_targets, train_finally, verdicts
from netwright.study._loop import run_loop, start
from netwright.study._metrics import LATENCY
from netwright.study._plan import Plan
from netwright.study._processes import ProcessExecutor
from netwright.study._records import Study, StudySpec
from netwright.study._store import Store

if TYPE_CHECKING:
    from netwright.space import Design

__all__ = ["baselines", "largest_within", "random_search"]

FOLDER = "random"
DRAWS = 4000
"""Designs drawn in search of the largest."""
TRIES = 20
"""Designs that are measured before a limit that is not additive is taken to exclude them."""


def random_spec(spec: StudySpec) -> StudySpec:
    """The same study asked of random search, with another seed."""
    return replace(spec, strategy={"name": "random"}, seed=spec.seed + 1)


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


def largest_within(plan: Plan, cost: str, rng: np.random.Generator) -> Design | None:
    """A design with a value of an additive cost as large as can be found within all limits; None when there is none.

    The largest of a few thousand uniform draws within the additive limits, then climbed to the best neighbour until
    none is larger. Limits that are not additive are checked at the top, on one design after the other.
    """
    held = [limit for limit in plan.spec.limits if plan.space.additive(limit.metric)]
    other = [limit for limit in plan.spec.limits if limit not in held]
    # A limit from below that every design meets only asks the forest to report the cost of each draw.
    draws = plan.space.draw(rng, DRAWS, [*[limit for limit in held if limit.metric != cost], _asked(held, cost)])
    order = np.argsort(-draws.costs[cost], kind="stable")
    for rank in range(TRIES):
        start = draws.designs[order[rank * len(order) // (4 * TRIES)]]
        design = _climbed(plan, start, cost, held) if rank == 0 else start
        graph = simplify(plan.space.network(design))
        if not other or all(check["holds"] for check in _told(plan, other, graph, design)):
            return design
    return None


def _asked(held: Sequence[Limit], cost: str) -> Limit:
    """The limit on a cost, or one that always holds."""
    return next((limit for limit in held if limit.metric == cost), Limit(cost, low=0.0))


def _climbed(plan: Plan, design: Design, cost: str, held: Sequence[Limit]) -> Design:
    best = plan.space.costs(design, [cost])[cost]
    while True:
        found = [(plan.space.costs(other, [cost])[cost], other) for other in plan.space.neighbours(design, held)]
        value, other = max(found, key=lambda pair: pair[0], default=(best, design))
        if value <= best:
            return design
        best, design = value, other


def _told(plan: Plan, limits: Sequence[Limit], graph: Any, design: Design) -> list[dict[str, Any]]:
    known = {name: estimate.value for name, estimate in told_by_targets(plan, graph, design).items()}
    return verdicts([limit for limit in limits if limit.metric in known], known)


def baselines(plan: Plan, folder: Path, lengths: Lengths) -> list[dict[str, Any]]:
    """The best of random search and the largest designs, each trained and tested exactly like the winner.

    A largest design whose training would take too long is left out: without limits it may cost many times the rest.
    """
    rng = np.random.default_rng([plan.spec.seed, 2**31])
    found: list[dict[str, Any]] = []
    chance = _study_of(folder / FOLDER)
    if chance is not None and chance.of_state("complete"):
        best = ranked(chance)[0]
        entry = _trained(plan, "random search at equal cost", best.design, lengths.final, best.seed)
        found.append({**entry, "trials": len(chance.trials), "best": dict(best.values)})
    for name, cost in (("largest by params", "params"), ("largest by MACs", "macs")):
        # A baseline that cannot be found or trained is missing from the report; it must not take the result with it.
        with suppress(NetwrightError):
            design = largest_within(plan, cost, rng)
            if design is not None and not lengths.too_long(plan.space.costs(design, ["macs"])["macs"]):
                found.append({**_trained(plan, name, design, lengths.final, plan.spec.seed), "trials": 1})
    return found


def _study_of(folder: Path) -> Study | None:
    try:
        with Store.open(folder) as store:
            return store.study()
    except NetwrightError:
        return None


def _trained(plan: Plan, name: str, design: Design, epochs: int, seed: int) -> dict[str, Any]:
    started = time.perf_counter()
    graph = simplify(plan.space.network(design))
    candidate = train_finally(plan, design, graph, epochs, seed)
    latency = timing_of(graph)
    return {
        "name": name,
        "design": dict(design),
        "metrics": candidate.metrics["test"],
        "costs": {**candidate.costs, LATENCY: latency["median_ms"]},
        "seconds": time.perf_counter() - started,
    }
