"""The command line: one command, thin; each subcommand imports what it needs when it runs."""

from netwright.cli._app import app, main

__all__ = ["app", "main"]
