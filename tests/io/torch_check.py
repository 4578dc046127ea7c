"""Helpers of the tests of PyTorch in: a module against its graph, exported again, in torch and in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from netwright.graph import Graph
from netwright.io import from_torch, to_module, to_onnx
from netwright.io._agreement import difference, run_onnx, run_torch

TOLERANCE = 1e-4


class Function(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs)


def leaves(result: Any) -> list[np.ndarray]:
    """Tensors in a module's result, in order, without those that are None."""
    if isinstance(result, torch.Tensor):
        return [result.detach().numpy()]
    if result is None or isinstance(result, (bool, int, float)):
        return []
    parts = list(result.values()) if isinstance(result, dict) else list(result)
    return [leaf for part in parts for leaf in leaves(part)]


def run_original(module: nn.Module, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Outputs of the module itself in evaluation mode."""
    training = module.training
    with torch.no_grad():
        found = leaves(module.eval()(*map(torch.from_numpy, arrays)))
    module.train(training)
    return found


def assert_same(graph: Graph, module: nn.Module, arrays: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Assert that both exports of a graph give what is expected; the larger difference."""
    in_torch = difference(expected, run_torch(to_module(graph), arrays))
    named = {graph.names[t]: a for t, a in zip(graph.inputs, arrays, strict=True)}
    in_onnx = difference(expected, run_onnx(to_onnx(graph), named))
    assert in_torch <= TOLERANCE, f"PyTorch differs by {in_torch:.3g}"
    assert in_onnx <= TOLERANCE, f"ONNX Runtime differs by {in_onnx:.3g}"
    return max(in_torch, in_onnx)


def check(module: nn.Module, *arrays: np.ndarray, free: bool = True) -> Graph:
    """Import a module on one row, and compare with it on one row and, where it is free, on two others."""
    graph = from_torch(module, tuple(arrays))
    assert_same(graph, module, list(arrays), run_original(module, list(arrays)))
    assert free == all(t.batch_axis is not None for t in graph.inputs), "the batch is not as free as stated"
    if free:
        two = [np.concatenate([a, a[:, ::-1]], axis=0).copy() if a.ndim > 1 else np.repeat(a, 2, 0) for a in arrays]
        assert_same(graph, module, two, run_original(module, two))
    return graph
