"""`netwright draw` and `netwright tasks`."""

from __future__ import annotations

import json
from pathlib import Path

from netwright.space.catalog import get_space


def test_a_drawing_goes_to_standard_output(run):
    done = run("draw", "mlp-tabular", "--seed", 1)
    assert done.exit_code == 0
    assert done.stdout.startswith("<svg")
    assert done.stdout.rstrip().endswith("</svg>")


def test_or_into_a_file_that_is_not_written_over(run, tmp_path: Path):
    file = tmp_path / "network.svg"
    found = json.loads(run("draw", "mlp-tabular", "--limit", "params<=1k", "--out", file, "--json").stdout)
    assert found["path"] == str(file)
    assert found["svg"] is None
    assert found["costs"]["params"] <= 1000
    before = file.read_text()
    done = run("draw", "vit-tiny", "--out", file)
    assert done.exit_code == 2
    assert "not written over" in done.stderr
    assert file.read_text() == before
    for out, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "n.svg", "into a folder that exists, but got"),
    ):
        done = run("draw", "vit-tiny", "--out", out, "--overwrite")
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
        assert words in done.stderr
    assert run("draw", "vit-tiny", "--out", file, "--overwrite").exit_code == 0
    assert file.read_text() != before


def test_a_design_from_a_file(run, tmp_path: Path):
    design = get_space("vit-tiny").design_at(7)
    file = tmp_path / "design.json"
    file.write_text(design.to_json())
    found = json.loads(run("draw", "vit-tiny", "--design", file, "--json").stdout)
    assert found["design"] == dict(design)
    assert found["svg"].startswith("<svg")


def test_bad_designs_name_the_file_or_the_path(run, tmp_path: Path):
    file = tmp_path / "design.json"
    for text, fault in (("{", "JSON"), ("[]", "JSON object"), ('{"embed.width": 3}', "embed.width")):
        file.write_text(text)
        done = run("draw", "vit-tiny", "--design", file)
        assert done.exit_code == 2
        assert fault in done.stderr
    assert "design.json" in run("draw", "vit-tiny", "--design", tmp_path / "nowhere" / "design.json").stderr
    file.write_bytes(b"\xff\xfe\x00")
    assert run("draw", "vit-tiny", "--design", file).exit_code == 2


def test_a_folder_that_cannot_be_written_into(run, tmp_path: Path):
    done = run("draw", "vit-tiny", "--out", tmp_path / "nowhere" / "x.svg")
    assert done.exit_code == 2
    assert "x.svg" in done.stderr


def test_tasks(run):
    found = json.loads(run("tasks", "--json").stdout)
    assert found["builtin"] == ["digits"]
    assert "FILE.npz:NAME" in found["files"]
    assert "digits" in run("tasks").stdout
