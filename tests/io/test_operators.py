"""Every operator of the vocabulary computes the same in PyTorch and in ONNX Runtime, for any batch."""

from __future__ import annotations

from collections.abc import Iterable

import cases_elementwise
import cases_indexing
import cases_layers
import cases_movement
import cases_windows
import pytest
from operator_parts import Build, Case

from netwright.graph import OPERATORS, Graph, Input
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
