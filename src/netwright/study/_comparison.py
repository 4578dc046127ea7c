"""Spaces compared by their populations: random designs of each, under the same limits, trained alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright._count import counted
from netwright.cost import Limit
from netwright.errors import StudyError
from netwright.study._budget import Budget
from netwright.study._loop import run_loop
from netwright.study._metrics import with_told
from netwright.study._plan import Plan, plan_search
from netwright.study._population import Population, matched
from netwright.study._processes import ProcessExecutor
from netwright.study._records import Study
from netwright.study._store import Store

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["Comparison", "Pair", "compare_costs", "compare_spaces"]

COSTS = ("params", "macs")
QUANTILES = (10, 50, 90)
"""Percent of the designs that reach the values which are told."""
PATIENCE = 20
"""Trials for each design that is wanted, before a limit that hardly any design holds ends the drawing."""
RESAMPLES = 2000
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """Two populations against each other.

    >>> pair = Pair("small", "large", wins=0.3, interval=(0.2, 0.4), distance=0.5)
    >>> pair.verdict
    'large is better'

    wins: chance that a random design of the first is better than one of the second, ties counted half, with its
    95 % bootstrap interval. distance: largest distance of their distribution functions (Kolmogorov-Smirnov).
    """

    first: str
    second: str
    wins: float
    interval: tuple[float, float]
    distance: float

    @property
    def verdict(self) -> str:
        """Which space has the better designs, as far as this sample tells."""
        low, high = self.interval
        if low <= 0.5 <= high:
            return "within noise"
        return f"{self.first if self.wins > 0.5 else self.second} is better"

    def to_json(self) -> dict[str, Any]:
        """As in the answer of `netwright spaces compare --json`."""
        return {**vars(self), "interval": list(self.interval), "verdict": self.verdict}


@dataclass(frozen=True)
class Comparison:
    """Populations of several spaces by one metric, and by cost where they were matched.

    >>> small = Population("small", "accuracy", -1, (0.7, 0.72, 0.74, 0.75))
    >>> large = Population("large", "accuracy", -1, (0.8, 0.82, 0.84, 0.85))
    >>> (pair,) = Comparison("accuracy", (), (small, large)).pairs
    >>> pair.wins, pair.verdict
    (0.0, 'large is better')
    """

    metric: str
    limits: tuple[str, ...]
    populations: tuple[Population, ...]
    matched_by: str | None = None

    @property
    def pairs(self) -> list[Pair]:
        """Every two populations."""
        return [_pair(a, b) for a, b in combinations(self.populations, 2)]

    def matched(self, cost: str) -> Comparison:
        """The same comparison at equal cost: see `matched`."""
        return Comparison(self.metric, self.limits, tuple(matched(self.populations, cost)), cost)

    def to_json(self) -> dict[str, Any]:
        """As in the answer of `netwright spaces compare --json`."""
        return {
            "metric": self.metric,
            "limits": list(self.limits),
            "matched_by": self.matched_by,
            "spaces": [_population_json(population) for population in self.populations],
            "pairs": [pair.to_json() for pair in self.pairs],
        }


def compare_spaces(
    spaces: Sequence[Space | str],
    task: Any,
    out: str | Path,
    *,
    maximize: str | None = None,
    minimize: str | None = None,
    limits: Any = (),
    designs: int = 30,
    epochs: int | None = None,
    seed: int = 0,
    workers: int = 1,
    progress: bool = True,
    say: Say = lambda text: None,
) -> Comparison:
    """Train random designs of each space alike, and compare what they reach.

    >>> import tempfile
    >>> import netwright as nw
    >>> def space(name, kernel):
    ...     layer = nw.conv(nw.oneof(8, 16, 24, 32), kernel=kernel)
    ...     return nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8), name=name)
    >>> def evaluate(network, budget, report):
    ...     return {"error": 100 / nw.costs_of(network, ["macs"])["macs"]}
    >>> spaces = [space("pointwise", 1), space("wide", 5)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = compare_spaces(spaces, evaluate, f"{folder}/out", minimize="error", designs=3, progress=False)
    >>> [len(population) for population in found.populations], found.pairs[0].verdict
    ([3, 3], 'wide is better')

        compare_spaces(["mobilenet-tiny", "convnet-tiny"], "digits", "runs/compared", limits=["params <= 50k"])

    spaces: names or Space objects. task, limits: as in `search`; every space must keep the limits. out: a folder with
    one study for each space; those that it has already are gone on with. maximize, minimize: the metric that is
    compared, by default accuracy (rmse for numbers). designs: evaluated in each space. epochs: of each training.

    Source: Radosavovic et al. 2020, "Designing network design spaces", section 3.1: populations instead of winners.

    Raises StudyError for fewer than two spaces, for two of one name, and where the folder holds something else;
    further as `search` does.
    """
    folders = _folders(spaces, Path(out))
    budget = Budget(evaluations=designs, trials=PATIENCE * designs)
    plans = [
        plan_search(
            space, task, maximize=maximize, minimize=minimize, limits=limits, budget=budget, strategy="random",
            seed=seed, epochs=epochs,
        )
        for space in spaces
    ]  # fmt: skip
    for plan in plans:
        plan.space.check_limits(plan.spec.limits)
    found = []
    for (name, folder), plan in zip(folders.items(), plans, strict=True):
        say(f"{name}: {counted(designs, 'random design')}")
        found.append(_population(name, plan, _run(folder, plan, workers, progress)))
    return Comparison(found[0].metric, tuple(map(str, plans[0].spec.limits)), tuple(found))


def compare_costs(
    spaces: Sequence[Space], metric: str, *, limits: Any = (), designs: int = 1000, seed: int = 0
) -> Comparison:
    """Compare spaces by a cost of their designs, or by what a target tells as a sum; nothing is trained.

    >>> from netwright.space.catalog import get_space
    >>> found = compare_costs([get_space("mobilenet-tiny"), get_space("convnet-tiny")], "params", designs=50)
    >>> [len(population) for population in found.populations]
    [50, 50]

    Raises UnknownNameError for a cost that is unknown to one of the spaces, and as `compare_spaces` does.
    """
    names = _folders(spaces, Path())
    bounds = Limit.of(limits)
    asked = (metric, *(limit.metric for limit in bounds))
    found = []
    for name, space in zip(names, spaces, strict=True):
        space = with_told(space, asked)
        space.cost(metric)
        drawn = space.sample(np.random.default_rng(seed), designs, bounds)
        rows = [space.costs(design, [*{metric: None, **dict.fromkeys(COSTS)}]) for design in drawn]
        values = _columns(rows, (metric, *COSTS))
        found.append(Population(name, metric, 1, values[metric], {cost: values[cost] for cost in COSTS}))
    return Comparison(metric, tuple(map(str, bounds)), tuple(found))


def _folders(spaces: Sequence[Space | str], out: Path) -> dict[str, Path]:
    names = [space if isinstance(space, str) else space.name for space in spaces]
    if len(names) < 2 or len(set(names)) < len(names):
        raise StudyError(f"a comparison needs two spaces or more of different names, but got {', '.join(names)}.")
    return {name: out / name.replace(":", ".") for name in names}


def _run(folder: Path, plan: Plan, workers: int, progress: bool) -> Study:
    executor = ProcessExecutor(workers) if workers > 1 else None
    with Store.open(folder) if folder.exists() else Store.create(folder, plan.spec) as store:
        if replace(store.spec, budget=plan.spec.budget) != plan.spec:
            raise StudyError(f"populations are gone on with as they were begun, but {folder} was asked otherwise.")
        store.set_budget(plan.spec.budget)
        return run_loop(store, plan.parts(), executor=executor, progress=progress)


def _population(name: str, plan: Plan, study: Study) -> Population:
    first = study.spec.objectives[0]
    # A design whose network was evaluated before stands for itself: the draw is over designs.
    trials = study.of_state("complete", "duplicate")
    if not trials:
        raise StudyError(f"a population needs a design that was evaluated, but {study.folder} has none.")
    costs = [plan.space.costs(trial.design, COSTS) for trial in trials]
    values = tuple(float(trial.values[first.metric]) for trial in trials)
    return Population(name, first.metric, first.sign, values, _columns(costs, COSTS))


def _columns(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(float(row[name]) for row in rows) for name in names}


def _population_json(population: Population) -> dict[str, Any]:
    efficiency = population.efficiency()
    values, shares = population.distribution()
    return {
        "name": population.name,
        "designs": len(population),
        "best": population.quantile(0.0),
        **{f"share_{percent}": population.quantile(percent / 100) for percent in QUANTILES},
        "values": values.tolist(),
        "shares": shares.tolist(),
        "efficiency": {name: list(part) for name, part in vars(efficiency).items()},
        "median_costs": {name: float(np.median(column)) for name, column in population.costs.items()},
    }


def _pair(a: Population, b: Population) -> Pair:
    ours, theirs = a.sign * np.array(a.values), b.sign * np.array(b.values)
    better = (ours[:, None] < theirs[None, :]) + 0.5 * (ours[:, None] == theirs[None, :])
    rng = np.random.default_rng(0)
    drawn = [rng.multinomial(len(p), p.shares, size=RESAMPLES) / len(p) for p in (a, b)]
    wins = np.einsum("ri,ij,rj->r", drawn[0], better, drawn[1], optimize=True)
    low, high = np.quantile(wins, (0.025, 0.975))
    places = np.unique(np.concatenate([ours, theirs]))
    reached = [_reached(population, places) for population in (a, b)]
    return Pair(
        a.name,
        b.name,
        float(a.shares @ better @ b.shares),
        (float(low), float(high)),
        float(np.max(np.abs(reached[0] - reached[1]))),
    )


def _reached(population: Population, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a population at or below each of the places, of the metric as it is minimised."""
    below = population.sign * np.array(population.values)[:, None] <= places[None, :]
    found: NDArray[np.float64] = population.shares @ below
    return found
