"""Nodes whose inputs are all known, worked out while the model is read."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.io._from_onnx._values import NoCounterpart, small

if TYPE_CHECKING:
    import onnx

__all__ = ["folded"]

Array = NDArray[Any]
Inputs = Sequence["Array | None"]

RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Multinomial", "Bernoulli")
GROWING = ("Range", "Tile", "OneHot", "EyeLike", "Resize", "Upsample", "Pad")
"""Operators that make large arrays from small ones."""


def folded(node: onnx.NodeProto, inputs: Inputs, attrs: Mapping[str, Any], opset: int) -> list[Array]:
    """Outputs of a node of the standard domain on arrays.

    Raises NoCounterpart for random operators, for results of an absurd size, and where the inputs do not fit.
    """
    if node.op_type in RANDOM:
        raise NoCounterpart("it is random")
    quick = QUICK.get(node.op_type)
    try:
        found = None if quick is None else quick(inputs, attrs)
        results = [found] if found is not None else _reference(node, inputs, opset)
    except NoCounterpart:
        raise
    # The reference implementation raises whatever numpy does.
    except Exception as error:
        raise NoCounterpart(f"its inputs are known but it cannot be worked out: {error}") from error
    return results


def _reference(node: onnx.NodeProto, inputs: Inputs, opset: int) -> list[Array]:
    """Outputs by the reference implementation of the operator that comes with onnx."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    if node.op_type == "Range":
        start, limit, delta = (float(np.asarray(a)) for a in inputs if a is not None)
        if not small((int(abs((limit - start) / delta)),)):
            raise NoCounterpart("its result is too large")
    elif node.op_type in GROWING and not small((*(int(np.max(a, initial=1)) for a in inputs[1:] if a is not None),)):
        raise NoCounterpart("its result is too large")
    given = {name: a for name, a in zip(node.input, inputs, strict=True) if name and a is not None}
    declared = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in given]
    results = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in node.output if name]
    graph = helper.make_graph([node], "fold", declared, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = iter(ReferenceEvaluator(model).run(None, given))
    return [np.asarray(next(made)) if name else np.zeros(0) for name in node.output]


Quick = Callable[[Inputs, Mapping[str, Any]], "Array | None"]


def _gather(inputs: Inputs, attrs: Mapping[str, Any]) -> Array:
    data, indices = inputs
    assert data is not None
    return np.asarray(np.take(data, np.asarray(indices), axis=attrs.get("axis", 0)))


def _gather_elements(inputs: Inputs, attrs: Mapping[str, Any]) -> Array:
    """Here too because the reference fails on one row of more columns than there are indices."""
    data, indices = inputs
    assert data is not None
    assert indices is not None
    axis = attrs.get("axis", 0) % data.ndim
    near = tuple(slice(None) if i == axis else slice(size) for i, size in enumerate(indices.shape))
    return np.take_along_axis(data[near], np.asarray(indices, dtype=np.int64), axis)


def _concat(inputs: Inputs, attrs: Mapping[str, Any]) -> Array:
    return np.concatenate([a for a in inputs if a is not None], axis=attrs["axis"])


def _unsqueeze(inputs: Inputs, attrs: Mapping[str, Any]) -> Array:
    axes = attrs["axes"] if "axes" in attrs else np.asarray(inputs[1]).reshape(-1).tolist()
    assert inputs[0] is not None
    return np.expand_dims(inputs[0], tuple(axes))


def _constant_of_shape(inputs: Inputs, attrs: Mapping[str, Any]) -> Array:
    """One number seen many times: weights of a GB that are all alike take no memory."""
    from onnx.numpy_helper import to_array

    value = to_array(attrs["value"]).reshape(()) if "value" in attrs else np.float32(0)
    return np.broadcast_to(value, tuple(np.asarray(inputs[0]).tolist()))


def _expand(inputs: Inputs, attrs: Mapping[str, Any]) -> Array:
    data, shape = inputs
    assert data is not None
    wanted = np.broadcast_shapes(data.shape, tuple(np.asarray(shape).tolist()))
    return np.broadcast_to(data, wanted)


def _of_whole_numbers(function: Callable[[Array, Array], Any]) -> Quick:
    """Arithmetic of sizes; other element types follow the reference."""

    def quick(inputs: Inputs, attrs: Mapping[str, Any]) -> Array | None:
        a, b = inputs
        assert a is not None
        assert b is not None
        return np.asarray(function(a, b)) if a.dtype == b.dtype == np.int64 else None

    return quick


QUICK: dict[str, Quick] = {
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Add": _of_whole_numbers(np.add),
    "Sub": _of_whole_numbers(np.subtract),
    "Mul": _of_whole_numbers(np.multiply),
    "Identity": lambda inputs, attrs: inputs[0],
}
"""What shape arithmetic consists of, without the model that the reference implementation needs for each node."""
