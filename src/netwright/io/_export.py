"""A network as files that run without netwright, checked against each other before anything is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from netwright._optional import require
from netwright.errors import ExportError
from netwright.graph import Graph
from netwright.io._agreement import LOSS, Arrays, difference, random_inputs, rounding_error, run_onnx, run_torch
from netwright.io._module import load_weights, module_from_source, to_module, weights_of
from netwright.io._to_onnx._model import to_onnx
from netwright.io._to_torch._source import to_torch_source

__all__ = ["Exported", "export"]

TOLERANCE = 1e-5
FILES = {"source": "model.py", "weights": "model.safetensors", "onnx": "model.onnx"}


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    >>> import tempfile
    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = export(Graph([x], [ops.relu(x)]), f"{folder}/best")
    >>> written.paths["source"].name, written.max_difference
    ('model.py', 0.0)

    paths: file by its role: `source`, `weights`, `onnx`.
    max_difference: largest difference between PyTorch and ONNX Runtime, relative to the largest output.
    """

    paths: Mapping[str, Path]
    max_difference: float


def export(
    graph: Graph,
    folder: str | Path,
    *,
    example: NDArray[Any] | Sequence[NDArray[Any]] | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write model.py, model.safetensors and model.onnx into a folder, all three or none.

    >>> import tempfile
    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = export(Graph([x], [ops.relu(x)]), f"{folder}/best")
    ...     sorted(path.name for path in written.paths.values()), written.max_difference <= 1e-5
    (['model.onnx', 'model.py', 'model.safetensors'], True)

    The contents are run on random inputs of 1 and of 3 rows, and on `example` if given (one array, or one per input):
    the largest |PyTorch - ONNX Runtime| of each output, divided by its largest magnitude, must not exceed 1e-5. Where
    the network itself loses more than that to float32 (PyTorch in float32 against float64, as deep untrained networks
    do), four times that loss is allowed. The weights are the graph's own, or the initial ones (seed 0) where it has
    none. With `overwrite` an existing folder keeps its other files.

    Raises ExportError when the folder exists and is not empty or cannot be written, when a node has no form in
    PyTorch or ONNX, and when the two disagree; nothing is written then.
    """
    folder = Path(folder).absolute()
    _check_folder(folder, overwrite)
    checks = [random_inputs(graph, batch, np.random.default_rng(batch)) for batch in (1, 3)]
    if example is not None:
        checks.append(_example(graph, example))
    contents = _contents(graph)
    worst = max(_checked(graph, contents, arrays) for arrays in checks)
    try:
        _write(contents, folder)
    except OSError as error:
        raise ExportError(f"the folder of an export must be writable, but {folder}: {error.strerror}.") from error
    return Exported({role: folder / name for role, name in FILES.items()}, worst)


def _check_folder(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"an export needs a folder, but {folder} is a file.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise ExportError(f"an existing folder is not overwritten unless told to, but {folder} is not empty.")


def _example(graph: Graph, example: NDArray[Any] | Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    given = list(example) if isinstance(example, (list, tuple)) else [example]
    shapes = [np.shape(a) for a in given]
    rows = next((s[t.batch_axis] for t, s in zip(graph.inputs, shapes, strict=False) if t.batch_axis is not None), 1)
    wanted = [t.shape_at(rows) for t in graph.inputs]
    if shapes != wanted:
        raise ExportError(f"an example must have the shapes {wanted}, one per input, but has {shapes}.")
    return [np.asarray(a, dtype=t.dtype) for a, t in zip(given, graph.inputs, strict=True)]


def _contents(graph: Graph) -> dict[str, bytes]:
    """Bytes of each file by its role."""
    require("safetensors", extra="train")
    from safetensors.numpy import save

    weights = weights_of(to_module(graph), graph)
    return {
        "source": to_torch_source(graph).encode(),
        "weights": save({name: np.ascontiguousarray(a).reshape(a.shape) for name, a in weights.items()}),
        "onnx": to_onnx(graph, weights=weights).SerializeToString(),
    }


def _checked(graph: Graph, contents: Mapping[str, bytes], inputs: Arrays) -> float:
    """Largest relative difference of the two implementations, read back from their bytes."""
    from safetensors.numpy import load

    module = module_from_source(contents["source"].decode())
    load_weights(module, load(contents["weights"]))
    names = [graph.names[t] for t in graph.inputs]
    expected = run_torch(module, inputs)
    worst = difference(expected, run_onnx(contents["onnx"], dict(zip(names, inputs, strict=True))))
    if worst <= TOLERANCE:
        return worst
    allowed = max(TOLERANCE, LOSS * rounding_error(module, inputs))
    if not worst <= allowed < 1:
        raise ExportError(f"PyTorch and ONNX Runtime must agree to {allowed:.2g}, but they differ by {worst:.3g}.")
    return worst


def _write(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write the files next to the folder and put them in place with a rename."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{uuid4().hex[:8]}")
    draft.mkdir()
    try:
        for role, content in contents.items():
            (draft / FILES[role]).write_bytes(content)
        if not folder.exists():
            os.replace(draft, folder)
            return
        for name in FILES.values():
            os.replace(draft / name, folder / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
