"""A model from a file, with all that can be wrong with one said in a sentence."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.errors import ModelError
from netwright.io._from_onnx._step import versions
from netwright.io._from_onnx._weights import Files
from netwright.io._from_onnx._wire import skeleton

if TYPE_CHECKING:
    import onnx

__all__ = ["OLDEST_OPSET", "Model", "read"]

OLDEST_OPSET = 9
OLDEST_IR = 3


@dataclass(frozen=True)
class Model:
    """A model with the versions of its operator sets by domain, and the files that hold its tensors."""

    proto: onnx.ModelProto
    files: Files
    opsets: dict[str, int]


def read(source: str | Path | onnx.ModelProto) -> Model:
    """Read and check a model; nothing in it is run.

    Raises ModelError when the file cannot be read, is no ONNX model, or is of a version that is not known.
    """
    from onnx import ModelProto

    if isinstance(source, ModelProto):
        proto, files = source, Files(None)
    else:
        path = Path(source)
        proto, files = _parsed(path), Files(path)
    return Model(proto, files, _checked(proto))


def _parsed(path: Path) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    model = ModelProto()

    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise ModelError(f"a model file must hold a model, but {path} is empty.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                model.ParseFromString(skeleton(data))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except OSError as error:
        raise ModelError(f"a model file must be readable, but {path}: {error.strerror}.") from error
    except DecodeError as error:
        raise ModelError(f"a model file must be in the binary format of ONNX, but {path} cannot be read.") from error
    return model


def _checked(proto: onnx.ModelProto) -> dict[str, int]:
    """Versions of the operator sets, by domain."""
    from onnx.defs import onnx_opset_version

    if not proto.HasField("graph") or not proto.graph.output:
        raise ModelError("a model must have a graph with outputs, but this one has none.")
    if proto.ir_version < OLDEST_IR:
        raise ModelError(f"the IR version must be {OLDEST_IR} or later, but got {proto.ir_version}.")
    opsets = versions(proto.opset_import)
    newest = onnx_opset_version()
    if "" in opsets and not OLDEST_OPSET <= opsets[""] <= newest:
        raise ModelError(f"the operator set must be of version {OLDEST_OPSET}..{newest}, but got {opsets['']}.")
    if not opsets:
        raise ModelError("a model must state its operator sets, but this one states none.")
    _check_text(proto.graph)
    for function in proto.functions:
        _check_nodes(function.node)
    _check_names(proto.graph)
    return opsets


def _check_text(graph: onnx.GraphProto) -> None:
    """Names must be text: the reader passes bytes that are none through as they are."""
    sizes = [d.dim_param for info in graph.input for d in info.type.tensor_type.shape.dim]
    infos = [info.name for info in (*graph.input, *graph.output, *graph.initializer, *graph.value_info)]
    places = [text for t in graph.initializer for entry in t.external_data for text in (entry.key, entry.value)]
    _check_strings([*sizes, *infos, *places])
    _check_nodes(graph.node)


def _check_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        _check_strings([node.name, node.op_type, node.domain, *node.input, *node.output])
        for attribute in node.attribute:
            _check_strings([attribute.name, attribute.ref_attr_name])
            if attribute.HasField("g"):
                _check_text(attribute.g)


def _check_strings(texts: Iterable[str | bytes]) -> None:
    wrong = next((text for text in texts if not isinstance(text, str)), None)
    if wrong is not None:
        raise ModelError(f"names must be text, but one is {wrong!r}.")


def _check_names(graph: onnx.GraphProto) -> None:
    """Every value must be made once."""
    weights = {tensor.name for tensor in graph.initializer}
    made = [t.name for t in graph.input if t.name not in weights]
    made += [t.name for t in graph.initializer]
    made += [name for node in graph.node for name in node.output if name]
    seen: set[str] = set()
    for name in made:
        if name in seen:
            raise ModelError(f"every value must be made once, but {name!r} is made twice.")
        seen.add(name)
    if graph.sparse_initializer:
        raise ModelError(f"weights must be dense, but {graph.sparse_initializer[0].values.name!r} is sparse.")
