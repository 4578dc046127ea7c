"""Models by what a command line can name, and one sentence for what is none."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from netwright.errors import ModelError, NetwrightError, UnknownNameError
from netwright.graph import Graph, image, ops
from netwright.io import export, read_model, save_onnx

MODULE = """
from torch import nn

layer = nn.Linear(6, 2)
number = 3


class Wide(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(6, 20))


def build():
    return nn.Sequential(nn.Linear(6, 4), nn.ReLU())


def network():
    from netwright.graph import Graph, image, ops

    x = image(3, 4, 4)
    return Graph([x], [ops.relu(x)])


def needs(size):
    return size


def fails():
    raise ValueError("no weights here")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a module of models."""
    (tmp_path / "models_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small() -> Graph:
    x = image(3, 4, 4)
    return Graph([x], [ops.relu(x)])


@pytest.mark.parametrize(
    ("name", "outputs"), [("layer", (1, 2)), ("Wide", (1, 20)), ("build", (1, 4)), ("network", (1, 3, 4, 4))]
)
def test_import_paths(name: str, outputs: tuple[int, ...]) -> None:
    graph = read_model(f"models_of_mine:{name}", input="1x6")
    assert graph.outputs[0].shape == outputs


def test_an_onnx_file_and_a_folder_of_an_export(folder: Path) -> None:
    save_onnx(small(), folder / "net.onnx")
    export(small(), folder / "best")
    for source in ("net.onnx", folder / "net.onnx", "best"):
        assert [n.op.name for n in read_model(source).nodes] == ["Relu"]


def test_reading_a_folder_runs_nothing_in_it(folder: Path) -> None:
    export(small(), folder / "best")
    (folder / "best" / "model.py").write_text("raise SystemExit('was run')")
    assert len(read_model("best").nodes) == 1


@pytest.mark.parametrize("name", ["net.pt", "net.pth", "net.bin", "net.pkl", "net"])
def test_pickles_are_refused_with_the_way_to_do_it(folder: Path, name: str) -> None:
    (folder / name).write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(ModelError, match=r"a pickled file can run any code .*weights_only=True.* from safetensors"):
        read_model(name)


def test_a_zip_archive_of_torch_is_refused_whatever_its_name(folder: Path) -> None:
    with zipfile.ZipFile(folder / "net.model", "w") as archive:
        archive.writestr("net/data.pkl", b"")
    with pytest.raises(ModelError, match="a pickled file can run any code"):
        read_model("net.model")


BAD: list[tuple[Any, type[NetwrightError], str]] = [
    ("nothing.onnx", ModelError, "a model must be an ONNX file, a folder .* or an import path .*'nothing.onnx'"),
    ("no_such_module:net", ModelError, "no_such_module must be importable, but raises ModuleNotFoundError"),
    (
        "models_of_mine:biuld",
        UnknownNameError,
        "no attribute of models_of_mine is named 'biuld'; did you mean 'build'",
    ),
    ("models_of_mine:number", ModelError, "must be a torch module or a Graph, or return one, but is int"),
    ("models_of_mine:needs", ModelError, "called without arguments, but models_of_mine:needs raises TypeError"),
    ("models_of_mine:fails", ModelError, "raises ValueError: no weights here"),
]


@pytest.mark.parametrize(("source", "kind", "sentence"), BAD, ids=[str(case[0]) for case in BAD])
def test_what_names_no_model(source: Any, kind: type[NetwrightError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        read_model(source, input="1x6")
    assert "\n" not in str(caught.value)


def test_a_module_needs_an_example() -> None:
    with pytest.raises(ModelError, match="needs an example of its input, such as 1x3x224x224"):
        read_model("models_of_mine:layer")


def test_weights_alone_are_no_model(folder: Path) -> None:
    (folder / "net.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="weights alone are no model"):
        read_model("net.safetensors")


def test_a_folder_without_a_model() -> None:
    with pytest.raises(ModelError, match=r"a folder must hold the model\.onnx of an export"):
        read_model(".")
