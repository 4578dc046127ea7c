"""`netwright draw`: a network as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson, Classes, InputShape, Limits, find_space, parse_shape
from netwright.errors import DesignError, ExportError

if TYPE_CHECKING:
    from netwright.space import Design, Space

__all__ = ["draw"]


def draw(
    source: Annotated[str, typer.Argument(help="A space, as for `netwright space`, or the folder of a search.")],
    design: Annotated[Path | None, typer.Option(help="JSON file of the design to draw.")] = None,
    trial: Annotated[
        int | None, typer.Option(min=0, help="Trial of the search to draw; the winner if absent.")
    ] = None,
    space: Annotated[
        str | None, typer.Option("--space", "-s", help="The space, where the search got an object.")
    ] = None,
    input: InputShape = None,
    classes: Classes = None,
    limit: Limits = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the design drawn from the space if none is given.")] = 0,
    out: Annotated[Path | None, typer.Option(help="SVG file to write; printed if absent.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw one network: a design of a space, or a trial of a search.

    Example: netwright draw mobilenet-tiny --limit 'params<=50k' --out network.svg
    """
    with answering(as_json) as answer:
        from netwright.cost import Limit, costs_of
        from netwright.graph import simplify
        from netwright.io import draw as drawing

        if out is not None and out.exists() and not overwrite:
            raise ExportError(f"a file that exists is not written over unless told to, but {out} exists.")
        if Path(source).is_dir():
            title, found, chosen = _of_study(Path(source), design, trial, space)
        else:
            found = find_space(source, parse_shape(input) if input else None, classes)
            title, chosen = found.name, _of_space(found, design, Limit.of(limit or []), seed)
        network = simplify(found.network(chosen))
        svg = drawing(network, title=title)
        document: dict[str, Any] = {"source": source, "design": dict(chosen), "costs": costs_of(network)}
        if out is None:
            answer.give({**document, "path": None, "svg": svg}, lambda: svg)
            return
        _write(out, svg)
        answer.give({**document, "path": str(out), "svg": None}, lambda: str(out))


def _of_study(folder: Path, file: Path | None, number: int | None, own: str | None) -> tuple[str, Space, Design]:
    from netwright.cli._studies import read_study, read_trial, space_of

    study = read_study(folder)
    space = space_of(study, own)
    if file is not None:
        return space.name, space, _read(file)
    trial = read_trial(study, number)
    return f"{space.name}, trial {trial.number}", space, trial.design


def _of_space(space: Space, file: Path | None, limits: Any, seed: int) -> Design:
    import numpy as np

    return _read(file) if file else space.sample(np.random.default_rng(seed), 1, limits)[0]


def _read(file: Path) -> Design:
    from netwright.space import Design

    try:
        return Design.from_json(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DesignError(f"a design is read from a JSON file, but {file}: {error}.") from error


def _write(out: Path, svg: str) -> None:
    try:
        out.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"a drawing must be writable, but {out}: {error.strerror}.") from error
