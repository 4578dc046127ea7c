"""`netwright spaces prune`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from netwright.space.catalog import get_space
from netwright.target import by_listing, prune

SIZES = ["none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3"]
ORDER = ("--order", "<".join(SIZES))


@pytest.fixture
def tried(tmp_path: Path) -> Path:
    """Forty random designs, the better the more and the larger their operators."""
    designs = get_space("nasbench201").sample(np.random.default_rng(0), 40)
    rows = [{"design": dict(d), "score": sum(SIZES.index(str(v)) for v in d.values())} for d in designs]
    file = tmp_path / "tried.json"
    file.write_text(json.dumps(rows))
    return file


def test_a_space_is_pruned_by_a_list_of_designs(run, tried: Path, tmp_path: Path) -> None:
    arguments = ("spaces", "prune", "nasbench201", "--target", "raspberry-pi-4", "--tried", tried, *ORDER)
    out = tmp_path / "next.json"
    done = run(
        *arguments, "--limit", "latency_ms@raspberry-pi-4<=5", "-n", 200, "--sample", 5, "--out", out, "--json"
    )
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == [
        "version", "space", "metric", "limits", "designs", "tried", "best", "left", "samples", "out",
    ]  # fmt: skip
    assert (found["metric"], found["designs"], found["tried"]) == ("latency_ms@raspberry-pi-4", "15625", 40)
    assert 0 < found["left"]["low"] < found["left"]["share"] < found["left"]["high"] < 1
    known = [(row["design"], row["score"]) for row in json.loads(tried.read_text())]
    pruned = prune(get_space("nasbench201"), found["metric"], (), known, order=by_listing(SIZES))
    for row in found["samples"]:
        assert row[found["metric"]] <= 5
        assert not pruned.drops(row["design"])
    assert json.loads(out.read_text()) == found["samples"]


def test_what_was_drawn_is_tried_next(run, tried: Path, tmp_path: Path) -> None:
    out = tmp_path / "next.json"
    arguments = ("spaces", "prune", "nasbench201", "--target", "macs", "-n", 100)
    assert run(*arguments, "--tried", tried, *ORDER, "--sample", 3, "--out", out).exit_code == 0
    done = run(*arguments, "--tried", out)
    assert "a tried design has a score" in done.stderr
    rows = json.loads(out.read_text())
    rows[0]["score"] = 0.9
    out.write_text(json.dumps(rows))
    assert "by macs and 1 tried design\n" in run(*arguments, "--tried", out).stdout


def test_a_search_tells_what_was_tried(run, searched) -> None:
    folder, _ = searched
    done = run("spaces", "prune", "mobilenet-tiny", "--target", "macs", "--tried", folder, "-n", 20, "--json")
    assert done.exit_code == 0, done.stderr
    assert 0 < json.loads(done.stdout)["tried"] <= 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", "her"), "did you mean 'here'"),
        (("--target", "stm32f746", "--quantity", "memory_bytes"), "pruned by an additive cost"),
        (("--target", "macs", "--order", "none"), "an order lists two values or more"),
        (("--target", "macs", "--order", "none<"), "an order reads 'skip<mbconv'"),
        (("--target", "macs", "--order", "none<nor_conv_3x4"), "did you mean 'nor_conv_3x3'"),
        (("--target", "macs", "--limit", "macs<=1"), "a limit must hold for some design"),
        (("--target", "macs", "--tried", "nowhere.json"), "a JSON list of objects with design and score"),
    ],
)
def test_bad_questions_are_one_sentence(run, arguments: tuple[str, ...], words: str) -> None:
    done = run("spaces", "prune", "nasbench201", *arguments)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "a JSON list of objects with design and score, but"),
        ('{"a": 1}', "holds something else"),
        ("[3]", "row 1 of tried.json is 3"),
        ('[{"design": {}}]', 'row 1 of tried.json is {"design": {}}'),
        ('[{"design": {}, "score": "x"}]', "a score is a number or null, but row 1 of tried.json has 'x'"),
        ('[{"design": {}, "score": NaN}]', "a score is a number or null, but row 1 of tried.json has nan"),
        ('[{"design": {"a": 1}, "score": 1}]', "a tried design must be of nasbench201"),
    ],
)
def test_a_list_of_tried_designs_that_is_none_is_one_sentence(run, text, words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tried.json").write_text(text)
    done = run("spaces", "prune", "nasbench201", "--target", "macs", "--tried", "tried.json")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr
