"""Shapes and element types of what nodes make, as onnx infers them or the file declares them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.errors import ModelError
from netwright.graph import Shape
from netwright.io._from_onnx._step import Step, shape_of
from netwright.io._from_onnx._values import Known, Value, dtype_of
from netwright.io._from_onnx._weights import DTYPES

if TYPE_CHECKING:
    import onnx

__all__ = ["Types", "check_attributes", "schema_of", "type_proto"]

Found = list[tuple[Shape, str]]

MOST_SIZES = 1024
"""Vectors up to so many numbers are told to the inference, since shapes may depend on them."""


def schema_of(step: Step) -> Any:
    """What onnx knows of an operator; None where it knows nothing."""
    return _schema(step.op, step.opset, step.domain)


@lru_cache(maxsize=1024)
def _schema(op: str, opset: int, domain: str) -> Any:
    from onnx import defs

    try:
        return defs.get_schema(op, opset, domain)
    except defs.SchemaError:
        return None


@lru_cache(maxsize=1024)
def _attribute_types(op: str, opset: int, domain: str) -> dict[str, tuple[int, bool]]:
    """Type of each attribute of an operator, and whether it must be there."""
    schema = _schema(op, opset, domain)
    stated = {} if schema is None else schema.attributes
    return {name: (int(a.type.value), bool(a.required)) for name, a in stated.items()}


def check_attributes(step: Step) -> None:
    """Raise ModelError when an attribute is missing or not of the type that the standard states."""
    stated = _attribute_types(step.op, step.opset, step.domain)
    for attribute in step.node.attribute:
        kind, _ = stated.get(attribute.name, (attribute.type, False))
        if kind != attribute.type:
            raise ModelError(f"attributes must be of their type, but {attribute.name} of {step.label} is not.")
    missing = [name for name, (_, required) in stated.items() if required and name not in step.attrs]
    if missing:
        raise ModelError(f"{step.label} must have the attribute {missing[0]}, but has not.")


def type_proto(value: Value) -> onnx.TypeProto:
    """Type of a value in the form of onnx."""
    from onnx import helper

    number = next(number for number, dtype in DTYPES.items() if dtype == dtype_of(value))
    return helper.make_tensor_type_proto(number, shape_of(value))


class Types:
    """Types of nodes without counterpart; looked up only when there is one.

    sizes: size of each dimension that the file names.
    """

    def __init__(self, graph: onnx.GraphProto, sizes: Mapping[str, int]) -> None:
        self._graph = graph
        self._sizes = sizes

    def of(self, step: Step) -> Found | None:
        """Type of each output that has a name; None where one is not known."""
        return self._whole(step, {**self._declared, **self._found(step)})

    def fits(self, step: Step) -> bool:
        """Whether the inference of onnx accepts the inputs of a node."""
        return bool(self._found(step))

    def _whole(self, step: Step, known: Mapping[str, onnx.TypeProto]) -> Found | None:
        types = [self._type(known.get(name)) for name in step.node.output if name]
        whole = [found for found in types if found is not None]
        return whole if len(whole) == len(types) else None

    def _type(self, proto: onnx.TypeProto | None) -> tuple[Shape, str] | None:
        tensor = None if proto is None else proto.tensor_type
        if tensor is None or tensor.elem_type not in DTYPES or not tensor.HasField("shape"):
            return None
        sizes = tuple(d.dim_value or self._sizes.get(d.dim_param, 0) for d in tensor.shape.dim)
        return (sizes, DTYPES[tensor.elem_type]) if all(size > 0 for size in sizes) else None

    @cached_property
    def _declared(self) -> dict[str, onnx.TypeProto]:
        return {info.name: info.type for info in (*self._graph.value_info, *self._graph.output)}

    def _found(self, step: Step) -> dict[str, onnx.TypeProto]:
        from onnx import checker, helper, numpy_helper, shape_inference

        schema = schema_of(step)
        given = {name: v for name, v in zip(step.node.input, step.inputs, strict=True) if v is not None}
        if schema is None or any(dtype_of(v) not in DTYPES.values() for v in given.values()):
            return {}
        data = {
            name: numpy_helper.from_array(np.ascontiguousarray(v.array).reshape(v.shape), name)
            for name, v in given.items()
            if isinstance(v, Known) and len(v.shape) <= 1 and v.source.size <= MOST_SIZES
        }
        types = {name: type_proto(v) for name, v in given.items()}
        opsets = [helper.make_opsetid(domain, version) for domain, version in step.context.opsets.items()]
        try:
            return dict(shape_inference.infer_node_outputs(schema, step.node, types, data, opset_imports=opsets))
        except (shape_inference.InferenceError, checker.ValidationError, ValueError, RuntimeError):
            return {}
