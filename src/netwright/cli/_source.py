"""What a command is about: a network, named by a model, a space or the folder of a search."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli._arguments import calling_own, find_space, import_path, load_own, parse_shape
from netwright.errors import DesignError, ExportError, SpaceError

if TYPE_CHECKING:
    from netwright.graph import Graph
    from netwright.space import Design, Space

__all__ = [
    "DesignFile",
    "Found",
    "ModelShape",
    "Seed",
    "Source",
    "SpaceOf",
    "Strict",
    "TrialNumber",
    "Wanted",
    "check_free",
    "find",
    "write_text",
]

Source = Annotated[
    str,
    typer.Argument(
        help="An ONNX file, the folder of an export or of a search, a space, or module:attribute of your own model."
    ),
]
ModelShape = Annotated[
    str | None,
    typer.Option("--input", help="Input shape: of a model with its batch, 1x3x224x224; of a space without, 3x32x32."),
]
DesignFile = Annotated[Path | None, typer.Option("--design", help="JSON file of a design of the space.")]
TrialNumber = Annotated[int | None, typer.Option("--trial", min=0, help="Trial of the search; the winner if absent.")]
SpaceOf = Annotated[str | None, typer.Option("--space", "-s", help="The space, where the search got an object.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the design drawn from the space if none is given.")]
Strict = Annotated[
    bool, typer.Option("--strict/--no-strict", help="Refuse a model with operators that are not known.")
]


@dataclass(frozen=True)
class Found:
    """A network, what to call it, and its design where it came from a space."""

    graph: Graph
    title: str
    design: Design | None = None


@dataclass(frozen=True)
class Wanted:
    """What the options say about a source; most speak of one kind of source only."""

    design: Path | None = None
    trial: int | None = None
    space: str | None = None
    input: str | None = None
    classes: int | None = None
    limits: Sequence[str] = ()
    seed: int = 0
    strict: bool = True


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
    return _of_space(_space(source, wanted), wanted)


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
            return _of_space(_space(source, wanted), wanted)
        with calling_own(f"calling {source}"):
            made = found()
    if isinstance(made, Space):
        return _of_space(_space(source, wanted), wanted)
    _only("a model", design=wanted.design, trial=wanted.trial, space=wanted.space, classes=wanted.classes)
    return Found(graph_of(made, source, wanted.input, wanted.strict), source)


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def _space(name: str, wanted: Wanted) -> Space:
    return find_space(name, parse_shape(wanted.input) if wanted.input else None, wanted.classes)


def _of_space(space: Space, wanted: Wanted) -> Found:
    from netwright.cli._draws import designs_within
    from netwright.cost import Limit
    from netwright.graph import simplify

    if wanted.design:
        design = _read(wanted.design)
    else:
        [design] = designs_within(space, Limit.of(list(wanted.limits)), 1, wanted.seed).designs
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
        return Design.from_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DesignError(f"a design is read from a JSON file, but {file}: {error}.") from error


def check_free(out: Path | None, overwrite: bool) -> None:
    """Raise ExportError where a file is there that must not be written over."""
    if out is not None and out.exists() and not overwrite:
        raise ExportError(f"a file that exists is not written over unless told to, but {out} exists.")


def write_text(out: Path, text: str, what: str) -> None:
    """Write a file; raise ExportError where that cannot be."""
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{what} must be writable, but {out}: {error.strerror}.") from error
