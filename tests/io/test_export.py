"""The three files of an export: all or none, in agreement, and of use without netwright."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

from netwright.blocks import conv, mbconv, vit_encoder
from netwright.blocks._layers import linear
from netwright.errors import ExportError, GraphError
from netwright.graph import Graph, Init, Tensor, image, ops, parameter, vector
from netwright.io import _export as export_module
from netwright.io import export, initial_weights, save_onnx, to_module, to_onnx, to_torch_source, weights_of
from netwright.io._agreement import difference, run_onnx

BLOCKER = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "netwright":
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocked())
"""


def network() -> Graph:
    x = image(3, 8, 8)
    y = mbconv(conv(x, 8, activation="silu"), 8)
    y = ops.flatten(ops.global_average_pool(y))
    return Graph([x], [linear(y, 5, name="head")])


def test_files_and_difference(tmp_path: Path) -> None:
    graph = network()
    graph = graph.with_weights(weights_of(to_module(graph, seed=4), graph))
    written = export(graph, tmp_path / "deep" / "best", example=np.ones((2, 3, 8, 8), "float32"))
    assert {p.name for p in (tmp_path / "deep" / "best").iterdir()} == {"model.py", "model.safetensors", "model.onnx"}
    assert set(written.paths) == {"source", "weights", "onnx"}
    assert 0 <= written.max_difference <= 1e-5
    stored = load_file(written.paths["weights"])
    assert graph.weights is not None
    assert stored.keys() == graph.parameters.keys()
    assert all(np.array_equal(stored[name], graph.weights[name]) for name in stored)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["best"], "no draft is left"


@pytest.mark.slow
def test_model_runs_in_a_process_without_netwright_and_matches_onnx(tmp_path: Path) -> None:
    written = export(network(), tmp_path / "best")
    shown = subprocess.run(
        [sys.executable, "-c", f"{BLOCKER}\nimport runpy; runpy.run_path('model.py', run_name='__main__')"],
        cwd=tmp_path / "best", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.strip() == "torch.Size([2, 5])"
    x = np.random.default_rng(0).standard_normal((3, 3, 8, 8)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    script = f"""{BLOCKER}
import numpy, torch, safetensors.torch
from model import Model
model = Model()
model.load_state_dict(safetensors.torch.load_file("model.safetensors"))
model.eval()
with torch.inference_mode():
    numpy.save("../y.npy", model(torch.from_numpy(numpy.load("../x.npy"))).numpy())
assert "netwright" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "best", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = run_onnx(written.paths["onnx"].read_bytes(), {"input": x})
    assert difference([np.load(tmp_path / "y.npy")], found) <= 1e-5


def test_network_without_parameters(tmp_path: Path) -> None:
    x = image(1, 4, 4)
    export(Graph([x], [ops.max_pool(x, kernel_shape=2)]), tmp_path / "plain")
    done = subprocess.run(
        [sys.executable, "model.py"], cwd=tmp_path / "plain", capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "torch.Size([2, 1, 3, 3])"


def test_existing_folder_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "best"
    folder.mkdir()
    export(network(), folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "model.py").write_text("old")
    with pytest.raises(ExportError, match="not overwritten unless told to"):
        export(network(), folder)
    assert (folder / "model.py").read_text() == "old"
    export(network(), folder, overwrite=True)
    assert "class Model" in (folder / "model.py").read_text()
    assert (folder / "notes.txt").read_text() == "mine"


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "best").write_text("")
    with pytest.raises(ExportError, match="is a file"):
        export(network(), tmp_path / "best", overwrite=True)


def test_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="must be writable"):
        export(network(), tmp_path / "file" / "best")


def test_disagreement_is_an_error_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = network()
    other = initial_weights(graph, seed=9)
    monkeypatch.setattr(export_module, "to_onnx", lambda g, weights: to_onnx(g, weights=other))
    with pytest.raises(ExportError, match="must agree to"):
        export(graph, tmp_path / "best")
    assert not any(tmp_path.iterdir())


def test_example_of_another_shape(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="must have the shapes"):
        export(network(), tmp_path / "best", example=np.zeros((1, 3, 9, 8)))


def test_deep_untrained_network_is_held_to_the_precision_of_float32(tmp_path: Path) -> None:
    x = vector(16)
    y: Tensor = x
    for _ in range(3):
        y = ops.exp(ops.gemm(y, parameter("weight", (16, 16), Init("normal", 0.7))))
        y = ops.log(y) * 30.0 - ops.relu(y)
    written = export(Graph([x], [ops.sin(y)]), tmp_path / "wild")
    assert written.max_difference < 1


# ONNX ---------------------------------------------------------------------------------------------------------


def test_onnx_names_its_parameters_and_its_batch() -> None:
    graph = network()
    model = to_onnx(graph)
    assert {i.name for i in model.graph.initializer} >= graph.parameters.keys()
    assert model.opset_import[0].version == 20
    for info in (*model.graph.input, *model.graph.output):
        assert info.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_onnx_default_weights_are_the_initial_ones() -> None:
    graph = network()
    arrays = {i.name: onnx.numpy_helper.to_array(i) for i in to_onnx(graph).graph.initializer}
    assert all(np.array_equal(arrays[name], w) for name, w in initial_weights(graph).items())


@pytest.mark.parametrize("opset", [20, 21, 22, 23])
def test_later_operator_sets(opset: int) -> None:
    x = image(8, 4, 4)
    graph = Graph([x], [vit_encoder(ops.transpose(ops.reshape(x, shape=(0, 8, -1)), perm=(0, 2, 1)), heads=2)])
    inputs = {"input": np.ones((2, 8, 4, 4), "float32")}
    first, second = (run_onnx(to_onnx(graph, opset=number), inputs) for number in (20, opset))
    assert difference(first, second) <= 1e-6


@pytest.mark.parametrize("opset", [19, 1000])
def test_operator_set_out_of_range(opset: int) -> None:
    with pytest.raises(ExportError, match="opset must be in 20"):
        to_onnx(network(), opset=opset)


def test_weights_of_another_graph_are_refused() -> None:
    with pytest.raises(GraphError, match="weights must name every parameter"):
        to_onnx(network(), weights={"weight": np.zeros(3)})


def test_element_type_without_kernels_is_refused() -> None:
    x = image(1, 4, 4)
    with pytest.raises(ExportError, match=r"element types must be among .*cast"):
        to_onnx(Graph([x], [ops.cast(x, to="bfloat16")]))


def test_pooling_windows_in_the_padding_are_refused() -> None:
    x = image(1, 4, 4)
    with pytest.raises(ExportError, match=r"MaxPool 'maxpool'.*pads \(2, 2, 2, 2\) must be smaller than the window"):
        to_onnx(Graph([x], [ops.max_pool(x, kernel_shape=2, pads=2)]))


def test_save_onnx(tmp_path: Path) -> None:
    path = save_onnx(network(), tmp_path / "net.onnx")
    onnx.checker.check_model(path)


def test_source_is_what_is_run(tmp_path: Path) -> None:
    graph = network()
    export(graph, tmp_path / "best")
    assert (tmp_path / "best" / "model.py").read_text() == to_torch_source(graph)
