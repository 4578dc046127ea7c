"""At least 95 % of the networks of timm and transformers come in whole, and go out as they came.

One member of each family, weights random, no download. Whole: no operator without counterpart, and the graph, written
as PyTorch source and as ONNX, agrees with the original to 1e-4 of the largest output on one row and, where it is for
any batch, on two. Where the original in float32 is further than that from itself in float64, both are compared with
the latter, and a line below the table says so.
"""

from __future__ import annotations

import copy
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from _table import arguments, number, show, verdict
from _zoo import TIMM, TRANSFORMERS, timm_model, transformers_model

# isort: split
import numpy as np

from netwright.errors import NetwrightError
from netwright.graph import Graph
from netwright.io import from_torch, to_module, to_onnx
from netwright.io._agreement import difference, run_onnx, run_torch
from netwright.io._from_torch import _assemble, _twin

TOLERANCE = 1e-4
LIMIT = 1.5
LONGEST = 400
FRESH = """
import sys, time
sys.path.insert(0, {folder!r})
from _zoo import timm_model
module, _ = timm_model("resnet50")
from importlib import import_module
graph, export, ours = import_module("import").timed_import(module, (1, 3, 224, 224))
print(export, ours)
"""


@dataclass
class Row:
    """What was seen of one model."""

    name: str
    nodes: int = 0
    params: int = 0
    unused: int = 0
    export: float = 0.0
    ours: float = 0.0
    in_torch: float = float("inf")
    in_onnx: float = float("inf")
    batch: str = ""
    fault: str = ""
    rounding: float = 0.0

    @property
    def whole(self) -> bool:
        return not self.fault and max(self.in_torch, self.in_onnx) <= TOLERANCE

    def cells(self) -> list[str | float]:
        """Cells of the printed table."""
        seen = [number(self.in_torch, 2), number(self.in_onnx, 2)] if not self.fault else ["", ""]
        return [
            self.name, self.nodes, f"{self.params:,}", number(self.export, 2), number(self.ours, 2), *seen,
            self.batch, verdict(self.whole),
        ]  # fmt: skip


@contextmanager
def timed_export(seconds: list[float]) -> Iterator[None]:
    """Collects what torch takes inside `from_torch`: its export with one row, and its trace with two."""
    usual = _assemble.exported, _twin.traced

    def timed(call: Callable[..., Any]) -> Callable[..., Any]:
        def timed_call(*given: Any) -> Any:
            start = time.perf_counter()
            try:
                return call(*given)
            finally:
                seconds.append(time.perf_counter() - start)

        return timed_call

    _assemble.exported, _twin.traced = map(timed, usual)
    try:
        yield
    finally:
        _assemble.exported, _twin.traced = usual


def timed_import(module: Any, example: Any) -> tuple[Graph, float, float]:
    """Graph of a module, the seconds of torch, and those of everything else."""
    export: list[float] = []
    with timed_export(export):
        start = time.perf_counter()
        graph = from_torch(module, example)
        whole = time.perf_counter() - start
    return graph, sum(export), whole - sum(export)


def leaves(result: Any) -> list[np.ndarray]:
    """Arrays in what a module returns, in order."""
    if hasattr(result, "detach"):
        return [result.detach().numpy()]
    if result is None or isinstance(result, (bool, int, float)):
        return []
    return [leaf for part in (result.values() if hasattr(result, "values") else result) for leaf in leaves(part)]


def inputs_of(graph: Graph, example: Any, rows: int) -> list[np.ndarray]:
    """Random arrays: whole numbers that a vocabulary has, or floats."""
    rng = np.random.default_rng(rows)
    return [
        rng.integers(3, 90, t.shape_at(rows))
        if t.dtype == "int64"
        else rng.standard_normal(t.shape_at(rows)).astype("f4")
        for t in graph.inputs
    ]


def compare(row: Row, module: Any, graph: Graph, example: Any, rows: int) -> None:
    """Differences of both exports from the original, on so many rows."""
    arrays = inputs_of(graph, example, rows)
    named = {graph.names[t]: a for t, a in zip(graph.inputs, arrays, strict=True)}
    outputs = run_torch(to_module(graph), arrays), run_onnx(to_onnx(graph), named)
    expected = called(module, graph, example, arrays)
    found = [difference(expected, output) for output in outputs]
    if max(found) > TOLERANCE:
        wide = [a.astype("f8") if a.dtype.kind == "f" else a for a in arrays]
        exact = [a.astype("f4") for a in called(copy.deepcopy(module).double(), graph, example, wide)]
        rounding = difference(expected, exact)
        if rounding > TOLERANCE:
            row.rounding, found = rounding, [difference(exact, output) for output in outputs]
    row.in_torch, row.in_onnx = (
        new if rows == 1 else max(old, new) for old, new in zip((row.in_torch, row.in_onnx), found, strict=True)
    )


def called(module: Any, graph: Graph, example: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Outputs of the original."""
    import torch

    tensors = {t.name: torch.from_numpy(a) for t, a in zip(graph.inputs, arrays, strict=True)}
    with torch.no_grad():
        return leaves(module(**tensors) if isinstance(example, dict) else module(*tensors.values()))


def look_at(name: str, build: Callable[[str], tuple[Any, Any]]) -> Row:
    """Import one model and compare what comes out of it."""
    row = Row(name)
    module, example = build(name)
    try:
        graph, row.export, row.ours = timed_import(module, example)
        row.nodes = len(graph.nodes)
        row.params = sum(p.size for p in graph.parameters.values() if p.trainable)
        row.unused = sum(p.numel() for p in module.parameters() if p.requires_grad) - row.params
        row.batch = "any" if graph.inputs[0].batch_axis is not None else "1"
        for rows in (1, 2) if row.batch == "any" else (1,):
            compare(row, module, graph, example, rows)
    except NetwrightError as error:
        row.fault = str(error)
    except Exception as error:
        row.fault = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return row


def survey(title: str, names: list[str], build: Callable[[str], tuple[Any, Any]]) -> list[Row]:
    """Table of one library."""
    rows = []
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows.append(look_at(name, build))
        print(
            f"{name}: {'whole' if rows[-1].whole else rows[-1].fault[:LONGEST] or 'differs'}",
            file=sys.stderr,
            flush=True,
        )
    header = ["model", "nodes", "params", "torch s", "ours s", "torch differs", "ORT differs", "batch", "whole"]
    show(title, header, [row.cells() for row in rows])
    for row in rows:
        if row.fault:
            print(f"{row.name}: {row.fault[:LONGEST]}{' ...' if len(row.fault) > LONGEST else ''}")
        elif row.unused:
            print(f"{row.name}: {row.unused:,} parameters of the module take no part in what it returns")
        if row.rounding:
            apart = number(row.rounding, 2)
            print(f"{row.name}: the original is {apart} from itself in float64, with which both are compared")
    return rows


def resnet_in_a_fresh_process(repeats: int) -> None:
    """Seconds from a built ResNet-50 to its graph, the first thing that a process imports."""
    from pathlib import Path

    code = FRESH.format(folder=str(Path(__file__).parent))
    runs = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
        )
        runs.append(tuple(map(float, done.stdout.split()[-2:])))
    export, ours = min(runs, key=sum)
    print(
        f"\ntimm's ResNet-50 at 224x224, module built, fresh process, best of {repeats}:"
        f" torch {number(export)} s, ours {number(ours)} s;"
        f" together under {LIMIT} s: {verdict(export + ours < LIMIT)}"
    )


def main() -> None:
    given = arguments(
        __doc__,
        ("timm", len(TIMM), 4, "families of timm"),
        ("transformers", len(TRANSFORMERS), 2, "configurations of transformers"),
        ("fresh", 5, 1, "fresh processes for ResNet-50"),
    )
    rows = survey("timm", list(TIMM)[: given.timm], timm_model)
    rows += survey("transformers", list(TRANSFORMERS)[: given.transformers], transformers_model)
    whole = sum(row.whole for row in rows)
    export, ours = (sum(getattr(row, part) for row in rows) for part in ("export", "ours"))
    share = 100 * whole / len(rows)
    print(f"\n{whole} of {len(rows)} whole, {number(share)} %; at least 95 %: {verdict(share >= 95)}")
    print(f"any batch: {sum(row.batch == 'any' for row in rows)} of {len(rows)}")
    part = number(100 * ours / (export + ours), 2)
    print(f"torch {number(export)} s, ours {number(ours)} s, which is {part} % of the import")
    resnet_in_a_fresh_process(given.fresh)


if __name__ == "__main__":
    main()
