"""What the options have in common, and what their texts mean."""

from __future__ import annotations

import importlib
import json
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright._text import read_text
from netwright.errors import NetwrightError, SpaceError, StudyError

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = [
    "AsJson",
    "Classes",
    "ImageSize",
    "InputShape",
    "LabelColumn",
    "Limits",
    "Restrict",
    "calling_own",
    "chosen_space",
    "find_space",
    "import_path",
    "load_own",
    "own_or_text",
    "parse_shape",
    "read_restriction",
    "read_with",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of words.")]
Limits = Annotated[
    list[str] | None,
    typer.Option("--limit", "-l", help="What must hold, such as 'params<=50k' or '1M<=macs<=2M'; repeatable."),
]
InputShape = Annotated[
    str | None, typer.Option("--input", help="Input shape without the batch, such as 3x32x32, 1x150 or 13.")
]
Restrict = Annotated[
    Path | None,
    typer.Option(
        "--restrict", help="JSON file of paths, or patterns of them, and the values that stay; see spaces shrink."
    ),
]
LabelColumn = Annotated[str | None, typer.Option(help="Label column of a table, by name or number from 1.")]
ImageSize = Annotated[
    str | None, typer.Option(help="Height and width that a folder's images are resized to: 32 or 24x32.")
]
Classes = Annotated[int | None, typer.Option("--classes", min=1, help="Number of classes.")]

_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def parse_shape(text: str) -> tuple[int, ...]:
    """Read an input shape.

    >>> parse_shape("3x32x32"), parse_shape("13")
    ((3, 32, 32), (13,))

    Raises SpaceError, which shows the form, for anything else.
    """
    if not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8})*", text.strip(), re.ASCII):
        raise SpaceError(f"an input shape reads '3x32x32', '1x150' or '13', but got {text!r}.")
    return tuple(map(int, text.strip().split("x")))


def read_restriction(file: Path) -> dict[str, list[Any]]:
    """Values that stay, by path or pattern.

    Raises SpaceError where the file is missing or holds anything else.
    """
    try:
        found = json.loads(read_text(file))
    except (OSError, ValueError) as error:
        raise SpaceError(f"a restriction is a JSON file, but {file} cannot be read: {error}.") from None
    if not isinstance(found, dict) or not all(isinstance(values, list) for values in found.values()):
        raise SpaceError(f"a restriction maps paths to lists of values, but {file} does not.")
    return found


def import_path(text: str) -> bool:
    """Whether a text names an object of the user's own code, `module:attribute`, rather than a member of a file.

    >>> import_path("mine.spaces:small"), import_path("series.npz:GunPoint"), import_path("mobilenet-tiny")
    (True, False, False)
    """
    place = text.partition(":")[0]
    return bool(_IMPORT_PATH.fullmatch(text)) and not place.endswith(".npz") and not Path(place).exists()


def load_own(text: str) -> Any:
    """Object that `module:attribute` names; modules of the current folder are found, too.

    Raises SpaceError when the module cannot be imported, or has no such attribute.
    """
    module_name, _, attributes = text.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    with calling_own(f"importing {module_name}"):
        found: Any = importlib.import_module(module_name)
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            raise SpaceError(f"{module_name} must have what is named, but it has no {attributes!r}.")
        found = getattr(found, attribute)
    return found


def own_or_text(text: str) -> Any:
    """The user's own object where a text names one, else the text.

    >>> own_or_text("digits")
    'digits'

    Raises SpaceError as `load_own`.
    """
    return load_own(text) if import_path(text) else text


def read_with(task: str, own_task: Any, target: str | None, size: str | None) -> Any:
    """The task, with how its file is to be read where that was said.

    >>> read_with("photos/", "photos/", None, "24x32")
    {'source': 'photos/', 'size': [24, 32]}

    Raises StudyError for a size of another form, and where the task is the user's own.
    """
    said = {"target": target, "size": None if size is None else _height_and_width(size)}
    options = {name: value for name, value in said.items() if value is not None}
    if options and callable(own_task):
        raise StudyError("--target and --size say how a file is read, and a task of your own is none.")
    return {"source": task, **options} if options else own_task


def _height_and_width(size: str) -> list[int]:
    sides = parse_shape(size) if re.fullmatch(r"[1-9]\d*(x[1-9]\d*)?", size) else ()
    if not sides:
        raise StudyError(f"a size of images reads '32' or '24x32' (height x width), but got {size!r}.")
    return [sides[0], sides[-1]]


@contextmanager
def calling_own(doing: str) -> Iterator[None]:
    """Make one sentence of whatever the user's own code raises, with the line that raised it."""
    try:
        yield
    except NetwrightError:
        raise
    except Exception as error:
        theirs = [frame for frame in traceback.extract_tb(error.__traceback__) if not _ours(frame.filename)]
        place = f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""
        raise SpaceError(f"{doing} failed with {type(error).__name__}: {error}{place}.") from error


def _ours(file: str) -> bool:
    return file.startswith("<frozen") or file in (__file__, importlib.__file__)


def find_space(name: str, shape: tuple[int, ...] | None = None, classes: int | None = None) -> Space:
    """A catalogued space, the one that suits a shape (`auto`), or the user's own.

    The user's own is a Space, or a function like those of the catalogue: `space(input, classes)`, both optional.

    Raises SpaceError when the user's own object is neither, or a ready Space is to be of another shape.
    """
    from netwright.space import Space
    from netwright.space.catalog import auto_space, get_space

    if not import_path(name):
        if name == "auto" and shape is None:
            raise SpaceError("--space auto chooses by the input shape, but no --input is given.")
        return get_space(auto_space(shape) if name == "auto" and shape else name, shape, classes)
    found = load_own(name)
    if callable(found) and not isinstance(found, Space):
        with calling_own(f"calling {name}"):
            found = found(**_catalogue_arguments(shape, classes))
    elif shape is not None or classes is not None:
        raise SpaceError(f"{name} is a finished space, which takes neither --input nor --classes.")
    if not isinstance(found, Space):
        raise SpaceError(f"{name} must be a Space or a function that makes one, but is of {type(found).__name__}.")
    return found


def chosen_space(name: str, input: str | None, classes: int | None) -> Space:
    """The space that `find_space` finds for the texts of the options."""
    return find_space(name, parse_shape(input) if input else None, classes)


def _catalogue_arguments(shape: tuple[int, ...] | None, classes: int | None) -> dict[str, Any]:
    from netwright.graph import Input

    given: dict[str, Any] = {} if shape is None else {"input": Input((1, *shape))}
    return given if classes is None else {**given, "classes": classes}
