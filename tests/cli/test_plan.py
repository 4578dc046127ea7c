"""`netwright plan`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_a_network_that_fits_is_said_to_by_how_much(run):
    done = run("plan", "mobilenet-tiny", "--target", "stm32f746", "--limit", "params<=20k")
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "in 8 bits: fits" in text
    assert "of 320 KiB" in text
    assert "of 1 MiB" in text
    assert "no order and no placement needs less" in text
    assert "not measured" in text


def test_latency_and_energy_are_those_of_the_library_in_the_name(run):
    found = {
        name: json.loads(run("plan", "mobilenet-tiny", "-t", f"stm32l4r5:{name}", "--in-place", "--json").stdout)
        for name in ("x-cube-ai", "cmsis-nn", "plumerai")
    }
    times = {name: each["latency_ms"]["value"] for name, each in found.items()}
    assert times["plumerai"] < times["x-cube-ai"] < times["cmsis-nn"]
    assert found["cmsis-nn"]["energy_mj"]["value"] > found["x-cube-ai"]["energy_mj"]["value"]
    assert found["plumerai"]["energy_mj"] is None
    text = " ".join(run("plan", "mobilenet-tiny", "-t", "stm32l4r5:cmsis-nn").stdout.split())
    assert "cycles of cmsis-nn that were fitted to networks on this chip, not measured" in text
    assert "mW, measured with cmsis-nn on other networks, times the latency" in text


def test_a_network_that_does_not_fit_ends_with_1_and_says_what_helps(run):
    done = run("plan", "mobilenet-tiny", "--target", "stm32f746", "--input", "3x96x96", "--rows", 0)
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "does not fit" in text
    assert "112 KiB too much" in text
    assert "--in-place: 274.7 KiB, fits" in text
    assert run("plan", "mobilenet-tiny", "-t", "stm32f746", "--input", "3x96x96", "--in-place").exit_code == 0


def test_the_document_holds_the_plan(run, tmp_path: Path):
    svg = tmp_path / "plan.svg"
    arguments = ("plan", "mobilenet-tiny", "-t", "rp2040:in-place", "--input", "3x96x96", "--patches", "2x2")
    done = run(*arguments, "--svg", svg, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == (0 if found["fits"] else 1)
    assert found["plan"]["in_place"]
    assert found["plan"]["patches"]["grid"] == "2x2"
    assert found["plan"]["patches"]["recomputed"] > 0
    assert found["plan"]["peak_bytes"] < found["plan"]["patches"]["peak_bytes_without"]
    assert found["sram"] == {
        "needed_bytes": found["plan"]["peak_bytes"], "available_bytes": 264 * 1024, "fits": found["fits"],
    }  # fmt: skip
    assert found["latency_ms"] is None
    assert max(b["offset"] + b["bytes"] for b in found["plan"]["buffers"]) == found["plan"]["peak_bytes"]
    assert svg.read_text().startswith("<svg")
    again = run(*arguments, "--svg", svg)
    assert again.exit_code == 2
    assert "not written over" in again.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "stm32f7"), "did you mean 'stm32f746'"),
        (("--target", "here"), "no microcontroller is named 'here'"),
        (("--target", "stm32f746", "--patches", "0x2"), "1 to 99 each, as in 2x2, but got '0x2'"),
        (("--target", "stm32f746", "--solver", "magic"), "known: auto, cp-sat, heuristic"),
        (("--target", "stm32f746", "--patches", "99x99"), "begins with none"),
    ],
)
def test_bad_options_are_one_sentence(run, options: tuple[str, ...], words: str):
    done = run("plan", "mobilenet-tiny", "--input", "3x32x32", *options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stdout == ""
