"""`netwright draw`: a network as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson
from netwright.cli._files import check_free, write_text
from netwright.cli._source import find
from netwright.cli._wanted import Source, Wanted, with_wanted

__all__ = ["draw"]


@with_wanted
def draw(
    source: Source,
    wanted: Wanted,
    out: Annotated[Path | None, typer.Option(help="SVG file to write; printed if absent.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draw one network: a model, a design of a space, or a trial of a search.

    Example: netwright draw mobilenet-tiny --limit 'params<=50k' --out network.svg
    """
    with answering(as_json) as answer:
        from netwright.cost import costs_of
        from netwright.io import draw as drawing

        check_free(out, overwrite)
        found = find(source, wanted)
        svg = drawing(found.graph, title=found.title)
        chosen = None if found.design is None else dict(found.design)
        document: dict[str, Any] = {"source": source, "design": chosen, "costs": costs_of(found.graph)}
        if out is None:
            answer.give({**document, "path": None, "svg": svg}, lambda: svg)
            return
        write_text(out, svg, "a drawing")
        answer.give({**document, "path": str(out), "svg": None}, lambda: str(out))
