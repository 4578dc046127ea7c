"""`search`: from a space, a task and limits to a trained, exported network with the evidence."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._text import write_json
from netwright.errors import StudyError
from netwright.study._baselines import baselines, random_search
from netwright.study._beside import Beside
from netwright.study._budget import Budget
from netwright.study._finish import Finished, Say, finish, time_for_the_end
from netwright.study._largest import with_largest
from netwright.study._loop import StudyInterrupted, run_loop
from netwright.study._plan import Plan, plan_of, plan_search
from netwright.study._records import Study
from netwright.study._store import Store
from netwright.study._summary import summarise
from netwright.study._trainings import Candidate, Lengths

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.study._executor import Executor

__all__ = ["Model", "SearchResult", "resume_search", "search"]

WAITING = 0.1
"""Part of the end's time in which random search, which began a little later, may end."""
COMPARED = 0.75
"""Part of the end's time in which baselines are trained: they are measured while the winner still trains."""
WRITING = 0.18
"""Part of the end's time that is kept for the export and the report."""


@dataclass(frozen=True)
class Model:
    """A trained network: its design, its graph with weights, its metrics and costs.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> model = Model({"kernel": 3}, Graph([x], [ops.relu(x)]), {"test": {"accuracy": 0.9}}, {"params": 0})
    >>> model.metrics["test"]["accuracy"], model.graph
    (0.9, <Graph 1x3x8x8 -> 1x3x8x8, 1 node, 0 parameters>)
    """

    design: Mapping[str, Any]
    graph: Any
    metrics: Mapping[str, Mapping[str, float]]
    costs: Mapping[str, float]

    def export(self, folder: str | Path, *, overwrite: bool = False) -> Any:
        """Write model.py, model.safetensors and model.onnx, checked against each other."""
        from netwright.io import export

        return export(self.graph, folder, overwrite=overwrite)


@dataclass(frozen=True)
class SearchResult:
    """What a search found, and where it lies on disk.

    >>> import tempfile
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> def evaluate(network, budget, report):
    ...     return {"error": 100 / nw.costs_of(network, ["macs"])["macs"]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = search(space, evaluate, minimize="error", budget="4 trials", out=f"{folder}/toy", progress=False)
    >>> len(found.study.trials), len(found.front), found.winner is None
    (4, 1, True)
    """

    folder: Path
    study: Study
    winner: Candidate | None
    summary: Mapping[str, Any]

    @property
    def best(self) -> Model:
        """The winner as a trained model; raises StudyError when no design held its limits."""
        if self.winner is None:
            raise StudyError(f"no design of the search in {self.folder} was trained to the end and held its limits.")
        return Model(self.winner.design, self.winner.graph, self.winner.metrics, self.winner.costs)

    @property
    def front(self) -> list[dict[str, Any]]:
        """Non-dominated trials: number, design and values of each."""
        return list(self.summary["front"])

    def to_json(self) -> dict[str, Any]:
        """The content of `result.json`."""
        return dict(self.summary)


def search(
    space: Space | str | Mapping[str, Any],
    task: Any,
    *,
    maximize: str | Sequence[str] | None = None,
    minimize: str | Sequence[str] | None = None,
    limits: Any = (),
    budget: Budget | str = "3 min",
    strategy: str = "auto",
    workers: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = True,
    epochs: int | None = None,
    final_epochs: int | None = None,
    compare: bool = True,
    latency: str = "measure",
) -> SearchResult:
    """Search a space for the best network on a task within hard limits; train, test, measure and export it.

    >>> import tempfile
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> def evaluate(network, budget, report):
    ...     return {"error": 100 / nw.costs_of(network, ["macs"])["macs"]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     question = {"minimize": "error", "limits": "params <= 300", "budget": "8 trials"}
    ...     found = search(space, evaluate, **question, out=f"{folder}/toy", progress=False)
    >>> found.study.best.design, len(found.study.trials)
    (Design({'conv.channels': 8, 'conv.kernel': 3}), 8)
    >>> found.front[0]["values"]["params"]
    178.0

    On a task the winner is trained to the end, too, tested, measured and exported:

        result = netwright.search("mobilenet-tiny", "digits", limits=["params <= 50k"], budget="3 min")
        result.best.export("best")

    space: a Space, the name of a catalogued one, "auto", "module:attribute" of your own, or a model to start from:
        `{"model": source}` with what `netwright.io.read_model` takes and the options of `netwright.space.from_model`.
        `{"name": name, "restrict": {path: values}}` leaves only some options of a named one, as `Space.restricted`.
    task: a Task; "digits"; the path of a data file; arrays; or a function `evaluate(network, budget, report)` that
        returns metrics by name, with which nothing is trained or exported at the end.
    maximize, minimize: metrics and costs; by default accuracy (rmse for numbers), and MACs as the second objective.
    limits: bounds such as "params <= 50k" or "latency_ms@here <= 0.5". Those on additive costs are held by the
        forest: no design that breaks one is ever proposed. Others are checked before a design is trained, and the
        winner is measured again at the end.
    budget: of the search, such as "3 min" or "100 trials"; its end (final trainings, baselines) comes on top, and
        trainings are shortened so that it takes 0.45 times as long at most, or a minute where that is more.
    strategy: its name; "auto" is NSGA-II with several objectives, else regularised evolution.
    workers: processes that evaluate trials. seed: of every random choice.
    out: folder of the study; by default a new one under runs/. overwrite: replace a study that is there.
    epochs: of a trial's training. final_epochs: of finalists, winner and baselines, however long they take.
    compare: also run the baselines: random search at equal cost and the largest designs within the limits.
    latency: "measure" each design before it is trained, or first make a "table" of all blocks of the space, with
        which the forest holds a limit on latency_ms@here as well; the winner is measured in both cases.

    Raises UnknownNameError, LimitError, DataError and StudyError before anything is written when the question makes
    no sense; StudyInterrupted on Ctrl-C.
    """
    plan = plan_search(
        space, task, maximize=maximize, minimize=minimize, limits=limits, budget=budget, strategy=strategy, seed=seed,
        epochs=epochs, latency=latency,
    )  # fmt: skip
    plan.space.check_limits(plan.spec.limits)
    plan = with_largest(plan)
    folder = Path(out) if out is not None else _new_folder(plan)
    with Store.create(folder, plan.spec, overwrite=overwrite) as store:
        return _run(plan, store, workers, progress, final_epochs, compare)


def resume_search(
    folder: str | Path,
    *,
    space: Space | None = None,
    task: Any = None,
    budget: Budget | str | None = None,
    workers: int = 1,
    progress: bool = True,
    final_epochs: int | None = None,
    compare: bool = True,
) -> SearchResult:
    """Go on with the search in a folder: no trial is lost, and with one worker the same ones follow.

    >>> import tempfile
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> def evaluate(network, budget, report):
    ...     return {"error": 100 / nw.costs_of(network, ["macs"])["macs"]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = f"{folder}/toy"
    ...     found = nw.search(space, evaluate, minimize="error", budget="2 trials", out=out, progress=False)
    ...     more = nw.resume(out, space=space, task=evaluate, budget="6 trials", progress=False)
    >>> [len(each.study.trials) for each in (found, more)]
    [2, 6]

    space, task: only where the search was given them as objects. budget: a new total, in place of the old one.

    Raises StudyError when there is no study or another process runs it, and UnknownNameError when a target of its
    limits or objectives is not there any more.
    """
    with Store.open(folder) as store:
        plan = plan_of(store.spec, space=space, task=task)
        plan.check_metrics()
        if budget is not None:
            store.set_budget(budget if isinstance(budget, Budget) else Budget.parse(budget))
        return _run(replace(plan, spec=store.spec), store, workers, progress, final_epochs, compare)


def _run(
    plan: Plan, store: Store, workers: int, progress: bool, final_epochs: int | None, compare: bool
) -> SearchResult:
    started = time.perf_counter()
    beside: list[Beside] = []
    compare = compare and plan.task is not None
    if compare and workers == 1:
        # A core for each: the same budget is the same cost.
        random = Beside(random_search, plan, store.folder, plan.spec.budget)
        beside += [random] if random.apart else []
    try:
        study = run_loop(store, plan.parts(), executor=_executor(workers), progress=progress)
        with _status(progress) as say:
            if compare and not beside:
                say("running random search at equal cost")
                spent = Budget(evaluation_seconds=sum(trial.cost for trial in study.trials))
                random_search(plan, study.folder, spent, workers)
            return _ended(plan, study, Lengths.of(plan, final_epochs), compare, beside, say, started)
    except KeyboardInterrupt:
        raise StudyInterrupted(store.folder) from None
    finally:
        for work in beside:
            work.stop()


def _ended(
    plan: Plan, study: Study, lengths: Lengths, compare: bool, beside: list[Beside], say: Say, started: float
) -> SearchResult:
    """The end of a search, within its time: the winner here, the baselines beside it, then the result."""
    searched = time.perf_counter()
    end = time_for_the_end(study, lengths)
    for random in beside:
        say("waiting for random search to end")
        random.result(within=end.part(WAITING).left)
    until, compared = end.part(1 - WRITING), []
    compare = compare and bool(study.of_state("complete"))
    if compare:
        call = (baselines, plan, study, lengths, end.part(COMPARED))
        # A random search that is late is ended: what it tried so far is in its folder.
        beside[0].then(*call) if beside else beside.append(Beside(*call))
    # Where the baselines cannot be trained at the same time, they need some of it for themselves.
    alone = compare and not beside[-1].apart
    finished = finish(plan, study, lengths, until.part(0.5) if alone else until, say)
    if compare:
        say("waiting for the baselines")
        compared = beside[-1].results(within=end.part(0.5).left)
    seconds = {
        "search": study.elapsed,
        "final": finished.seconds,
        # A design that is the largest in both ways was trained once.
        "baselines": sum({str(entry["design"]): entry["seconds"] for entry in compared}.values()),
        "end": time.perf_counter() - searched,
        "total": time.perf_counter() - started,
    }
    say("writing the result")
    return _written(plan, study, finished, compared, seconds)


def _executor(workers: int) -> Executor | None:
    if workers < 1:
        raise StudyError(f"`workers >= 1` must hold, but got workers={workers}.")
    if workers == 1:
        return None
    from netwright.study._processes import ProcessExecutor

    return ProcessExecutor(workers)


def _written(
    plan: Plan, study: Study, finished: Finished, compared: Sequence[Mapping[str, Any]], seconds: Mapping[str, float]
) -> SearchResult:
    """Export the winner, then write result.json and report.html beside it."""
    from netwright.study._report import write_report

    folder, winner, paths, drawing = study.folder, finished.winner, {}, None
    if winner is not None:
        paths = winner.write(folder / "best", f"{plan.space.name}, trial {winner.trial}", overwrite=True)
        drawing = paths["drawing"].read_text(encoding="utf-8")
    paths["report"] = folder / "report.html"
    summary = summarise(plan, study, finished, compared, seconds, {k: str(v) for k, v in paths.items()})
    write_json(folder / "result.json", summary)
    summary = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    write_report(folder, result=summary, study=study, space=plan.space, drawing=drawing)
    return SearchResult(folder, study, winner, summary)


def _new_folder(plan: Plan) -> Path:
    task = plan.task.name if plan.task is not None else str(plan.spec.task.get("function", "task"))
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{task}-{plan.space.name}").strip("-")
    number = 1
    while (Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return Path("runs") / f"{stem}-{number}"


@contextmanager
def _status(show: bool) -> Iterator[Callable[[str], None]]:
    """A line that says what is being done: live on a terminal, one after the other elsewhere."""
    if not show:
        yield lambda text: None
        return
    from rich.console import Console

    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield lambda text: console.print(text, highlight=False, soft_wrap=True, markup=False)
        return
    with console.status("") as status:
        yield lambda text: status.update(text)
