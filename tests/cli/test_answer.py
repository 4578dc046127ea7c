"""Documents, words, errors and exit codes."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from netwright.cli._answer import answering
from netwright.cli._result import words
from netwright.cli._search import _finish
from netwright.errors import LimitError

RESULT: dict[str, Any] = {
    "trials": {"total": 4, "complete": 3, "failed": 1, "infeasible": 0},
    "seconds": {"total": 61.4},
    "task": {"kind": "image"},
    "winner": None,
    "broken": [
        {"trial": 2, "limits": [{"limit": "latency_ms@here <= 0.5", "value": 0.61, "holds": False}]},
        {"trial": 1, "limits": [{"limit": "params <= 50k", "value": 60_000.0, "holds": False}]},
    ],
    "front": [{"trial": 2, "design": {}, "values": {"accuracy": 0.9}}],
    "baselines": [],
    "paths": {"report": "x/report.html"},
}


UNSURE = {"limit": "latency_ms@pi <= 2", "value": 1.9, "holds": True, "low": 1.8, "high": 2.1, "crosses": True}
BROKEN = {"limit": "latency_ms@pi <= 2", "value": 2.2, "holds": False, "low": 2.1, "high": 2.3, "crosses": False}


def printed(renderable: Any, capsys: pytest.CaptureFixture[str]) -> str:
    from rich.console import Console

    Console(width=200).print(renderable)
    return capsys.readouterr().out


def test_json_is_the_only_thing_on_standard_output(capfd: pytest.CaptureFixture[str]):
    with answering(True) as answer:
        print("from Python")
        os.write(1, b"from a library\n")
        answer.give({"a": 1}, lambda: "words")
    out, error = capfd.readouterr()
    assert json.loads(out) == {"a": 1}
    assert "from Python" in error
    assert "from a library" in error


def test_people_get_words(capsys: pytest.CaptureFixture[str]):
    with answering(False) as answer:
        answer.give({"a": 1}, lambda: "[bold] :smile: words " + "x" * 200)
    assert capsys.readouterr().out == "[bold] :smile: words " + "x" * 200 + "\n"


def test_a_front_without_a_winner_is_marked_where_a_limit_is_in_doubt(capsys: pytest.CaptureFixture[str]):
    front = [
        {"trial": number, "design": {}, "values": {"score": 1.0}, "limits": limits}
        for number, limits in enumerate(([UNSURE], [BROKEN], [UNSURE | {"crosses": False}], None))
    ]
    rows = printed(words(RESULT | {"broken": [], "front": front}), capsys).splitlines()[3:7]
    assert "not for sure within latency_ms@pi <= 2" in rows[0]
    assert "breaks latency_ms@pi <= 2" in rows[1]
    assert rows[2].split() == ["2", "score", "1"]
    assert rows[3].split() == ["3", "score", "1"]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(("error", "code"), [(LimitError("low <= high."), 2), (KeyboardInterrupt(), 130)])
def test_errors_end_with_a_code(capsys: pytest.CaptureFixture[str], as_json: bool, error: BaseException, code: int):
    with pytest.raises(typer.Exit) as ended, answering(as_json):
        raise error
    assert ended.value.exit_code == code
    out, sentence = capsys.readouterr()
    assert sentence.startswith("error: ")
    assert bool(out) == as_json


def test_a_fault_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), answering(False):
        _ = 1 / 0


def test_a_search_without_a_winner_says_why_and_ends_with_1(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit) as ended, answering(True) as answer:
        _finish(answer, lambda: SimpleNamespace(to_json=lambda: RESULT))  # type: ignore[arg-type, return-value]
    assert ended.value.exit_code == 1
    assert json.loads(capsys.readouterr().out) == RESULT
    text = printed(words(RESULT), capsys)
    assert "4 trials (3 complete, 1 failed), 61 s in all" in text
    assert "trial 2 broke its limits when measured again: latency_ms@here <= 0.5 has 0.61" in text
    assert "params <= 50k has 60,000" in text


def test_a_winner_stands_beside_the_baselines(capsys: pytest.CaptureFixture[str]):
    winner = {
        "trial": 7,
        "epochs": 45,
        "metrics": {"test": {"loss": 0.1, "accuracy": 0.987654}},
        "costs": {"params": 48_120, "macs": 1_713_152},
        "latency": {"median_ms": 0.0512},
        "limits": [{"limit": "params <= 50k", "value": 48_120, "holds": True}],
    }
    largest = {
        "name": "largest by params",
        "metrics": {"accuracy": 0.97},
        "costs": {"params": 49_998, "macs": 900},
    } | {"epochs": 12}
    text = printed(words({**RESULT, "winner": winner, "baselines": [largest]}), capsys)
    assert "winner: trial 7" in text
    assert "params <= 50k: 48,120, holds" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["winner", "accuracy", "0.9877", "45", "48,120", "1,713,152", "0.0512"] in rows
    assert ["largest", "by", "params", "accuracy", "0.97", "12", "49,998", "900", "-"] in rows
