"""Operators that the ONNX standard defines by others: the function that stands for a node."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any

from netwright.io._from_onnx._step import Step, plain_attributes
from netwright.io._from_onnx._types import schema_of, type_proto

if TYPE_CHECKING:
    import onnx

__all__ = ["default_attributes", "function_body", "has_function_body", "without"]


def has_function_body(step: Step) -> bool:
    """Whether the standard defines the operator of a node by others."""
    schema = schema_of(step)
    return schema is not None and bool(schema.has_function or schema.has_context_dependent_function)


def function_body(step: Step) -> onnx.FunctionProto | None:
    """The function by which the standard defines a node; None where it has none for this operator set."""
    from onnx import FunctionProto

    schema = schema_of(step)
    text = None if schema is None else _written(schema, step)
    if not text:
        return None
    found = FunctionProto()
    found.ParseFromString(text)
    return found if found.node else None


def default_attributes(step: Step) -> dict[str, Any]:
    """Attributes that the standard gives a node which does not state them."""
    schema = schema_of(step)
    stated = [] if schema is None else [attribute.default_value for attribute in schema.attributes.values()]
    return plain_attributes([proto for proto in stated if proto.name], {})


def _written(schema: Any, step: Step) -> bytes | None:
    """The function in the latest form that is not newer than the operator set."""
    depends = schema.has_context_dependent_function
    known = schema.context_dependent_function_opset_versions if depends else schema.function_opset_versions
    fitting = [version for version in known if version <= step.opset]
    if not fitting:
        return None
    if not depends:
        found = schema.get_function_with_opset_version(max(fitting))
        return found if isinstance(found, bytes) else None if found is None else bytes(found.SerializeToString())
    types = [type_proto(v).SerializeToString() for v in step.inputs if v is not None]
    node = step.node.SerializeToString()
    return bytes(schema.get_context_dependent_function_with_opset_version(max(fitting), node, types))


def without(node: onnx.NodeProto, absent: Set[str]) -> onnx.NodeProto:
    """A node of a function that does not read the inputs which the call leaves out."""
    from onnx import NodeProto

    if not set(node.input) & absent:
        return node
    changed = NodeProto()
    changed.CopyFrom(node)
    changed.input[:] = ["" if name in absent else name for name in node.input]
    return changed
