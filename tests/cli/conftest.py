"""Running the command in this process, and a search to look at."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from netwright.cli import app

Run = Callable[..., Result]

OWN = """
import netwright as nw

body = nw.seq(nw.linear_block(nw.oneof(4, 8), norm="none"), nw.table_head(1))
space = nw.Space(body, input=nw.vector(2), name="own")


def make(input=None, classes=3):
    return nw.Space(nw.seq(nw.linear_block(nw.oneof(4, 8)), nw.table_head(classes)), input=input or nw.vector(5))


def broken(input=None, classes=3):
    raise ValueError("no such luck")


def evaluate(network, budget, report):
    print("noise on standard output")
    size = sum(p.size for p in network.parameters.values())
    report(0, {"error": 1 / size})
    return {"error": 1 / size}


number = 3
"""


@pytest.fixture
def run() -> Run:
    """Run a subcommand; what it prints and how it ends."""

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module of the user's own, in the current folder."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Folder and JSON document of a very short search, which the tests only read."""
    folder = tmp_path_factory.mktemp("search") / "digits"
    command = [sys.executable, "-m", "netwright", "search", "--task", "digits", "--space", "mobilenet-tiny"]
    options = ["--limit", "params<=20k", "--budget", "3 trials", "--epochs", "1", "--final-epochs", "1"]
    done = subprocess.run(
        [*command, *options, "--no-compare", "--out", folder, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)
