"""`netwright search` and `netwright resume`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli._answer import INTERRUPTED, Answer, answering
from netwright.cli._arguments import (
    AsJson,
    Classes,
    ImageSize,
    InputShape,
    LabelColumn,
    Limits,
    Restrict,
    chosen_space,
    own_or_text,
    parse_shape,
    read_restriction,
    read_with,
)
from netwright.errors import StudyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netwright.study import SearchResult

__all__ = ["resume", "search"]

WITHOUT_WINNER = 1
"""Exit code of a search that ran to its end and found nothing that holds its limits, or nothing at all."""

Workers = Annotated[int, typer.Option(min=1, help="Processes that evaluate trials.")]
FinalEpochs = Annotated[int | None, typer.Option(min=1, help="Epochs of the finalists' and the winner's training.")]
Compare = Annotated[bool, typer.Option(help="Also run the baselines: random search, and the largest designs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def search(
    task: Annotated[
        str, typer.Option("--task", "-t", help="digits, a data file or folder, or module:function of your own.")
    ],
    space: Annotated[
        str, typer.Option("--space", "-s", help="A space, auto, or module:attribute of your own.")
    ] = "auto",
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="A model to start from, in place of --space: .onnx file or module:attribute."
        ),
    ] = None,
    restrict: Restrict = None,
    limit: Limits = None,
    maximize: Annotated[list[str] | None, typer.Option(help="Metric to maximise; repeatable.")] = None,
    minimize: Annotated[list[str] | None, typer.Option(help="Metric or cost to minimise; repeatable.")] = None,
    budget: Annotated[
        str, typer.Option("--budget", "-b", help="When the search ends: 3m, '100 trials', 1h30m.")
    ] = "3m",
    strategy: Annotated[str, typer.Option(help="What to try next: auto, or the name of a strategy.")] = "auto",
    workers: Workers = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to make; a new one in runs/ if absent.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a search that is in the folder.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of a trial's training.")] = None,
    final_epochs: FinalEpochs = None,
    compare: Compare = True,
    latency: Annotated[
        str, typer.Option(help="Measure each design, or make a table of all blocks first, as an exact limit.")
    ] = "measure",
    target: LabelColumn = None,
    size: ImageSize = None,
    input: InputShape = None,
    classes: Classes = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Search a space for the best network within hard limits; train, test, measure and export it.

    Example: netwright search --task digits --space mobilenet-tiny --limit 'params<=50k' --budget 3m
    """
    with answering(as_json) as answer:
        own_task = own_or_text(task)
        if (input or classes) and not callable(own_task):
            raise StudyError("--input and --classes are for a task of your own; a data file states both itself.")
        where = (
            _around(model, space, input, classes) if model is not None else _space(space, own_task, input, classes)
        )
        if restrict is not None:
            where = _restricted(where, read_restriction(restrict))
        own_task = read_with(task, own_task, target, size)

        def run() -> SearchResult:
            from netwright.study import search as begin

            return begin(
                where, own_task, maximize=maximize or None, minimize=minimize or None, limits=limit or [],
                budget=budget, strategy=strategy, workers=workers, seed=seed, out=out, overwrite=overwrite,
                progress=not quiet, epochs=epochs, final_epochs=final_epochs, compare=compare,
                latency=latency,
            )  # fmt: skip

        _finish(answer, run)


def resume(
    folder: Annotated[Path, typer.Argument(help="Folder of the search.")],
    budget: Annotated[
        str | None, typer.Option("--budget", "-b", help="A new total, in place of the search's; what is used counts.")
    ] = None,
    workers: Workers = 1,
    space: Annotated[
        str | None, typer.Option("--space", "-s", help="The space again, where --task is your own function.")
    ] = None,
    task: Annotated[str | None, typer.Option("--task", "-t", help="The task again, where it is your own.")] = None,
    final_epochs: FinalEpochs = None,
    compare: Compare = True,
    input: InputShape = None,
    classes: Classes = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Go on with a search that was stopped or killed: no trial is lost, and with one worker the same ones follow.

    Example: netwright resume runs/digits --budget 6m
    """
    with answering(as_json) as answer:
        where = None if space is None else chosen_space(space, input, classes)
        own_task = None if task is None else own_or_text(task)

        def run() -> SearchResult:
            from netwright.study import resume_search

            return resume_search(
                folder, space=where, task=own_task, budget=budget, workers=workers, progress=not quiet,
                final_epochs=final_epochs, compare=compare,
            )  # fmt: skip

        _finish(answer, run)


def _around(model: str, space: str, input: str | None, classes: int | None) -> dict[str, Any]:
    """What the study keeps of a model to start from."""
    if space != "auto" or classes is not None:
        raise StudyError("--model stands in place of --space, and has the classes that it has.")
    return {"model": model} if input is None else {"model": model, "input": list(parse_shape(input))}


def _space(name: str, task: Any, input: str | None, classes: int | None) -> Any:
    """The space itself for a task of the user's own; else its name, by which the study can load it again."""
    if callable(task):
        return chosen_space(name, input, classes)
    own_or_text(name)  # A text that names nothing is refused here, before the task's data are read.
    return name


def _restricted(where: Any, allowed: dict[str, list[Any]]) -> Any:
    """The space without what is not allowed, in the form in which the study keeps it."""
    from netwright.space import Space

    if isinstance(where, Space):
        return where.restricted(allowed)
    return {**(where if isinstance(where, dict) else {"name": where}), "restrict": allowed}


def _finish(answer: Answer, run: Callable[[], SearchResult]) -> None:
    from netwright.cli._result import words
    from netwright.study import StudyInterrupted

    try:
        result = run()
    except StudyInterrupted as stop:
        answer.fail(stop, str(stop), INTERRUPTED)
    found = result.to_json()
    answer.give(found, lambda: words(found))
    # An evaluation of the user's own has no winner, but a front where any trial came to an end.
    if not (found["front"] if found["task"]["kind"] == "function" else found["winner"]):
        raise typer.Exit(WITHOUT_WINNER)
