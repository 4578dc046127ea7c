"""Latency of real ONNX models in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from netwright.errors import EvaluationError
from netwright.target import Timing, compare_here, latency_here


def conv_model(channels: int, layers: int = 1, *, batch: int | str = "batch", side: int | str = 16) -> bytes:
    """A chain of 3x3 convolutions with ReLU."""
    rng = np.random.default_rng(0)
    shape = [batch, channels, side, side]
    nodes, weights, last = [], [], "x"
    for i in range(layers):
        weight = rng.standard_normal((channels, channels, 3, 3)).astype(np.float32) * 0.1
        weights.append(numpy_helper.from_array(weight, f"w{i}"))
        nodes.append(helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        last = f"r{i}"
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def test_more_work_takes_longer() -> None:
    small, large = compare_here([conv_model(8), conv_model(32, layers=4)], seconds=0.1)
    assert small.median_ms < large.median_ms
    assert small.differs(large)


def test_latency_of_bytes_and_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(conv_model(8))
    for model in (path.read_bytes(), path, str(path)):
        timing = latency_here(model, seconds=0.03)
        assert isinstance(timing, Timing)
        assert timing.runs >= 30
        assert 0 < timing.low_ms <= timing.median_ms <= timing.high_ms


def test_open_batch_is_bound_to_the_batch_asked_for() -> None:
    one, many = latency_here(conv_model(16), seconds=0.05), latency_here(conv_model(16), batch=16, seconds=0.05)
    assert many.median_ms > one.median_ms


def test_tokens_and_flags_get_inputs_of_their_type() -> None:
    embedding = numpy_helper.from_array(np.ones((2, 4), np.float32), "table")
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", 5])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5, 4])
    graph = helper.make_graph([helper.make_node("Gather", ["table", "ids"], ["y"])], "g", [ids], [out], [embedding])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    assert latency_here(model.SerializeToString(), seconds=0.02).median_ms > 0


@pytest.mark.parametrize(
    ("model", "kwargs", "message"),
    [
        (b"this is no ONNX file", {}, "cannot load the model"),
        (b"", {}, "cannot load the model"),
        ("missing.onnx", {}, "no ONNX file missing.onnx exists"),
        (conv_model(4, batch=1), {"batch": 2}, "fixed batch of 1, but 2"),
        (conv_model(4, side="side"), {}, "only the first dimension"),
        (conv_model(4), {"threads": 0}, "at least 1"),
        (conv_model(4), {"batch": 0}, "at least 1"),
    ],
)
def test_bad_input_is_one_sentence(model: bytes | str, kwargs: dict[str, int], message: str) -> None:
    with pytest.raises(EvaluationError, match=message) as caught:
        latency_here(model, **kwargs)
    assert "\n" not in str(caught.value)


def test_a_model_that_fails_when_run_is_an_error() -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    shape = numpy_helper.from_array(np.array([4], np.int64), "shape")
    graph = helper.make_graph([helper.make_node("Reshape", ["x", "shape"], ["y"])], "g", [x], [y], [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    with pytest.raises(EvaluationError, match="cannot run the model"):
        latency_here(model.SerializeToString())
