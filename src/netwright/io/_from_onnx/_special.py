"""Operators that are gone once the model is read: constants, questions about shapes, and branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from netwright.graph import Input, Tensor
from netwright.io._from_onnx._step import Step, numbers, shape_of
from netwright.io._from_onnx._values import Known, Made, NoCounterpart, Value, dtype_of

if TYPE_CHECKING:
    from netwright.io._from_onnx._build import Builder

__all__ = ["SPECIAL"]

Values = Sequence[Value | None]

NUMBERS = {"value_float": "float32", "value_floats": "float32", "value_int": "int64", "value_ints": "int64"}


def _constant(builder: Builder, step: Step) -> Values:
    name = step.node.output[0]
    if "value" in step.attrs:
        return [builder.store(step.attrs["value"], name)]
    kind = next(iter(step.attrs), "value")
    if kind not in NUMBERS:
        raise NoCounterpart(f"a constant must be dense numbers, but it is a {kind}")
    return [Known(name, np.asarray(step.attrs[kind], NUMBERS[kind]))]


def _present(step: Step) -> Value:
    value = step.inputs[0] if step.inputs else None
    if value is None:
        raise NoCounterpart("its input is missing")
    return value


def _identity(builder: Builder, step: Step) -> Values | None:
    """Another name for an array: how PyTorch's exporter writes layers that share one."""
    value = _present(step)
    return [value] if isinstance(value, Known) else None


def _shape(builder: Builder, step: Step) -> Values:
    shape = shape_of(_present(step))
    chosen = shape[step.attrs.get("start", 0) : step.attrs.get("end")]
    return [Known(step.node.output[0], np.asarray(chosen, np.int64))]


def _size(builder: Builder, step: Step) -> Values:
    return [Known(step.node.output[0], np.asarray(prod(shape_of(_present(step))), np.int64))]


def _if(builder: Builder, step: Step) -> Values:
    """The branch that is taken, in place of the node."""
    condition = _present(step)
    if isinstance(condition, Made) and condition.fold is None:
        scalars = ", ".join(f'"{t.name}": VALUE' for t in _sources(condition.tensor) if t.size == 1)
        advice = f"; an input that decides can be given: constants={{{scalars}}}" if scalars else ""
        raise NoCounterpart(f"its condition must be known when the model is read{advice}")
    taken = bool(numbers(condition).reshape(-1)[0])
    return builder.branch(step.attrs["then_branch" if taken else "else_branch"], step)


def _sources(tensor: Tensor) -> Iterator[Input]:
    """Inputs on which a tensor depends."""
    seen: set[Tensor] = set()
    pending = [tensor]
    while pending:
        tensor = pending.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        if isinstance(tensor, Input):
            yield tensor
        if tensor.node is not None:
            pending += [t for t in tensor.node.inputs if t is not None]


def _cast_like(builder: Builder, step: Step) -> Values:
    """A cast to the element type that the second input has."""
    from onnx import NodeProto, helper

    like = step.inputs[1]
    assert like is not None
    to = int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype_of(like))))
    cast = NodeProto(op_type="Cast", name=step.node.name, input=step.node.input[:1], output=step.node.output)
    cast.attribute.append(helper.make_attribute("to", to))
    return builder.results(Step(cast, step.inputs[:1], {"to": to}, step.env, step.context))


SPECIAL: dict[str, Callable[[Builder, Step], Values | None]] = {
    "Constant": _constant,
    "Identity": _identity,
    "Shape": _shape,
    "Size": _size,
    "If": _if,
    "CastLike": _cast_like,
}
"""Each returns its outputs, or None for a node that is to be treated as any other."""
