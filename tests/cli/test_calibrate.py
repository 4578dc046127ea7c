"""`netwright calibrate` with real measurements of very small networks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

MINE = """
from netwright.blocks import classifier, conv
from netwright.graph import image
from netwright.space import Space, oneof, seq

tiny = Space(seq(conv(oneof(4, 8, 16), kernel=oneof(1, 3)), conv(oneof(8, 16)), classifier(3)), input=image(3, 8, 8))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "spaces_to_calibrate.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path))
    return tmp_path / "targets"


def test_a_calibration_is_written_told_and_used(run, home):
    pytest.importorskip("onnxruntime")
    home.mkdir()
    (home / "laptop.zip").write_bytes(b"a table that was added")
    asked = ("calibrate", "laptop", "--space", "spaces_to_calibrate:tiny", "--networks", "12", "--minutes", "0.05")
    refused = run(*asked)
    assert (refused.exit_code, "laptop.zip exists" in refused.stderr.replace("\n", "")) == (2, True)
    done = run(*asked, "--overwrite", "--json")
    found = json.loads(done.stdout)
    assert set(found) == {
        "version", "name", "file", "spaces", "setup", "device", "runtime", "networks", "kernels", "network", "blocks",
    }  # fmt: skip
    assert (found["name"], found["networks"], found["spaces"]) == ("laptop", 12, ["space"])
    assert sorted(path.name for path in home.iterdir()) == ["laptop.json"]
    told = json.loads(run("profile", "spaces_to_calibrate:tiny", "--target", "laptop", "--json").stdout)
    known = told["latency"]["laptop"]
    assert 0 < known["low_ms"] <= known["median_ms"] <= known["high_ms"]


def test_one_that_was_written_elsewhere_is_added(run, home):
    pytest.importorskip("onnxruntime")
    few = ("--space", "spaces_to_calibrate:tiny", "--networks", "12", "--minutes", "0.05")
    done = run("calibrate", "board", *few, "--out", "board.json")
    assert "after netwright targets add board.json, limits may say latency_ms@board" in " ".join(done.stdout.split())
    assert not home.exists()
    added = json.loads(run("targets", "add", "board.json", "--name", "other", "--json").stdout)
    assert (added["name"], added["kind"], added["knows"]) == ("other", "calibrated", ["latency_ms"])
    assert run("profile", "spaces_to_calibrate:tiny", "--target", "other").exit_code == 0
    assert "other is there; state another name" in " ".join(
        run("targets", "add", "board.json", "--name", "other").stderr.split()
    )
    Path("board.json").write_text(Path("board.json").read_text().replace('"measured"', '"measurd"'))
    broken = run("targets", "add", "board.json")
    assert (broken.exit_code, broken.stderr.count("\n")) == (2, 1)
    assert [path.name for path in home.iterdir()] == ["other.json"]


def test_one_that_is_broken_off_says_where_it_goes_on(run, home, monkeypatch):
    def gone(*given: object, journal: Path, **options: object) -> None:
        journal.parent.mkdir(parents=True)
        journal.write_text("{}\n")
        raise KeyboardInterrupt

    monkeypatch.setattr("netwright.target.calibrate", gone)
    done = run("calibrate", "laptop", "--general")
    assert done.exit_code == 130
    assert "laptop.measured.jsonl, and the same command goes on from it" in done.stderr
    assert [path.name for path in home.iterdir()] == ["laptop.measured.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["laptop"], "give one of both"),
        (["laptop", "--general", "--space", "vit-tiny"], "give one of both"),
        (["here", "--general"], "here is this machine, measured"),
        (["a/b", "--general"], "a letter, then letters"),
        (["laptop", "--space", "vit-tiny", "--on", "here:fp16"], "no target is named 'here:fp16'"),
        (["laptop", "--space", "vit-tinny"], "did you mean 'vit-tiny'"),
        (["laptop", "--general", "--out", "."], "written to a file, but . is a folder"),
    ],
)
def test_bad_input_is_one_sentence(run, home, arguments, message):
    done = run("calibrate", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not home.exists()


def test_a_file_that_exists_is_kept(run, home):
    home.mkdir()
    (home / "laptop.json").write_text("{}")
    assert "laptop.json exists" in run("calibrate", "laptop", "--general").stderr
    assert (home / "laptop.json").read_text() == "{}"
