"""What is said to lead with the batch does: its rows follow the rows of the input, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from operator_parts import Build
from test_operators import CASES

from netwright.graph import OPERATORS, Graph, Input, Tensor, constant, image, ops, parameter
from netwright.graph._batch import leads_with_batch
from netwright.io import initial_weights, to_module
from netwright.io._agreement import random_inputs, run_torch

WITHOUT = {"LSTM", "GRU", "RNN", "ScatterND"}
"""Recurrent layers lead with time, and ScatterND writes at places along axis 0."""


def leading(graph: Graph) -> set[Tensor | None]:
    """Tensors that lead with the batch, by the rule of each operator."""
    rows: set[Tensor | None] = set(graph.inputs)
    for node in graph.nodes:
        if leads_with_batch(node, node.inputs, rows):
            rows |= set(node.outputs)
    return rows


def graph_of(shape: tuple[int, ...], build: Build) -> Graph:
    x = Input(shape)
    made = build(x)
    return Graph([x], made if isinstance(made, tuple) else [made])


def leads(name: str, shape: tuple[int, ...], build: Build) -> bool:
    graph = graph_of(shape, build)
    rows = leading(graph)
    return any(n.op.name == name and n.output in rows for n in graph.nodes)


@pytest.mark.parametrize("name", sorted(set(OPERATORS) - WITHOUT))
def test_every_operator_leads_with_the_batch_in_some_case(name: str) -> None:
    assert any(leads(name, shape, build) for _, shape, build in CASES[name])


EACH = [
    pytest.param(shape, build, id=f"{name}-{label or number}")
    for name, cases in CASES.items()
    for number, (label, shape, build) in enumerate(cases)
    if leads(name, shape, build)
]


@pytest.mark.parametrize(("shape", "build"), EACH)
def test_exchanged_rows_come_out_exchanged(shape: tuple[int, ...], build: Build) -> None:
    graph = graph_of(shape, build)
    module = to_module(graph.with_weights(initial_weights(graph)))
    arrays = random_inputs(graph, 3, np.random.default_rng(0))
    order = [2, 0, 1]
    expected, found = run_torch(module, arrays), run_torch(module, [a[order] for a in arrays])
    rows = leading(graph)
    for tensor, a, b in zip(graph.outputs, expected, found, strict=True):
        if tensor in rows:
            np.testing.assert_allclose(a[order], b, rtol=1e-4, atol=1e-5)


X, V = image(4, 6, 8), Input((1, 5))
TURNED = ops.transpose(X, perm=(1, 0, 2, 3))

OTHERWISE = [
    ops.gemm(V, parameter("weight", (3, 1)), transA=1),
    ops.trilu(V),
    ops.einsum(V, parameter("weight", (5, 3)), equation="ab,bc->ca"),
    ops.expand(V, shape=(1, 1, 1)),
    ops.expand(parameter("token", (1, 5)), TURNED, shape=(0, 1)),
    ops.reduce_l1(X, axes=(0, 1)),
    ops.one_hot(ops.cast(X, to="int64"), depth=8, axis=0),
    ops.gather_nd(X, constant([[0, 1]], "int64")),
    ops.pad(X, pads=(1, 0, 0, 0, 0, 0, 0, 0)),
]


@pytest.mark.parametrize("tensor", OTHERWISE, ids=lambda t: t.node.op.name)
def test_what_moves_the_batch_does_not_lead_with_it(tensor: Tensor) -> None:
    assert tensor.node is not None
    assert not leads_with_batch(tensor.node, tensor.node.inputs, {X, V})
