"""Check that a network is the same in PyTorch and in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.graph import Graph
from netwright.io import initial_weights, to_module, to_onnx, weights_of
from netwright.io._agreement import (
    LOSS,
    difference,
    in_float64,
    random_inputs,
    rounding_error,
    run_onnx,
    run_torch,
    run_widened,
)

if TYPE_CHECKING:
    import onnx
    from torch import nn

__all__ = ["assert_exports_agree"]


def assert_exports_agree(
    graph: Graph, *, batches: Sequence[int] = (1, 3), tolerance: float = 1e-5, seed: int = 0
) -> float:
    """Assert that the PyTorch source and the ONNX model of a graph compute the same, and return how far they differ.

    The difference is the largest one of each output relative to its largest magnitude, on random inputs of each batch
    size. Where a deep network amplifies the rounding of float32 beyond the tolerance, the two may differ by a few
    times what PyTorch itself loses, and must then agree to the tolerance in float64. A graph without weights gets
    random ones, in which what starts at zero or one is moved a little, so that a shift that is read wrongly shows,
    and running statistics as after one step of training, without which float32 would not be exact enough more often.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> assert_exports_agree(Graph([x], [ops.relu(x)]))
    0.0
    """
    module = to_module(graph if graph.weights is not None else graph.with_weights(_moved_weights(graph, seed)))
    if graph.weights is None:
        _set_statistics(module, random_inputs(graph, 16, np.random.default_rng([seed, 16])))
    weights = weights_of(module, graph)
    assert weights.keys() == graph.parameters.keys()
    extra = {name for name in module.state_dict() if not name.endswith("num_batches_tracked")} - weights.keys()
    assert not extra, f"the module has tensors that the graph has not: {sorted(extra)}"
    model = to_onnx(graph, weights=weights)
    names = [graph.names[t] for t in graph.inputs]
    worst = 0.0
    for batch in batches:
        arrays = random_inputs(graph, batch, np.random.default_rng([seed, batch]))
        expected, found = run_torch(module, arrays), run_onnx(model, dict(zip(names, arrays, strict=True)))
        apart, shapes = difference(expected, found), [a.shape for a in found]
        allowed = tolerance if apart <= tolerance else max(tolerance, LOSS * rounding_error(module, arrays))
        assert apart <= allowed, f"PyTorch and ONNX Runtime differ by {apart:.3g} on {batch} rows, shapes {shapes}"
        worst = max(worst, apart)
        if batch == 1:
            stated = [t.shape for t in graph.outputs]
            assert shapes == stated, f"the graph states shapes {stated}, but its exports give {shapes}"
    if worst > tolerance:
        _assert_same_function(graph, module, model, tolerance, seed)
    return worst


def _assert_same_function(
    graph: Graph, module: nn.Module, model: onnx.ModelProto, tolerance: float, seed: int
) -> None:
    """Assert that a module and an ONNX model agree where both compute in float64, which loses hardly anything."""
    for layer in module.modules():
        eps: Any = getattr(layer, "eps", None)
        if isinstance(eps, float):
            # An attribute of an ONNX file is a float32, which rounds it.
            layer.eps = float(np.float32(eps))  # type: ignore[assignment]
    arrays = random_inputs(graph, 1, np.random.default_rng([seed, 1]))
    names = [graph.names[t] for t in graph.inputs]
    apart = difference(in_float64(module, arrays), run_widened(model, dict(zip(names, arrays, strict=True))))
    assert apart <= tolerance, f"PyTorch and the ONNX file differ by {apart:.3g} in float64"


def _moved_weights(graph: Graph, seed: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    weights: dict[str, NDArray[Any]] = dict(initial_weights(graph, seed))
    for name, parameter in graph.parameters.items():
        if parameter.init.kind in ("zeros", "ones", "constant") and parameter.dtype.startswith("float"):
            weights[name] = (weights[name] + rng.uniform(-0.2, 0.2, parameter.shape)).astype(parameter.dtype)
    return weights


def _set_statistics(module: nn.Module, inputs: Sequence[NDArray[Any]]) -> None:
    """Running statistics of every batch normalisation from one batch."""
    import torch

    layers = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    usual = [layer.momentum for layer in layers]
    if not layers:
        return
    for layer in layers:
        layer.momentum = 1.0
    module.train()
    with torch.no_grad():
        module(*(torch.from_numpy(a) for a in inputs))
    module.eval()
    for layer, momentum in zip(layers, usual, strict=True):
        layer.momentum = momentum
        if layer.running_var is not None:
            # A channel that was constant in this batch would blow up any other value.
            layer.running_var.clamp_(min=0.01)
