"""A node on its way into the graph: what it reads, its attributes as plain values, and what it stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.errors import ModelError
from netwright.graph import Shape
from netwright.io._from_onnx._values import Array, Env, Known, Made, Value

if TYPE_CHECKING:
    import onnx

__all__ = ["Context", "Step", "plain_attributes", "versions"]


@dataclass(frozen=True)
class Context:
    """What a list of nodes stands in.

    opsets: version of each operator set, by domain.
    attrs: in a function, the attributes of its call.
    path: modules around; the names of the nodes of a function say nothing about them.
    depth: number of functions around.
    """

    opsets: Mapping[str, int]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Step:
    """One node with the values that it reads; no input is left out of `inputs` but those that are optional."""

    node: onnx.NodeProto
    inputs: Sequence[Value | None]
    attrs: Mapping[str, Any]
    env: Env
    context: Context

    @property
    def op(self) -> str:
        """Its operator, without the domain."""
        return str(self.node.op_type)

    @property
    def domain(self) -> str:
        """Domain of its operator; the standard one is empty."""
        return "" if self.node.domain == "ai.onnx" else str(self.node.domain)

    @property
    def opset(self) -> int:
        """Version of its operator set."""
        return self.context.opsets.get(self.domain, 0)

    @property
    def label(self) -> str:
        """Operator and name, for messages; a node without a name goes by its first output."""
        op = f"{self.domain}::{self.op}" if self.domain else self.op
        return f"{op} {self.node.name or next(iter(self.node.output), '')!r}"

    @property
    def on(self) -> str:
        """Label and input shapes, for messages."""
        shapes = [shape_of(v) for v in self.inputs if v is not None]
        return f"{self.label} on {', '.join('x'.join(map(str, s)) or 'scalar' for s in shapes) or 'nothing'}"

    @property
    def is_known(self) -> bool:
        """Whether its outputs can be worked out while the model is read."""
        return all(v is None or isinstance(v, Known) or v.fold is not None for v in self.inputs)

    @property
    def is_setting(self) -> bool:
        """Whether it computes with nothing but sizes and settings, so that it is gone once it is worked out."""
        return bool(self.inputs) and all(v is None or (isinstance(v, Known) and not v.is_weight) for v in self.inputs)

    def arrays(self) -> list[Array | None]:
        """Numbers of its inputs, which must be known."""
        return [None if v is None else numbers(v) for v in self.inputs]


def shape_of(value: Value) -> Shape:
    """Shape of a value."""
    return value.shape if isinstance(value, Known) else value.tensor.shape


def numbers(value: Value) -> Array:
    """Numbers of a value that is known."""
    if isinstance(value, Made):
        assert value.fold is not None
        return value.fold()
    return np.asarray(value.array)


def versions(imports: Sequence[onnx.OperatorSetIdProto]) -> dict[str, int]:
    """Version of each operator set, by domain."""
    return {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in imports}


def plain_attributes(attributes: Sequence[onnx.AttributeProto], around: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as plain values; one that names an attribute of the function around it is looked up there."""
    attrs = {}
    for attribute in attributes:
        if not attribute.ref_attr_name:
            attrs[attribute.name] = _plain(attribute)
        elif attribute.ref_attr_name in around:
            attrs[attribute.name] = around[attribute.ref_attr_name]
    return attrs


def _plain(attribute: onnx.AttributeProto) -> Any:
    from onnx import AttributeProto, helper

    if attribute.type == AttributeProto.UNDEFINED:
        raise ModelError(f"attributes must have a type, but {attribute.name!r} has none.")
    value = helper.get_attribute_value(attribute)
    if attribute.type == AttributeProto.STRING:
        return value.decode(errors="replace")
    if attribute.type == AttributeProto.STRINGS:
        return tuple(text.decode(errors="replace") for text in value)
    return tuple(value) if attribute.type in (AttributeProto.FLOATS, AttributeProto.INTS) else value
