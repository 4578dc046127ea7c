"""Options that say which network a command is about, spelled out once for all commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from netwright.cli._arguments import Classes, Limits

__all__ = ["DesignFile", "ModelShape", "Seed", "Source", "SpaceOf", "Strict", "TrialNumber", "Wanted", "with_wanted"]

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
class Wanted:
    """What the options say about a source; most speak of one kind of source only."""

    design: DesignFile = None
    trial: TrialNumber = None
    space: SpaceOf = None
    input: ModelShape = None
    classes: Classes = None
    limits: Limits = None
    seed: Seed = 0
    strict: Strict = True


def with_wanted(command: Callable[..., None]) -> Callable[..., None]:
    """A command with all fields of `Wanted` as options behind its own, gathered for its parameter `wanted`.

    The parser reads options from the signature, so that is what is written out here.
    """
    own = dict(inspect.signature(command, eval_str=True).parameters)
    del own["wanted"]

    @wraps(command)
    def spelled_out(**given: Any) -> None:
        wanted = Wanted(**{each.name: given.pop(each.name) for each in fields(Wanted)})
        command(**given, wanted=wanted)

    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*own.values(), *_parameters())]
    spelled_out.__dict__["__signature__"] = inspect.Signature(parameters)
    spelled_out.__annotations__ = {each.name: each.annotation for each in parameters}
    return spelled_out


def _parameters() -> list[inspect.Parameter]:
    """The fields of `Wanted` as parameters."""
    types = get_type_hints(Wanted, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(each.name, kind, default=each.default, annotation=types[each.name])
        for each in fields(Wanted)
    ]
