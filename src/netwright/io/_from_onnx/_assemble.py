"""From a model that has been read to the finished graph: inputs, nodes, weights, and the batch made free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.errors import ModelError, UnsupportedError
from netwright.graph import Graph, Input, Shape, Tensor
from netwright.io._free_batch import free_batch
from netwright.io._from_onnx._build import Builder
from netwright.io._from_onnx._call import Call
from netwright.io._from_onnx._dims import Declared, bound_inputs, declared_inputs
from netwright.io._from_onnx._leaves import Leaves
from netwright.io._from_onnx._names import Names, node_path, parameter_path
from netwright.io._from_onnx._read import Model
from netwright.io._from_onnx._step import Context
from netwright.io._from_onnx._types import Types
from netwright.io._from_onnx._values import Array, Env, Known, Made, Value
from netwright.io._from_onnx._weights import Stored
from netwright.io._two_rows import same_steps

if TYPE_CHECKING:
    import onnx

__all__ = ["assembled"]


def assembled(model: Model, dims: Mapping[str, int], constants: Mapping[str, Any], strict: bool) -> Graph:
    """Graph of a model that has been read; `from_onnx` says what the arguments are."""
    declared = declared_inputs(model.proto.graph)
    settings = _settings(declared, constants)
    declared = [entry for entry in declared if entry.name not in settings]
    inputs = bound_inputs(declared, dims)
    functions = {(f.domain, f.name): f for f in model.proto.functions}
    leaves = Leaves(Names(_paths(model.proto.graph)))
    builder = Builder(model.files, leaves, functions, Types(model.proto.graph, _sizes(declared, inputs)))
    known: dict[str, Value | None] = {t.name: builder.store(t, t.name) for t in model.proto.graph.initializer}
    results = _results(builder, model, known | settings, inputs)
    if builder.missing and strict:
        raise UnsupportedError(builder.missing)
    graph = _graph(builder, inputs, results)
    weights = {name: _numbers(leaves.parameters[p]) for name, p in graph.parameters.items()}

    def confirmed(freed: Graph, sizes: Mapping[Tensor, Shape]) -> bool:
        """Whether the file says the same for two rows; one that states a batch of 1 says nothing about others."""
        if isinstance(declared[0].sizes[0], int):
            return True
        rows = [Input(t.shape_at(2), t.dtype, t.name, None) for t in inputs]
        again = Builder(model.files, leaves, functions, Types(model.proto.graph, _sizes(declared, rows)))
        twin = _graph(again, rows, _results(again, model, known | settings, rows))
        return same_steps(graph, sizes, twin, lambda parameter: leaves.parameters[parameter].array)

    return free_batch(graph.with_weights(weights) if weights else graph, confirmed)


def _results(
    builder: Builder, model: Model, known: Mapping[str, Value | None], inputs: Sequence[Input]
) -> list[Value | None]:
    """What a model makes of these inputs."""
    env: Env = Env()
    env.update(known)
    env.update({t.name: Made(t) for t in inputs})
    outputs = [o.name for o in model.proto.graph.output]
    builder.run(model.proto.graph.node, outputs, env, Context(model.opsets))
    return [env[name] for name in outputs]


def _graph(builder: Builder, inputs: Sequence[Input], results: Sequence[Value | None]) -> Graph:
    """The graph without weights; raises ModelError where an output depends on an opaque node of unknown shape."""
    if None in results:
        raise ModelError(
            f"the shape of what an opaque node makes must be known, but not so after {'; '.join(builder.missing)}."
        )
    return Graph(inputs, Call("", "", results, {}, [], 0, builder.leaves).tensors())


def _numbers(known: Known) -> Array:
    """Numbers of a parameter; raises ModelError when one is NaN."""
    if isinstance(known.source, Stored):
        known.source.check()
    return known.array


def _settings(declared: list[Declared], constants: Mapping[str, Any]) -> dict[str, Known]:
    """Inputs that are bound to a value.

    Raises ModelError for a name that is no input and a value that has not the input's shape.
    """
    entries = {entry.name: entry for entry in declared}
    found = {}
    for name, value in constants.items():
        if name not in entries:
            known = ", ".join(entries) or "none"
            raise ModelError(f"constants must name inputs, but there is no {name!r}; known: {known}.")
        entry, array = entries[name], np.asarray(value)
        sizes = [size if isinstance(size, int) else None for size in entry.sizes]
        if array.ndim != len(sizes) or any(s not in (None, n) for s, n in zip(sizes, array.shape, strict=True)):
            raise ModelError(f"a constant must have its input's shape, but {name!r} {entry.sizes} got {array.shape}.")
        try:
            found[name] = Known(name, array.astype(entry.dtype))
        except (TypeError, ValueError) as error:
            raise ModelError(f"a constant must be {entry.dtype}, but {name!r} got {value!r}.") from error
    return found


def _sizes(declared: Sequence[Declared], inputs: Sequence[Input]) -> dict[str, int]:
    """Size of each named dimension."""
    shapes = {t.name: t.shape for t in inputs}
    return {
        size: shapes[entry.name][i]
        for entry in declared
        if entry.name in shapes
        for i, size in enumerate(entry.sizes)
        if isinstance(size, str)
    }


def _paths(graph: onnx.GraphProto) -> Iterator[tuple[str, ...]]:
    """Every module path that nodes and weights have, so that no parameter takes the name of a module."""
    yield from (node_path(node.name) for node in graph.node)
    yield from (parameter_path(tensor.name)[:-1] for tensor in graph.initializer)
