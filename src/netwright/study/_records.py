"""What a study remembers: its specification, its trials, and the front that they give."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netwright.errors import StudyError
from netwright.study._budget import Budget

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.space import Design
    from netwright.strategy import Objective, Outcome

__all__ = ["STATES", "State", "Study", "StudySpec", "Trial", "environment", "front", "trial_seed"]

State = Literal["running", "complete", "infeasible", "failed", "pruned", "duplicate"]
STATES: tuple[State, ...] = ("running", "complete", "infeasible", "failed", "pruned", "duplicate")


@dataclass(frozen=True)
class StudySpec:
    """What a study was asked to do; written once, when its folder is made.

    >>> from netwright.strategy import Objective
    >>> spec = StudySpec((Objective("accuracy", "maximize"),), seed=0, budget=Budget.parse("20 trials"))
    >>> str(spec.objectives[0]), str(spec.budget)
    ('maximize accuracy', '20 trials')
    >>> StudySpec((Objective("accuracy", "maximize"),), seed=-1, budget=spec.budget)
    Traceback (most recent call last):
        ...
    netwright.errors.StudyError: `0 <= seed < 2**63` must hold, but got seed=-1.

    objectives, limits: what to improve and what must hold.
    seed: with a trial's number it fixes every random choice of that trial.
    budget: when the search ends.
    space, task, strategy, options: JSON by which the caller can build the parts again, such as
        `{"name": "mobilenet-tiny", "input": [1, 8, 8]}`; the study only keeps them.

    Raises StudyError when there is no objective, the seed is not in [0, 2**63), or a part is no JSON.
    """

    objectives: tuple[Objective, ...]
    seed: int
    budget: Budget
    limits: tuple[Limit, ...] = ()
    space: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    strategy: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.objectives:
            raise StudyError("a study needs at least one objective, such as 'maximize accuracy', but got none.")
        if not 0 <= self.seed < 2**63:
            raise StudyError(f"`0 <= seed < 2**63` must hold, but got seed={self.seed}.")
        for name in ("space", "task", "strategy", "options"):
            try:
                json.dumps(dict(getattr(self, name)))
            except (TypeError, ValueError) as error:
                raise StudyError(f"a study's {name} must be kept as JSON, but that fails: {error}.") from None


@dataclass(frozen=True)
class Trial:
    """One design that was tried, and what came of it.

    >>> from netwright.space import Design
    >>> trial = Trial(3, Design({"kernel": 5}), "complete", seed=7, values={"accuracy": 0.9})
    >>> trial.values["accuracy"], trial.outcome().number
    (0.9, 3)

    state: running, complete, infeasible (a limit is broken), failed (error says why), pruned (stopped early), or
        duplicate (its network was complete in trial `copy_of`, whose values it was told again).
    values: estimates and metrics by name; cost: seconds spent on estimates and evaluation.
    told: place in the order in which the strategy was told, None while the trial runs.
    created, finished: seconds since 1970.
    """

    number: int
    design: Design
    state: State
    seed: int
    graph_hash: str = ""
    values: Mapping[str, float] = field(default_factory=dict)
    parents: tuple[int, ...] = ()
    origin: str = ""
    copy_of: int | None = None
    cost: float = 0.0
    error: str | None = None
    worker: str | None = None
    told: int | None = None
    created: float = 0.0
    finished: float | None = None

    def outcome(self, limits: Sequence[Limit] = ()) -> Outcome:
        """What the strategy is told: a duplicate is told as the complete trial that it repeats.

        limits: of the study, by which an infeasible trial is told how far it is from fitting.

        Raises StudyError for a trial that is still running.
        """
        from netwright.strategy import Outcome

        if self.state == "running":
            raise StudyError(f"only a finished trial has an outcome, but trial {self.number} is running.")
        state = "complete" if self.state == "duplicate" else self.state
        broken = [limit for limit in limits if limit.metric in self.values] if state == "infeasible" else []
        violation = sum(limit.violation(self.values[limit.metric]) for limit in broken)
        return Outcome(self.number, self.design, self.values, state, self.parents, violation)


@dataclass(frozen=True)
class Study:
    """A study as it stands: what was asked, and every trial by number.

    >>> from pathlib import Path
    >>> from netwright.space import Design
    >>> from netwright.strategy import Objective
    >>> from netwright.study import Budget, StudySpec, Trial
    >>> spec = StudySpec((Objective("accuracy", "maximize"),), seed=0, budget=Budget.parse("2 trials"))
    >>> tried = {3: 0.8, 5: 0.9}
    >>> trials = [
    ...     Trial(number, Design({"kernel": kernel}), "complete", seed=0, values={"accuracy": accuracy})
    ...     for number, (kernel, accuracy) in enumerate(tried.items())
    ... ]
    >>> study = Study(Path("runs/toy"), spec, trials)
    >>> study.best.design, len(study.front), study.of_state("failed")
    (Design({'kernel': 5}), 1, [])
    """

    folder: Path
    spec: StudySpec
    trials: Sequence[Trial]
    environment: Mapping[str, Any] = field(default_factory=dict)
    elapsed: float = 0.0

    def of_state(self, *states: State) -> list[Trial]:
        """Trials in any of the states, by number."""
        return [trial for trial in self.trials if trial.state in states]

    @cached_property
    def front(self) -> list[Trial]:
        """Complete trials that no other beats in every objective, best in the first objective first."""
        return front(self.trials, self.spec.objectives)

    @property
    def best(self) -> Trial:
        """Best trial in the first objective; later objectives and then the lower number break ties.

        Raises StudyError when no trial is complete.
        """
        if not self.front:
            counts = ", ".join(f"{len(self.of_state(state))} {state}" for state in STATES)
            raise StudyError(f"the study in {self.folder} has no complete trial yet: {counts}.")
        return self.front[0]


def front(trials: Sequence[Trial], objectives: Sequence[Objective]) -> list[Trial]:
    """Non-dominated complete trials, best in the first objective first.

    >>> from netwright.space import Design
    >>> from netwright.strategy import Objective
    >>> points = [(0.9, 5e6), (0.8, 1e6), (0.7, 2e6)]
    >>> trials = [
    ...     Trial(number, Design({}), "complete", seed=0, values={"accuracy": accuracy, "macs": macs})
    ...     for number, (accuracy, macs) in enumerate(points)
    ... ]
    >>> [trial.number for trial in front(trials, [Objective("accuracy", "maximize"), Objective("macs", "minimize")])]
    [0, 1]

    Of several trials with equal values in every objective all are kept.
    """
    from netwright.strategy import pareto_front

    complete = [trial for trial in trials if trial.state == "complete"]
    if not complete:
        return []
    points = [[trial.values[objective.metric] for objective in objectives] for trial in complete]
    kept = [complete[index] for index in pareto_front(points, objectives)]
    return sorted(kept, key=lambda trial: (*_minimised(trial, objectives), trial.number))


def _minimised(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...]:
    return tuple(objective.sign * trial.values[objective.metric] for objective in objectives)


def trial_seed(study_seed: int, number: int) -> int:
    """Seed of one trial's evaluation, in [0, 2**31).

    >>> trial_seed(0, 1) == trial_seed(0, 1), trial_seed(0, 1) == trial_seed(0, 2)
    (True, False)
    """
    import numpy as np

    # The trailing 1 keeps it apart from default_rng([seed, number]), which the strategy is given.
    state = np.random.SeedSequence([study_seed, number, 1]).generate_state(1)[0]
    return int(state) & 0x7FFFFFFF


def environment() -> dict[str, Any]:
    """Versions and machine that results depend on.

    >>> sorted(environment())
    ['cores', 'cpu', 'netwright', 'numpy', 'onnxruntime', 'platform', 'python', 'torch']
    """
    return {
        "python": platform.python_version(),
        **{package: _version(package) for package in ("netwright", "numpy", "torch", "onnxruntime")},
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _cpu() -> str:
    # platform.processor() is empty on most Linux machines.
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
