"""ONNX in: a model file as a graph, with its weights mapped and everything that cannot be taken in named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._optional import require
from netwright.graph import Graph
from netwright.graph import recognise as recognised
from netwright.io._from_onnx._assemble import assembled
from netwright.io._from_onnx._dims import bound_dims, declared_inputs
from netwright.io._from_onnx._read import read

if TYPE_CHECKING:
    import onnx

__all__ = ["from_onnx", "onnx_dims"]


def from_onnx(
    source: str | Path | onnx.ModelProto,
    *,
    dims: Mapping[str, int] | None = None,
    constants: Mapping[str, Any] | None = None,
    strict: bool = True,
    recognise: bool = True,
) -> Graph:
    """Graph of an ONNX model, with its weights, for any batch size where the model allows it.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.io import to_onnx
    >>> x = image(3, 8, 8)
    >>> from_onnx(to_onnx(Graph([x], [ops.relu(x)])))
    <Graph 1x3x8x8 -> 1x3x8x8, 1 node, 0 parameters>

    The weights are views of the file, which must stay as it is; only what is used is read. What depends on nothing
    but shapes is worked out, the branch that is taken stands for an If, and the nodes of a function for its call.
    Nothing in the file is run. The batch is free where the file has the same nodes with two rows; one that computes
    with its batch size, as in dividing by it, has inputs with `batch_axis` None.

    source: path of a model of operator set 9 or later and IR version 3 or later, or a model in memory.
    dims: size of each dynamic dimension, by its name, or by input and axis, as in `{"height": 224, "x:2": 224}`. The
        first dimension of the first input, and all others of its name, are the batch and need none.
    constants: value for each input that is no data but a setting, such as `{"sr": 16000}`; it is an input no more.
    strict: whether a node without counterpart is an error; if not, it becomes a `graph.Opaque` node with its shapes.
    recognise: whether what the file writes out becomes one operator, as in `graph.recognise`.

    Raises ModelError when the model cannot be read, contradicts itself, or has an unbound dimension, and
    UnsupportedError that lists every node without counterpart.
    """
    require("onnx", extra="onnx")
    graph = assembled(read(source), dims or {}, constants or {}, strict)
    return recognised(graph) if recognise else graph


def onnx_dims(source: str | Path | onnx.ModelProto, text: str) -> dict[str, int]:
    """The `dims` that give the inputs of a model the shapes in a text.

    >>> from netwright.graph import Graph, image, ops
    >>> from netwright.io import to_onnx
    >>> x = image(3, 8, 8)
    >>> onnx_dims(to_onnx(Graph([x], [ops.relu(x)])), "1x3x8x8")
    {'input:1': 3, 'input:2': 8, 'input:3': 8}

    text: `1x3x224x224` or `3x224x224` for the first input, `name=1x3x224x224` for any, several with commas.

    Raises ModelError when the text is no shape, or not one that the input can have.
    """
    require("onnx", extra="onnx")
    return bound_dims(declared_inputs(read(source).proto.graph), text)
