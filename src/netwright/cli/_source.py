"""What a command is about: a network, named by a model, a space or the folder of a search."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._text import read_text
from netwright.cli._arguments import calling_own, chosen_space, import_path, load_own
from netwright.cli._wanted import Wanted
from netwright.errors import DesignError, SpaceError

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Design, Space

__all__ = ["Found", "find"]


@dataclass(frozen=True)
class Found:
    """A network, what to call it, and its design where it came from a space."""

    graph: Graph
    title: str
    design: Design | None = None


def find(source: str, wanted: Wanted) -> Found:
    """The network that a source names.

    An existing folder is a search, or the export of a model; other paths are models. What is no path is a space by
    name, or an object of the user's own: a model, a space, or a function that makes one.

    Raises NetwrightError when there is none.
    """
    path = Path(source)
    if path.is_dir() and not (path / "model.onnx").is_file():
        return _of_study(path, wanted)
    if import_path(source):
        return _own(source, wanted)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return _model(source, wanted)
    return _of_space(chosen_space(source, wanted.input, wanted.classes), wanted)


def _model(source: str, wanted: Wanted) -> Found:
    from netwright.io import read_model

    _only("a model", design=wanted.design, trial=wanted.trial, space=wanted.space, classes=wanted.classes)
    return Found(read_model(source, wanted.input, wanted.strict), Path(source).name)


def _only(kind: str, **given: Any) -> None:
    """Options that do not speak of this kind of source must not be given."""
    wrong = [f"--{name}" for name, value in given.items() if value is not None]
    if wrong:
        raise SpaceError(f"{kind} has no designs and trials, so {', '.join(wrong)} cannot be given.")


def _own(source: str, wanted: Wanted) -> Found:
    """A model, a space or a function that makes one; a function that names `input` or `classes` makes a space."""
    from netwright.graph import Graph
    from netwright.io._read_model import graph_of, is_module
    from netwright.space import Space

    found = load_own(source)
    made = found
    if callable(found) and not isinstance(found, Space | Graph) and not is_module(found):
        if {"input", "classes"} & _parameters(found):
            return _of_space(chosen_space(source, wanted.input, wanted.classes), wanted)
        with calling_own(f"calling {source}"):
            made = found()
    if isinstance(made, Space):
        return _of_space(chosen_space(source, wanted.input, wanted.classes), wanted)
    _only("a model", design=wanted.design, trial=wanted.trial, space=wanted.space, classes=wanted.classes)
    return Found(graph_of(made, source, wanted.input, wanted.strict), source)


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def _of_space(space: Space, wanted: Wanted) -> Found:
    from netwright.cli._draws import designs_within
    from netwright.cost import Limit
    from netwright.graph import simplify

    if wanted.design:
        design = _read(wanted.design)
    else:
        [design] = designs_within(space, Limit.of(wanted.limits or []), 1, wanted.seed).designs
    return Found(simplify(space.network(design)), space.name, design)


def _of_study(folder: Path, wanted: Wanted) -> Found:
    from netwright.cli._studies import read_study, read_trial, space_of
    from netwright.graph import simplify

    study = read_study(folder)
    space = space_of(study, wanted.space)
    if wanted.design is not None:
        title, design = space.name, _read(wanted.design)
    else:
        trial = read_trial(study, wanted.trial)
        title, design = f"{space.name}, trial {trial.number}", trial.design
    return Found(simplify(space.network(design)), title, design)


def _read(file: Path) -> Design:
    from netwright.space import Design

    try:
        return Design.from_json(read_text(file))
    except (OSError, ValueError) as error:
        raise DesignError(f"a design is read from a JSON file, but {file}: {error}.") from error
