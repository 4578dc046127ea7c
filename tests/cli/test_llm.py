"""`netwright llm`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from netwright.blocks import attention
from netwright.cli import app
from netwright.graph import Graph, Input

CONFIG = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
}  # fmt: skip
run = CliRunner().invoke


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return str(tmp_path / "config.json")


def own() -> Graph:
    """A model of the user's own."""
    x = Input((1, 16, 64))
    return Graph([x], [attention(x, heads=4, causal=True)])


def test_every_batch_and_length_is_told_for_both_phases(config: str) -> None:
    done = run(app, ["llm", config, "--target", "nvidia-l4", "--batch", "1,8", "--length", "128,2048", "--json"])
    told = json.loads(done.stdout)
    assert told["dtype"] == "fp16"
    assert told["weight_bytes"] == pytest.approx(2 * 8.03e9, rel=0.01)
    assert told["memory_bytes"] == 24 * 2**30
    assert 10 < told["compute_bound_from_batch"] < 1000
    assert [(each["phase"], each["batch"], each["length"]) for each in told["steps"]] == [
        (phase, batch, length) for phase in ("prefill", "decode") for batch in (1, 8) for length in (128, 2048)
    ]
    for each in told["steps"]:
        assert each["ms"] == pytest.approx(sum(part["ms"] for part in each["parts"]))
        assert sum(each["shares"].values()) == pytest.approx(1)
        assert each["fits"] is True
    assert {part["bound"] for part in told["steps"][0]["parts"]} <= {"compute", "memory", "start"}


def test_errors_that_were_found_are_told_for_both_phases(config: str) -> None:
    def how(target: str) -> str:
        return str(json.loads(run(app, ["llm", config, "--target", target, "--json"]).stdout)["how"])

    told = how("nvidia-h100-sxm")
    assert "vidur prefill: Spearman 0.997, error 5 %, 90 % within 1.2x; vidur decode: Spearman 0.997" in told
    assert "neusight" not in told, "measured in fp32"
    assert "not checked against measurements, others of its kind within 3" in how("nvidia-rtx-3060")


def test_words_fit_a_hundred_columns(config: str) -> None:
    done = run(app, ["llm", config, "--target", "nvidia-t4", "--phase", "decode", "--batch", "1,64"])
    assert done.exit_code == 0
    assert "By operation: decode, batch 64, length 512" in done.stdout
    assert "prefill" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_what_does_not_fit_is_told(config: str) -> None:
    told = json.loads(run(app, ["llm", config, "--target", "raspberry-pi-5", "--json"]).stdout)
    assert [each["fits"] for each in told["steps"]] == [False, False]
    shared = json.loads(run(app, ["llm", config, "--target", "nvidia-t4", "--workers", "2", "--json"]).stdout)
    assert shared["workers"] == 2
    assert [each["fits"] for each in shared["steps"]] == [True, True]


def test_a_name_that_states_a_data_type_keeps_it(config: str) -> None:
    told = json.loads(run(app, ["llm", config, "--target", "nvidia-t4:fp32", "--json"]).stdout)
    assert (told["dtype"], told["target"]) == ("fp32", "nvidia-t4:fp32")


def test_a_model_of_ones_own_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    told = json.loads(run(app, ["llm", "test_llm:own", "--target", "apple-m1", "--json"]).stdout)
    assert any(part["name"] == "attention" for part in told["steps"][0]["parts"])
    assert told["steps"][1]["cache_bytes"] == 512 * 2 * 64 * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--target", "nvidia-t5"], "did you mean 'nvidia-t4'"),
        (["--target", "stm32f746"], "of a data sheet, but stm32f746 is a target of another kind"),
        (["--target", "nvidia-t4:b8"], "given as --batch 8, but got --target nvidia-t4:b8"),
        (["--target", "nvidia-t4", "--batch", "1,x"], "--batch reads '8' or '1,8,64', but got '1,x'"),
        (["--target", "nvidia-t4", "--length", "0"], "--length reads"),
        (["--target", "nvidia-t4", "--phase", "train"], "a phase must be one of prefill, decode or both"),
        (["--target", "nvidia-t4", "--workers", "3"], "workers must divide"),
    ],
)
def test_what_cannot_be_met_is_one_sentence(config: str, arguments: list[str], words: str) -> None:
    done = run(app, ["llm", config, *arguments])
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
