"""Calibration on a device that the tests make up, so that what it should learn is known."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import classifier, conv
from netwright.blocks._layers import linear
from netwright.errors import DataError, EvaluationError, NetwrightError, UnknownNameError
from netwright.graph import Graph, image, ops, parameter, simplify, vector
from netwright.space import Space, block_graphs, oneof, repeat, residual, seq, tied
from netwright.space.catalog import get_space
from netwright.target import GENERAL, Calibrated, Calibration, Setup, Timing, get_target, target_names
from netwright.target._calibrate import Kernel, Timer, _run, calibrate, kernels_of
from netwright.target._calibrate._model import KernelModel, likeness
from netwright.target._calibrate._networks import Network, networks_to_measure
from netwright.testing import TargetConformance

X = image(3, 16, 16)


def made_up() -> Space:
    """Networks of convolutions of several sizes, with sums and a classifier."""
    body = conv(oneof(8, 16, 24, 32), kernel=oneof(1, 3, 5), activation=oneof("relu", "hard_swish"))
    again = residual(seq(conv(16, kernel=oneof(1, 3)), conv(16, kernel=oneof(3, 5))))
    network = seq(
        body, conv(oneof(16, 24), stride=2), body, conv(16), repeat(again, times=oneof(1, 2, 3)), classifier(10)
    )
    return Space(network, input=X, name="made-up")


def true_us(kernel: Kernel) -> float:
    """What a kernel takes on the made-up device: a roofline, and a fifth more or less by what it is."""
    own = 1 + 0.2 * np.sin(zlib.crc32(kernel.kind.encode()) + 0.7 * sum(kernel.place))
    return float(own * (1.0 + kernel.macs / 2e4 + kernel.bytes / 1e5))


CELL = seq(conv(oneof(16, 24), kernel=oneof(3, 5)), conv(oneof(16, 32), kernel=oneof(3, 5)), conv(16))


def true_ms(graph: Graph) -> float:
    return (3.0 + sum(count * true_us(kernel) for kernel, count in kernels_of(graph).items())) / 1e3


device_ms = true_ms
"""What the device takes; tests that make up another one put it here."""


class FakeDevice:
    """Times networks as `device_ms` has it, with noise; a clock that its own measurements move.

    moments: standard deviation of what all networks that are measured together have in common.
    """

    def __init__(
        self, noise: float = 0.005, disturbed: Sequence[int] = (), fails_at: int | None = None, moments: float = 0.0
    ) -> None:
        self.rng = np.random.default_rng(0)
        self.noise, self.disturbed, self.fails_at, self.moments = noise, set(disturbed), fails_at, moments
        self.count, self.now = 0, 0.0

    @property
    def timer(self) -> Timer:
        return Timer(lambda seconds: 1e-4, self.networks, lambda: self.now)

    def networks(self, graphs: Sequence[Graph], seconds: float, nominal: float) -> list[Timing]:
        assert nominal == pytest.approx(1e-4)
        moment = 1 + self.moments * self.rng.standard_normal() if self.moments else 1.0
        return [self._timing(graph, seconds, moment) for graph in graphs]

    def _timing(self, graph: Graph, seconds: float, moment: float) -> Timing:
        if self.count == self.fails_at:
            raise EvaluationError("the device is gone.")
        ms = moment * device_ms(graph) * (1 + self.noise * self.rng.standard_normal())
        ms *= 2 if self.count in self.disturbed else 1
        self.count, self.now = self.count + 1, self.now + seconds
        return Timing(ms, 0.0, ms * 0.99, ms * 1.01, runs=30, warmups=10, drift=0.0)


def learned(
    tmp_path: Path, device: FakeDevice | None = None, *, space: Space | None = None, **options: Any
) -> Calibration:
    given: dict[str, Any] = {"networks": 60, "minutes": 10.0, **options}
    timer = (device or FakeDevice()).timer
    return calibrate("made", [space or made_up()], journal=tmp_path / "made.jsonl", timer=timer, **given)


@pytest.fixture(scope="module")
def calibration(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    return learned(tmp_path_factory.mktemp("calibration"))


def unseen(count: int = 60) -> list[Graph]:
    drawn = made_up()
    return [simplify(drawn.network(design)) for design in drawn.sample(np.random.default_rng(99), count)]


# -- kernels -------------------------------------------------------------------------------------------------------


def keys(*outputs: Any, inputs: Any = (X,), fused: bool = True) -> dict[str, int]:
    return {kernel.key: count for kernel, count in kernels_of(Graph(inputs, outputs), fused=fused).items()}


def test_a_convolution_takes_in_norm_and_activation() -> None:
    assert keys(conv(X, 8, stride=2, activation="hard_swish")) == {
        "Conv 3x16x16 -> 8x8x8 kernel 3x3 stride 2x2 +HardSwish": 1
    }


def test_what_is_read_twice_or_given_out_is_no_part_of_a_kernel() -> None:
    y = conv(X, 8, activation="none", norm="none")
    assert keys(ops.relu(y), ops.sigmoid(y)) == {
        "Conv 3x16x16 -> 8x16x16 kernel 3x3": 1, "Relu 8x16x16 -> 8x16x16": 1, "Sigmoid 8x16x16 -> 8x16x16": 1,
    }  # fmt: skip
    assert keys(y, ops.relu(y))["Relu 8x16x16 -> 8x16x16"] == 1


def test_a_sum_goes_with_the_convolution_that_runs_last_and_takes_the_activation_along() -> None:
    y = conv(X, 8)
    z = ops.relu(conv(y, 8, activation="none") + y)
    assert keys(z) == {
        "Conv 3x16x16 -> 8x16x16 kernel 3x3 +Relu": 1, "Conv 8x16x16 -> 8x16x16 kernel 3x3 +sum +Relu": 1,
    }  # fmt: skip


def test_a_matrix_product_takes_in_bias_and_activation_and_views_are_free() -> None:
    x = image(16, 1, 1)
    y = ops.gelu(linear(ops.flatten(x), 8))
    assert keys(y, inputs=(x,)) == {"Gemm 16 -> 8 +Gelu": 1}
    tokens = vector(12)
    product = ops.matmul(tokens, parameter("weight", (12, 6)))
    assert keys(ops.relu(product + parameter("bias", (6,))), inputs=(tokens,)) == {"MatMul 12 -> 6 +Relu": 1}


def test_convolutions_of_a_sort_are_a_kind() -> None:
    def kind(y: Any = X, **options: Any) -> str:
        [kernel] = kernels_of(Graph([y], [conv(y, 8, activation="none", norm="none", **options)]))
        return kernel.kind

    y = image(8, 16, 16)
    found = [kind(y), kind(y, kernel=1), kind(y, groups=8), kind(y, groups=2), kind(image(8, 1, 1), kernel=1)]
    assert found == [
        "Conv", "Conv 1x1", "Conv depthwise", "Conv grouped", "Conv 1 position",
    ]  # fmt: skip


def test_what_depends_on_no_input_is_no_kernel() -> None:
    x, weight = vector(8), parameter("weight", (4, 8))
    assert keys(ops.matmul(x, ops.transpose(weight, perm=(1, 0))), inputs=(x,)) == {"MatMul 8 -> 4": 1}


def test_nodes_of_a_network_are_those_of_its_blocks() -> None:
    whole = Space(seq(conv(8), conv(16, stride=2), classifier(10)), input=X)
    parts: Counter[Kernel] = Counter()
    for graph in block_graphs(whole):
        parts.update(kernels_of(graph, fused=False))
    assert kernels_of(whole.network(whole.design_at(0)), fused=False) == parts


# -- what is learned -----------------------------------------------------------------------------------------------


def test_networks_that_were_not_measured_are_predicted(calibration: Calibration) -> None:
    target = Calibrated(calibration)
    graphs = unseen()
    told = [target.latency(graph) for graph in graphs]
    truth = np.array([true_ms(graph) for graph in graphs])
    errors = np.array([each.value for each in told]) / truth - 1
    assert np.median(np.abs(errors)) < 0.01
    assert np.mean(np.abs(errors) < 0.1) == 1.0
    inside = np.mean([each.low <= ms <= each.high for each, ms in zip(told, truth, strict=True)])
    assert inside >= 0.8
    widths = [each.high / each.low for each in told]
    assert max(widths) < 1.2
    for each in told:
        assert each.low < each.detail["low_80_ms"] < each.value < each.detail["high_80_ms"] < each.high


def test_it_says_how_good_it_is_on_networks_that_are_left_out(calibration: Calibration) -> None:
    for found in (calibration.network, calibration.blocks):
        assert found.checked["median_error"] < 0.02
        assert found.checked["within_10_percent"] > 0.95
        assert found.checked["spearman"] > 0.98


@pytest.mark.slow
def test_disturbed_measurements_are_held_for_such(tmp_path: Path) -> None:
    found = learned(tmp_path, FakeDevice(disturbed=[5, 17, 40]))
    errors = [Calibrated(found).latency(graph).value / true_ms(graph) - 1 for graph in unseen()]
    assert np.median(np.abs(errors)) < 0.02
    odd = [place for place, error in enumerate(found.network.errors) if error > 0.2]
    assert {5, 17, 40} <= set(odd)
    assert len(odd) < 10


def test_what_networks_have_in_common_that_are_measured_together_is_held_for_the_moment(tmp_path: Path) -> None:
    found = learned(tmp_path, FakeDevice(moments=0.04))
    told = [Calibrated(found).latency(graph) for graph in unseen()]
    true = np.array([true_ms(graph) for graph in unseen()])
    assert found.network.model.smoothness.moment >= 0.02
    assert np.median(np.abs([each.value for each in told] / true - 1)) < 0.03
    moments = 1 + 0.04 * np.random.default_rng(1).standard_normal(len(told))
    held = [each.low <= ms <= each.high for each, ms in zip(told, moments * true, strict=True)]
    assert 0.8 <= np.mean(held) <= 1.0
    assert np.median([each.high / each.low for each in told]) < 1.3


def test_networks_of_a_moment_are_predicted_by_those_of_other_moments(tmp_path: Path) -> None:
    model = learned(tmp_path, FakeDevice(moments=0.04)).network.model
    off, spread = model.moments_left_out()
    known = [each for each in model.observations if each.turn != 3]
    errors = [error for each, error in zip(model.observations, model._errors, strict=True) if each.turn != 3]
    others = KernelModel(model.roofline, model.smoothness, known, errors)
    for place, each in enumerate(model.observations):
        if each.turn == 3:
            assert off[place] == pytest.approx(1 - others.ms(each.counts) / each.ms, abs=1e-6)
            assert spread[place] >= model.smoothness.moment


def test_parts_to_leave_out_hold_whole_moments_unless_there_are_too_few(calibration: Calibration) -> None:
    model = calibration.network.model
    turns = [each.turn for each in model.observations]
    folds = model.folds(5)
    assert len(set(zip(turns, folds, strict=True))) == len(set(turns)) == 10
    assert set(folds) == set(range(5))
    assert set(model.folds(20)) == set(range(20))


def test_a_kernel_of_a_kind_that_was_not_measured_is_told_with_a_wide_interval(calibration: Calibration) -> None:
    target = Calibrated(calibration)
    known, unknown = target.latency(unseen(1)[0]), target.latency(Graph([X], [ops.softmax(X, axis=1)]))
    assert 0 < unknown.low < unknown.value < unknown.high
    assert unknown.high / unknown.low > 1.2 * known.high / known.low


def test_a_kernel_far_from_all_that_were_measured_is_told_with_a_wide_interval(calibration: Calibration) -> None:
    widths = []
    for size in (16, 64, 256):
        x = image(16, size, size)
        told = Calibrated(calibration).latency(Graph([x], [conv(x, 16)]))
        widths.append(told.high / told.low)
    assert 2 * widths[0] < widths[1] < widths[2] / 2, widths


def test_general_networks_have_the_operators_and_convolutions_of_common_networks() -> None:
    names, groups = set(), set()
    for name, shape in GENERAL:
        space = get_space(name, shape)
        for design in space.sample(np.random.default_rng(0), 3):
            for node in simplify(space.network(design)).nodes:
                names.add(node.op.name)
                if node.op.name == "Conv":
                    weight = node.inputs[1]
                    assert weight is not None
                    groups.add(
                        "plain" if node.attrs["group"] == 1 else "depthwise" if weight.shape[1] == 1 else "some"
                    )
    assert groups == {"plain", "depthwise", "some"}
    assert names >= {"Clip", "Relu", "HardSwish", "Swish", "Gelu", "Gemm", "MatMul", "Attention", "Add", "Mul"}
    assert names >= {"LayerNormalization", "BatchNormalization", "MaxPool", "AveragePool", "GlobalAveragePool"}


def test_networks_are_chosen_so_that_kernels_are_seen(calibration: Calibration) -> None:
    own = made_up()
    at_random = own.sample(np.random.default_rng(7), 30)
    every = {kernel for graph in unseen(300) for kernel in kernels_of(graph)}
    seen = {kernel for each in calibration.measured for kernel in each.kernels}
    by_chance = {kernel for design in at_random for kernel in kernels_of(simplify(own.network(design)))}
    assert len(seen & every) > 1.1 * len(by_chance & every)
    assert len(seen & every) > 0.8 * len(every)


def test_weights_that_do_not_stay_near_the_processor_are_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_cache(graph: Graph) -> float:
        weights = sum(count * kernel.weights for kernel, count in kernels_of(graph).items())
        return true_ms(graph) + max(weights - 2**17, 0) / 4e5

    without = learned(tmp_path / "without")
    monkeypatch.setattr(f"{__name__}.device_ms", with_cache)
    found = learned(tmp_path)
    assert without.network.cache is None
    assert found.network.cache == 2**17
    errors = [Calibrated(found).latency(graph).value / with_cache(graph) - 1 for graph in unseen()]
    assert np.median(np.abs(errors)) < 0.02


def test_networks_that_end_inside_tell_what_those_that_go_together_never_would(tmp_path: Path) -> None:
    twins = Space(
        seq(tied("cell", CELL), conv(16, kernel=1), tied("cell", CELL), classifier(10)), input=X, name="twins"
    )
    found = learned(tmp_path, space=twins)
    target, [graph] = Calibrated(found), [simplify(twins.network(twins.design_at(0)))]
    told = {kernel.key: found.network.model.kernel_ms(kernel) * 1e3 for kernel in kernels_of(graph)}
    for kernel in kernels_of(graph):
        # The first one is in every network, and so is what a run costs at all: only their sum is known.
        if kernel.kind == "Conv" and not kernel.key.startswith("Conv 3x"):
            assert told[kernel.key] == pytest.approx(true_us(kernel), rel=0.15)
    assert target.latency(graph).value == pytest.approx(true_ms(graph), rel=0.05)


def test_too_few_networks_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="at least 12 measured networks, but has 6"):
        learned(tmp_path, networks=6)


class TestCalibrated(TargetConformance):
    @pytest.fixture
    def target(self, calibration: Calibration) -> Calibrated:
        return Calibrated(calibration)

    @pytest.fixture
    def space(self) -> Space:
        return made_up()


def test_a_limit_is_held_by_the_forest_and_agrees_with_the_prediction(calibration: Calibration) -> None:
    target, own = Calibrated(calibration), made_up()
    cost = target.additive("latency_ms", own, "latency_ms@made")
    assert cost is not None
    held = own.with_costs(cost)
    (low, _), (high, _) = held.extremes("latency_ms@made")
    limit = low + 0.3 * (high - low)
    for design in held.sample(np.random.default_rng(0), 20, f"latency_ms@made <= {limit!r}"):
        graph = simplify(own.network(design))
        assert held.costs(design, ["latency_ms@made"])["latency_ms@made"] <= limit * (1 + 1e-9)
        assert target.latency(graph).value == pytest.approx(true_ms(graph), rel=0.1)
        assert true_ms(graph) <= limit * 1.1


# -- as it goes ----------------------------------------------------------------------------------------------------


def test_what_was_measured_is_kept_when_the_device_goes_and_is_not_measured_again(tmp_path: Path) -> None:
    whole = learned(tmp_path / "whole", FakeDevice(noise=0.0))
    with pytest.raises(EvaluationError, match="the device is gone"):
        learned(tmp_path, FakeDevice(noise=0.0, fails_at=20))
    kept = (tmp_path / "made.jsonl").read_text().splitlines()
    assert len(kept) == 1 + 18
    (tmp_path / "made.jsonl").write_text("\n".join(kept)[:-5])
    again = FakeDevice(noise=0.0)
    found = learned(tmp_path, again)
    assert again.count == 60 - 17
    assert {each.what: each.ms for each in found.measured} == {each.what: each.ms for each in whole.measured}
    assert found.network.model.roofline == whole.network.model.roofline
    assert [each.turn for each in found.measured[15:19]] == [2, 2, 3, 3]


@pytest.mark.slow
def test_more_networks_or_fewer_may_be_measured_when_it_goes_on(tmp_path: Path) -> None:
    names = [{each.what for each in learned(tmp_path, networks=30).measured}]
    for networks, more in ((40, 10), (12, 0), (50, 10), (30, 0)):
        device = FakeDevice()
        names.append({each.what for each in learned(tmp_path, device, networks=networks).measured})
        assert device.count == more
        assert names[-2] <= names[-1]
    assert [len(each) for each in names] == [30, 40, 40, 50, 50]


def test_it_stops_when_the_time_is_over(tmp_path: Path) -> None:
    told: list[tuple[int, int, float]] = []
    device = FakeDevice()
    learned(tmp_path, device, minutes=0.03, report=lambda *args: told.append(args))
    assert told[-1][:2] == (device.count, 60)
    assert 12 < device.count < 60
    assert device.now <= 0.03 * 60


def test_choosing_networks_and_learning_from_them_are_of_its_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice()

    def chosen(*given: Any) -> list[Network]:
        device.now += 6.0
        return networks_to_measure(*given)

    monkeypatch.setattr(_run, "networks_to_measure", chosen)
    learned(tmp_path, device, minutes=0.2, started=-3.0)
    # 12 s are 3 before it, 6 to choose 60 networks, and 0.1 for each that is learned from.
    assert 12 < device.count < 60
    assert 0.2 * 60 - 6 * 0.15 < 3.0 + device.now + 0.1 * device.count <= 0.2 * 60


def test_the_prior_of_networks_is_taken_kind_by_kind(calibration: Calibration) -> None:
    model = calibration.network.model
    shares = model._relative
    whole = shares @ likeness(model.kernels, model.kernels, model.smoothness) @ shares.T
    noise = model.smoothness.noise**2 + np.square(calibration.network.errors)
    assert np.linalg.inv(model._inverse) == pytest.approx(whole + np.diag(noise), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "word"),
    [({"seed": 1}, "seed"), ({"setup": Setup(threads=2)}, "setup")],
)
def test_a_journal_of_another_calibration_is_refused(tmp_path: Path, options: dict[str, Any], word: str) -> None:
    learned(tmp_path)
    with pytest.raises(DataError, match=rf"made.jsonl has {word} .* instead of"):
        learned(tmp_path, **options)


def test_a_journal_of_another_runtime_is_taken_when_asked_for(tmp_path: Path) -> None:
    learned(tmp_path)
    journal = tmp_path / "made.jsonl"
    first, *rest = journal.read_text().splitlines()
    head = json.loads(first)
    head["runtime"] = {"package": "onnxruntime", "version": "0.1", "hash": "0"}
    journal.write_text("\n".join([json.dumps(head), *rest]) + "\n")
    with pytest.raises(DataError, match=r"has runtime 0\.1 instead of .*--any-runtime"):
        learned(tmp_path)
    assert learned(tmp_path, any_runtime=True).runtime["version"] == "0.1"


# -- the file ------------------------------------------------------------------------------------------------------


def test_a_file_gives_back_the_same_predictions_and_is_readable(calibration: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    calibration.save(path)
    again = Calibration.load(path)
    assert again.to_json() == calibration.to_json()
    for graph in unseen(3):
        told, before = Calibrated(again).latency(graph), Calibrated(calibration).latency(graph)
        assert (told.value, told.low) == pytest.approx((before.value, before.low), rel=1e-4)
    data = json.loads(path.read_text())
    assert set(data["network"]["roofline"]["kinds"]["Conv"]) == {
        "start_us", "us_per_mmac", "us_per_mb", "us_per_weight_mb",
    }  # fmt: skip
    assert {"hash", "processor", "cores", "machine"} == set(data["device"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "of format 'netwright-calibration'"),
        ({"version": 2}, "version 1, but got"),
        ({"kernels": []}, "missing or wrong: IndexError"),
        ({"measured": []}, "errors for 0 measured networks"),
        ({"setup": {"runtime": "ort", "wheels": 4}}, "missing or wrong: TypeError"),
        ({"network": {}}, "missing or wrong: KeyError 'cache'"),
        ({"kernels": [{"kind": "Conv"}]}, "missing or wrong: KeyError"),
        ({"reference_ms": "soon"}, "missing or wrong: ValueError"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(calibration: Calibration, change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        Calibration.from_json({**calibration.to_json(), **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "message"), [("no JSON", "must be JSON"), ("[1]", "a JSON object")])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "made.json"
    with pytest.raises(DataError, match="must be readable"):
        Calibration.load(path)
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        Calibration.load(path)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path))
    return tmp_path / "targets"


def test_a_saved_calibration_is_a_target(calibration: Calibration, home: Path) -> None:
    calibration.save(home / "made.json")
    assert "made" in target_names()
    found = get_target("made")
    assert isinstance(found, Calibrated)
    assert found.name == "made"
    assert "60 networks of made-up" in found.how
    with pytest.raises(UnknownNameError, match="did you mean 'made'"):
        get_target("maid")


def test_one_of_another_runtime_is_refused_unless_its_name_says_otherwise(
    calibration: Calibration, home: Path
) -> None:
    old = replace(calibration, runtime={"package": "onnxruntime", "version": "0.1", "hash": "0"})
    old.save(home / "made.json")
    with pytest.raises(DataError, match=r"onnxruntime 0\.1, but here is onnxruntime .*made:any-runtime\.$"):
        get_target("made")
    assert get_target("made:any-runtime").latency(unseen(1)[0]).value > 0
    with pytest.raises(UnknownNameError, match="no option of target made is named 'any'; known: any-runtime"):
        get_target("made:any")
    away = replace(old, device={**old.device, "hash": "of another machine"})
    away.save(home / "made.json")
    assert get_target("made").latency(unseen(1)[0]).value > 0


def test_all_errors_are_ones_that_a_user_can_mend() -> None:
    assert issubclass(DataError, NetwrightError)
