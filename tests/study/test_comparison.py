"""Spaces compared by populations of trained and of costed designs."""

from __future__ import annotations

import numpy as np
import pytest

import netwright as nw
from netwright.errors import LimitError, StudyError, UnknownNameError
from netwright.study import Comparison, Population, compare_costs, compare_spaces
from netwright.target import get_target


def layers(name, *widths):
    body = nw.seq(nw.linear_block(nw.oneof(*widths)), nw.linear_block(nw.oneof(*widths)), nw.table_head(2))
    return nw.Space(body, input=nw.vector(4), name=name)


SMALL, LARGE = layers("small", 2, 3, 4, 5), layers("large", 16, 24, 32, 40)


def evaluate(network, budget, report, *, seed):
    size = sum(parameter.size for parameter in network.parameters.values())
    return {"error": 1 / size + 1e-6 * (seed % 7)}


def compared(out, **options):
    options = {"minimize": "error", "designs": 8, "progress": False, **options}
    return compare_spaces([SMALL, LARGE], evaluate, out, **options)


def test_the_space_of_better_designs_wins(tmp_path):
    found = compared(tmp_path / "both")
    assert [len(population) for population in found.populations] == [8, 8]
    (pair,) = found.pairs
    assert (pair.wins, pair.distance, pair.verdict) == (0.0, 1.0, "large is better")
    assert found.to_json()["spaces"][1]["best"] == max(-v for v in found.populations[1].values) * -1


def test_a_comparison_goes_on_where_it_was_left(tmp_path):
    whole = compared(tmp_path / "at-once")
    compared(tmp_path / "in-two", designs=3)
    assert compared(tmp_path / "in-two") == whole


def test_a_folder_of_another_comparison_is_left_alone(tmp_path):
    compared(tmp_path / "both", designs=2)
    with pytest.raises(StudyError, match="was asked otherwise"):
        compared(tmp_path / "both", seed=1)


@pytest.mark.slow
def test_limits_hold_in_every_population(tmp_path):
    found = compared(tmp_path / "both", limits=["params <= 900"])
    assert max(found.populations[1].costs["params"]) <= 900
    with pytest.raises(LimitError, match="params <= 50 holds for none"):
        compared(tmp_path / "none", limits=["params <= 50"])
    assert not (tmp_path / "none").exists()


def test_costs_are_compared_without_training():
    found = compare_costs([SMALL, LARGE], "params", designs=40, limits=["params >= 20"])
    assert found.pairs[0].verdict == "small is better"
    assert min(found.populations[0].values) >= 20


def test_spaces_are_compared_by_what_a_target_tells():
    metric = "latency_ms@raspberry-pi-4"
    found = compare_costs([SMALL, LARGE], metric, designs=20, limits=[f"{metric} <= 0.1"])
    assert found.pairs[0].verdict == "small is better"
    told = {get_target("raspberry-pi-4").latency(SMALL.network(design)).value for design in SMALL.enumerate()}
    assert all(min(abs(value - each) for each in told) < 1e-9 for value in found.populations[0].values)


def test_a_space_is_within_noise_of_itself():
    rng = np.random.default_rng(3)
    twice = [Population(name, "accuracy", -1, tuple(rng.random(60))) for name in ("one", "other")]
    (pair,) = Comparison("accuracy", (), tuple(twice)).pairs
    assert pair.verdict == "within noise"
    assert pair.interval[0] < pair.wins < pair.interval[1]


@pytest.mark.parametrize("spaces", [[SMALL], [SMALL, layers("small", 2)]])
def test_two_spaces_of_different_names_are_needed(spaces, tmp_path):
    with pytest.raises(StudyError, match="two spaces or more of different names"):
        compare_spaces(spaces, evaluate, tmp_path / "none", minimize="error")


def test_a_cost_is_named():
    with pytest.raises(UnknownNameError, match="no cost is named 'parms'"):
        compare_costs([SMALL, LARGE], "parms")
