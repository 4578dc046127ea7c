"""`netwright spaces`."""

from __future__ import annotations

import json

import pytest


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


@pytest.mark.slow
def test_trained_designs_in_words(run, own, tmp_path):
    done = run(
        "spaces", "compare", "mobilenet-tiny", "convnet-tiny", "--task", "digits", "-n", 2, "--epochs", 1,
        "--limit", "params<=15k", "--out", tmp_path / "both", "--quiet", "--matched-by", "accuracy",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "first wins" in done.stdout
    assert (tmp_path / "both" / "convnet-tiny" / "study.db").is_file()


def test_images_of_a_folder_are_resized(run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("netwright.study.compare_spaces", lambda names, task, out, **options: asked.append(task))
    run("spaces", "compare", "mobilenet-tiny", "vit-tiny", "--task", tmp_path, "--size", "24x32")
    assert asked == [{"source": str(tmp_path), "size": [24, 32]}]


def test_bad_questions_are_one_sentence(run, tmp_path):
    for arguments, words in {
        ("mobilenet-tiny",): "two spaces or more",
        ("mobilenet-tiny", "nope"): "no space is named 'nope'",
        ("mobilenet-tiny", "vit-tiny", "--maximize", "accuracy"): "without --task nothing is trained",
        ("mobilenet-tiny", "vit-tiny", "--task", "digits", "--classes", "10"): "a task states both itself",
        ("mobilenet-tiny", "vit-tiny", "--task", "digits", "--size", "24"): "size= says nothing",
        ("mobilenet-tiny", "vit-tiny", "--size", "24"): "but no --task is given",
        ("mobilenet-tiny", "vit-tiny", "--limit", "params<=1"): "holds for none",
    }.items():
        done = run("spaces", "compare", *arguments, "--out", tmp_path / "none")
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
        assert words in done.stderr
        assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_space_is_shrunk_by_a_search_and_searched_again(run, tmp_path):
    base = ("search", "--task", "digits", "--epochs", 1, "--final-epochs", 1, "--no-compare", "--quiet", "--limit",
            "params<=25k", "--strategy", "random")  # fmt: skip
    done = run(*base, "--space", "convnet-tiny", "--budget", "13 trials", "--out", tmp_path / "first")
    assert done.exit_code == 0, done.stderr
    kept = tmp_path / "kept.json"
    done = run("spaces", "shrink", tmp_path / "first", "--share", 0.01, "--out", kept, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == [
        "version", "space", "designs_before", "designs_after", "kept", "built", "method", "fit", "decisions",
        "modules", "out",
    ]  # fmt: skip
    assert 0 < int(found["designs_after"]) <= 0.01 * int(found["designs_before"])
    assert found["built"]["costs"]["params"] <= 25_000
    assert json.loads(kept.read_text()) == found["kept"]
    assert "designs before" in run("spaces", "shrink", tmp_path / "first").stdout
    done = run(
        *base, "--space", "convnet-tiny", "--budget", "2 trials", "--out", tmp_path / "second", "--restrict", kept
    )
    assert done.exit_code == 0, done.stderr
    decide = ("--decide", "*.channels", "--limit", "params<=20k", "--rounds", 3, "--json")
    evolved = json.loads(run("spaces", "evolve", tmp_path / "first", *decide).stdout)
    assert set(evolved["kept"]) <= set(evolved["decisions"])
    assert int(evolved["designs_after"]) < int(evolved["designs_before"])
    scores = [score for score in evolved["history"] if score is not None]
    assert (len(evolved["history"]), evolved["score"]) == (3, max(scores))
    again = run("spaces", "shrink", tmp_path / "second", "--json")
    assert (again.exit_code, "10 designs or more" in again.stderr) == (2, True)


def test_a_restriction_is_a_file_of_paths_and_values(run, tmp_path):
    file = tmp_path / "kept.json"
    base = ("search", "--task", "digits", "--space", "convnet-tiny", "--out", tmp_path / "none", "--restrict", file)
    for content, words in {
        None: "cannot be read",
        "[1": "cannot be read",
        "[1]": "maps paths to lists",
        '{"nowhere": [1]}': "none has the path 'nowhere'",
        '{"*channels": [7]}': "leaves none",
    }.items():
        if content is not None:
            file.write_text(content)
        done = run(*base)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
        assert words in done.stderr
        assert not (tmp_path / "none").exists()
