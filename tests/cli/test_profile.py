"""`netwright profile`: of models, spaces and searches, and of what is none."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

KEYS = {
    "version", "source", "title", "design", "batch", "latency", "roofline", "html", "inputs", "outputs", "totals",
    "memory", "blocks", "operators", "nodes", "hot_spots", "warnings", "key_value_cache", "unknown", "targets",
}  # fmt: skip
COSTS = {"params", "macs", "flops", "activation_bytes", "weight_bytes", "traffic", "intensity"}
MODEL = """
from netwright.blocks import conv, classifier
from netwright.graph import Graph, image, ops
import torch

x = image(3, 16, 16)
graph = Graph([x], [ops.global_average_pool(conv(conv(x, 8), 8))])
number = 3


def fixed():
    x = image(3, 16, 16)
    x.batch_axis = None
    return Graph([x], [conv(x, 8)])


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(3)))

    def forward(self, x):
        return self.layers(x).relu()
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"models_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def profiled(run: Any, *arguments: object) -> dict[str, Any]:
    done = run("profile", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_keys_of_the_document_stay_as_they_are(run):
    found = profiled(run, "mobilenet-tiny", "--limit", "params<=50k", "--top", 3)
    assert set(found) == KEYS
    assert set(found["totals"]) == COSTS | {
        "alpha_flops", "nodes", "activation_bytes_by_dtype", "weight_bytes_by_dtype", "peak_memory",
    }  # fmt: skip
    assert set(found["memory"]) == {
        "graph_order_bytes", "best_order_bytes", "lower_bound_bytes", "exact", "order", "timeline",
    }  # fmt: skip
    assert set(found["blocks"][0]) == COSTS | {
        "name", "path", "count", "operator", "operators", "shape", "blocks",
    }  # fmt: skip
    assert set(found["operators"][0]) == COSTS | {"operator", "count"}
    assert set(found["nodes"][0]) == set(found["hot_spots"][0]) == COSTS | {"name", "operator", "block", "shape"}
    assert set(found["warnings"][0]) == {"rule", "layer", "operator", "found", "traffic", "saved", "share"}
    assert len(found["hot_spots"]) == 3


def test_the_parts_add_up_to_the_totals(run):
    found = profiled(run, "vit-tiny")
    for cost in COSTS - {"intensity"}:
        total = found["totals"][cost]
        assert sum(row[cost] for row in found["blocks"]) == total
        assert sum(row[cost] for row in found["operators"]) == total
        assert sum(row[cost] for row in found["nodes"]) == total
    assert found["memory"]["order"].__len__() == found["totals"]["nodes"]
    assert max(found["memory"]["timeline"]) == found["memory"]["best_order_bytes"]


def test_words_fit_a_hundred_columns(run):
    done = run("profile", "vit-tiny", "--top", 5, "--rows", 12, "--peak-gflops", 100, "--bandwidth-gbs", 20)
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 100
    for heading in ("By block", "By operator", "Hot spots", "Warnings", "x 2", "under this roof"):
        assert heading in done.stdout


def test_costs_of_a_batch_grow_but_for_the_weights(run, models):
    one, four = (profiled(run, f"{models}:graph", "--batch", batch) for batch in (1, 4))
    assert four["totals"]["params"] == one["totals"]["params"]
    assert four["totals"]["macs"] == 4 * one["totals"]["macs"]
    assert four["totals"]["activation_bytes"] == 4 * one["totals"]["activation_bytes"]
    assert four["inputs"][0]["shape"] == [4, 3, 16, 16]


def test_a_network_that_takes_one_row_only_has_no_batch(run, models):
    done = run("profile", f"{models}:fixed", "--batch", 2)
    assert done.exit_code == 2
    assert "input has no batch" in done.stderr


def test_a_module_of_one_s_own_by_its_import_path(run, models):
    pytest.importorskip("torch")
    found = profiled(run, f"{models}:Small", "--input", "1x8")
    assert found["totals"]["params"] == 3 * 72
    assert [(b["name"], b["count"]) for b in found["blocks"][0]["blocks"]] == [("0 … 2", 3)]
    assert found["design"] is None


def test_an_exported_folder_and_its_file(run, models, tmp_path: Path):
    pytest.importorskip("onnx")
    pytest.importorskip("netwright.io._from_onnx")
    from netwright.blocks import conv
    from netwright.graph import Graph, image
    from netwright.io import save_onnx

    x = image(3, 16, 16)
    (tmp_path / "served").mkdir()
    save_onnx(Graph([x], [conv(x, 8)]), tmp_path / "served" / "model.onnx")
    folder, file = (profiled(run, tmp_path / "served" / name) for name in ("", "model.onnx"))
    assert folder["totals"] == file["totals"]
    assert file["totals"]["macs"] == 16 * 16 * 8 * 27


def test_latency_here(run):
    pytest.importorskip("onnxruntime")
    found = profiled(run, "mlp-tabular", "--target", "here")
    assert found["latency"]["here"].keys() >= {"median_ms", "mad_ms", "low_ms", "high_ms", "runs", "how"}
    assert found["latency"]["here"]["median_ms"] > 0


def test_the_batch_of_the_costs_is_that_of_the_latency_unless_the_target_states_one(run):
    pytest.importorskip("onnxruntime")
    found = profiled(run, "mlp-tabular", "--target", "here", "--target", "here:b4", "--batch", 3)
    assert "batch 3" in found["latency"]["here"]["how"]
    assert "batch 4" in found["latency"]["here:b4"]["how"]


def test_a_trial_of_a_search(run, searched):
    folder, _ = searched
    found = profiled(run, folder, "--trial", 0)
    assert found["title"] == "mobilenet-tiny, trial 0"
    assert found["design"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope.onnx"], "'nope.onnx' is none of these"),
        (["no-such-space"], "no space is named 'no-such-space'"),
        (["no_such_module_here:model"], "No module named"),
        (["vit-tiny", "--target", "moon"], "no target is named 'moon'; "),
        (["vit-tiny", "--input", "8by8"], "an input shape reads"),
        (["vit-tiny", "--peak-gflops", "5"], "--bandwidth-gbs is missing"),
        (["vit-tiny", "--bandwidth-gbs", "5"], "--peak-gflops is missing"),
        (["vit-tiny", "--bandwidth-gbs", "5", "--peak-gflops", "0"], "positive rate"),
    ],
)
def test_what_cannot_be_met_is_one_sentence(run, arguments, said):
    done = run("profile", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_faults_of_one_s_own_models(run, models):
    for arguments, said in (
        ([f"{models}:number"], "is int"),
        ([f"{models}:Small"], "example of its input"),
        ([f"{models}:Small", "--input", "1x"], "must read like '1x3x224x224'"),
        ([f"{models}:graph", "--trial", "3"], "--trial cannot be given"),
        ([f"{models}:graph", "--classes", "3"], "--classes cannot be given"),
    ):
        done = run("profile", *arguments)
        assert done.exit_code == 2
        assert said in done.stderr


def test_a_page_that_is_there_is_not_written_over(run, tmp_path: Path):
    file = tmp_path / "profile.html"
    file.write_text("mine")
    done = run("profile", "mlp-tabular", "--html", file)
    assert done.exit_code == 2
    assert "not written over" in done.stderr
    assert file.read_text() == "mine"


def test_the_page_is_one_file_with_a_treemap_a_roofline_and_the_drawing(run, tmp_path: Path):
    pytest.importorskip("jinja2")
    file = tmp_path / "profile.html"
    found = profiled(run, "vit-tiny", "--html", file, "--peak-gflops", 100, "--bandwidth-gbs", 20)
    assert found["html"] == str(file)
    page = file.read_text()
    for part in ("treemap", "Roofline", "GFLOP/s in reach", "Memory over a run", "Hot spots", "Drawing"):
        assert part in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert page.count("<svg") == page.count("</svg>")
    assert run("profile", "vit-tiny", "--html", file, "--overwrite").exit_code == 0
    assert "Work against arithmetic intensity" in file.read_text()


def test_the_page_says_how_a_latency_is_known(run, tmp_path: Path):
    pytest.importorskip("jinja2")
    file = tmp_path / "profile.html"
    found = profiled(run, "mlp-tabular", "--html", file, "--target", "pixel-3")
    how = found["latency"]["pixel-3"]["how"].partition(";")[0]
    assert "roofline" in how
    assert how in file.read_text()


def test_a_page_that_cannot_be_written(run, tmp_path: Path):
    done = run("profile", "mlp-tabular", "--html", tmp_path / "nowhere" / "profile.html")
    assert done.exit_code == 2
    assert "profile.html" in done.stderr


def test_models_are_drawn_too(run, models):
    assert run("draw", f"{models}:graph").stdout.startswith("<svg")
    found = json.loads(run("draw", f"{models}:graph", "--json").stdout)
    assert found["design"] is None
    assert found["costs"]["params"] > 0
