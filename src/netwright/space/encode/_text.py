"""A network as text, one line per node, for predictors that read language.

After "ONNX-Net: towards universal representations and instant performance prediction for neural architectures":
operator, attributes, inputs and output shape of every node, alike in all search spaces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from netwright.graph import Constant, Graph, Node, Parameter, Tensor

__all__ = ["text"]

_USUAL: dict[str, set[str]] = {
    "strides": {"1"}, "dilations": {"1"}, "group": {"1"}, "pads": {"0"}, "output_padding": {"0"}, "ceil_mode": {"0"},
    "transB": {"1"}, "is_causal": {"0"}, "approximate": {"none"}, "mode": {"constant", "nearest"}, "value": {"0"},
}  # fmt: skip
_NUMERICAL = {"epsilon", "momentum"}
_WINDOW = {"kernel_shape", "strides", "dilations", "pads", "output_padding"}
_SHORT = {"kernel_shape": "kernel", "strides": "stride", "dilations": "dilation", "is_causal": "causal"}
_OWN_WEIGHTS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "PRelu"}


def text(graph: Graph) -> str:
    """One line per input, node and output: number, operator, lines it reads, attributes, shape of what it makes.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> print(text(Graph([x], [conv(x, 16, stride=2)])))
    0 Input -> 3x32x32
    1 Conv(0) kernel=3 pads=1 stride=2 -> 16x16x16
    2 BatchNormalization(1) -> 16x16x16
    3 Relu(2) -> 16x16x16
    4 Output(3)

    Shapes are without the batch. Attributes at their usual value are left out; sizes of a window that are equal along
    all axes are written once. A weight that an earlier node has too is written `weights of LINE`, a learned operand
    of an operator without weights of its own by its shape, and a scalar by its value. The text depends on the network
    alone, not on names or scopes.
    """
    return "\n".join(_lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    line: dict[Tensor, str] = {}
    owner: dict[Parameter, int] = {}
    for number, source in enumerate(graph.inputs):
        line[source] = str(number)
        kind = "" if source.dtype == "float32" else f" {source.dtype}"
        yield f"{number} Input{kind} -> {_shape(source)}"
    for number, node in enumerate(graph.nodes, start=len(graph.inputs)):
        reads = ", ".join(_operands(node, line))
        words = [f"{number} {node.op.name}({reads})", *_attributes(node), *_sharing(node, number, owner)]
        line.update((t, f"{number}.{t.index}" if len(node.outputs) > 1 else str(number)) for t in node.outputs)
        yield f"{' '.join(words)} -> {', '.join(map(_shape, node.outputs))}"
    for number, output in enumerate(graph.outputs, start=len(graph.inputs) + len(graph.nodes)):
        yield f"{number} Output({line.get(output, _leaf(output))})"


def _operands(node: Node, line: dict[Tensor, str]) -> Iterator[str]:
    implied = node.op.name in _OWN_WEIGHTS or node.op.name.endswith("Normalization")
    for position, tensor in enumerate(node.inputs):
        if tensor is None:
            continue
        if tensor in line:
            yield line[tensor]
        elif not implied or position == 0 or isinstance(tensor, Constant):
            yield _leaf(tensor)


def _leaf(tensor: Tensor) -> str:
    if isinstance(tensor, Constant) and tensor.size == 1:
        return f"{tensor.value.item():.6g}"
    sizes = "x".join(map(str, tensor.shape)) or "scalar"
    return f"{'learned' if isinstance(tensor, Parameter) else 'constant'} {sizes}"


def _sharing(node: Node, number: int, owner: dict[Parameter, int]) -> Iterator[str]:
    first = {owner.setdefault(t, number) for t in node.inputs if isinstance(t, Parameter)}
    for earlier in sorted(first - {number}):
        yield f"weights of {earlier}"


def _attributes(node: Node) -> Iterator[str]:
    if node.op.name in _OWN_WEIGHTS and _has_bias(node):
        yield "bias"
    for key, value in sorted(node.attrs.items()):
        written = _compact(value, once=key in _WINDOW)
        if value is None or key in _NUMERICAL or written in _USUAL.get(key, ()) or _is_own_scale(node, key, value):
            continue
        yield f"{_SHORT.get(key, key)}={written}"


def _is_own_scale(node: Node, key: str, value: Any) -> bool:
    """Whether this is the scale that attention has unless told otherwise."""
    query = node.inputs[0]
    return key == "scale" and query is not None and math.isclose(value, query.shape[-1] ** -0.5)


def _has_bias(node: Node) -> bool:
    return len(node.inputs) > 2 and node.inputs[2] is not None


def _compact(value: Any, *, once: bool = False) -> str:
    """Value without spaces; with `once`, equal numbers along all axes as one."""
    if isinstance(value, (tuple, list)):
        parts = [_compact(part) for part in value]
        return parts[0] if once and len(set(parts)) == 1 else ",".join(parts)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _shape(tensor: Tensor) -> str:
    sizes = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
    return "x".join(map(str, sizes)) or "scalar"
