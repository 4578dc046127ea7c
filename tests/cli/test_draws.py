"""Limits that only a target can tell of, in `netwright space` and wherever a design is drawn."""

from __future__ import annotations

import json

import pytest


@pytest.mark.slow
def test_draws_keep_a_limit_that_a_target_tells(run):
    limits = ("--limit", "memory_bytes@stm32f746<=10Ki", "--limit", "params<=30k")
    done = run("space", "mobilenet-tiny", *limits, "--sample", 3, "--seconds", 0, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["designs_within_limits"] is None
    assert found["looked_at"] >= len(found["samples"]) == 3
    assert all(sample["params"] <= 30_000 for sample in found["samples"])
    told = json.loads(run("profile", "mobilenet-tiny", *limits, "--target", "stm32f746", "--json").stdout)
    assert told["targets"]["stm32f746"]["memory_bytes"]["value"] <= 10 * 1024
    assert told["latency"]["stm32f746"]["low_ms"] <= told["latency"]["stm32f746"]["median_ms"]


def test_a_target_without_latency_tells_what_it_knows(run):
    done = run("profile", "mobilenet-tiny", "--limit", "params<=20k", "--target", "rp2040")
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "memory on rp2040: " in text
    assert "flash on rp2040: " in text
    assert "latency on rp2040" not in text


@pytest.mark.slow
def test_a_limit_that_no_design_keeps_says_how_near_one_came(run):
    done = run("space", "mlp-tabular", "--limit", "memory_bytes@stm32f746<=1", "--sample", 1)
    assert done.exit_code == 2
    assert "memory_bytes@stm32f746 <= 1 (nearest" in done.stderr
    assert "held for 0 of 400 drawn" in done.stderr


def test_a_quantity_that_a_target_does_not_know_is_refused(run):
    done = run("space", "mlp-tabular", "--limit", "latency_ms@rp2040<=1", "--sample", 1)
    assert done.exit_code == 2
    assert "no quantity of target rp2040 is named 'latency_ms'" in done.stderr
