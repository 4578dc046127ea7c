"""`netwright rank`."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from netwright.space.catalog import get_space


def test_two_targets_are_ranked(run) -> None:
    arguments = ["rank", "nasbench201", "--target", "stm32f746", "--target", "macs", "--designs", "20", "--top", "3"]
    found = json.loads(run(*arguments, "--json").output)
    assert found["targets"] == ["latency_ms@stm32f746", "macs"]
    assert found["designs"] == 20
    assert -1 <= found["kendall"] <= found["spearman"] <= 1
    assert len(found["largest"]) == 3
    assert {"option", "value", "shift", "error", "designs", "sure"} == set(found["options"][0])
    assert [each["of"] for each in found["reduced"]] == ["15625", "15625"]
    words = run(*arguments).output
    assert "20 designs of nasbench201 on latency_ms@stm32f746 and macs: rank correlation" in words
    assert "Where they disagree most" in words


def test_the_page_holds_what_the_document_says_and_loads_nothing(run, tmp_path: Path) -> None:
    page = tmp_path / "rank.html"
    arguments = ["rank", "nasbench201", "--target", "raspberry-pi-4", "--target", "nvidia-t4", "--designs", "60"]
    found = json.loads(run(*arguments, "--html", page, "--json").output)
    text = page.read_text(encoding="utf-8")
    HTMLParser().feed(text)
    assert found["html"] == str(page)
    assert f"{found['spearman']:.3f}" in text
    assert text.count('class="series1"') + text.count('class="series2"') > 0
    for each in found["reduced"]:
        assert f"For latency {each['for'].partition('@')[2]}" in text
        assert all(path in text for path in each["dropped"])
    assert not {"http://", "https://"} & set(text.split('"'))
    assert run(*arguments, "--html", page).exit_code == 2, "a page that is there is kept"
    assert run(*arguments, "--html", page, "--overwrite").exit_code == 0
    page.unlink()
    assert run(*arguments, "--html", page, "--out", tmp_path / "none" / "kept.json").exit_code == 2
    assert not page.exists(), "one of two files alone"


def test_the_space_that_follows_is_one_that_a_search_can_take(run, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    arguments = ["rank", "nasbench201", "--target", "raspberry-pi-4", "--target", "nvidia-t4", "--designs", "60"]
    found = json.loads(run(*arguments, "--out", kept, "--json").output)
    reduced = get_space("nasbench201").restricted(json.loads(kept.read_text()))
    assert str(reduced.network_size()) == found["reduced"][0]["designs"] != "15625"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--target", "here"], "two targets are compared, but got 1"),
        (["--target", "macs", "--target", "her"], "did you mean 'here'"),
        (["--target", "macs", "--target", "here", "--quantity", "watts"], "no quantity of a target is named 'watts'"),
        (["--target", "macs", "--target", "params", "--limit", "latency_ms@here<=1"], "limits that a forest holds"),
        (["--target", "macs", "--target", "params", "--limit", "macs<=1"], "a limit must hold for some design"),
    ],
)
def test_bad_input_is_one_sentence(run, arguments: list[str], sentence: str) -> None:
    done = run("rank", "nasbench201", *arguments, "--json")
    assert done.exit_code == 2
    assert sentence in json.loads(done.stdout)["error"]["message"]
