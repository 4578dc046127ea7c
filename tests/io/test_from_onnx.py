"""Models of others come in whole, and go out again as what they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from netwright.io import from_onnx, to_module, to_onnx
from netwright.io._agreement import difference, random_inputs, run_onnx, run_torch

MODELS = Path(__file__).parents[3] / "shared" / "data" / "onnx_models"

needs_models = pytest.mark.skipif(
    not MODELS.is_dir(), reason="the folder of shared models is not beside the checkout"
)

OPTIONS: dict[str, dict[str, Any]] = {
    "ch_ppocr_mobile_v2.0_cls_infer.onnx": {"dims": {"x:2": 48, "x:3": 192}},
    "silero_vad_16k_op15.onnx": {"dims": {"sequence": 512}, "constants": {"sr": 16000}},
}
PARAMETERS = {
    "ch_ppocr_mobile_v2.0_cls_infer.onnx": 133_628,
    "light_inception_v1.onnx": 6_998_552,
    "light_resnet50.onnx": 25_610_152,
    "light_shufflenet.onnx": 1_420_152,
    "light_squeezenet.onnx": 1_235_496,
    "silero_vad_16k_op15.onnx": 309_633,
}
"""Elements of all parameters and buffers of each file, counted in the files themselves by another path."""


def with_random_weights(path: Path) -> onnx.ModelProto:
    """The model with numbers in place of the constants that stand for its weights."""
    model = onnx.load(path)
    rng = np.random.default_rng(0)
    shapes = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in [n for n in model.graph.node if n.op_type == "ConstantOfShape" and n.input[0] in shapes]:
        shape = shapes[node.input[0]]
        scale = (2 / max(np.prod(shape[1:]), 1)) ** 0.5 if len(shape) > 1 else 0.1
        array = (rng.standard_normal(shape) * scale).astype(np.float32)
        array = np.abs(array) + 0.5 if len(shape) == 1 else array
        model.graph.node.remove(node)
        model.graph.initializer.append(numpy_helper.from_array(array, node.output[0]))
    return model


@needs_models
@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_a_model_comes_back_as_it_was(name: str) -> None:
    """In ONNX Runtime and in torch, with one row and, where the original allows it, with two."""
    options = OPTIONS.get(name, {})
    original = with_random_weights(MODELS / name) if name.startswith("light") else onnx.load(MODELS / name)
    graph = from_onnx(original, **options)
    again, module = to_onnx(graph), to_module(graph)
    settings = {key: np.asarray(value) for key, value in options.get("constants", {}).items()}
    fixed = original.graph.input[0].type.tensor_type.shape.dim[0].dim_value > 0 or name.startswith("light")
    for batch in (1,) if fixed else (1, 2):
        arrays = random_inputs(graph, batch, np.random.default_rng(batch))
        expected = run_onnx(original, {t.name: a for t, a in zip(graph.inputs, arrays, strict=True)} | settings)
        named = {graph.names[t]: a for t, a in zip(graph.inputs, arrays, strict=True)}
        assert difference(expected, run_onnx(again, named)) < 1e-4
        assert difference(expected, run_torch(module, arrays)) < 1e-4


@needs_models
def test_a_recurrent_layer_keeps_its_own_weights() -> None:
    """PyTorch's exporter slices and joins them into the order of ONNX at every run; here they are as they were."""
    name = "silero_vad_16k_op15.onnx"
    graph = from_onnx(MODELS / name, **OPTIONS[name])
    (layer,) = [node for node in graph.nodes if node.op.name == "LSTM"]
    assert layer.attrs["gates"] == "ifgo"
    assert [graph.names[t] for t in layer.inputs[1:3] if t is not None] == [
        "model.decoder.rnn.weight_ih",
        "model.decoder.rnn.weight_hh",
    ]
    assert [(t.shape, t.batch_axis) for t in graph.inputs] == [((1, 512), 0), ((2, 1, 128), 1)]


@needs_models
@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_files_have_their_parameters(name: str) -> None:
    graph = from_onnx(MODELS / name, **OPTIONS.get(name, {}))
    assert sum(p.size for p in graph.parameters.values()) == PARAMETERS[name]
    assert all(t.batch_axis is not None for t in graph.inputs)
