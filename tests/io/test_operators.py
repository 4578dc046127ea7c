"""Every operator of the vocabulary computes the same in PyTorch and in ONNX Runtime, for any batch."""

from __future__ import annotations

from collections.abc import Iterable

import cases_elementwise
import cases_indexing
import cases_layers
import cases_movement
import cases_windows
import numpy as np
import pytest
from operator_parts import Build, Case, weight

from netwright.errors import ExportError
from netwright.graph import OPERATORS, Graph, Input, constant, ops
from netwright.io import to_onnx, to_torch_source
from netwright.io._agreement import run_onnx
from netwright.testing import assert_exports_agree

CASES: dict[str, list[Case]] = {
    **cases_windows.CASES,
    **cases_layers.CASES,
    **cases_indexing.CASES,
    **cases_movement.CASES,
    **cases_elementwise.CASES,
}


def test_every_operator_has_a_case() -> None:
    assert set(CASES) == set(OPERATORS)


def each_case() -> Iterable[object]:
    for name, cases in CASES.items():
        for number, (label, shape, build) in enumerate(cases):
            yield pytest.param(name, shape, build, id=f"{name}-{label.replace(' ', '_') or number}")


@pytest.mark.parametrize(("name", "shape", "build"), list(each_case()))
def test_torch_and_onnx_agree(name: str, shape: tuple[int, ...], build: Build) -> None:
    x = Input(shape)
    outputs = build(x)
    graph = Graph([x], outputs if isinstance(outputs, tuple) else [outputs])
    assert name in {node.op.name for node in graph.nodes}
    assert_exports_agree(graph)


def test_rows_of_their_own_length_go_to_onnx_only() -> None:
    x = Input((5, 1, 12), batch_axis=None)
    lengths = constant([3], "int64")
    y, _, _ = ops.lstm(x, weight(24, 12), weight(24, 6), None, ops.cast(lengths, to="int32"), gates="ifgo")
    graph = Graph([x], [y])
    with pytest.raises(ExportError, match="LSTM with a length for each row has no form in PyTorch"):
        to_torch_source(graph)
    (found,) = run_onnx(to_onnx(graph), {"input": np.ones((5, 1, 12), np.float32)})
    assert found[:3].all()
    assert not found[3:].any()
