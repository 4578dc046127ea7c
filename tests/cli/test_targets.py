"""`netwright targets`, and the commands of its page in the documentation."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from netwright.blocks import conv
from netwright.cli import app
from netwright.graph import Graph, image
from netwright.target import onnx_bytes

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "targets.md").read_text()
CLI = (ROOT / "docs" / "cli.md").read_text()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path / "home"))


def test_targets_are_listed_with_what_they_know(run) -> None:
    found = {each["name"]: each for each in json.loads(run("targets", "--json").output)["targets"]}
    assert found["here"]["kind"] == "measured here"
    assert found["here"]["knows"] == ["latency_ms"]
    assert "ONNX Runtime" in found["here"]["how"]
    text = run("targets").output
    assert "here  measured here; tells latency_ms" in text
    assert found["here"]["sources"] == {}
    assert "TechPowerUp" in found["nvidia-t4"]["sources"]["bandwidth_gbs"]
    assert found["stm32h7a3"]["sources"]["sram_bytes"] is None
    assert "figures looked up; from memory: sram_bytes" in text


@pytest.mark.parametrize("command", ["script", "add", "remove"])
def test_every_option_is_documented_and_every_command_shows_an_example(run, command: str) -> None:
    section = re.search(r"^## targets\n(.*?)(?=^## |\Z)", CLI, re.M | re.S)
    group = typer.main.get_command(app).commands["targets"]  # type: ignore[attr-defined]
    for parameter in group.commands[command].params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            if option.startswith("-") and option not in ("--help", "-h", "--json"):
                assert section
                assert f"`{option}`" in section[1], option
    assert f"Example: netwright targets {command}" in " ".join(run("targets", command, "--help").output.split())


def test_adding_a_device_as_the_page_says(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    part = PAGE.partition("## Adding a device")[2].partition("\n## ")[0]
    commands = [shlex.split(line) for line in re.findall(r"^    (.*)$", part, re.M)]
    done = []
    for command in commands:
        if command[0] == "python":
            quick = [*command[1:], "--rounds", "2", "--seconds", "0.01"]
            device = subprocess.run(
                [sys.executable, *quick], cwd=tmp_path / "measure", capture_output=True, text=True, check=False,
                env={"OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            assert device.returncode == 0, device.stderr
        elif command[0] == "netwright" and command[1] != "search":
            # Distinct networks are counted for up to a minute otherwise, and nobody asks for them here.
            found = run(*command[1:], *["--seconds", 0] * (command[1] == "space"), "--json")
            assert found.exit_code == 0, found.stderr
            done.append(command[1:3])
            if command[1:3] == ["targets", "add"]:
                facts = json.loads(found.output)
                assert facts["name"] == "pi5"
                assert facts["quality"]["latency_ms"]["designs"] == 20
                assert "added device" in run("targets").output
                _check_limits(run)
    assert done == [["targets", "script"], ["targets", "add"], ["space", "mobilenet-tiny"], ["targets", "remove"]]


def _check_limits(run) -> None:
    """The device is a limit of a space, of a profile's draw and of a comparison."""
    space = ["mobilenet-tiny", "--input", "1x8x8", "--classes", "10"]
    metric = "latency_ms@pi5"
    latencies = []
    for seed in (0, 1, 2):
        told = json.loads(run("profile", *space, "--target", "pi5", "--seed", seed, "--json").output)
        latencies.append(told["latency"]["pi5"]["median_ms"])
    limit = f"{metric}<={sorted(latencies)[1]!r}"
    counted = json.loads(run("space", *space, "--limit", limit, "--seconds", 0, "--json").output)
    assert 0 < int(counted["designs_within_limits"] or 1) < int(counted["designs"])
    ranked = run("rank", *space, "--target", "pi5", "--target", "macs", "--designs", 20, "--limit", limit, "--json")
    assert json.loads(ranked.output)["targets"] == [metric, "macs"]


def test_a_profile_of_a_design_on_an_added_device(run, own: str, tmp_path: Path) -> None:
    drawn = json.loads(run("space", f"{own}:space", "--sample", "20", "--json").output)["samples"]
    designs = {each["params"]: each["design"] for each in drawn}
    table = [{"design": design, "ms": params / 1000, "power_w": 3} for params, design in designs.items()]
    assert len(table) == 2
    (tmp_path / "toy.json").write_text(json.dumps(table))
    added = run("targets", "add", "toy.json", "--space", f"{own}:space", "--column", "latency_ms=ms", "--json")
    assert added.exit_code == 0, added.stderr
    assert json.loads(added.output)["unread"] == ["power_w"]
    again = run("targets", "add", "toy.json", "--space", f"{own}:space", "--column", "latency_ms=ms", "--overwrite")
    assert "columns that were not read: power_w" in again.output
    told = json.loads(run("profile", f"{own}:space", "--target", "toy", "--json").output)
    expected = {json.dumps(row["design"]): row["ms"] for row in table}
    assert told["latency"]["toy"]["median_ms"] == pytest.approx(expected[json.dumps(told["design"])])


def test_models_of_one_file_name_are_told_apart_by_their_folders(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = image(3, 8, 8)
    for folder, width in (("a", 4), ("b", 8)):
        Path(folder).mkdir()
        Path(folder, "model.onnx").write_bytes(onnx_bytes(Graph([x], [conv(x, width)])))
    made = json.loads(run("targets", "script", "a/model.onnx", "b/model.onnx", "--json").output)
    assert [each["network"] for each in made["networks"]] == ["a/model.onnx", "b/model.onnx"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["targets", "script"], "give one of the two"),
        (["targets", "script", "a.onnx", "--space", "mobilenet-tiny"], "give one of the two"),
        (["targets", "script", "a.onnx", "a.onnx"], "on each model once, but got a.onnx 2 times"),
        (["targets", "script", "--space", "mobilenet-tiny", "--count", "100000", "--out", "new"], "between 2 and"),
        (["targets", "add", "nothing.json"], "no device file"),
        (["targets", "add", "x.csv", "--column", "pixel2"], "latency_ms=pixel2, but got 'pixel2'"),
        (
            ["targets", "add", "x.csv", *["--column", "latency_ms=a"] * 2],
            "each quantity once, but got latency_ms 2 times",
        ),
        (["rank", "fbnet", "-t", "macs", "-t", "latency_ms@pi5"], "named without a quantity, as pi5, but got"),
        (["targets", "remove", "here"], "no target of your own is named 'here'"),
        (["profile", "mobilenet-tiny", "--target", "her"], "did you mean 'here'"),
        (["space", "mobilenet-tiny", "--limit", "latency_ms@her<=1"], "did you mean 'here'"),
    ],
)
def test_what_cannot_be_met_is_one_sentence(
    run, arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, "--json")
    assert done.exit_code == 2
    assert sentence in json.loads(done.stdout)["error"]["message"]
    assert not list(tmp_path.iterdir())
