"""Latency and energy of microcontrollers beside what others have measured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from netwright.target import get_target, read_device
from netwright.target._microcontroller import device_names
from netwright.target._microcontroller._latency import works

BENCH = Path(__file__).parents[2] / "bench"
MACS = {"ad": 264_192, "ic": 12_501_632, "kws": 2_656_768, "vww": 7_489_664}
"""Of the networks of MLPerf Tiny."""


@pytest.fixture(scope="module")
def published() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCH))
    try:
        import _microcontrollers

        yield _microcontrollers
    finally:
        sys.path.remove(str(BENCH))


@pytest.mark.parametrize("task", MACS)
def test_networks_have_the_multiply_adds_that_are_published(task: str, published: ModuleType) -> None:
    found = works(published.network(task))
    assert (
        sum(found[kind].macs for kind in ("conv", "pointwise", "depthwise", "linear") if kind in found) == MACS[task]
    )


def test_networks_have_about_the_weights_that_x_cube_ai_stores(published: ModuleType) -> None:
    for name, (_, kib) in published.MEMORY.items():
        stored = sum(work.weights for work in works(published.network(name)).values()) / 1024
        assert 0.9 * kib < stored < kib, name


def test_published_latencies_and_energies_lie_within_the_interval(published: ModuleType) -> None:
    for series in published.SERIES:
        known = series.board in device_names() and {each.name for each in read_device(series.board).libraries}
        if not known or series.library not in known:
            continue
        target = get_target(f"{series.board}:{series.library}")
        slower = series.clock_mhz / read_device(series.board).clock_mhz
        for name, ms in series.ms.items():
            estimate = target.latency(published.network(name))
            assert estimate.low <= ms * slower <= estimate.high, (series.name, name)
            if series.mw:
                energy = target.energy(published.network(name))
                assert energy.low <= ms * series.mw[name] / 1e3 <= energy.high, (series.name, name)


def test_networks_on_a_chip_with_the_core_lie_within_the_interval(published: ModuleType) -> None:
    """Costs of `stm32f746:x-cube-ai` are of another chip, and those of `nrf52840` were never measured on it."""
    told = {"stm32f769": "stm32f746:x-cube-ai", "psoc62": "nrf52840:plumerai"}
    for series in (each for each in published.SERIES if each.board in told):
        target = get_target(told[series.board])
        for name, ms in series.ms.items():
            estimate = target.latency(published.network(name))
            slower = series.clock_mhz / target.device.clock_mhz
            assert estimate.low <= ms * slower <= estimate.high, (series.name, name)


def test_the_files_of_the_chips_hold_what_is_fitted(published: ModuleType) -> None:
    import microcontrollers as bench

    amounts, start = bench.WAYS["three costs"]
    found = bench.rows(bench.WHOLE, amounts)
    common = bench.library_ratios(found, start)
    own = {each.name: [row for row in found if row.series == each.name] for each in bench.WHOLE}
    own["esp32s3 esp-nn"] = bench.kernels()
    assert bench.differing({name: bench.fitted(rows, common(name)) for name, rows in own.items()}) == []


def test_half_the_clock_takes_twice_as_long(published: ModuleType) -> None:
    graph = published.network("kws")
    fast, slow = (get_target(f"{name}:cmsis-nn").latency(graph).value for name in ("stm32l4r5", "nrf52840"))
    assert slow / fast == pytest.approx(read_device("stm32l4r5").clock_mhz / read_device("nrf52840").clock_mhz)
