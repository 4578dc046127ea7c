"""`netwright export`: a trained network of a search, or a model made elsewhere, as plain files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson
from netwright.cli._bar import bar
from netwright.cli._source import find
from netwright.cli._studies import read_result, read_study, read_trial, space_of
from netwright.cli._wanted import ModelShape, Source, Wanted
from netwright.errors import ExportError

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Design
    from netwright.study import Study, Trial

__all__ = ["export"]


def export(
    source: Source,
    to: Annotated[
        Path | None, typer.Argument(help="Folder to write; best, trial-N or exported in the current one.")
    ] = None,
    trial: Annotated[
        int | None, typer.Option(min=0, help="Train and export this trial; without it, copy the trained winner.")
    ] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Export the trial with initial weights.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of the training.")] = None,
    space: Annotated[
        str | None, typer.Option("--space", "-s", help="The space, where the search got an object.")
    ] = None,
    input: ModelShape = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write into a folder that is not empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a network of a search, or a model of yours, as plain PyTorch source with weights, and as ONNX.

    Example: netwright export runs/digits served/ --trial 12
    """
    with answering(as_json) as answer:
        if Path(source).is_dir() and not (Path(source) / "model.onnx").is_file():
            document = _of_search(Path(source), to, trial, untrained, epochs, space, overwrite)
        else:
            document = _of_model(source, to, Wanted(trial=trial, space=space, input=input), overwrite)
        answer.give(document, lambda: "\n".join(document["paths"].values()))


def _of_search(
    folder: Path,
    to: Path | None,
    trial: int | None,
    untrained: bool,
    epochs: int | None,
    space: str | None,
    over: bool,
) -> dict[str, Any]:
    study = read_study(folder)
    chosen = read_trial(study, trial)
    target = to or Path("best" if trial is None else f"trial-{chosen.number}")
    if trial is None:
        paths = _copied(study.folder / "best", target, over)
        metrics = ((read_result(study.folder) or {}).get("winner") or {}).get("metrics", {}).get("test")
    else:
        _check_free(target, over)
        paths, metrics = _of_trial(study, chosen, space, epochs, untrained, target, over)
    return _document(paths, chosen.number, trial is None or not untrained, chosen.design, metrics)


def _of_model(source: str, to: Path | None, wanted: Wanted, overwrite: bool) -> dict[str, Any]:
    """A model as it was read: the files hold its own weights, or initial ones where it has none."""
    target = to or Path("exported")
    _check_free(target, overwrite)
    found = find(source, wanted)
    paths = _exported(found.graph, target, overwrite, found.design)
    return _document(paths, None, found.graph.weights is not None, found.design, None)


def _document(
    paths: dict[str, Path], trial: int | None, trained: bool, design: Design | None, test: dict[str, float] | None
) -> dict[str, Any]:
    return {
        "trial": trial,
        "trained": trained,
        "design": None if design is None else dict(design),
        "test": test,
        "paths": {role: str(path) for role, path in paths.items()},
    }


def _copied(source: Path, target: Path, overwrite: bool) -> dict[str, Path]:
    """The files of the winner, which the end of the search has written and checked."""
    if not (source / "model.py").is_file():
        raise ExportError(f"a search exports its winner when it ends, but {source} has no model.py; see --trial.")
    _check_free(target, overwrite)
    try:
        shutil.copytree(source, target, dirs_exist_ok=True)
    except OSError as error:
        raise ExportError(f"the folder of an export must be writable, but {target}: {error}.") from error
    return _paths(target)


def _check_free(target: Path, overwrite: bool) -> None:
    if target.exists() and not (target.is_dir() and (overwrite or not any(target.iterdir()))):
        raise ExportError(f"an existing folder is not overwritten unless told to, but {target} is there.")


def _of_trial(
    study: Study, trial: Trial, own: str | None, epochs: int | None, untrained: bool, target: Path, overwrite: bool
) -> tuple[dict[str, Path], dict[str, float] | None]:
    """Files of a trial's network, trained on all but the test part and tested, or with initial weights."""
    from netwright.graph import simplify
    from netwright.study import train_trial

    space = space_of(study, own)
    if untrained:
        return _exported(simplify(space.network(trial.design)), target, overwrite, trial.design), None
    if study.spec.task.get("function") is not None:
        raise ExportError("a network of a search by a function of your own has no weights here; add --untrained.")
    with bar(f"training trial {trial.number}") as progress:
        trained = train_trial(study, trial, space=space, epochs=epochs, progress=progress)
    title = f"{space.name}, trial {trial.number}"
    return trained.write(target, title, overwrite=overwrite), trained.metrics["test"]


def _exported(graph: Graph, target: Path, overwrite: bool, design: Design | None) -> dict[str, Path]:
    from netwright.io import export as write
    from netwright.io import save_drawing

    write(graph, target, overwrite=overwrite)
    save_drawing(graph, target / "drawing.svg")
    if design is not None:
        (target / "design.json").write_text(design.to_json(indent=2) + "\n", encoding="utf-8")
    return _paths(target)


def _paths(target: Path) -> dict[str, Path]:
    names = {
        "model": "model.py",
        "weights": "model.safetensors",
        "onnx": "model.onnx",
        "drawing": "drawing.svg",
        "design": "design.json",
        "preprocessing": "preprocessing.json",
    }
    return {role: target / name for role, name in names.items() if (target / name).is_file()}
