"""Check that a network is the same in PyTorch and in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.graph import Graph
from netwright.io import initial_weights, to_module, to_onnx
from netwright.io._agreement import difference, random_inputs, run_onnx, run_torch

__all__ = ["assert_exports_agree"]


def assert_exports_agree(
    graph: Graph, *, batches: Sequence[int] = (1, 3), tolerance: float = 1e-5, seed: int = 0
) -> float:
    """Assert that the PyTorch source and the ONNX model of a graph compute the same, and return how far they differ.

    The difference is the largest one of each output relative to its largest magnitude, on random inputs of each batch
    size. A graph without weights gets random ones, in which what starts at zero or one is moved a little, so that
    a shift or a running mean that is read wrongly shows.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> assert_exports_agree(Graph([x], [ops.relu(x)]))
    0.0
    """
    if graph.weights is None:
        graph = graph.with_weights(_moved_weights(graph, seed))
    module, model = to_module(graph), to_onnx(graph)
    names = [graph.names[t] for t in graph.inputs]
    worst = 0.0
    for batch in batches:
        arrays = random_inputs(graph, batch, np.random.default_rng([seed, batch]))
        expected, found = run_torch(module, arrays), run_onnx(model, dict(zip(names, arrays, strict=True)))
        worst = max(worst, difference(expected, found))
        shapes = [a.shape for a in found]
        assert worst <= tolerance, f"PyTorch and ONNX Runtime differ by {worst:.3g} on {batch} rows, shapes {shapes}"
        if batch == 1:
            stated = [t.shape for t in graph.outputs]
            assert shapes == stated, f"the graph states shapes {stated}, but its exports give {shapes}"
    return worst


def _moved_weights(graph: Graph, seed: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    weights = dict(initial_weights(graph, seed))
    for name, parameter in graph.parameters.items():
        if parameter.init.kind in ("zeros", "ones", "constant") and parameter.dtype.startswith("float"):
            weights[name] = (weights[name] + rng.uniform(-0.2, 0.2, parameter.shape)).astype(parameter.dtype)
    return weights
