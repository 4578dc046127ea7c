"""`netwright rank`."""

from __future__ import annotations

import json

import pytest


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
