"""Searches: start one, go on with one, stop one by Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from netwright.errors import StudyError
from netwright.study._budget import Budget
from netwright.study._executor import Executor, InlineExecutor
from netwright.study._parts import Parts
from netwright.study._processes import deaf_to_interrupts
from netwright.study._progress import Progress
from netwright.study._records import Study, StudySpec
from netwright.study._session import Session
from netwright.study._store import Store

__all__ = ["StudyInterrupted", "resume", "run_loop", "start"]


class StudyInterrupted(StudyError):  # noqa: N818  (it is no error of the user's)
    """A search was stopped by Ctrl-C; its folder has all that is needed to go on.

    folder: to hand to `resume`.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(f"the search was interrupted; go on with: netwright resume {folder}.")
        self.folder = folder


def start(
    folder: Path | str,
    spec: StudySpec,
    parts: Parts,
    *,
    executor: Executor | None = None,
    progress: bool = True,
    overwrite: bool = False,
) -> Study:
    """Make a study in a folder and run it to the end of its budget.

    >>> import tempfile
    >>> import netwright as nw
    >>> from netwright.graph import canonical_hash
    >>> from netwright.strategy import Random
    >>> from netwright.study import FunctionEvaluation
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> spec = StudySpec((nw.Objective.parse("minimize params"),), seed=0, budget=Budget.parse("5 trials"))
    >>> evaluation = FunctionEvaluation(lambda network, budget, report: nw.costs_of(network, ["params"]))
    >>> parts = Parts(space, Random(space, spec.objectives), evaluation, canonical_hash)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = start(f"{folder}/toy", spec, parts, progress=False)
    >>> len(study.trials), study.best.values
    (5, {'params': 114.0})

    executor: where evaluations run; in this process by default.

    Raises LimitError when no design can meet a limit and StudyError when the folder cannot be used, before anything
    is written; StudyInterrupted on Ctrl-C.
    """
    parts.space.check_limits(spec.limits)
    with Store.create(folder, spec, overwrite=overwrite) as store:
        return run_loop(store, parts, executor=executor, progress=progress)


def resume(
    folder: Path | str,
    build: Callable[[StudySpec], Parts],
    *,
    executor: Executor | None = None,
    budget: Budget | None = None,
    progress: bool = True,
) -> Study:
    """Go on with the study in a folder: trials that were running are run again, all others are told again.

    >>> import tempfile
    >>> import netwright as nw
    >>> from netwright.graph import canonical_hash
    >>> from netwright.strategy import Random
    >>> from netwright.study import FunctionEvaluation
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> evaluation = FunctionEvaluation(lambda network, budget, report: nw.costs_of(network, ["params"]))
    >>> def build(spec):
    ...     return Parts(space, Random(space, spec.objectives), evaluation, canonical_hash)
    >>> spec = StudySpec((nw.Objective.parse("minimize params"),), seed=0, budget=Budget.parse("2 trials"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = start(f"{folder}/toy", spec, build(spec), progress=False)
    ...     study = resume(f"{folder}/toy", build, budget=Budget.parse("4 trials"), progress=False)
    >>> len(study.trials), [trial.design for trial in study.trials[:2]] == [trial.design for trial in first.trials]
    (4, True)

    build: makes the parts from what the study was asked.
    budget: replaces the study's; what earlier sessions used counts.

    Raises StudyError when there is no study, another session runs it, or the parts are of another space;
    StudyInterrupted on Ctrl-C.
    """
    with Store.open(folder) as store:
        if budget is not None:
            store.set_budget(budget)
        return run_loop(store, build(store.spec), executor=executor, progress=progress)


def run_loop(store: Store, parts: Parts, *, executor: Executor | None = None, progress: bool = True) -> Study:
    """Run a study, new or not, from where it stands to the end of its budget.

    >>> import tempfile
    >>> import netwright as nw
    >>> from netwright.graph import canonical_hash
    >>> from netwright.strategy import Random
    >>> from netwright.study import FunctionEvaluation
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> evaluation = FunctionEvaluation(lambda network, budget, report: nw.costs_of(network, ["params"]))
    >>> spec = StudySpec((nw.Objective.parse("minimize params"),), seed=0, budget=Budget.parse("2 trials"))
    >>> parts = Parts(space, Random(space, spec.objectives), evaluation, canonical_hash)
    >>> with tempfile.TemporaryDirectory() as folder, Store.create(f"{folder}/toy", spec) as store:
    ...     len(run_loop(store, parts, progress=False).trials)
    2

    With one worker, a study that is killed and run again makes the same trials, in the same order, as one that is
    not: the strategy's generator and the evaluation's seed come from the study's seed and the trial's number alone.

    Raises StudyError when 50 trials fail one after another, and as `resume` does.
    """
    executor = executor or InlineExecutor()
    try:
        with store.running(), Progress(store.spec.objectives, store.spec.budget, show=progress) as view:
            session = Session(store, parts, executor, view)
            try:
                executor.open(parts.evaluation, session.on_step)
                session.run()
            finally:
                # A second Ctrl-C must not leave workers behind.
                with deaf_to_interrupts():
                    executor.close()
    except KeyboardInterrupt:
        raise StudyInterrupted(store.folder) from None
    return store.study()
