"""`netwright diff`: two networks side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

PAIR = """
from netwright.blocks import classifier, conv, mbconv
from netwright.graph import Graph, image


def net(widths, kernel=3):
    x = y = image(3, 16, 16)
    for width in widths:
        y = conv(y, width, kernel=kernel)
    return Graph([x], [classifier(mbconv(y, widths[-1], expand=3), 10)])


def before():
    return net([8, 8, 16])


def deeper():
    return net([8, 8, 8, 16])


def larger():
    return net([8, 8, 16], kernel=5)
"""


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"pair_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(PAIR)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def test_a_network_is_the_same_as_itself(run, pair):
    found = json.loads(run("diff", f"{pair}:before", f"{pair}:before", "--json").stdout)
    assert set(found) == {"version", "a", "b", "batch", "latency", "totals", "changes", "same"}
    assert found["changes"] == []
    assert found["same"] == 5
    assert "are the same" in run("diff", f"{pair}:before", f"{pair}:before").stdout


@pytest.mark.slow
def test_latencies_of_both_and_whether_they_differ(run, pair):
    pytest.importorskip("onnxruntime")
    found = json.loads(run("diff", f"{pair}:before", f"{pair}:larger", "--target", "here", "--json").stdout)
    told = found["latency"]["here"]
    assert set(told) == {"a", "b", "differ"}
    assert told["a"]["low"] <= told["a"]["value"] <= told["a"]["high"]
    assert told["differ"] is (told["a"]["high"] < told["b"]["low"] and told["b"]["value"] > 1.02 * told["a"]["value"])
    words = run("diff", f"{pair}:before", f"{pair}:before", "--target", "here").stdout
    assert "ms here" in words
    assert "no difference" in words


def test_a_block_more(run, pair):
    found = json.loads(run("diff", f"{pair}:before", f"{pair}:deeper", "--json").stdout)
    (change,) = found["changes"]
    assert set(change) == {"change", "depth", "path_a", "path_b", "what", "a", "b"}
    assert (change["change"], change["what"]) == ("changed", ["copies 1 → 2"])
    extra = change["b"]["params"] - change["a"]["params"]
    assert found["totals"]["params"]["b"] - found["totals"]["params"]["a"] == extra == 8 * 8 * 9 + 16


def test_attributes_and_weights_that_changed(run, pair):
    found = json.loads(run("diff", f"{pair}:before", f"{pair}:larger", "--json").stdout)
    whats = [what for change in found["changes"] for what in change["what"]]
    assert "kernel_shape (3, 3) → (5, 5)" in whats
    assert "weight 8x3x3x3 → 8x3x5x5" in whats
    assert all(change["change"] == "changed" for change in found["changes"])


def test_words_fit_a_hundred_columns_and_tell_what_changed(run, pair):
    done = run("diff", f"{pair}:before", f"{pair}:larger")
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 100
    for words in ("By block", "~ conv", "kernel_shape (3, 3) → (5, 5)", "+177.8 %", "the same in both: "):
        assert words in done.stdout


def test_added_and_removed_blocks(run, pair):
    found = json.loads(run("diff", "mlp-tabular", f"{pair}:before", "--json").stdout)
    kinds = {change["change"] for change in found["changes"]}
    assert {"added", "removed"} <= kinds
    for change in found["changes"]:
        assert (change["a"] is None) == (change["change"] == "added")
        assert (change["b"] is None) == (change["change"] == "removed")


def test_two_trials_of_a_search(run, searched):
    folder, _ = searched
    found = json.loads(run("diff", folder, folder, "--trial-a", 0, "--trial-b", 1, "--json").stdout)
    assert (found["a"]["title"], found["b"]["title"]) == ("mobilenet-tiny, trial 0", "mobilenet-tiny, trial 1")


def test_what_is_no_network_is_one_sentence(run, pair):
    done = run("diff", f"{pair}:before", "nope.onnx")
    assert done.exit_code == 2
    assert "'nope.onnx' is none of these" in done.stderr
