"""Devices known from their data sheets: the model, the sheets, the names, and what a search does with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netwright.blocks import conv
from netwright.errors import DataError, UnknownNameError
from netwright.graph import Graph, image, simplify
from netwright.space import Space, oneof
from netwright.space.catalog import get_space
from netwright.study import search
from netwright.target import (
    RooflineTarget,
    Target,
    add_target,
    data_sheet_names,
    get_data_sheet,
    get_target,
    read_data_sheet,
    remove_target,
    sources_in_words,
    target_metric,
    target_names,
    with_targets,
)
from netwright.target._checks import all_checks, unchecked_factor
from netwright.target._data_sheet import FOLDER
from netwright.target._microcontroller import device_names
from netwright.target._roofline_model import KINDS, kernel_ms, product_seconds
from netwright.target._work import Product, Work
from netwright.testing import TargetConformance

X = image(3, 16, 16)
PAGE = Path(__file__).parents[2] / "docs" / "devices.md"


def small() -> Space:
    return Space(conv(oneof(4, 8, 16), kernel=oneof(1, 3)), input=X)


class TestSheet(TargetConformance):
    @pytest.fixture(params=["raspberry-pi-4:1t", "nvidia-t4:eager:b8:fp16", "eyeriss"])
    def target(self, request: pytest.FixtureRequest) -> Target:
        return get_target(request.param)

    @pytest.fixture
    def space(self) -> Space:
        return small()


# -- the model -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nvidia-v100-pcie", "raspberry-pi-4", "intel-xeon-gold-6130", "coral-edge-tpu"])
def test_no_kernel_beats_the_roof(name: str) -> None:
    machine = get_data_sheet(name).machine()
    rng = np.random.default_rng(0)
    for count, rows, columns, inner in rng.integers(1, 3000, (50, 4)).tolist():
        product = Product(count % 8 + 1, rows, columns, inner)
        moved = float(rows * inner + rows * columns)
        work = Work("MatMul", 1, (product,), activations=moved, weights=float(inner * columns))
        assert kernel_ms(work, machine) >= 1e3 * 2 * product.macs / machine.flops
        big = replace(work, activations=1e9)
        assert kernel_ms(big, machine) >= 1e3 * 1e9 * machine.element / machine.bandwidth


def test_a_wave_that_is_hardly_begun_takes_as_long_as_a_full_one() -> None:
    machine = get_data_sheet("nvidia-v100-pcie").machine()
    full, more = (product_seconds(Product(count, 256, 128, 64), machine) for count in (80, 81))
    assert more > 1.3 * full


def test_small_products_are_less_efficient() -> None:
    machine = get_data_sheet("nvidia-v100-pcie").machine()
    rates = [2 * n**3 / product_seconds(Product(1, n, n, n), machine) for n in (64, 256, 1024, 4096)]
    assert rates == sorted(rates)
    assert 0.6 * machine.flops < rates[-1] < machine.flops


def test_an_elementwise_kernel_is_bound_by_its_bytes() -> None:
    device = get_data_sheet("nvidia-t4")
    work = Work("Relu", 1, flops=1e8, activations=2e8)
    expected = 2e8 * 4 / (KINDS["gpu"].bandwidth * device.bandwidth_gbs * 1e9) * 1e3
    assert kernel_ms(work, device.machine()) == pytest.approx(expected, rel=0.01)
    assert kernel_ms(work, device.machine("fp16")) == pytest.approx(expected / 2, rel=0.01)


def test_more_threads_batch_and_precision_count() -> None:
    graph = Graph([X], [conv(conv(X, 64), 64)])
    ms = {name: get_target(name).latency(graph).value for name in (
        "raspberry-pi-5:1t", "raspberry-pi-5", "raspberry-pi-5:fp16", "raspberry-pi-5:eager", "raspberry-pi-5:b8",
    )}  # fmt: skip
    assert ms["raspberry-pi-5:1t"] > ms["raspberry-pi-5"] > ms["raspberry-pi-5:fp16"]
    assert ms["raspberry-pi-5"] < ms["raspberry-pi-5:b8"] < 8.5 * ms["raspberry-pi-5"]
    assert ms["raspberry-pi-5:eager"] > ms["raspberry-pi-5"]


# -- the sheets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", data_sheet_names())
def test_a_sheet_is_whole(name: str) -> None:
    device = get_data_sheet(name)
    assert device.title
    assert device.sources
    assert all("https://" in source.document for source in device.sources)
    assert dict(get_target(name).sources()) == dict(device.looked_up)
    assert 0.5 < device.peak_gflops[device.dtype] / device.bandwidth_gbs < 10_000
    halves = [device.peak_gflops[dtype] for dtype in ("fp32", "fp16", "int8") if dtype in device.peak_gflops]
    assert halves == sorted(halves)
    assert get_target(name).name == name


def test_each_figure_is_looked_up_or_from_memory() -> None:
    found = get_data_sheet("raspberry-pi-4").looked_up
    assert list(found) == ["cores", "clock_ghz", "bandwidth_gbs", "cache_mib", "memory_gib", "fp32"]
    assert found["fp32"] is None
    assert "BCM2711" in (found["cores"] or "")
    assert sources_in_words(found) == "3 of 6 figures looked up; from memory: bandwidth_gbs, memory_gib, fp32"
    assert None not in get_data_sheet("nvidia-t4").looked_up.values()


def test_the_page_counts_what_was_looked_up() -> None:
    documents = [document for name in data_sheet_names() for document in get_data_sheet(name).looked_up.values()]
    known = sum(document is not None for document in documents)
    assert f"{known} of their {len(documents)} figures were looked up" in PAGE.read_text()
    assert known > 0.7 * len(documents)


def test_there_are_devices_of_every_kind_and_size() -> None:
    assert {get_data_sheet(name).kind for name in data_sheet_names()} == {"cpu", "gpu", "npu"}
    assert {"raspberry-pi-4", "pixel-3", "nvidia-h100-sxm", "apple-m1", "amd-epyc-9654"} <= set(data_sheet_names())
    assert set(data_sheet_names()) <= set(target_names())


def test_none_that_was_checked_does_worse_than_multiply_adds() -> None:
    assert len(all_checks()) > 20
    for check in all_checks():
        assert check.target.partition(":")[0] in data_sheet_names()
        assert check.spearman >= check.macs
        assert check.factor >= 1
        assert check.unseen_factor is None or check.unseen_factor >= 1


def test_a_device_that_nobody_measured_is_as_unsure_as_one_left_out_of_the_fit() -> None:
    left_out = [each.unseen_factor or 0.0 for each in all_checks() if each.target.startswith("nvidia-")]
    assert unchecked_factor("gpu") >= max(left_out) > 2


def test_what_is_not_checked_says_so_and_is_less_sure() -> None:
    graph = Graph([X], [conv(X, 8)])
    known, unknown = (get_target(name) for name in ("nvidia-v100-pcie", "nvidia-rtx-4090"))
    assert "not checked" in unknown.how
    assert "Spearman" in known.how
    sure, unsure = (target.latency(graph) for target in (known, unknown))
    assert unsure.high / unsure.value > sure.high / sure.value > 1


# -- names and files -------------------------------------------------------------------------------------------------


def test_a_name_states_how_the_network_runs() -> None:
    target = get_target("nvidia-t4:eager:b8:int8")
    assert isinstance(target, RooflineTarget)
    assert (target.eager, target.batch, target.dtype, target.threads) == (True, 8, "int8", None)
    assert "operators started one by one" in target.how


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("raspbery-pi-4", UnknownNameError, "did you mean 'raspberry-pi-4'"),
        ("raspberry-pi-4:b8:1t", UnknownNameError, "known: raspberry-pi-4:eager:1t:b1:fp32"),
        ("raspberry-pi-4:0t", UnknownNameError, "no part of raspberry-pi-4:eager:1t:b1:fp32 is named '0t'"),
        ("nvidia-t4:b8:bogus", UnknownNameError, r"named 'bogus'; known: 4t \(threads\), b8 \(batch\), eager, fp16"),
        ("raspbery-pi-4:b8", UnknownNameError, "no target is named 'raspbery-pi-4'; did you mean"),
        ("raspberry-pi-4:8t", DataError, "4 cores, but got 8 threads"),
        ("nvidia-t4:1t", DataError, "threads are chosen on a cpu, but nvidia-t4 is a gpu and got 1 thread"),
        ("nvidia-t4:b8:eager", UnknownNameError, "did you mean 'nvidia-t4:eager:b1:fp32'"),
        ("raspberry-pi-4:fp16", DataError, "states fp32, no fp16"),
    ],
)
def test_names_that_mean_nothing_are_refused(name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        target_metric(f"latency_ms@{name}")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("cores = 4", "cores = -4", "cores is -4"),
        ("cores = 4", "cores = 'four'", "cores is 'four'"),
        ("bandwidth_gbs", "bandwidth", "but has no bandwidth_gbs"),
        ("cores = 4", "cores = 4\nlegs = 4", "but has legs, too"),
        ('kind = "cpu"', 'kind = "abacus"', "gpu, cpu, npu, but got 'abacus'"),
        ('kind = "cpu"', 'kind = ["cpu"]', r"gpu, cpu, npu, but got \['cpu'\]"),
        ("fp32 = 48", "fp31 = 48", "peak_gflops of fp32"),
        ("[peak_gflops]", "[peak_gflops", "readable TOML"),
        ('"cache_mib"]', '"cache"]', "figures among cores, .*, fp32, but got 'cache'"),
        ('"cache_mib"]', '"tdp_w"]', "but got 'tdp_w'"),
        (', figures = ["cores"', ', pages = ["cores"', "must be text, or have document and figures"),
        ("sources = [", "sources = [7,", "must be text, or have document and figures, but got 7"),
        ("cache_mib = 1", "cache_mib = 1\ntdp_w = 0", "tdp_w is 0"),
    ],
)
def test_a_sheet_of_ones_own_is_checked(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (FOLDER / "raspberry-pi-4.toml").read_text()
    (tmp_path / "mine.toml").write_text(text)
    assert read_data_sheet(tmp_path / "mine.toml").name == "mine"
    (tmp_path / "mine.toml").write_text(text.replace(old, new))
    with pytest.raises(DataError, match=words):
        read_data_sheet(tmp_path / "mine.toml")


# -- search ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["raspberry-pi-4", "nvidia-t4:fp16"])
@pytest.mark.parametrize("name", ["mobilenet-tiny", "nasbench201", "vit-tiny", "autoformer", "hat"])
def test_the_forest_holds_a_sum_that_no_network_exceeds(name: str, device: str) -> None:
    metric = f"latency_ms@{device}"
    space = with_targets(get_space(name), [metric])
    assert space.additive(metric)
    target = get_target(device)
    for value, design in space.extremes(metric):
        assert target.latency(simplify(space.network(design))).value <= value * (1 + 1e-9)
    low, high = (value for value, _ in space.extremes(metric))
    middle = (low + high) / 2
    for design in space.sample(np.random.default_rng(0), 5, f"{metric} <= {middle!r}"):
        assert target.latency(simplify(space.network(design))).value <= middle


def test_a_search_keeps_the_limit(tmp_path: Path) -> None:
    def score(network: Graph, budget: float, report: object) -> dict[str, float]:
        return {"score": float(network.outputs[0].shape[1])}

    metric = "latency_ms@raspberry-pi-4:1t"
    limit = 1.01 * get_target("raspberry-pi-4:1t").latency(Graph([X], [conv(X, 8, kernel=3)])).value
    found = search(
        small(), score, maximize="score", limits=[f"{metric} <= {limit!r}"], budget="6 trials", out=tmp_path / "run",
        progress=False,
    )  # fmt: skip
    assert all(trial.values[metric] <= limit for trial in found.study.trials)
    assert found.study.of_state("complete")
    assert not found.study.of_state("infeasible")


# -- sheets of one's own ---------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "targets"


def test_a_sheet_of_ones_own_is_added_asked_and_removed(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text((FOLDER / "raspberry-pi-4.toml").read_text().replace("fp32 = 48", "fp32 = 96"))
    target = add_target(file)
    assert (target.name, (home / "board.toml").is_file()) == ("board", True)
    assert {"board"} == set(target_names()) - set(data_sheet_names()) - {"here"} - set(device_names())
    graph = Graph([X], [conv(X, 64)])
    mine, theirs = (get_target(f"{name}:1t").latency(graph) for name in ("board", "raspberry-pi-4"))
    assert mine.value < theirs.value
    assert "not checked" in mine.how
    with pytest.raises(DataError, match="board is there"):
        add_target(file)
    assert add_target(file, name="other.board", overwrite=True).name == "other.board"
    remove_target("board")
    with pytest.raises(UnknownNameError, match="board"):
        get_target("board")


def test_a_broken_sheet_is_not_added(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "board.toml"
    file.write_text((FOLDER / "raspberry-pi-4.toml").read_text().replace("cores = 4", "cores = 0"))
    with pytest.raises(DataError, match="cores is 0"):
        add_target(file)
    assert not home.exists()
    file.write_text((FOLDER / "raspberry-pi-4.toml").read_text())
    with pytest.raises(DataError, match="raspberry-pi-4 comes with netwright"):
        add_target(file, name="raspberry-pi-4")


def test_how_good_a_sheet_is_is_told_beside_multiply_adds() -> None:
    good = get_target("raspberry-pi-4:1t").quality()["latency_ms"]
    assert good["spearman"] >= 0.9
    assert good["reach"] > 0
    assert {"fbnet", "nb201"} <= set(good["measured_by"])
    assert get_target("nvidia-rtx-4090").quality() == {}
