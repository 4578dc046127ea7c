"""Every block written as ONNX and read again is the network that it was."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.graph import canonical_hash
from netwright.io import from_onnx, initial_weights, to_module, to_onnx
from netwright.io._agreement import difference, random_inputs, run_torch

from .examples import EXAMPLES, Example, graph_of, name_of


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_our_own_blocks_come_back(example: Example) -> None:
    """The same graph, or at least the same outputs, where an operator is written in parts."""
    graph = graph_of(example)
    graph = graph.with_weights(initial_weights(graph, seed=1))
    again = from_onnx(to_onnx(graph))
    assert [t.shape for t in again.outputs] == [t.shape for t in graph.outputs]
    assert again.parameters.keys() >= graph.parameters.keys()
    if canonical_hash(again) == canonical_hash(graph):
        return
    for batch in (1, 2):
        arrays = random_inputs(graph, batch, np.random.default_rng(batch))
        expected, found = (run_torch(to_module(g), arrays) for g in (graph, again))
        assert difference(expected, found) < 1e-4
