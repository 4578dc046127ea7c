"""The command as a whole."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from netwright.cli import app

COMMANDS = ["search", "resume", "space", "report", "export", "draw", "plan", "tasks", "calibrate", "rank"]
DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()


def test_version(run):
    assert run("--version").output == f"netwright {version('netwright')}\n"


def test_help_lists_every_command(run):
    text = run("--help").output
    assert all(re.search(rf"\b{command}\b", text) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example_and_has_json(run, command: str):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"Example: netwright {command}" in " ".join(done.output.split())
    assert "--json" in done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str):
    section = re.search(rf"^## {command}\n(.*?)(?=^## |\Z)", DOCS, re.M | re.S)
    assert section, f"docs/cli.md has no section on {command}"
    parameters = typer.main.get_command(app).commands[command].params  # type: ignore[attr-defined]
    for parameter in parameters:
        for option in (*parameter.opts, *parameter.secondary_opts):
            if option.startswith("-") and option not in ("--help", "-h"):
                assert f"`{option}`" in section[1] or option == "--json", f"{command} {option}"


def test_an_option_that_does_not_exist_is_a_usage_error(run):
    done = run("space", "--limi", "3")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "--limit" in done.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom netwright.cli import main\nsys.argv = ['netwright', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('numpy', 'torch', 'sqlalchemy', 'netwright.space') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_it_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "netwright", "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("netwright ")
