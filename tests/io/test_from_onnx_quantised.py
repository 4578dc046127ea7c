"""Layers on whole numbers: the original in ONNX Runtime against what comes out again, to one step of the grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from netwright.graph import Graph
from netwright.io import from_onnx, to_module, to_onnx
from netwright.io._agreement import run_onnx, run_torch

Array = NDArray[Any]
BYTES, SIGNED = np.uint8, np.int8


def scale(*values: float) -> Array:
    return np.asarray(values if len(values) > 1 else values[0], np.float32)


def whole(dtype: Any, *shape: int) -> Array:
    low, high = (0, 256) if dtype is BYTES else (-128, 128)
    return np.random.default_rng(3).integers(low, high, shape).astype(dtype)


WEIGHTS: dict[str, Array] = {
    "xs": scale(0.03), "xz": BYTES(120), "ys": scale(0.4), "yz": BYTES(99),
    "w": whole(SIGNED, 6, 4, 3, 3), "ws": scale(0.02), "wz": SIGNED(0),
    "cs": scale(*np.arange(1, 7) / 100), "cz": np.zeros(6, SIGNED), "b": np.arange(6, dtype=np.int32) * 900,
    "m": whole(SIGNED, 8, 5), "ms": scale(*np.arange(1, 6) / 100), "mz": np.arange(5).astype(SIGNED),
    "os": scale(0.05), "oz": BYTES(130),
}  # fmt: skip

CASES: dict[str, tuple[str, str, dict[str, Any], tuple[int, ...]]] = {
    "convolution": ("QLinearConv", "q xs xz w ws wz ys yz", {"pads": [1] * 4}, (1, 4, 6, 8)),
    "convolution by channel": ("QLinearConv", "q xs xz w cs cz ys yz b", {"strides": [2, 2]}, (1, 4, 6, 8)),
    "product": ("QLinearMatMul", "q xs xz m ws wz ys yz", {}, (1, 4, 6, 8)),
    "whole product": ("MatMulInteger", "q m xz", {}, (1, 4, 6, 8)),
    "whole product by column": ("MatMulInteger", "q m xz mz", {}, (6, 8)),
    "whole convolution": ("ConvInteger", "q w xz", {"pads": [1] * 4}, (1, 4, 6, 8)),
    "sum": ("com.microsoft::QLinearAdd", "q xs xz q os oz ys yz", {}, (1, 4, 6, 8)),
    "elementwise product": ("com.microsoft::QLinearMul", "q xs xz q os oz ys yz", {}, (1, 4, 6, 8)),
    "sigmoid": ("com.microsoft::QLinearSigmoid", "q xs xz os oz", {}, (1, 4, 6, 8)),
    "leaky": ("com.microsoft::QLinearLeakyRelu", "q xs xz os oz", {"alpha": 0.2}, (1, 4, 6, 8)),
    "mean": ("com.microsoft::QLinearGlobalAveragePool", "q xs xz os oz", {}, (1, 4, 6, 8)),
    "join": ("com.microsoft::QLinearConcat", "ys yz q xs xz q os oz", {"axis": 1}, (1, 4, 6, 8)),
}


def model_of(op: str, inputs: str, attrs: dict[str, Any], shape: tuple[int, ...]) -> onnx.ModelProto:
    """A model that quantises its input and applies one operator."""
    domain, _, name = op.rpartition("::")
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["q"]),
        helper.make_node(name, inputs.split(), ["y"], domain=domain, **attrs),
    ]
    used = {name for node in nodes for name in node.input} & WEIGHTS.keys()
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(np.asarray(WEIGHTS[name]), name) for name in sorted(used)],
    )
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


@pytest.mark.parametrize("name", CASES)
def test_whole_numbers_are_those_of_the_original_to_one_step(name: str) -> None:
    op, inputs, attrs, shape = CASES[name]
    model = model_of(op, inputs, attrs, shape)
    graph = from_onnx(model)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    (expected,) = run_onnx(model, {"x": x})
    assert np.ptp(expected.astype(np.int64)) > 5
    # What is requantised may round the other way; what stays whole must be exact.
    step = 0 if expected.dtype == np.int32 else 1
    for found in (run_onnx(to_onnx(graph), {graph.names[graph.inputs[0]]: x}), run_torch(to_module(graph), [x])):
        assert found[0].dtype == expected.dtype
        assert np.abs(found[0].astype(np.int64) - expected.astype(np.int64)).max() <= step


def test_multiply_adds_of_a_quantised_convolution_are_those_of_the_convolution() -> None:
    graph: Graph = from_onnx(model_of(*CASES["convolution"]))
    assert sum(node.op.macs(node) for node in graph.nodes) == 6 * 6 * 8 * 4 * 9
