"""Targets by name, and what a metric with a target means to a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from netwright.blocks import conv
from netwright.cost import COSTS, Limit
from netwright.errors import EvaluationError, UnknownNameError
from netwright.graph import Graph, image
from netwright.space import Space, oneof
from netwright.study import search
from netwright.study._checks import verdicts
from netwright.target import (
    Estimate,
    Here,
    Setup,
    Target,
    Timing,
    _this_machine,
    get_target,
    target_metric,
    target_names,
    with_targets,
)
from netwright.testing import TargetConformance

X = image(3, 8, 8)


class Counter(Target):
    """A device on which every MAC takes a nanosecond and a picojoule, give or take a tenth."""

    knows = frozenset({"latency_ms", "energy_mj"})
    how = "counted"

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        value = COSTS["macs"].of(graph) * 1e-6
        return Estimate(value, 0.9 * value, 1.1 * value, "ms", self.how)

    def energy(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        value = COSTS["macs"].of(graph) * 1e-9
        return Estimate(value, value, value, "mJ", self.how)


def small() -> Space:
    return Space(conv(oneof(4, 8, 16), kernel=1, norm="none"), input=X)


class TestHere(TargetConformance):
    draws = 1

    @pytest.fixture
    def target(self) -> Target:
        return Here(seconds=0.02)

    @pytest.fixture
    def space(self) -> Space:
        return small()


class TestCounter(TargetConformance):
    @pytest.fixture
    def target(self) -> Target:
        return Counter("counter")

    @pytest.fixture
    def space(self) -> Space:
        return small()


@pytest.mark.parametrize(
    ("name", "threads", "batch"),
    [("here", 1, 1), ("here:4t", 4, 1), ("here:b8", 1, 8), ("here:ort:2t:b4:fp32", 2, 4), ("here:fp32", 1, 1)],
)
def test_a_name_states_threads_and_batch(name: str, threads: int, batch: int) -> None:
    target = get_target(name)
    assert isinstance(target, Here)
    assert (target.name, target.threads, target.batch) == (name, threads, batch)
    careful = target.careful()
    assert (careful.threads, careful.batch) == (threads, batch)
    assert careful.seconds > target.seconds


@pytest.mark.parametrize(
    ("target", "graphs", "channels", "loads"),
    [
        (Here(), 1, 8, 1),
        (Here(), 2, 8, 3),
        (Here().careful(), 1, 8, 3),
        (Here(runtime="compile").careful(), 1, 8, 1),
        (Here().careful(), 1, 4500, 1),
        (Here().careful(), 1, 3600, 2),
    ],
)
def test_what_is_compared_or_reported_is_loaded_several_times_unless_it_is_large(
    monkeypatch: pytest.MonkeyPatch, target: Here, graphs: int, channels: int, loads: int
) -> None:
    loaded: list[Graph] = []

    def time_graphs(given: Sequence[Graph], setup: Setup, *, seconds: float) -> list[Timing]:
        loaded.extend(given)
        assert seconds == target.seconds / loads
        return [Timing(1.0, 0.0, 0.9, 1.1, 30, 10, 0.0) for _ in given]

    monkeypatch.setattr(_this_machine, "time_graphs", time_graphs)
    network = Space(conv(channels, kernel=3), input=image(channels, 4, 4)).network({})
    assert len(target.compare([network] * graphs)) == graphs
    assert len(loaded) == graphs * loads


@pytest.mark.parametrize("name", ["here:b4:2t", "here:fp16", "here:ort:ort"])
def test_another_form_of_a_name_is_refused_with_the_right_one(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"no target is named .* known: .*here:ort:1t:b1:fp32"):
        get_target(name)


@pytest.mark.parametrize("name", ["here:", "here:0t", "here:tvm", "here:ort:4t:tvm"])
def test_an_unknown_part_of_a_name_is_told_with_what_may_stand_there(name: str) -> None:
    part = name.rpartition(":")[2]
    with pytest.raises(
        UnknownNameError, match=rf"no part of here:ort:1t:b1:fp32 is named '{part}'; .*known: 4t \(thr"
    ):
        get_target(name)


def test_unknown_names_are_refused_with_near_ones() -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"named 'nvidia'; did you mean 'nvidia-t4' or .* are known: `netwright targets` lists them",
    ):
        get_target("nvidia")
    # "pi44" is in no name, and like none of them, but what it begins with is.
    for name in ("pi4", "pi44"):
        with pytest.raises(UnknownNameError, match=rf"named '{name}'; did you mean 'raspberry-pi-4'\? \d+ are known"):
            get_target(name)
    with pytest.raises(UnknownNameError, match=r"named 'zzzzz'; \d+ are known: `netwright targets` lists them.$"):
        get_target("zzzzz")
    with pytest.raises(UnknownNameError, match="no target is named 'hera'; did you mean 'here'"):
        target_metric("latency_ms@hera")
    with pytest.raises(UnknownNameError, match="did you mean 'latency_ms'"):
        target_metric("latency_s@here")
    with pytest.raises(UnknownNameError, match="no quantity of target here is named 'energy_mj'"):
        target_metric("energy_mj@here")
    assert "here" in target_names()


def test_a_graph_that_the_target_cannot_tell_is_one_sentence() -> None:
    with pytest.raises(EvaluationError, match="here knows latency_ms, no memory_bytes"):
        Here().memory(Graph([X], [conv(X, 8)]))


def test_threads_and_batch_reach_the_measurement() -> None:
    found = Here("here:2t:b4", threads=2, batch=4, seconds=0.02).latency(Graph([X], [conv(X, 8)]))
    assert found.low <= found.value <= found.high
    assert "2 threads, batch 4" in found.how
    assert found.detail["runs"] >= 10


def test_what_measures_is_no_cost_of_a_forest() -> None:
    space = small()
    assert with_targets(space, ["latency_ms@here", "macs"]) is space


@pytest.mark.parametrize(("limit", "crosses"), [("<= 12", True), ("<= 13", False), (">= 12", True), (">= 3", False)])
def test_an_interval_that_reaches_over_the_limit_is_marked(limit: str, crosses: bool) -> None:
    told = {"latency_ms@pixel2": Estimate(11.8, 11.0, 12.5, "ms", "predicted")}
    [found] = verdicts(Limit.of(f"latency_ms@pixel2 {limit}"), {"latency_ms@pixel2": 11.8}, told=told)
    assert found["crosses"] is crosses
    assert (found["low"], found["high"]) == (11.0, 12.5)


def test_an_interval_that_holds_a_whole_window_is_marked() -> None:
    wide = Estimate(5.0, 1.0, 9.0, "ms", "predicted")
    assert wide.crosses(Limit.parse("4 <= latency_ms@here <= 6"))


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counter as an installed target."""

    class Entry:
        name = "counter"

        def load(self) -> Any:
            return lambda: Counter("counter")

    monkeypatch.setattr("netwright.target._registry.entry_points", lambda group: [Entry()])


@pytest.mark.usefixtures("counter")
def test_an_installed_target_is_an_objective_and_a_limit(tmp_path: Path) -> None:
    def score(network: Graph, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(network.outputs[0].shape[1])}

    found = search(
        small(), score, maximize="score", minimize="energy_mj@counter", limits=["latency_ms@counter <= 0.002"],
        budget="8 trials", out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert "counter" in target_names()
    for trial in found.study.trials:
        assert trial.values["latency_ms@counter"] == pytest.approx(trial.values["macs"] * 1e-6)
        assert trial.values["energy_mj@counter"] == pytest.approx(trial.values["macs"] * 1e-9)
    states = {trial.state for trial in found.study.trials}
    assert "infeasible" in states
    assert all(trial.values["latency_ms@counter"] <= 0.002 for trial in found.study.of_state("complete"))
