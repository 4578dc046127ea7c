"""What a subcommand prints: words for people, or exactly one JSON document."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from netwright.errors import NetwrightError

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Answer", "answering"]

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C has stopped, as shells have it."""
REFUSED = 2
"""Exit code of a request that cannot be met."""


class Answer:
    """Collects the JSON document of a subcommand, or prints words as they come."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.document: Mapping[str, Any] | None = None

    def give(self, document: Mapping[str, Any], words: Callable[[], RenderableType]) -> None:
        """Answer with a document; people get `words` instead."""
        self.document = document
        if not self.as_json:
            from rich.console import Console

            Console(soft_wrap=True, highlight=False, emoji=False, markup=False).print(words())

    def fail(self, error: BaseException, sentence: str, code: int = REFUSED) -> NoReturn:
        """Say what is wrong and end with an exit code."""
        self.document = {"error": {"type": type(error).__name__, "message": sentence}}
        typer.echo(f"error: {sentence}", err=True)
        raise typer.Exit(code) from error


@contextmanager
def answering(as_json: bool) -> Iterator[Answer]:
    """Run a subcommand: a NetwrightError becomes one sentence and exit code 2, Ctrl-C exit code 130.

    With JSON, standard output gets the document and nothing else, whatever other code prints meanwhile.
    """
    answer = Answer(as_json)
    try:
        with _output_to_stderr() if as_json else nullcontext():
            try:
                yield answer
            except NetwrightError as error:
                answer.fail(error, str(error))
            except KeyboardInterrupt as stop:
                answer.fail(stop, "interrupted.", INTERRUPTED)
    finally:
        if as_json and answer.document is not None:
            typer.echo(json.dumps(answer.document, indent=2))


@contextmanager
def _output_to_stderr() -> Iterator[None]:
    """Send what is printed to standard error; at the level of the file too, since worker processes inherit that."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
