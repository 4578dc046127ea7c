"""`netwright spaces`."""

from __future__ import annotations

import json


def test_costs_of_two_spaces(run, tmp_path):
    page = tmp_path / "vs.html"
    names = ("mobilenet-tiny", "convnet-tiny")
    done = run("spaces", "compare", *names, "-n", 20, "--limit", "params<=50k", "--html", page, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["version", "metric", "limits", "matched_by", "spaces", "pairs", "at_equal_cost", "html"]
    assert [space["name"] for space in found["spaces"]] == list(names)
    assert (found["metric"], found["at_equal_cost"], found["html"]) == ("macs", None, str(page))
    assert "A random design of one" in page.read_text()


def test_trained_designs_in_words(run, own, tmp_path):
    done = run(
        "spaces", "compare", "mobilenet-tiny", "convnet-tiny", "--task", "digits", "-n", 2, "--epochs", 1,
        "--limit", "params<=15k", "--out", tmp_path / "both", "--quiet", "--matched-by", "accuracy",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "first wins" in done.stdout
    assert (tmp_path / "both" / "convnet-tiny" / "study.db").is_file()


def test_bad_questions_are_one_sentence(run, tmp_path):
    for arguments, words in {
        ("mobilenet-tiny",): "two spaces or more",
        ("mobilenet-tiny", "nope"): "no space is named 'nope'",
        ("mobilenet-tiny", "vit-tiny", "--maximize", "accuracy"): "without --task nothing is trained",
        ("mobilenet-tiny", "vit-tiny", "--task", "digits", "--classes", "10"): "a task states both itself",
        ("mobilenet-tiny", "vit-tiny", "--limit", "params<=1"): "holds for none",
    }.items():
        done = run("spaces", "compare", *arguments, "--out", tmp_path / "none")
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
        assert words in done.stderr
        assert not (tmp_path / "none").exists()
