"""The trainings at the end of a search: of finalists, of the winner and of its baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._text import write_json
from netwright.errors import StudyError
from netwright.graph import Graph, simplify
from netwright.study._checks import known_costs
from netwright.study._evaluation import Report
from netwright.study._plan import Plan, plan_of
from netwright.study._records import Study, Trial

if TYPE_CHECKING:
    from netwright.quality import Task
    from netwright.space import Design, Space

__all__ = ["Candidate", "Lengths", "pace_of", "pace_on_all", "train_finalist", "train_finally", "train_trial"]

PROMOTED = 3
"""Epochs of a finalist, in multiples of a trial's."""
LONGER = 5
"""Epochs of the final training, in multiples of a trial's."""


AVERAGING = 0.1
"""Of the recipes of these trainings, where a design's says nothing: one that has to stop early still ends well."""
Progress = Callable[[int, int], None]


@dataclass
class Candidate:
    """A design that was trained to the end: its network with weights, and all that is known of it.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.space import Design
    >>> x = image(3, 8, 8)
    >>> limits = [{"limit": "params <= 50k", "value": 61_000.0, "holds": False}]
    >>> found = Candidate(Design({"kernel": 3}), Graph([x], [ops.relu(x)]), {}, {"params": 61_000.0}, None, limits)
    >>> found.holds
    False
    """

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
    preprocessing: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every limit holds, as measured again."""
        return all(entry["holds"] for entry in self.limits)

    def to_json(self) -> dict[str, Any]:
        """What is known of the candidate; its network, and what that is fed with, are files of their own."""
        own = {name: value for name, value in vars(self).items() if name not in ("graph", "preprocessing")}
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in own.items()}

    def write(self, folder: Path, title: str, *, overwrite: bool = False) -> dict[str, Path]:
        """Write the network as source, weights and ONNX, a drawing, the design, and how inputs and outputs are read.

        Raises ExportError when the folder is not empty and `overwrite` is not set, or the exports do not agree.
        """
        from netwright.io import export, save_drawing

        written = export(self.graph, folder, overwrite=overwrite).paths
        paths = {"model": written["source"], "weights": written["weights"], "onnx": written["onnx"]}
        paths["drawing"] = save_drawing(self.graph, folder / "drawing.svg", title=title)
        for name, content in (("design", dict(self.design)), ("preprocessing", self.preprocessing)):
            paths[name] = folder / f"{name}.json"
            write_json(paths[name], content)
        return paths


@dataclass(frozen=True)
class Lengths:
    """Epochs that the trainings at the end should have, where there is time for them.

    >>> Lengths(short=9).final, Lengths(short=9, fixed=4).final
    (45, 4)

    short: epochs of a trial. fixed: of finalists and of the final training, where the user said so.
    """

    short: int
    fixed: int | None = None

    @classmethod
    def of(cls, plan: Plan, fixed: int | None) -> Lengths:
        """Lengths for a search with trials as long as its plan says."""
        return cls(int(plan.spec.options.get("epochs", 1)), fixed)

    @property
    def promoted(self) -> int:
        """Of a finalist."""
        return self.fixed or PROMOTED * self.short

    @property
    def final(self) -> int:
        """Of the final training."""
        return self.fixed or LONGER * self.short

    def own(self, plan: Plan, design: Design) -> Lengths:
        """Lengths for one design, whose recipe may say how long its trial is."""
        epochs = int(plan.space.recipe(design).get("epochs", 0) or 0)
        return Lengths(epochs, self.fixed) if epochs else self


def pace_of(plan: Plan, trial: Trial, lengths: Lengths) -> float:
    """Seconds an epoch of a trial took, rather too many: what was measured before its training counts too."""
    return trial.cost / lengths.own(plan, trial.design).short


def pace_on_all(plan: Plan, pace: float) -> float:
    """Seconds an epoch takes on training and validation part together, from those on the training part."""
    assert plan.task is not None
    sizes = plan.task.sizes
    return pace * (sizes["train"] + sizes["valid"]) / sizes["train"]


def train_finalist(
    plan: Plan, task: Task, trial: Trial, graph: Graph, epochs: int, report: Report
) -> tuple[dict[str, float], float]:
    """Metrics of a trial's network after a longer training, on the task's validation part, and seconds an epoch."""
    from netwright.io import to_module
    from netwright.quality import Recipe, train

    chosen = {k: v for k, v in plan.space.recipe(trial.design).items() if k != "epochs"}
    recipe = Recipe.from_mapping({"averaging": AVERAGING, **chosen, "epochs": epochs, "seed": trial.seed})
    module = to_module(graph, seed=trial.seed)
    result = train(module, task, recipe, report=report, threads=1, graph=graph)
    return result.metrics, result.seconds / len(result.history)


def train_finally(
    plan: Plan, design: Design, graph: Graph, epochs: int, seed: int, report: Report = lambda epoch, values: True
) -> Candidate:
    """Train a network on training and validation part, and test it once.

    report: hears of each epoch, and says whether to go on; the candidate's epochs are those that were trained.
    """
    from netwright.io import to_module, weights_of
    from netwright.quality import Recipe, evaluate, train

    assert plan.task is not None
    module = to_module(graph, seed=seed)
    chosen = {k: v for k, v in plan.space.recipe(design).items() if k != "epochs"}
    recipe = Recipe.from_mapping({"averaging": AVERAGING, **chosen, "epochs": epochs, "seed": seed})
    result = train(module, (plan.task.development(), None), recipe, report=report, threads=1, graph=graph)
    tested = evaluate(module, plan.task.test)
    trained = graph.with_weights(weights_of(module, graph))
    return Candidate(
        design, trained, {"test": tested}, known_costs(plan, design, graph, {}), None, [], recipe=chosen,
        epochs=len(result.history), history=result.history, preprocessing=plan.task.preprocessing(),
    )  # fmt: skip


def train_trial(
    study: Study,
    trial: Trial,
    *,
    space: Space | None = None,
    task: Any = None,
    epochs: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Candidate:
    """Train the network of any trial as a winner is trained: on all but the test part, tested once.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> import netwright as nw
    >>> from netwright.study import Budget, StudySpec
    >>> x = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    >>> task = nw.load_task((x, np.arange(40) % 2))
    >>> space = nw.Space(nw.seq(nw.linear_block(nw.oneof(4, 8)), nw.table_head(2)), input=nw.vector(4))
    >>> spec = StudySpec((nw.Objective.parse("maximize accuracy"),), seed=0, budget=Budget(trials=1))
    >>> trial = Trial(0, nw.Design({"linear_block.features": 8}), "complete", seed=0, values={"accuracy": 0.5})
    >>> found = train_trial(Study(Path("runs/toy"), spec, [trial]), trial, space=space, task=task, epochs=1)
    >>> found.epochs, sorted(found.metrics["test"]), found.costs["params"]
    (1, ['accuracy', 'balanced_accuracy', 'loss'], 66)

    space, task: of the study, where the search got them as objects.
    epochs: in place of the usual multiple of a trial's. progress: hears how many epochs of how many are done.

    Raises StudyError when the search evaluated with a function of its own, which has no task to train on.
    """
    plan = plan_of(study.spec, space=space, task=task)
    if plan.task is None:
        raise StudyError("only a search on a task can train a trial again, but this one evaluated with a function.")
    length = Lengths.of(plan, epochs).own(plan, trial.design).final
    graph = simplify(plan.space.network(trial.design))

    def report(epoch: int, values: Mapping[str, float]) -> bool:
        progress(epoch, length)
        return True

    return train_finally(plan, trial.design, graph, length, trial.seed, report)
