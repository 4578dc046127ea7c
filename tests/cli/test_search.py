"""`netwright search` and what follows it: resume, report, export, draw."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
Searched = tuple[Path, dict[str, Any]]


def netwright(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "netwright", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def test_the_document_of_a_search(searched: Searched):
    folder, found = searched
    assert found == json.loads((folder / "result.json").read_text())
    assert found["trials"]["total"] == 3
    winner = found["winner"]
    assert winner["costs"]["params"] <= 20_000
    assert all(check["holds"] for check in winner["limits"])
    assert 0 <= winner["metrics"]["test"]["accuracy"] <= 1
    assert winner["latency"]["median_ms"] > 0
    assert all(Path(path).is_file() for path in found["paths"].values())


def test_every_key_of_it_is_documented(searched: Searched):
    section = re.search(r"^## search\n(.*?)(?=^## )", DOCS, re.M | re.S)
    assert section
    rows = {key for row in re.findall(r"^\| (`[^|]*) \|", section[1], re.M) for key in re.findall(r"`(\w+)`", row)}
    assert set(searched[1]) <= rows
    words = set(re.findall(r"`(\w+)`", section[1]))
    for part in ("space", "task", "trials", "seconds", "winner", "paths"):
        assert set(searched[1][part]) <= words, part


def test_a_folder_that_is_in_use_is_refused_and_left_alone(run, searched: Searched):
    folder, _ = searched
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*")}
    done = run("search", "--task", "digits", "--space", "mobilenet-tiny", "--out", folder, "--budget", "1 trial")
    assert done.exit_code == 2
    assert str(folder) in done.stderr
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*")} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--space", "mobilenet"], "mobilenet-tiny"),
        (["--task", "digit"], "digits"),
        (["--task", "nowhere.npz:A"], "nowhere.npz"),
        (["--maximize", "accurracy"], "did you mean 'accuracy'"),
        (["--limit", "parms<=50k"], "params"),
        (["--limit", "params<=50q"], "Ki"),
        (["--limit", "params<=5"], "9570"),
        (["--strategy", "nsga3"], "did you mean 'nsga2'"),
        (["--budget", "soon"], "100 trials"),
        (["--input", "1x8x8"], "--input"),
        (["--task", "no_such_module:evaluate"], "no_such_module"),
        (["--size", "24,32"], "'24x32'"),
        (["--size", "24"], "size= says nothing"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    done = run("search", "--task", "digits", "--space", "mobilenet-tiny", "--out", "out", *options, "--json")
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout)["error"]["message"] == done.stderr.removeprefix("error: ").strip()
    assert list(tmp_path.iterdir()) == []


def test_images_of_a_folder_are_resized(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    monkeypatch.setattr("netwright.study.search", lambda space, task, **options: asked.append(task) or 1 / 0)
    for options in (["--size", "24"], ["--size", "24x32"], []):
        run("search", "--task", tmp_path, "--space", "mobilenet-tiny", *options)
    tasks = [{"source": str(tmp_path), "size": [24, 24]}, {"source": str(tmp_path), "size": [24, 32]}, str(tmp_path)]
    assert asked == tasks


@pytest.mark.slow
def test_a_model_to_start_from(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    name = f"model_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        "from torch import nn\n"
        "def trained():\n"
        "    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 10))\n"
    )
    monkeypatch.chdir(tmp_path)
    options = ["--budget", "2 trials", "--epochs", 1, "--final-epochs", 1, "--no-compare", "--json", "--quiet"]
    done = run("search", "--task", "digits", "--model", f"{name}:trained", "--out", "out", *options)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["space"] == {"name": "trained", "designs": "12", "input": [[1, 8, 8]]}
    again = netwright("resume", "out", "--budget", "3 trials", *options[4:], cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["trials"]["total"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "nowhere.onnx"], "nowhere.onnx"),
        (["--model", "no_such_module:net"], "no_such_module"),
        (["--model", "net.onnx", "--space", "vit-tiny"], "--space"),
        (["--model", "net.onnx", "--classes", 3], "classes"),
        (["--model", "net.onnx", "--input", "1x16x16"], "--input"),
    ],
)
def test_a_model_that_cannot_be_started_from(run, tmp_path: Path, options: list[str], message: str):
    done = run("search", "--task", "digits", "--out", tmp_path / "out", *options)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_broken_file_is_one_sentence(run, tmp_path: Path):
    file = tmp_path / "data.npz"
    file.write_bytes(b"no archive")
    done = run("search", "--task", file, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "data.npz" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_resume_goes_on(searched: Searched, tmp_path: Path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(searched[0], folder)
    done = netwright("resume", folder, "--budget", "4 trials", "--final-epochs", 1, "--no-compare", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["trials"]["total"] == 4
    assert set(found) == set(searched[1])


def test_report_is_written_again(run, searched: Searched):
    folder, _ = searched
    (folder / "report.html").unlink()
    found = json.loads(run("report", folder, "--json").stdout)
    assert found == {"report": str(folder / "report.html"), "trials": 3}
    assert "<svg" in (folder / "report.html").read_text()
    assert run("report", folder).stdout.strip() == str(folder / "report.html")


def test_export_of_the_winner(run, searched: Searched, tmp_path: Path):
    folder, result = searched
    found = json.loads(run("export", folder, tmp_path / "mine", "--json").stdout)
    assert found["trial"] == result["winner"]["trial"]
    assert found["trained"] is True
    assert found["test"] == result["winner"]["metrics"]["test"]
    for role, path in found["paths"].items():
        assert Path(path).read_bytes() == (folder / "best" / Path(path).name).read_bytes(), role
    again = run("export", folder, tmp_path / "mine")
    assert again.exit_code == 2
    assert "mine" in again.stderr


def test_export_of_a_trial(run, searched: Searched, tmp_path: Path):
    folder, _ = searched
    found = json.loads(run("export", folder, tmp_path / "a", "--trial", 0, "--untrained", "--json").stdout)
    assert (found["trial"], found["trained"], found["test"]) == (0, False, None)
    found = json.loads(run("export", folder, tmp_path / "b", "--trial", 0, "--epochs", 1, "--json").stdout)
    assert json.loads(Path(found["paths"]["preprocessing"]).read_text())["output"]["classes"]
    assert found["trained"] is True
    assert "accuracy" in found["test"]
    assert set(found["paths"]) == {"model", "weights", "onnx", "drawing", "design", "preprocessing"}
    assert (tmp_path / "a" / "model.onnx").read_bytes() != (tmp_path / "b" / "model.onnx").read_bytes()


def test_draw_of_a_trial_and_of_the_winner(run, searched: Searched):
    folder, result = searched
    assert json.loads(run("draw", folder, "--json").stdout)["design"] == result["winner"]["design"]
    assert run("draw", folder, "--trial", 0).stdout.startswith("<svg")
    done = run("draw", folder, "--trial", 3)
    assert done.exit_code == 2
    assert "trials 0 to 2" in done.stderr


@pytest.mark.parametrize("command", ["resume", "report", "export", "draw"])
def test_a_folder_without_a_search(run, tmp_path: Path, command: str):
    done = run(command, tmp_path, "--json")
    assert done.exit_code == 2
    assert "study.db" in json.loads(done.stdout)["error"]["message"]


@pytest.mark.slow
def test_an_evaluation_of_the_users_own(own: str, tmp_path: Path):
    """Worker processes print too; standard output still holds one document."""
    options = ["--space", f"{own}:space", "--minimize", "error", "--budget", "2 trials", "--workers", 2]
    done = netwright("search", "--task", f"{own}:evaluate", *options, "--out", "study", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["winner"] is None
    assert found["task"]["kind"] == "function"
    assert found["front"][0]["design"] == {"linear_block.features": 8}
    assert "noise on standard output" in done.stderr
    done = netwright("draw", "study", cwd=tmp_path)
    assert done.returncode == 2
    assert "--space" in done.stderr
    assert netwright("draw", "study", "--space", f"{own}:space", cwd=tmp_path).stdout.startswith("<svg")


def test_a_search_whose_every_trial_fails_says_why_and_is_no_success(own: str, tmp_path: Path):
    (tmp_path / "failing.py").write_text(
        "def evaluate(network, budget, report):\n    raise RuntimeError('no such data')\n"
    )
    options = ["--space", f"{own}:space", "--minimize", "error", "--budget", "2 trials", "--out", "study"]
    done = netwright("search", "--task", "failing:evaluate", *options, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "2 failed: RuntimeError: no such data" in done.stdout
    found = json.loads((tmp_path / "study" / "result.json").read_text())
    assert [entry["trials"] for entry in found["failures"]] == [2]


def test_ctrl_c_says_how_to_go_on(tmp_path: Path):
    folder = tmp_path / "study"
    command = [sys.executable, "-m", "netwright", "search", "--task", "digits", "--space", "mobilenet-tiny"]
    process = subprocess.Popen(
        [*command, "--no-compare", "--epochs", "30", "--out", folder, "--json", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        if (folder / "checkpoints").exists():
            break
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    # Where Ctrl-C comes while a library runs code that it has as text, Python ends by the signal: 130 in a shell.
    assert process.returncode in (130, -signal.SIGINT), error
    assert f"netwright resume {folder}" in error
    assert "Traceback" not in error
    assert json.loads(out)["error"]["type"] == "StudyInterrupted"
