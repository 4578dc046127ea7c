"""Every block computes the same in PyTorch and in ONNX Runtime, with one row and with three."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from netwright.testing._export import assert_exports_agree

from .examples import EXAMPLES, Example, graph_of, name_of


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_exports_agree(example: Example) -> None:
    assert_exports_agree(graph_of(example))
