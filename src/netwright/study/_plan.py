"""From what a user asks for to what a study runs with, and back again on resume."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cost import Limit
from netwright.errors import StudyError, UnknownNameError
from netwright.space import Design, Space
from netwright.study._budget import Budget
from netwright.study._evaluation import Evaluation, FunctionEvaluation
from netwright.study._metrics import LATENCY, asked, estimated, is_told, on_target, with_latency_tables
from netwright.study._parts import Parts
from netwright.study._records import StudySpec
from netwright.study._trial import Estimator, TaskEvaluation, network_key
from netwright.target import with_targets

if TYPE_CHECKING:
    from netwright.quality import Task
    from netwright.strategy import Objective, Proposal

__all__ = ["Plan", "plan_of", "plan_search", "space_from"]

POPULATION = 12
"""Of the evolutionary strategies: a search of minutes has some fifty trials, not thousands."""


@dataclass(frozen=True)
class Plan:
    """Everything a search needs: what is kept on disk (`spec`), and the objects it stands for."""

    spec: StudySpec
    space: Space
    task: Task | None
    function: Callable[..., Mapping[str, float]] | None = None

    def parts(self, spec: StudySpec | None = None) -> Parts:
        """Parts of the study, the strategy as new."""
        spec = spec or self.spec
        held = [limit for limit in spec.limits if self.space.additive(limit.metric)]
        options = {k: v for k, v in spec.strategy.items() if k != "name"}
        strategy = _strategy(str(spec.strategy["name"]))(self.space, spec.objectives, held, **options)
        return Parts(
            self.space,
            strategy,
            self.evaluation,
            network_key,
            Estimator(estimated(spec, self.space), self.space),
            fidelity=float(spec.options.get("epochs", 1)),
            starts=self._starts(spec, held),
        )

    def check_metrics(self) -> None:
        """Raise UnknownNameError for a metric that nothing tells, such as of a target that was removed since."""
        if self.task is not None:
            _check_metrics(asked(self.spec), self.space, self.task)

    @property
    def largest(self) -> list[tuple[Design, list[str]]]:
        """The largest designs within the limits, where they were looked for, each with all that it is largest by."""
        return _largest(self.spec)

    def _starts(self, spec: StudySpec, held: Sequence[Limit]) -> dict[int, Proposal]:
        """The network that the space was made around, where the forest's limits keep it, then the largest designs.

        Without such a network, a design of the strategy's own comes first: the largest are also the slowest, and in
        a short time there should be a result.
        """
        from netwright.strategy import Proposal

        start = self.space.start
        given = [Proposal(start, origin="start")] if start is not None and self.space.keeps(start, held) else []
        after = [Proposal(design, origin="largest") for design, _ in _largest(spec) if design != start]
        return dict(enumerate(given)) | dict(enumerate(after, start=1))

    @property
    def evaluation(self) -> Evaluation:
        """What evaluates a trial: the training on the task, or the user's function."""
        if self.function is not None:
            return FunctionEvaluation(self.function)
        assert self.task is not None
        return TaskEvaluation(self.task)


def _largest(spec: StudySpec) -> list[tuple[Design, list[str]]]:
    return [(Design(entry["design"]), list(entry["names"])) for entry in spec.options.get("largest", [])]


def plan_search(
    space: Space | str | Mapping[str, Any],
    task: Any,
    *,
    maximize: str | Sequence[str] | None,
    minimize: str | Sequence[str] | None,
    limits: Any,
    budget: Budget | str,
    strategy: str,
    seed: int,
    epochs: int | None,
    latency: str = "measure",
) -> Plan:
    """Plan of a new search.

    Raises UnknownNameError for a space, metric, limit or strategy that does not exist, with those that do.
    """
    function = task if callable(task) else None
    loaded, task_json = (None, {"function": _name(task)}) if function else _load_task(task)
    built, space_json = _load_space(space, loaded)
    if latency not in ("measure", "table"):
        raise UnknownNameError("way to know latency", latency, ("measure", "table"))
    options: dict[str, Any] = {"epochs": _epochs(loaded) if epochs is None else epochs}
    objectives = _objectives(maximize, minimize, loaded)
    bounds = Limit.of(limits)
    names = [o.metric for o in objectives] + [limit.metric for limit in bounds]
    if loaded is not None:
        _check_metrics(names, built, loaded)
        _check_recipe(built)
    if latency == "table":
        built, options["latency_tables"] = with_latency_tables(built, names, {})
    built = with_targets(built, _targeted(names, built))
    name = _chosen(strategy, objectives)
    _strategy(name)
    spec = StudySpec(
        tuple(objectives),
        seed,
        budget if isinstance(budget, Budget) else Budget.parse(budget),
        bounds,
        space=space_json,
        task=task_json,
        strategy={"name": name, **_options(name)},
        options=options,
    )
    return Plan(spec, built, loaded, function)


def plan_of(spec: StudySpec, *, space: Space | None = None, task: Any = None) -> Plan:
    """Plan of a study that exists, from what it kept.

    space, task: the objects where they were given as such and cannot be loaded by name.

    Raises StudyError that says which of them is needed.
    """
    if space is None:
        if not spec.space.keys() & {"name", "model"}:
            raise StudyError(
                "this study's space was given as an object: give it again, as resume(folder, space=...)."
            )
        space = space_from(spec.space)
    if task is None:
        if "source" not in spec.task:
            raise StudyError("this study's task was given as an object: give it again, as resume(folder, task=...).")
        task = _task_from(spec.task)
    if "latency_tables" in spec.options:
        space, _ = with_latency_tables(space, asked(spec), spec.options["latency_tables"])
    space = with_targets(space, _targeted(asked(spec), space))
    if callable(task):
        return Plan(spec, space, None, task)
    return Plan(spec, space, task if hasattr(task, "development") else _load_task(task)[0])


def _load_task(task: Any) -> tuple[Task, dict[str, Any]]:
    from netwright.quality import Task, load_task

    if isinstance(task, Task):
        return task, {"name": task.name}
    if isinstance(task, Mapping):
        spec = {**task, "source": _absolute(str(task["source"]))}
        return _task_from(spec), spec
    if isinstance(task, (str, PathLike)):
        return load_task(fspath(task)), {"source": _absolute(fspath(task))}
    loaded = load_task(task)
    return loaded, {"name": loaded.name}


def _absolute(source: str) -> str:
    """The path of a file from the root, so that a search goes on from any folder; other names as they are."""
    path, colon, member = source.rpartition(":")
    if Path(source).exists():
        return str(Path(source).resolve())
    return f"{Path(path).resolve()}:{member}" if colon and Path(path).exists() else source


def _check_recipe(space: Space) -> None:
    """Refuse a recipe that no training takes before the first trial, not in each."""
    from netwright.quality import Recipe

    Recipe.from_mapping(space.recipe_space.values(space.recipe_space.first()))


def _task_from(spec: Mapping[str, Any]) -> Task:
    from netwright.quality import load_task

    return load_task(spec["source"], **{k: v for k, v in spec.items() if k != "source"})


def _load_space(space: Space | str | Mapping[str, Any], task: Task | None) -> tuple[Space, dict[str, Any]]:
    if isinstance(space, Space):
        shapes = [list(tensor.shape[1:]) for tensor in space.inputs.values()]
        if task is not None and shapes != [list(task.input_shape)]:
            raise StudyError(f"space and task must have one input shape, but have {shapes} and {task.input_shape}.")
        return space, {"object": space.name, "input": shapes[0]}
    spec = dict(space) if isinstance(space, Mapping) else {"name": space}
    if "model" in spec:
        spec["model"] = _absolute(str(spec["model"]))
    elif task is None:
        raise StudyError("a space by name takes its input shape from a task; with a function, give a Space.")
    elif spec["name"] == "auto":
        from netwright.space.catalog import auto_space

        spec["name"] = auto_space(task.input_shape)
    if task is not None:
        spec |= {"input": list(task.input_shape), "classes": task.classes}
    return space_from(spec), spec


def space_from(spec: Mapping[str, Any]) -> Space:
    """Space of what a study keeps of it: a name, or the model that it is made around, and its restriction.

    >>> space_from({"name": "mobilenet-tiny", "input": [1, 8, 8], "classes": 10})
    <Space mobilenet-tiny: 512,096,256 designs on 1x8x8>
    >>> space_from({"name": "mobilenet-tiny", "input": [1, 8, 8], "classes": 10, "restrict": {"stem.channels": [8]}})
    <Space mobilenet-tiny: 170,698,752 designs on 1x8x8>
    """
    made = {key: value for key, value in spec.items() if key != "restrict"}
    found = _around_model(**made) if "model" in made else _named_space(**made)
    return found.restricted(spec["restrict"]) if spec.get("restrict") else found


def _around_model(
    model: str, input: Sequence[int] | None = None, classes: int | None = None, **options: Any
) -> Space:
    """Space around the model of a file or import path; raises StudyError where the task has another form."""
    from netwright.io import read_model

    graph = read_model(model, None if input is None else "x".join(map(str, (1, *input))))
    space = Space.from_model(graph, name=Path(model.rpartition(":")[2]).stem, **options)
    takes, gives = graph.inputs[0].shape[1:], graph.outputs[0].shape[-1]
    if (input is not None and takes != tuple(input)) or classes not in (None, gives):
        raise StudyError(
            f"model and task must have one form, but the model takes {takes} and gives {gives} numbers and the task"
            f" has {tuple(input or ())} and {classes} classes."
        )
    return space


def _named_space(name: str, input: Sequence[int], classes: int) -> Space:
    if ":" in name:
        return _imported(name, input, classes)
    from netwright.space.catalog import get_space

    return get_space(name, input, classes)


def _imported(name: str, shape: Sequence[int], classes: int) -> Space:
    """Space, or function (input, classes) that makes one, from a module of the user's own."""
    import importlib

    from netwright.graph import Input

    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise StudyError(f"a space is imported as module:attribute, but {name!r} cannot be: {error}.") from error
    made = found if isinstance(found, Space) else found(Input((1, *shape)), classes) if callable(found) else None
    if not isinstance(made, Space):
        raise StudyError(f"{name!r} must be a Space or a function (input, classes) that makes one.")
    return made


def _objectives(
    maximize: str | Sequence[str] | None, minimize: str | Sequence[str] | None, task: Task | None
) -> list[Objective]:
    from netwright.strategy import Objective

    more, less = _names(maximize), _names(minimize)
    if not more and not less and task is not None:
        more, less = (["accuracy"], ["macs"]) if task.target == "classification" else ([], ["rmse", "macs"])
    return [Objective(name, "maximize") for name in more] + [Objective(name, "minimize") for name in less]


def _names(given: str | Sequence[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else list(given or ())


def _check_metrics(names: Sequence[str], space: Space, task: Task) -> None:
    known = {*task.metrics, *space.costs_known}
    for name in names:
        if name not in known and on_target(name, space) is None:
            raise UnknownNameError("metric", name, {*known, LATENCY})


def _targeted(names: Sequence[str], space: Space) -> list[str]:
    """Those of the metrics that a target tells."""
    return [name for name in names if is_told(name, space)]


def _chosen(strategy: str, objectives: Sequence[Objective]) -> str:
    if strategy != "auto":
        return strategy
    return "regularised-evolution" if len(objectives) == 1 else "nsga2"


def _options(name: str) -> dict[str, Any]:
    return {
        "regularised-evolution": {"population": POPULATION, "tournament": POPULATION // 4},
        "nsga2": {"population": POPULATION},
    }.get(name, {})


def _strategy(name: str) -> Callable[..., Any]:
    from netwright.strategy import get_strategy

    return get_strategy(name)


def _epochs(task: Task | None) -> int:
    """Epochs of a trial: few on much data, more on little."""
    if task is None:
        return 1
    return int(min(30, max(1, 10_000 // max(task.sizes["train"], 1))))


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))
