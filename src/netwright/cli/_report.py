"""`netwright report`: the page that shows a search."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson
from netwright.cli._studies import read_result, read_study, space_of

__all__ = ["report"]


def report(
    folder: Annotated[Path, typer.Argument(help="Folder of the search.")],
    space: Annotated[
        str | None, typer.Option("--space", "-s", help="The space, where the search got an object.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write report.html of a search again, as it stands, and print its path.

    Example: netwright report runs/digits
    """
    with answering(as_json) as answer:
        from netwright.study._report import write_report

        study = read_study(folder)
        drawing = study.folder / "best" / "drawing.svg"
        path = write_report(
            study.folder,
            result=read_result(study.folder) or {},
            study=study,
            space=space_of(study, space),
            drawing=drawing.read_text(encoding="utf-8") if drawing.is_file() else None,
        )
        answer.give({"report": str(path), "trials": len(study.trials)}, lambda: str(path))
