"""A network as files that run without netwright, checked against each other before they are put in place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from netwright._optional import require
from netwright.errors import ExportError
from netwright.graph import Graph
from netwright.io._agreement import Arrays, difference, random_inputs, run_onnx, run_torch
from netwright.io._module import load_weights, module_from_source, to_module, weights_of
from netwright.io._onnx import to_onnx
from netwright.io._source import to_torch_source

__all__ = ["Exported", "export"]

TOLERANCE = 1e-5
FILES = {"source": "model.py", "weights": "model.safetensors", "onnx": "model.onnx"}


@dataclass(frozen=True)
class Exported:
    """What an export has written.

    paths: file by its role: `source`, `weights`, `onnx`.
    max_difference: largest difference between PyTorch and ONNX Runtime, relative to the largest output.
    """

    paths: Mapping[str, Path]
    max_difference: float


def export(
    graph: Graph,
    folder: str | Path,
    *,
    example: ArrayLike | Sequence[ArrayLike] | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write model.py, model.safetensors and model.onnx, all three or none.

    >>> import tempfile
    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = export(Graph([x], [ops.relu(x)]), f"{folder}/best")
    ...     sorted(path.name for path in written.paths.values()), written.max_difference <= 1e-5
    (['model.onnx', 'model.py', 'model.safetensors'], True)

    The files are read back and run on random inputs of 1 and of 3 rows, and on `example` if given (one array, or one
    per input): the largest |PyTorch - ONNX Runtime| of each output, divided by its largest magnitude, must not exceed
    1e-5. The weights are the graph's own, or the initial ones (seed 0) where it has none. With `overwrite` an existing
    folder keeps its other files.

    Raises ExportError when the folder exists and is not empty, when a node has no form in PyTorch or ONNX, and when
    the two disagree; nothing is written then.
    """
    folder = Path(folder)
    _check_folder(folder, overwrite)
    checks = [random_inputs(graph, batch, np.random.default_rng(batch)) for batch in (1, 3)]
    if example is not None:
        checks.append(_example(graph, example))
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(graph, draft)
        worst = _checked(graph, draft, checks)
        _put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Exported({role: folder / name for role, name in FILES.items()}, worst)


def _check_folder(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"an export needs a folder, but {folder} is a file.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise ExportError(f"an existing folder is not overwritten unless told to, but {folder} is not empty.")


def _example(graph: Graph, example: ArrayLike | Sequence[ArrayLike]) -> list[np.ndarray]:
    given = [example] if len(graph.inputs) == 1 and not isinstance(example, (list, tuple)) else list(example)  # type: ignore[arg-type]
    arrays = [np.asarray(a, dtype=t.dtype) for a, t in zip(given, graph.inputs, strict=False)]
    shapes, wanted = [a.shape[1:] for a in arrays], [t.shape[1:] for t in graph.inputs]
    if len(given) != len(wanted) or shapes != wanted:
        raise ExportError(f"an example must have a row shape for each input, {wanted}, but has {shapes}.")
    return arrays


def _write(graph: Graph, folder: Path) -> None:
    require("safetensors", extra="train")
    from safetensors.numpy import save_file

    weights = weights_of(to_module(graph), graph)
    (folder / FILES["source"]).write_text(to_torch_source(graph), encoding="utf-8")
    save_file({name: np.ascontiguousarray(a).reshape(a.shape) for name, a in weights.items()}, folder / FILES["weights"])
    (folder / FILES["onnx"]).write_bytes(to_onnx(graph, weights=weights).SerializeToString())


def _checked(graph: Graph, folder: Path, checks: Sequence[Arrays]) -> float:
    """Largest relative difference of the written files on the checks."""
    from safetensors.numpy import load_file

    module = module_from_source((folder / FILES["source"]).read_text(encoding="utf-8"))
    load_weights(module, load_file(folder / FILES["weights"]))
    model = (folder / FILES["onnx"]).read_bytes()
    names = [graph.names[t] for t in graph.inputs]
    worst = max(
        difference(run_torch(module, arrays), run_onnx(model, dict(zip(names, arrays, strict=True))))
        for arrays in checks
    )
    if not worst <= TOLERANCE:
        raise ExportError(f"PyTorch and ONNX Runtime must agree to {TOLERANCE:g}, but they differ by {worst:.3g}.")
    return worst


def _put_in_place(draft: Path, folder: Path) -> None:
    # What mkdtemp makes is for its owner only; an export is as readable as any new folder.
    mask = os.umask(0)
    os.umask(mask)
    draft.chmod(0o777 & ~mask)
    if not folder.exists() or not any(folder.iterdir()):
        os.replace(draft, folder)
        return
    for name in FILES.values():
        os.replace(draft / name, folder / name)
