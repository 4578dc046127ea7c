"""`netwright export` of models made elsewhere; exports of searches are tested with them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from netwright.blocks import classifier, conv
from netwright.graph import Graph, image

pytest.importorskip("torch")
pytest.importorskip("onnx")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    from netwright.io import save_onnx

    x = image(3, 16, 16)
    return save_onnx(Graph([x], [classifier(10).apply(conv(x, 8))]), tmp_path / "given.onnx")


def test_an_onnx_file_becomes_plain_source(run, file: Path, tmp_path: Path):
    from netwright.io import from_onnx

    done = run("export", file, tmp_path / "torch", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["trial"], found["design"], found["test"], found["trained"]) == (None, None, None, True)
    assert sorted(found["paths"]) == ["drawing", "model", "onnx", "weights"]
    assert "Model" in runpy.run_path(found["paths"]["model"])
    again = from_onnx(found["paths"]["onnx"])
    assert again.weights is not None
    assert again.weights.keys() == from_onnx(file).weights.keys()  # type: ignore[union-attr]


def test_a_folder_in_the_way_stays_as_it_is(run, file: Path, tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    done = run("export", file, tmp_path / "full")
    assert done.exit_code == 2
    assert "not overwritten" in done.stderr
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


def test_a_model_has_no_trials(run, file: Path, tmp_path: Path):
    done = run("export", file, tmp_path / "torch", "--trial", 3)
    assert done.exit_code == 2
    assert "--trial cannot be given" in done.stderr
    assert not (tmp_path / "torch").exists()


def test_what_is_no_model(run, tmp_path: Path):
    (tmp_path / "text.onnx").write_text("hello")
    done = run("export", tmp_path / "text.onnx", tmp_path / "torch")
    assert done.exit_code == 2
    assert not (tmp_path / "torch").exists()
