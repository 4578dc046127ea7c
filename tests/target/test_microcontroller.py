"""Microcontrollers as targets: devices, memory, flash, latency, limits in a search, and whether a network fits."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import classifier, conv, depthwise_separable, mbconv
from netwright.cost import Limit
from netwright.errors import DataError, EvaluationError, UnknownNameError
from netwright.graph import Graph, Tensor, image, ops, parameter, simplify, vector
from netwright.space import Space, oneof
from netwright.space.catalog import get_space
from netwright.study import search
from netwright.target import (
    MicrocontrollerTarget,
    device_fit,
    get_target,
    plan_buffers,
    read_device,
    target_metric,
    target_names,
    with_targets,
)
from netwright.target._microcontroller import device_names
from netwright.target._microcontroller._checks import within
from netwright.target._microcontroller._device import parse_device
from netwright.target._microcontroller._flash import flash_bytes
from netwright.target._microcontroller._latency import KernelWork, milliseconds, works
from netwright.testing import TargetConformance

X = image(3, 32, 32)


def widths(x: Tensor = X) -> Space:
    return Space(conv(oneof(4, 8, 16, 32), kernel=3), input=x, name="widths")


class TestStm32(TargetConformance):
    @pytest.fixture
    def target(self) -> MicrocontrollerTarget:
        return MicrocontrollerTarget.parse("stm32f746:in-place")

    @pytest.fixture
    def space(self) -> Space:
        return widths()


class TestWithEnergy(TargetConformance):
    @pytest.fixture
    def target(self) -> MicrocontrollerTarget:
        return MicrocontrollerTarget.parse("stm32u575:x-cube-ai")

    @pytest.fixture
    def space(self) -> Space:
        return widths()


class TestWithoutCycles(TargetConformance):
    @pytest.fixture
    def target(self) -> MicrocontrollerTarget:
        return MicrocontrollerTarget.parse("rp2040:2x2")

    @pytest.fixture
    def space(self) -> Space:
        return widths()


def mobile(x: Tensor, width: int = 16, stages: int = 3) -> Graph:
    """Inverted residuals with a wide beginning, as in MobileNetV2."""
    y = conv(x, width, stride=2)
    for stage in range(stages):
        y = mbconv(y, width * (stage + 1), expand=4, stride=2)
        y = mbconv(y, width * (stage + 1), expand=4)
    return Graph([x], [classifier(y, 10)])


@pytest.mark.parametrize("name", device_names())
def test_every_device_says_where_its_numbers_are_from(name: str) -> None:
    device = read_device(name)
    assert device.sram_bytes % 1024 == device.flash_bytes % 1024 == 0
    assert all("https://" in source.document for source in device.sources)
    libraries = {library.name for library in device.libraries}
    assert set(get_target(name).sources()) == {"sram_bytes", "flash_bytes", "clock_mhz", *libraries}
    assert all(get_target(name).sources()[library] for library in libraries)
    assert all(len(library.source) > 20 or library.known == "core" for library in device.libraries)
    assert ("latency_ms" in get_target(name).knows) == bool(device.libraries)
    assert name in target_names()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", "is read from TOML"),
        ("title = 'x'", "is read from TOML with the fields of Device, but mine"),
        (
            "title = 'x'\nsources = [{document = 'x', figures = ['sram']}]",
            "figures among sram_bytes, .* but got 'sram'",
        ),
        ("[[libraries]]\nmac = 1.0\noutput = 2.0\nweight = 3.0\nsource = 'x'", "is read from TOML"),
    ],
)
def test_a_broken_device_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_device("mine", text)


HEAD = "title='x'\nsram_bytes=1024\nflash_bytes=1024\nclock_mhz=10\nsources=[]\n"
LIBRARY = "[[libraries]]\nname='mine'\nmac=1.0\noutput=20.0\nweight=0.5\nknown='here'\nsource='x'\n"


def test_cycles_of_a_library_are_numbers_that_can_be() -> None:
    assert parse_device("mine", HEAD + LIBRARY).library("mine").output == 20
    with pytest.raises(UnknownNameError, match="no library of mine is named 'yours'; known: mine"):
        parse_device("mine", HEAD + LIBRARY).library("yours")
    with pytest.raises(DataError, match=r"`0 < mac` and `0 <= output, weight` must hold for mine of mine, got \(0.0"):
        parse_device("mine", HEAD + LIBRARY.replace("mac=1.0", "mac=0.0"))
    with pytest.raises(DataError, match="known must be here, core, kernels, but mine of mine has 'there'"):
        parse_device("mine", HEAD + LIBRARY.replace("'here'", "'there'"))
    with pytest.raises(
        DataError, match=r"`0 < low <= mean <= high` must hold for power_mw of mine .* got \(3, 2, 4\)"
    ):
        parse_device("mine", HEAD + LIBRARY + "power_mw=[3, 2, 4]\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stm32f746:2x2:in-place", "known: stm32f746:cmsis-nn:in-place:2x2, stm32f746:plumerai:in-place"),
        (
            "stm32f746:inplace",
            r"is named 'inplace'; did you mean 'in-place'\? known: 2x2 \(patches\), cmsis-nn, in-pl",
        ),
        ("stm32f746:cmsis-nn:2", "no part of stm32f746:cmsis-nn:in-place:2x2 is named '2'"),
        ("stm32f746:0x2", "is named '0x2'"),
    ],
)
def test_another_form_of_a_name_is_refused_with_the_right_one(name: str, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        get_target(name)


def test_names_are_metrics_and_unknown_ones_list_those_that_there_are() -> None:
    metric = target_metric("memory_bytes@stm32f746:in-place:2x2")
    assert metric is not None
    assert isinstance(metric.target, MicrocontrollerTarget)
    assert (metric.target.in_place, metric.target.patches) == (True, (2, 2))
    with pytest.raises(UnknownNameError, match="did you mean 'stm32f746'"):
        target_metric("memory_bytes@stm32f7")
    with pytest.raises(UnknownNameError, match="no quantity of target rp2040 is named 'latency_ms'"):
        target_metric("latency_ms@rp2040")
    with pytest.raises(EvaluationError, match="rp2040 knows flash_bytes, memory_bytes, no latency_ms"):
        get_target("rp2040").latency(mobile(X))


def test_memory_is_input_value_and_scratch_in_bytes() -> None:
    graph = Graph([X], [conv(X, 8)])
    columns = 2 * 2 * 3 * 9
    assert get_target("stm32f746").memory(graph).value == 3 * 32 * 32 + 8 * 32 * 32 + columns


def test_flash_is_a_byte_a_weight_and_four_a_bias() -> None:
    x = image(16, 8, 8)
    assert flash_bytes(Graph([x], [conv(x, 32)])) == 16 * 32 * 9 + 12 * 32
    both = Graph([x], [depthwise_separable(x, 32)])
    assert flash_bytes(both) == 16 * 9 + 12 * 16 + 16 * 32 + 12 * 32
    v, weight, bias = vector(20), parameter("weight", (5, 20)), parameter("bias", (5,))
    once = ops.gemm(v, weight, bias)
    assert flash_bytes(Graph([v], [once])) == 100 + 4 * 5
    again = ops.gemm(ops.relu(v), weight, bias)
    assert flash_bytes(Graph([v], [ops.add(once, again)])) == 100 + 4 * 5, "a layer that is used twice is stored once"


def test_a_kernel_takes_what_it_multiplies_writes_and_fetches() -> None:
    device = parse_device("mine", HEAD + LIBRARY)
    work = KernelWork(8 * 32 * 32 * 27, 8 * 32 * 32, 8 * 27)
    assert works(Graph([X], [conv(X, 8)])) == {"conv": work}
    cycles = work.macs + 20 * work.outputs + 0.5 * work.weights
    assert milliseconds(Graph([X], [conv(X, 8)]), device, device.libraries[0]) == {"conv": cycles / 10e3}
    a, b = vector(20), parameter("b", (30, 20))
    assert works(Graph([a], [ops.gemm(a, b, parameter("c", (30,)), transB=1)])) == {
        "linear": KernelWork(600, 30, 600)
    }
    assert works(Graph([X], [ops.sigmoid(X)]))["elementwise"].outputs == 0


def test_an_estimate_of_latency_says_that_it_is_none_of_a_measurement() -> None:
    found = get_target("stm32f746").latency(mobile(X))
    assert found.how == (
        "estimated from cycles of x-cube-ai and other libraries that were fitted to networks on another chip with its"
        " core, not measured"
    )
    assert found.high > 1.8 * found.low
    assert sum(found.detail.values()) == pytest.approx(found.value)
    assert get_target("stm32f746:2x2").latency(mobile(X)).value > found.value
    assert get_target("stm32h743").latency(mobile(X)).value < found.value


def test_a_library_is_part_of_the_name_and_narrows_the_interval() -> None:
    every, one = (get_target(name).latency(mobile(X)) for name in ("stm32l4r5", "stm32l4r5:x-cube-ai"))
    assert every.value == one.value
    assert every.low < one.low < one.high < every.high
    assert one.high / one.value == pytest.approx(one.value / one.low) == pytest.approx(within("here"))
    assert get_target("stm32l4r5:cmsis-nn").latency(mobile(X)).value > one.value
    target = MicrocontrollerTarget.parse("stm32l4r5:cmsis-nn:in-place:2x2")
    assert (target.libraries[0].name, target.in_place, target.patches) == ("cmsis-nn", True, (2, 2))
    assert target.careful().latency(mobile(X)) == target.latency(mobile(X))
    metric = target_metric("latency_ms@stm32l4r5:cmsis-nn")
    assert metric is not None
    held = with_targets(widths(), ["latency_ms@stm32l4r5:cmsis-nn"])
    value, design = held.extremes("latency_ms@stm32l4r5:cmsis-nn")[0]
    assert value == pytest.approx(metric.target.latency(held.network(design)).value)


def test_energy_is_the_power_of_the_board_times_the_latency() -> None:
    target, graph = get_target("stm32l4r5"), mobile(X)
    least, mean, most = read_device("stm32l4r5").library("x-cube-ai").power_mw or (0, 0, 0)
    found = target.energy(graph)
    assert found.unit == "mJ"
    assert found.value == pytest.approx(mean * target.latency(graph).value / 1e3)
    assert found.high / found.low == pytest.approx(most / least * within("here") ** 2)
    assert "42.65 to 47.1 mW, measured with x-cube-ai on other networks" in found.how
    held = with_targets(widths(), ["energy_mj@stm32l4r5"])
    value, design = held.extremes("energy_mj@stm32l4r5")[1]
    assert value == pytest.approx(target.energy(held.network(design)).value)
    for name in ("stm32f746", "stm32l4r5:plumerai", "rp2040"):
        with pytest.raises(EvaluationError, match=f"{name} knows .*, no energy_mj"):
            get_target(name).energy(graph)


def test_a_target_says_how_well_it_tells_networks_that_were_left_out() -> None:
    found = get_target("stm32h743").quality()["latency_ms"]
    assert (found["designs"], found["measured_by"]) == (19, ["STM32 model zoo"])
    assert found["error"] < 0.05
    assert found["spearman"] > found["macs_spearman"]
    assert set(get_target("stm32l4r5").quality()) == {"latency_ms", "energy_mj"}
    assert get_target("stm32l4r5:plumerai").quality()["latency_ms"] != get_target("stm32l4r5").quality()["latency_ms"]
    assert get_target("nrf52840").quality() == get_target("rp2040").quality() == {}


def test_a_limit_on_memory_and_flash_is_kept_by_a_search(tmp_path: Path) -> None:
    def score(network: Graph, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(network.outputs[0].shape[1])}

    found = search(
        widths(), score, maximize="score", limits=["memory_bytes@stm32f746 <= 12Ki", "flash_bytes@stm32f746 <= 1Mi"],
        budget="10 trials", out=tmp_path / "run", progress=False,
    )  # fmt: skip
    for trial in found.study.of_state("complete"):
        assert trial.values["memory_bytes@stm32f746"] <= 12 * 1024
        assert trial.values["flash_bytes@stm32f746"] <= 1024 * 1024
    assert {trial.state for trial in found.study.trials} >= {"complete", "infeasible"}
    assert max(trial.values["score"] for trial in found.study.of_state("complete")) == 8


@pytest.mark.parametrize("name", ["mobilenet-tiny", "mcuformer", "vit-tiny"])
def test_flash_is_held_by_the_forest_and_is_that_of_the_network(name: str) -> None:
    metric = "flash_bytes@stm32f746"
    held = with_targets(get_space(name), [metric])
    assert held.additive(metric)
    least, most = (value for value, _ in held.extremes(metric))
    bound = Limit(metric, high=(least + most) / 2)
    for design in held.sample(np.random.default_rng(0), 5, [bound]):
        exactly = flash_bytes(simplify(held.network(design)))
        assert held.costs(design, [metric])[metric] == exactly <= bound.high


def test_designs_within_flash_are_those_that_a_look_at_each_finds() -> None:
    metric = "flash_bytes@stm32f746"
    held = with_targets(widths(), [metric])
    fitting = {design for design in held.enumerate() if flash_bytes(held.network(design)) <= 500}
    assert len(fitting) == 2
    assert set(held.sample(np.random.default_rng(0), 50, f"{metric} <= 500")) == fitting


def test_latency_by_operator_is_held_by_the_forest_unless_patches_compute_again() -> None:
    metric, patched = "latency_ms@stm32f746", "latency_ms@stm32f746:2x2"
    held = with_targets(get_space("mobilenet-tiny"), [metric, patched, "memory_bytes@stm32f746"])
    assert held.additive(metric)
    assert patched not in held.costs_known
    assert "memory_bytes@stm32f746" not in held.costs_known
    for value, design in held.extremes(metric):
        told = get_target("stm32f746").latency(simplify(held.network(design)))
        assert value == pytest.approx(told.value)


def test_a_search_draws_no_design_beyond_flash(tmp_path: Path) -> None:
    def score(network: Graph, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(network.outputs[0].shape[1])}

    found = search(
        widths(), score, maximize="score", limits="flash_bytes@stm32f746 <= 700", budget="6 trials",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert not found.study.of_state("infeasible")
    assert max(trial.values["score"] for trial in found.study.of_state("complete")) == 16


def test_a_network_that_fits_needs_no_remedy() -> None:
    fit = device_fit(MicrocontrollerTarget.parse("stm32f746"), mobile(X))
    assert (fit.fits, fit.hopeless, fit.remedies) == (True, False, ())
    assert fit.plan.capacity == 320 * 1024


def test_remedies_are_tried_from_the_simplest_to_the_first_that_fits() -> None:
    graph = mobile(image(3, 192, 192))
    fit = device_fit(MicrocontrollerTarget.parse("stm32f746"), graph)
    assert not fit.fits_sram
    assert fit.fits_flash
    assert [remedy.fits for remedy in fit.remedies] == [False] * (len(fit.remedies) - 1) + [True]
    assert all(a.peak_bytes > b.peak_bytes for a, b in pairwise(fit.remedies))
    last = fit.remedies[-1]
    assert last.option.startswith("--in-place --patches")
    assert 0 < last.extra_macs < 1


def test_a_network_too_large_for_any_plan_is_told_apart() -> None:
    fit = device_fit(MicrocontrollerTarget.parse("nrf52840"), Graph([x := image(3, 512, 512)], [conv(x, 8)]))
    assert fit.hopeless
    assert not any(remedy.fits for remedy in fit.remedies)


def test_the_drawing_has_every_buffer_where_it_lies() -> None:
    plan = plan_buffers(mobile(X), in_place=True).on("a device", 64 * 1024)
    root = ElementTree.fromstring(plan.svg("title <&>"))
    space = "{http://www.w3.org/2000/svg}"
    titles = [element.text or "" for element in root.iter(f"{space}title")]
    assert len(titles) == len(plan.buffers)
    for buffer, title in zip(plan.buffers, titles, strict=True):
        assert f"{buffer.size:,} bytes at {buffer.offset:,}, steps {buffer.first} to {buffer.last}" in title
    texts = [element.text for element in root.iter(f"{space}text")]
    assert "title <&>" in texts
    assert plan._repr_svg_().startswith("<svg")
