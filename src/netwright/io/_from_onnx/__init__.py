"""ONNX in: a model file as a graph, with its weights mapped and everything that cannot be taken in named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright._optional import require
from netwright.errors import ModelError, UnsupportedError
from netwright.graph import Graph, Input
from netwright.io._free_batch import free_batch
from netwright.io._from_onnx._dims import Declared, bound_dims, bound_inputs, declared_inputs

if TYPE_CHECKING:
    import onnx

    from netwright.io._from_onnx._build import Builder
    from netwright.io._from_onnx._read import Model
    from netwright.io._from_onnx._values import Known

__all__ = ["from_onnx", "onnx_dims"]


def from_onnx(
    source: str | Path | onnx.ModelProto,
    *,
    dims: Mapping[str, int] | None = None,
    constants: Mapping[str, Any] | None = None,
    strict: bool = True,
) -> Graph:
    """Graph of an ONNX model, with its weights, for any batch size where the model allows it.

    >>> from netwright.graph import image, ops
    >>> from netwright.io import to_onnx
    >>> x = image(3, 8, 8)
    >>> from_onnx(to_onnx(Graph([x], [ops.relu(x)])))
    <Graph 1x3x8x8 -> 1x3x8x8, 1 nodes, 0 parameters>

    The weights are views of the file, which must stay as it is; only what is used is read. What depends on nothing
    but shapes is worked out, the branch that is taken stands for an If, and the nodes of a function for its call.
    Nothing in the file is run.

    source: path of a model of operator set 9 or later and IR version 3 or later, or a model in memory.
    dims: size of each dynamic dimension, by its name, or by input and axis, as in `{"height": 224, "x:2": 224}`. The
        first dimension of the first input, and all others of its name, are the batch and need none.
    constants: value for each input that is no data but a setting, such as `{"sr": 16000}`; it is an input no more.
    strict: whether a node without counterpart is an error; if not, it becomes a `graph.Opaque` node with its shapes.

    Raises ModelError when the model cannot be read, contradicts itself, or has an unbound dimension, and
    UnsupportedError that lists every node without counterpart.
    """
    require("onnx", extra="onnx")
    from netwright.io._from_onnx._read import read

    return _graph(read(source), dims or {}, constants or {}, strict)


def onnx_dims(source: str | Path | onnx.ModelProto, text: str) -> dict[str, int]:
    """The `dims` that give the inputs of a model the shapes in a text.

    >>> from netwright.graph import image, ops
    >>> from netwright.io import to_onnx
    >>> x = image(3, 8, 8)
    >>> onnx_dims(to_onnx(Graph([x], [ops.relu(x)])), "1x3x8x8")
    {'input:1': 3, 'input:2': 8, 'input:3': 8}

    text: `1x3x224x224` or `3x224x224` for the first input, `name=1x3x224x224` for any, several with commas.

    Raises ModelError when the text is no shape, or not one that the input can have.
    """
    require("onnx", extra="onnx")
    from netwright.io._from_onnx._read import read

    return bound_dims(declared_inputs(read(source).proto.graph), text)


def _graph(model: Model, dims: Mapping[str, int], constants: Mapping[str, Any], strict: bool) -> Graph:
    from netwright.io._from_onnx._build import Builder
    from netwright.io._from_onnx._leaves import Leaves
    from netwright.io._from_onnx._names import Names
    from netwright.io._from_onnx._step import Context
    from netwright.io._from_onnx._types import Types
    from netwright.io._from_onnx._values import Env, Made

    proto = model.proto.graph
    declared = declared_inputs(proto)
    settings = _settings(declared, constants)
    inputs = bound_inputs([entry for entry in declared if entry.name not in settings], dims)
    functions = {(f.domain, f.name): f for f in model.proto.functions}
    builder = Builder(model.files, Leaves(Names(_paths(proto))), functions, Types(proto, _sizes(declared, inputs)))
    env: Env = Env()
    env.update({t.name: builder.store(t, t.name) for t in proto.initializer})
    env.update({t.name: Made(t) for t in inputs})
    env.update(settings)
    builder.run(proto.node, [o.name for o in proto.output], env, Context(model.opsets))
    if builder.missing and strict:
        raise UnsupportedError(builder.missing)
    return _finished(builder, inputs, [env[o.name] for o in proto.output])


def _finished(builder: Builder, inputs: list[Input], results: list[Any]) -> Graph:
    """The graph with its weights, and for any batch where that can be."""
    from netwright.io._from_onnx._call import Call

    if None in results:
        raise ModelError(
            f"the shape of what an opaque node makes must be known, but not so after {'; '.join(builder.missing)}."
        )
    call = Call("", "", results, {}, [], 0, builder.leaves)
    graph = Graph(inputs, call.tensors())
    weights = {name: _numbers(builder.leaves.parameters[p]) for name, p in graph.parameters.items()}
    return free_batch(graph.with_weights(weights) if weights else graph)


def _numbers(known: Known) -> np.ndarray[Any, Any]:
    from netwright.io._from_onnx._weights import Stored

    if isinstance(known.source, Stored):
        known.source.check()
    return known.array


def _settings(declared: list[Declared], constants: Mapping[str, Any]) -> dict[str, Known]:
    """Inputs that are bound to a value.

    Raises ModelError for a name that is no input and a value that has not the input's shape.
    """
    from netwright.io._from_onnx._values import Known

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


def _sizes(declared: list[Declared], inputs: list[Input]) -> dict[str, int]:
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
    from netwright.io._from_onnx._names import node_path, parameter_path

    yield from (node_path(node.name) for node in graph.node)
    yield from (parameter_path(tensor.name)[:-1] for tensor in graph.initializer)
