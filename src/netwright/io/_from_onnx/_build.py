"""The graph of a model, built node by node, so that every shape follows from our own rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.errors import GraphError, ModelError, ShapeError
from netwright.graph import Opaque, Tensor, scope
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._fold import folded
from netwright.io._from_onnx._functions import default_attributes, function_body, has_function_body, without
from netwright.io._from_onnx._leaves import Leaves
from netwright.io._from_onnx._names import node_path
from netwright.io._from_onnx._order import ordered, read_names
from netwright.io._from_onnx._special import SPECIAL
from netwright.io._from_onnx._step import Context, Step, plain_attributes, versions
from netwright.io._from_onnx._table import CONVERTERS
from netwright.io._from_onnx._types import Types, check_attributes
from netwright.io._from_onnx._values import Array, Env, Known, Made, NoCounterpart, Value, dtype_of
from netwright.io._from_onnx._weights import DTYPES, Files, Stored

if TYPE_CHECKING:
    import onnx

__all__ = ["Builder"]

Values = Sequence[Value | None]
Functions = Mapping[tuple[str, str], "onnx.FunctionProto"]

NARROWER = (
    "Attention", "AveragePool", "Einsum", "Expand", "GridSample", "LpPool", "MaxPool", "Reshape", "Slice", "Split",
)  # fmt: skip
"""Operators whose rule here is narrower than that of ONNX, so that a misfit may not be the fault of the model."""

DEEPEST = 100
"""Functions within functions; more means that one calls itself."""


class Builder:
    """Builds the values of one model; nodes without counterpart are collected and become opaque ones."""

    def __init__(self, files: Files, leaves: Leaves, functions: Functions, types: Types) -> None:
        self.files = files
        self.leaves = leaves
        self.functions = functions
        self.types = types
        self.missing: list[str] = []
        self._read: set[str] = set()

    def store(self, proto: onnx.TensorProto, name: str) -> Known:
        """A tensor of the file as a value."""
        stored = Stored(proto, self.files)
        stored.name = name
        return Known(name, stored)

    def run(self, nodes: Sequence[onnx.NodeProto], wanted: Iterable[str], env: Env, context: Context) -> None:
        """Build what the wanted names need."""
        wanted = list(wanted)
        needed = ordered(nodes, wanted, env)
        self._read.update(wanted)
        for node in needed:
            self._read.update(read_names(node))
        for node in needed:
            if any(name and env[name] is None for name in node.input):
                # It reads what an opaque node makes, whose shape nobody knows.
                env.update(dict.fromkeys(node.output))
                continue
            inputs = [env[name] if name else None for name in node.input]
            step = Step(node, inputs, plain_attributes(node.attribute, context.attrs), env, context)
            env.update(dict(zip(node.output, self._guarded(step), strict=False)))

    def _guarded(self, step: Step) -> Values:
        """Outputs of a node under its scope; every way in which it can fail ends here."""
        path = (*step.context.path, *(() if step.context.depth else node_path(step.node.name)))
        with scope(self.leaves.names.scope(path)):
            try:
                return self.results(step)
            except NoCounterpart as reason:
                return self._opaque(step, str(reason))
            except ShapeError as error:
                if step.op not in NARROWER or not self.types.fits(step):
                    raise ModelError(f"the shapes of a model must fit, but not so in {step.on}: {error}") from error
                return self._opaque(step, str(error).rstrip("."))
            except GraphError as error:
                raise ModelError(f"{step.on}: {error}") from error

    def results(self, step: Step) -> Values:
        """Outputs of a node: worked out, replaced by the nodes it stands for, or converted."""
        check_attributes(step)
        special = None if step.domain else SPECIAL.get(step.op)
        gone = None if special is None else special(self, step)
        if gone is not None:
            return gone
        if (step.domain, step.op) in self.functions:
            return self._called(self.functions[step.domain, step.op], step)
        if not step.domain and step.is_setting:
            made = folded(step.node, step.arrays(), step.attrs, step.opset)
            return [Known(name, array) for name, array in zip(step.node.output, made, strict=True)]
        convert = CONVERTERS.get(f"{step.domain}::{step.op}" if step.domain else step.op)
        if convert is not None:
            try:
                return self._converted(convert, step)
            except NoCounterpart:
                if not has_function_body(step):
                    raise
        body = function_body(step)
        if body is None:
            raise NoCounterpart("")
        return self._called(body, replace(step, attrs=default_attributes(step) | dict(step.attrs)))

    def _converted(self, convert: Callable[[Call], Any], step: Step) -> Values:
        """Results of a converter as values, with the way to work them out where only weights went in."""
        call = self._call(step)
        result = convert(call)
        # Later operator sets add attributes that change what a node does.
        call.refuse(bool(call.attrs.ignored()), f"its attribute {', '.join(call.attrs.ignored())} is not known")
        made = list(result) if isinstance(result, (tuple, list)) else [result]
        return [self._value(step, i, one) for i, one in enumerate(made[: len(step.node.output)])]

    def _value(self, step: Step, index: int, result: Any) -> Value | None:
        def fold() -> Array:
            return folded(step.node, step.arrays(), step.attrs, step.opset)[index]

        if isinstance(result, Tensor):
            return Made(result, fold if step.is_known and not step.domain else None)
        return None if result is None else Known(step.node.output[index], np.asarray(result))

    def _call(self, step: Step) -> Call:
        read = [name in self._read for name in step.node.output]
        return Call(step.op, step.node.name, step.inputs, step.attrs, read, step.opset, self.leaves)

    def _called(self, function: onnx.FunctionProto, step: Step) -> Values:
        """The nodes of a function in place of its call."""
        context = step.context
        if context.depth == DEEPEST:
            raise ModelError(f"a function must not call itself, but {function.name!r} does.")
        given = dict(zip(function.input, step.inputs, strict=False))
        absent = {name for name in function.input if given.get(name) is None}
        env: Env = Env({name: value for name, value in given.items() if value is not None})
        attrs = plain_attributes(function.attribute_proto, {}) | dict(step.attrs)
        path = context.path if context.depth else (*context.path, *node_path(step.node.name))
        inner = Context({**context.opsets, **versions(function.opset_import)}, attrs, path, context.depth + 1)
        wanted = [name for name, out in zip(function.output, step.node.output, strict=False) if out]
        self.run([without(node, absent) for node in function.node], wanted, env, inner)
        return [env.get(name) for name in function.output]

    def branch(self, graph: onnx.GraphProto, step: Step) -> Values:
        """Outputs of a subgraph, which sees the values around it."""
        env = step.env.new_child()
        env.update({t.name: self.store(t, t.name) for t in graph.initializer})
        self.run(graph.node, [o.name for o in graph.output], env, step.context)
        return [env[o.name] for o in graph.output]

    def _opaque(self, step: Step, reason: str) -> Values:
        """An opaque node in the place of one without counterpart; None where not even onnx knows the shapes."""
        self.missing.append(step.on + (f" ({reason})" if reason else ""))
        types = self.types.of(step)
        if types is None:
            return [None] * len(step.node.output)
        call = self._call(step)
        known = [v is not None and dtype_of(v) in DTYPES.values() for v in step.inputs]
        inputs = [call.tensor(i) if there else None for i, there in enumerate(known)]
        made = Opaque(f"{step.domain or 'ai.onnx'}::{step.op}", types)(*inputs)
        results = iter(made if isinstance(made, tuple) else (made,))
        return [Made(next(results)) if name else None for name in step.node.output]
