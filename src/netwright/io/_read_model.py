"""A model by what a command line can name: a file, a folder, or the import path of a module."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netwright.errors import ModelError, NetwrightError, UnknownNameError
from netwright.graph import Graph

__all__ = ["graph_of", "is_module", "read_model"]

PICKLED = frozenset({".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pt2", ".pth", ".pytorch", ".t7", ".tar"})
"""Ends of the names of files that are, or hold, Python pickles."""

IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def read_model(source: str | Path, input: Any = None, strict: bool = True) -> Graph:
    """Graph of a model that already exists: an ONNX file, a folder that `export` wrote, or an import path.

    >>> read_model("torch.nn:Identity", input="1x3x8x8")
    <Graph 1x3x8x8 -> 1x3x8x8, 0 nodes, 0 parameters>

    An import path such as `package.module:attribute` names a torch module, a Graph, or a function that takes no
    arguments and returns one. Importing runs that package's code, as Python always does; files are never run: a
    folder is read by its ONNX file, and pickled files are refused.

    input: example for a torch module, as in `from_torch`: most simply its shape, "1x3x224x224". For an ONNX file the
        shape of its first input, or shapes by name with commas, "image=3x224x224,state=2x1x128", as in `onnx_dims`.
    strict: whether operators without counterpart are an error.

    Raises ModelError where the source is none of these, cannot be read, or is a module and `input` is missing.
    """
    text = os.fspath(source)
    if isinstance(source, str) and IMPORT_PATH.fullmatch(text) and not Path(text).exists():
        return graph_of(_attribute(text), text, input, strict)
    return _read(Path(source), input, strict)


def _read(path: Path, shape: Any, strict: bool) -> Graph:
    if path.is_dir():
        path = path / "model.onnx"
        if not path.is_file():
            raise ModelError(f"a folder must hold the model.onnx of an export, but {path.parent} does not.")
    if not path.is_file():
        raise ModelError(
            f"a model must be an ONNX file, a folder of an export or an import path such as package.module:name,"
            f" but {str(path)!r} is none of these."
        )
    if path.suffix == ".safetensors":
        raise ModelError(f"weights alone are no model, so {path.name} cannot be read: name the module that loads it.")
    if path.suffix in PICKLED or _is_pickle(path):
        raise ModelError(
            f"a pickled file can run any code when it is loaded, so {path.name} is not read: build the module, load"
            " its weights with torch.load(path, weights_only=True) or from safetensors, and name the module by its"
            " import path, package.module:name."
        )
    from netwright.io import from_onnx, onnx_dims

    return from_onnx(path, dims=None if shape is None else onnx_dims(path, shape), strict=strict)


def _is_pickle(path: Path) -> bool:
    """Whether a file starts as a pickle does, or is a zip archive, as torch.save writes it."""
    with path.open("rb") as file:
        start = file.read(4)
    return start == b"PK\x03\x04" or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05")


def graph_of(found: Any, text: str, example: Any, strict: bool = True) -> Graph:
    """Graph of what an import path names: a torch module, a Graph, or a function that returns one."""
    if callable(found) and not is_module(found):
        try:
            found = found()
        except NetwrightError:
            raise
        except Exception as error:
            raise ModelError(
                f"a function must return a model when it is called without arguments, but {text} raises"
                f" {type(error).__name__}: {error}."
            ) from error
    if isinstance(found, Graph):
        return found
    if not is_module(found):
        raise ModelError(f"{text} must be a torch module or a Graph, or return one, but is {type(found).__name__}.")
    if example is None:
        raise ModelError(f"a torch module needs an example of its input, such as 1x3x224x224, but {text} got none.")
    from netwright.io import from_torch

    return from_torch(found, example, strict=strict)


def _attribute(text: str) -> Any:
    name, _, attribute = text.partition(":")
    with _working_folder_on_path():
        try:
            found: Any = importlib.import_module(name)
        except Exception as error:
            raise ModelError(f"{name} must be importable, but raises {type(error).__name__}: {error}.") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise UnknownNameError(f"attribute of {name}", part, (n for n in vars(found) if not n.startswith("_")))
        found = getattr(found, part)
    return found


@contextmanager
def _working_folder_on_path() -> Iterator[None]:
    """Modules beside the user can be imported, as with `python -m`."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def is_module(found: Any) -> bool:
    """Whether this is a torch module; one can only be if torch has been imported."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(found, torch.nn.Module)
