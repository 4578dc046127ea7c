"""The conformance suite of ONNX: every case of one node in the vocabulary gives the outputs that it states."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from netwright.errors import ExportError, ModelError
from netwright.graph import Graph
from netwright.io import from_onnx, to_module, to_onnx
from netwright.io._agreement import run_onnx, run_torch
from netwright.io._from_onnx._table import CONVERTERS
from netwright.io._from_onnx._weights import DTYPES

pytestmark = pytest.mark.slow

Array = NDArray[Any]

REFUSED = {
    "batchnorm_.*training_mode": "statistics of the batch",
    "training_dropout(_mask|_default|_default_mask)?$": "dropout at inference",
    "gridsample_volumetric": "positions in space, not in a plane",
    "isinf_(positive|negative)": "infinity of one sign",
    "peepholes|(lstm|gru|rnn)_batchwise": "peepholes, or the batch as first axis",
    "maxpool_with_argmax": "positions of the maxima",
    "_blocked": "scales of blocks",
    "resize_.*(antialias|exclude_outside|tf_crop)": "antialiasing, cropping, exclusion of what lies outside",
    "resize_downsample_(scales|sizes_nearest_not_smaller)|half_pixel_symmetric": "scales that give no whole sizes",
    "edge_cases_fmod_0": "NaN among what stands for weights here",
}
"""Cases that are not taken in: part of the name, and what they ask for."""

NOT_RUN = {
    "bf16|bfloat16|BFLOAT16": "ONNX Runtime has no kernels on a CPU",
    "top_k_same_values": "which of equal values comes first is free",
    "(max|min)_int16|celu_float16|linear_int16": "ONNX Runtime has no kernels, or operator set 20 no such type",
}
"""Cases that are taken in, but cannot be run: part of the name, and why."""


@cache
def cases() -> dict[str, list[Any]]:
    """Cases of one node by operator, among those with element types that a graph has and without empty tensors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        found: dict[str, list[Any]] = {}
        for case in collect_testcases(None):
            graph = case.model.graph
            values, arrays = [*graph.input, *graph.output], [a for side in case.data_sets[0] for a in side]
            known = all(v.type.tensor_type.elem_type in DTYPES for v in values) and all(np.size(a) for a in arrays)
            if len(graph.node) == 1 and known and case.model.opset_import[0].version >= 9:
                found.setdefault(graph.node[0].op_type, []).append(case)
    return found


def array_of(value: Any) -> Array:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def with_settings(model: onnx.ModelProto, arrays: dict[str, Array]) -> onnx.ModelProto:
    """The model with its whole-number and small inputs, but the first, as weights, as networks have them."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    first = model.graph.node[0].input[0]
    for name, array in arrays.items():
        if name != first and (array.dtype.kind in "iu" or array.size <= 16):
            changed.graph.initializer.append(numpy_helper.from_array(array, name))
    return changed


def run(graph: Graph, arrays: Sequence[Array]) -> list[list[Array]]:
    """Outputs in ONNX Runtime and in torch, where each has a form."""
    names = [graph.names[t] for t in graph.inputs]
    runners: list[Callable[[], list[Array]]] = [
        lambda: run_onnx(to_onnx(graph), dict(zip(names, arrays, strict=True))),
        lambda: run_torch(to_module(graph), [np.array(a) for a in arrays]),
    ]
    results = []
    for runner in runners:
        try:
            results.append(runner())
        except ExportError:
            continue
    return results


def reason(name: str, reasons: dict[str, str]) -> str | None:
    return next((why for part, why in reasons.items() if re.search(part, name)), None)


@pytest.mark.parametrize("op", sorted(CONVERTERS))
def test_stated_outputs(op: str) -> None:
    chosen = cases().get(op, [])
    if not chosen:
        pytest.skip("the suite has no case of this operator")
    for case in chosen:
        inputs, expected = ([array_of(a) for a in side] for side in case.data_sets[0])
        arrays = {v.name: a for v, a in zip(case.model.graph.input, inputs, strict=True)}
        model = with_settings(case.model, arrays)
        if reason(case.name, REFUSED):
            with pytest.raises(ModelError):
                from_onnx(model)
            continue
        graph = from_onnx(model)
        stated = [(a.shape, str(a.dtype)) for a in expected]
        assert [(t.shape, t.dtype) for t in graph.outputs] == stated, case.name
        if reason(case.name, NOT_RUN):
            continue
        for results in run(graph, [arrays[t.name] for t in graph.inputs]):
            for found, wanted in zip(results, expected, strict=True):
                rough = 10 if wanted.dtype == np.float16 else 1
                np.testing.assert_allclose(found, wanted, rtol=rough * 1e-3, atol=rough * 1e-5, err_msg=case.name)
