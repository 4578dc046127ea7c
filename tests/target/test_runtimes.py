"""Runtimes of this machine, each with a real network."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest

from netwright.blocks import classifier, conv
from netwright.errors import EvaluationError, MissingExtraError, UnknownNameError
from netwright.graph import Graph, image
from netwright.space import Space, oneof
from netwright.target import RUNTIMES, Here, Setup, differ, get_target
from netwright.testing import TargetConformance

X = image(3, 8, 8)
GRAPH = Graph([X], [classifier(conv(conv(X, 8), 8), 10)])
NEEDS = {"torch": "torch", "compile": "torch", "openvino": "openvino", "ort": "onnxruntime"}


def installed(*names: str) -> pytest.MarkDecorator:
    missing = [name for name in names if find_spec(NEEDS[name]) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(Setup(), marks=installed("ort")),
        pytest.param(Setup(dtype="int8", batch=2), marks=installed("ort")),
        pytest.param(Setup("torch", batch=4), marks=installed("torch")),
        pytest.param(Setup("torch", dtype="bf16"), marks=installed("torch")),
        pytest.param(Setup("torch", dtype="fp16"), marks=installed("torch")),
        pytest.param(Setup("compile"), marks=[installed("compile"), pytest.mark.slow]),
        pytest.param(Setup("openvino"), marks=installed("openvino")),
        pytest.param(Setup("openvino", dtype="bf16", batch=2), marks=installed("openvino")),
    ],
    ids=str,
)
def test_a_network_runs_and_is_timed(setup: Setup) -> None:
    found = get_target(f"here:{setup}")
    assert isinstance(found, Here)
    assert found.setup == setup
    found.seconds = 0.02
    estimate = found.latency(GRAPH)
    assert 0 < estimate.low <= estimate.value <= estimate.high
    assert setup.words in estimate.how
    assert RUNTIMES[setup.runtime].version != "none"


@installed("torch")
class TestTorch(TargetConformance):
    draws = 1

    @pytest.fixture
    def target(self) -> Here:
        return Here("here:torch", runtime="torch", seconds=0.02)

    @pytest.fixture
    def space(self) -> Space:
        return Space(conv(oneof(4, 8)), input=X)


@installed("torch")
def test_threads_of_torch_are_set_while_timing_only() -> None:
    import torch

    before = torch.get_num_threads()
    setup = Setup("torch", threads=before + 1)
    with setup.active():
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("name", ["here:fp16", "here:torch:int8", "here:openvino:int8", "here:compile:1t:b1:fp16"])
def test_a_data_type_that_the_runtime_lacks_is_refused_with_those_it_has(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"here:compile:1t:b1:bf16, .*here:torch:1t:b1:fp16"):
        get_target(name)


def test_a_runtime_that_is_not_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError, match="pip install openvino"):
        Here.parse("here:openvino").latency(GRAPH)


@pytest.mark.parametrize("setup", [Setup(threads=0), Setup(batch=0)], ids=str)
def test_threads_and_batch_are_at_least_one(setup: Setup) -> None:
    with pytest.raises(EvaluationError, match="at least 1"):
        setup.runner(GRAPH)


@installed("torch")
def test_what_torch_cannot_run_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: Graph, batch: int, rng: np.random.Generator) -> list[np.ndarray]:
        return [np.zeros((1, 1), np.float32)]

    monkeypatch.setattr("netwright.io._agreement.random_inputs", broken)
    with pytest.raises(EvaluationError, match=r"^PyTorch cannot run the model: ") as caught:
        Setup("torch").runner(GRAPH)
    assert "\n" not in str(caught.value)


@installed("ort")
def test_a_network_is_not_different_from_itself_and_from_twice_the_work_it_is() -> None:
    deeper = Graph([X], [classifier(conv(conv(conv(conv(conv(conv(X, 8), 32), 32), 32), 32), 8), 10)])
    same, again, larger = Here(seconds=0.1).compare([GRAPH, GRAPH, deeper])
    assert not differ(same, again)
    assert differ(same, larger)
