"""How a runtime with kernels of 8 bits lays out memory: what it fuses, what it needs besides, what it overwrites."""

from __future__ import annotations

from collections.abc import Mapping, Set
from math import prod

from netwright.cost._memory import VIEWS, Layout
from netwright.graph import Constant, Graph, Node, Parameter, Tensor
from netwright.graph.ops._elementwise import Elementwise, Softmax, Unary

__all__ = ["LINEAR", "by_channel", "fused", "int8_layout", "int8_size", "root", "scratch"]

LINEAR = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operators with weights, whose kernels add a bias and scale the sum before they write it."""
_CLAMPING = LINEAR | {"Add", "Sub", "Mul", "AveragePool", "MaxPool"}
_CLAMPS = frozenset({"Relu", "Clip"})
_SCALES = frozenset({"Add", "Sub", "Mul", "Div"})
_QUANTISATION = frozenset({"QuantizeLinear", "DequantizeLinear"})
_WHOLE_NUMBERS = {"int64": 4, "int32": 4, "int16": 2}


def int8_size(tensor: Tensor) -> int:
    """Bytes of a value: one for each real number, four for each index.

    >>> from netwright.graph import image
    >>> int8_size(image(3, 96, 96))
    27648
    """
    return prod(tensor.shape) * _WHOLE_NUMBERS.get(tensor.dtype, 1)


def fused(graph: Graph) -> frozenset[Node]:
    """Nodes that are done as part of the kernel before them, or that are no work at all.

    Normalisations, biases and scales by channel after a layer with weights become part of its bias and scale; a ReLU
    or ReLU6 after those, a sum, a product or a pool becomes the bounds of its result. Other activations are kernels
    of their own. Quantisation and its reverse only say how values are stored.
    """
    found: set[Node] = set()
    kernel: dict[Node, Node] = {}
    for node in graph.nodes:
        before = _only_source(graph, node)
        first = None if before is None else kernel.get(before, before)
        if first is not None and _joins(node, first):
            found.add(node)
            # What is clamped can no more be scaled by the kernel.
            kernel[node] = node if node.op.name in _CLAMPS else first
        elif node.op.name in VIEWS or node.op.name in _QUANTISATION:
            found.add(node)
    return frozenset(found)


def _only_source(graph: Graph, node: Node) -> Node | None:
    """The node that makes the first input, where nothing else reads that and the shape stays."""
    x = node.inputs[0] if node.inputs else None
    if x is None or x.node is None or x in graph.outputs or len(graph.users[x]) != 1:
        return None
    return x.node if len(x.node.outputs) == len(node.outputs) == 1 and x.shape == node.output.shape else None


def _joins(node: Node, kernel: Node) -> bool:
    name = node.op.name
    if name in _CLAMPS:
        return kernel.op.name in _CLAMPING
    if kernel.op.name not in LINEAR:
        return False
    if name in _SCALES:
        return all(t is not None and by_channel(t, kernel) for t in node.inputs[1:])
    return name == "BatchNormalization"


def by_channel(tensor: Tensor, kernel: Node) -> bool:
    """Whether a fixed value has one number for each channel that a kernel makes, or one for all."""
    if not isinstance(tensor, Parameter | Constant):
        return False
    y = kernel.output
    axis = y.rank - 1 if kernel.op.name == "Conv" or kernel.op.name == "ConvTranspose" else 1
    return tensor.size == 1 or (tensor.rank >= axis and tensor.shape[-axis] == tensor.size)


def root(tensor: Tensor, silent: Set[Node]) -> Tensor:
    """The value in whose buffer a value is."""
    while tensor.node is not None and tensor.node in silent and tensor.node.inputs[0] is not None:
        tensor = tensor.node.inputs[0]
    return tensor


def scratch(node: Node) -> int:
    """Bytes that a kernel needs while it runs, as CMSIS-NN asks for: input rearranged in 16 bits, sums in 32.

    Two columns of windows for a convolution, one for a depthwise one, none for a pointwise one; a sum for each
    channel of a mean.
    """
    if node.op.name == "Conv":
        _, weight, *_ = node.inputs
        assert weight is not None
        plain = prod(weight.shape[2:]) == prod(node.attrs["strides"]) == 1 and not any(node.attrs["pads"])
        columns = 1 if node.attrs["group"] > 1 else 2
        channels = node.attrs["group"] * weight.shape[1] if columns == 1 else weight.shape[1]
        return 0 if plain else 2 * columns * channels * prod(weight.shape[2:])
    if node.op.name in ("AveragePool", "GlobalAveragePool"):
        return 4 * node.output.shape[1]
    return 0


def int8_layout(
    graph: Graph,
    *,
    in_place: bool = False,
    views: Set[Node] = frozenset(),
    sizes: Mapping[Tensor, int] = {},
    extra: Mapping[Node, int] = {},
) -> Layout:
    """Layout of a graph in 8 bits.

    in_place: let elementwise kernels write over what they read last. views: further nodes that make no buffer.
    sizes: of buffers that are not as large as their
    values. extra: scratch memory of nodes that are no single kernel.
    """
    silent = fused(graph) | views
    return Layout(
        size=lambda tensor: sizes[tensor] if tensor in sizes else int8_size(tensor),
        silent=silent.__contains__,
        scratch=lambda node: extra[node] if node in extra else scratch(node),
        overwrites=_elementwise if in_place else lambda node: False,
    )


def _elementwise(node: Node) -> bool:
    """Whether element i of the result depends on elements i of the inputs only."""
    if node.op.name == "BatchNormalization":
        return True
    return isinstance(node.op, Elementwise | Unary) and not isinstance(node.op, Softmax)
