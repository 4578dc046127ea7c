"""The way of one trial: ask, hash, estimate, evaluate, commit, tell."""

from __future__ import annotations

import json
import shutil
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from netwright.errors import StudyError
from netwright.study._budget import Spent
from netwright.study._evaluation import Request, Result, missing, numbers, reason
from netwright.study._executor import Executor
from netwright.study._parts import Parts
from netwright.study._progress import Progress
from netwright.study._records import Trial, trial_seed
from netwright.study._store import Steps, Store

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.strategy import Proposal

__all__ = ["Session"]

_NOTHING_NEW = 1000
_FAILURES = 50


class Session:
    """One run of a study, from where it stands to the end of its budget.

    A trial that needs no evaluation, because its network was tried before or breaks a limit, is committed once, in
    its final state; any other is committed as running before its evaluation starts, and again when it has ended.
    """

    def __init__(self, store: Store, parts: Parts, executor: Executor, progress: Progress) -> None:
        self._store = store
        self._spec = store.spec
        self._parts = parts
        self._executor = executor
        self._progress = progress
        self._started = time.monotonic()
        self._next = 0
        self._told = 0
        self._idle = 0
        self._failures = 0
        self._unfinished: deque[Trial] = deque()
        self._in_flight: dict[str, Trial] = {}
        self._waiting: dict[int, list[Trial]] = {}
        self._known: dict[str, Trial] = {}
        self._history: Steps = {}
        self._begun_before: set[int] = set()
        self._pruned: set[int] = set()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Tell the strategy what was, then run trials until nothing more is to be asked."""
        self._replay()
        self._fill()
        while self._in_flight and not self._overtime():
            for result in self._executor.wait(self._patience()):
                self._finish(result)
            self._fill()
        self._clear_checkpoints({trial.number for trial in self._in_flight.values()} | self._cancelled)

    def on_step(self, number: int, step: int, values: Mapping[str, float]) -> bool:
        """Record what an evaluation reports; False stops it."""
        own = self._history.setdefault(number, {})
        if number in self._begun_before:
            # Its second run goes on from a checkpoint, or begins anew; what it reported later is of the first run.
            self._begun_before.remove(number)
            self._store.forget_steps(number, since=step)
            own = self._history[number] = {past: old for past, old in own.items() if past < step}
        self._store.save_step(number, step, values, self._elapsed())
        self._progress.step(number, step, values, self._spent())
        if self._overtime():
            self._cancelled.add(number)
            return False
        if self._parts.keep_going is None:
            return True
        own[step] = dict(values)
        if not self._parts.keep_going(number, step, values, self._history):
            self._pruned.add(number)
        return number not in self._pruned

    # What was before this session.

    def _replay(self) -> None:
        trials = self._store.trials()
        self._check_space(trials)
        if self._parts.keep_going is not None:
            self._history = self._store.steps()
        done = [trial for trial in trials if trial.told is not None]
        for trial in sorted(done, key=lambda trial: trial.told or 0):
            self._remember(trial)
            self._progress.replayed(trial)
            self._parts.strategy.tell(trial.outcome(self._spec.limits))
        # What made them fail may be mended now.
        self._failures = 0
        self._told, self._next = len(done), len(trials)
        self._unfinished.extend(trial for trial in trials if trial.told is None)
        self._begun_before = {trial.number for trial in self._unfinished}
        self._clear_checkpoints(self._begun_before)
        (self._store.folder / "checkpoints").mkdir(exist_ok=True)

    def _check_space(self, trials: list[Trial]) -> None:
        for trial in trials[:1] + trials[-1:]:
            if not self._parts.space.contains(trial.design):
                raise StudyError(
                    f"a study goes on with the space that it began with, but trial {trial.number} in "
                    f"{self._store.folder} has a design that this space does not contain."
                )

    # Asking.

    def _fill(self) -> None:
        """Start trials until every worker has one, or nothing more is to be asked."""
        while self._has_room() and not self._overtime():
            if self._unfinished:
                self._place(self._unfinished.popleft())
            elif self._may_ask():
                self._place(self._ask())
            else:
                return

    def _has_room(self) -> bool:
        # Twins that wait take no worker, but a strategy that proposed nothing else would be asked for ever.
        waiting = sum(map(len, self._waiting.values()))
        return max(len(self._in_flight), waiting) < self._executor.workers

    def _may_ask(self) -> bool:
        # A small space is used up long before its budget: its trials cost nothing any more, and would never end.
        return self._idle < _NOTHING_NEW and self._spec.budget.used_up(self._spent()) is None

    def _ask(self) -> Trial:
        number = self._next
        proposal = self._proposal(number)
        self._next += 1
        return Trial(
            number,
            proposal.design,
            "running",
            trial_seed(self._spec.seed, number),
            parents=tuple(proposal.parents),
            origin=proposal.origin,
            created=time.time(),
        )

    def _proposal(self, number: int) -> Proposal:
        """By the trial's number alone, so that a study that goes on asks what one without a break asks."""
        if number in self._parts.starts:
            return self._parts.starts[number]
        return self._parts.strategy.ask(np.random.default_rng([self._spec.seed, number]))

    def _place(self, trial: Trial) -> None:
        """Send a trial where it belongs: to the values of its twin, behind a twin that runs, or to a worker."""
        started = time.perf_counter()
        try:
            network = self._parts.space.network(trial.design)
            trial = replace(trial, graph_hash=self._parts.network_key(network))
            key = self._key(trial)
            twin = self._known.get(key) or self._in_flight.get(key)
            # Estimates of a trial that was running stay as they were: a latency measured again would differ.
            if twin is None and not trial.values:
                trial = replace(trial, values=numbers(self._parts.estimate(trial.design, network), "estimate"))
        except Exception as error:
            self._settle(replace(trial, state="failed", error=reason(error)))
            return
        trial = replace(trial, cost=trial.cost + time.perf_counter() - started)
        broken = self._broken(trial.values)
        if twin is not None and twin.told is not None:
            self._settle(_as_twin(trial, twin))
        elif twin is not None:
            self._waiting.setdefault(twin.number, []).append(trial)
            self._store.save(trial, self._elapsed())
        elif broken is not None:
            self._settle(replace(trial, state="infeasible", error=broken))
        else:
            self._launch(trial, key, network)

    def _key(self, trial: Trial) -> str:
        """What two trials share when one evaluation serves both: the network and the recipe."""
        recipe = self._parts.space.recipe(trial.design)
        return f"{trial.graph_hash} {json.dumps(dict(recipe), sort_keys=True, default=str)}"

    def _launch(self, trial: Trial, key: str, network: Graph) -> None:
        self._in_flight[key] = trial
        self._store.save(trial, self._elapsed())
        self._executor.submit(
            Request(
                trial.number,
                trial.design,
                network,
                trial.seed,
                self._parts.fidelity,
                self._parts.space.recipe(trial.design),
                self._checkpoint(trial.number),
            )
        )

    # Telling.

    def _finish(self, result: Result) -> None:
        key, trial = next((key, trial) for key, trial in self._in_flight.items() if trial.number == result.number)
        del self._in_flight[key]
        if result.number in self._cancelled:
            # It stays as running, and a session with more time goes on with it.
            return
        trial = replace(trial, cost=trial.cost + result.seconds, worker=result.worker)
        self._settle(self._judged(trial, result))

    def _judged(self, trial: Trial, result: Result) -> Trial:
        """The trial in its final state."""
        if result.values is None:
            return replace(trial, state="failed", error=result.error)
        trial = replace(trial, values={**trial.values, **result.values})
        if trial.number in self._pruned:
            return replace(trial, state="pruned", error="stopped early")
        metrics = [objective.metric for objective in self._spec.objectives]
        metrics += [limit.metric for limit in self._spec.limits]
        lacking, broken = missing(trial.values, metrics), self._broken(trial.values)
        if lacking is not None:
            return replace(trial, state="failed", error=lacking)
        if broken is not None:
            return replace(trial, state="infeasible", error=broken)
        return replace(trial, state="complete")

    def _broken(self, values: Mapping[str, float]) -> str | None:
        """Name the limits that known values break, or None when there are none."""
        found = [
            f"{limit.metric}={values[limit.metric]:g} breaks {limit}"
            for limit in self._spec.limits
            if limit.metric in values and not limit.holds(values[limit.metric])
        ]
        return "; ".join(found) or None

    def _settle(self, trial: Trial) -> None:
        """Commit a trial that has ended, then tell the strategy, then place the twins that waited for it."""
        trial = replace(trial, told=self._told, finished=time.time())
        self._store.save(trial, self._elapsed())
        self._told += 1
        self._remember(trial)
        self._parts.strategy.tell(trial.outcome(self._spec.limits))
        self._progress.finished(trial, self._spent())
        _remove(self._checkpoint(trial.number))
        if self._failures >= _FAILURES:
            raise StudyError(
                f"a search goes on while trials succeed, but the last {self._failures} failed, "
                f"the latest with: {trial.error}."
            )
        for twin in self._waiting.pop(trial.number, []):
            self._place(twin)

    def _remember(self, trial: Trial) -> None:
        evaluated = trial.worker is not None
        self._idle = 0 if evaluated or trial.state == "failed" else self._idle + 1
        self._failures = self._failures + 1 if trial.state == "failed" else 0
        # A failure may have been bad luck, such as another process that took the memory.
        if trial.state != "failed" and trial.copy_of is None:
            self._known[self._key(trial)] = trial

    # Time.

    def _elapsed(self) -> float:
        return self._store.elapsed + time.monotonic() - self._started

    def _spent(self) -> Spent:
        tally = self._progress.tally
        return Spent(self._next, self._elapsed(), tally.evaluated + len(self._in_flight), tally.seconds)

    def _overtime(self) -> bool:
        """Whether the time is up; the first complete trial is waited for, or there would be no result at all."""
        seconds = self._spec.budget.seconds
        return seconds is not None and self._elapsed() >= seconds and self._progress.tally.states["complete"] > 0

    def _patience(self) -> float | None:
        """How long to wait for a result: to the end of the time, where it may end the session."""
        seconds = self._spec.budget.seconds
        if seconds is None or self._progress.tally.states["complete"] == 0:
            return None
        return max(0.0, seconds - self._elapsed())

    # Checkpoints.

    def _checkpoint(self, number: int) -> Path:
        return self._store.folder / "checkpoints" / str(number)

    def _clear_checkpoints(self, kept: set[int]) -> None:
        """Remove all but those of the trials to keep, and the folder when it is empty."""
        folder = self._store.folder / "checkpoints"
        names = set(map(str, kept))
        for path in folder.glob("*"):
            if path.name not in names:
                _remove(path)
        with suppress(OSError):
            folder.rmdir()


def _as_twin(trial: Trial, twin: Trial) -> Trial:
    state = "duplicate" if twin.state == "complete" else twin.state
    return replace(trial, state=state, values=twin.values, error=twin.error, copy_of=twin.number)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
