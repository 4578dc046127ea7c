"""The command and its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from netwright.cli._calibrate import calibrate
from netwright.cli._diff import diff
from netwright.cli._draw import draw
from netwright.cli._export import export
from netwright.cli._llm import llm
from netwright.cli._plan import plan
from netwright.cli._profile import profile
from netwright.cli._rank import rank
from netwright.cli._report import report
from netwright.cli._search import resume, search
from netwright.cli._space import space
from netwright.cli._spaces import spaces
from netwright.cli._targets import targets
from netwright.cli._tasks import tasks

__all__ = ["app", "main"]

app = typer.Typer(
    name="netwright",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (search, resume, space, report, export, draw, profile, llm, plan, diff, tasks, calibrate, rank):
    app.command()(command)
app.add_typer(spaces, name="spaces")
app.add_typer(targets, name="targets")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"netwright {version('netwright')}")
        raise typer.Exit


@app.callback()
def _netwright(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Design neural networks: your space in, your device's real cost as a hard budget, a plain trained model out.

    Example: netwright search --task digits --space mobilenet-tiny --limit 'params<=50k' --budget 3m
    """


def main() -> None:
    """Run the command; what the console script `netwright` calls."""
    app()
