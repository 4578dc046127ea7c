"""`netwright tasks`: what a search can be run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.cli._answer import answering
from netwright.cli._arguments import AsJson

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["tasks"]


def tasks(as_json: AsJson = False) -> None:
    """List the tasks that come with netwright, and the files that --task reads.

    Example: netwright tasks
    """
    with answering(as_json) as answer:
        from netwright.quality.data import BUILTIN, FILE_KINDS

        document = {"builtin": sorted(BUILTIN), "files": sorted(FILE_KINDS)}

        def words() -> RenderableType:
            return f"built in: {', '.join(document['builtin'])}\nfiles:    {', '.join(document['files'])}"

        answer.give(document, words)
