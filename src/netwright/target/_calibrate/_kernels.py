"""The kernels that a network runs as: what a runtime fuses is one, and what each has to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2, prod
from typing import Any

from netwright.graph import Constant, Graph, Node, Parameter, Tensor
from netwright.target._fusion import FREE
from netwright.target._fusion import fused as find_groups

__all__ = ["RUN", "Kernel", "in_a_run", "kernels_of"]

SUM = "sum"
"""Tail that stands for an addition of another value inside of the kernel."""


@dataclass(frozen=True)
class Kernel:
    """One kernel of a network, for one example.

    kind: the operator, of convolutions also what sort of one. key: all that its time depends on, as text; equal for
    equal kernels. macs, bytes (of activations read and written), weights (bytes). tails: what is fused into it behind
    the product. written: elements of its result. place: where it stands among kernels of its kind, in powers of two.
    """

    kind: str
    key: str
    macs: int
    bytes: int
    weights: int
    written: int
    tails: tuple[str, ...]
    place: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": self.kind, "key": self.key, "macs": self.macs, "bytes": self.bytes, "weights": self.weights,
            "written": self.written, "tails": list(self.tails), "place": list(self.place),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Kernel:
        """Kernel of plain data; raises KeyError, TypeError or ValueError where it is not of that form."""
        numbers = {name: int(data[name]) for name in ("macs", "bytes", "weights", "written")}
        tails, place = tuple(map(str, data["tails"])), tuple(map(float, data["place"]))
        return cls(str(data["kind"]), str(data["key"]), tails=tails, place=place, **numbers)


RUN = Kernel("Run", "Run", 0, 0, 0, 0, (), ())
"""What running a network costs that does nothing."""
STEPS = 4
"""Sizes of what is fetched again that are told apart within a power of two."""


def in_a_run(kernels: Mapping[Kernel, int], cache: int | None) -> dict[Kernel, int]:
    """Kernels of a network, what running it costs, and what it has to fetch again each time.

    cache: bytes of weights that stay near the processor from run to run; the others come from farther away, which
    makes a network with twice the weights more than twice as slow. None where that is not looked at.
    """
    found = {RUN: 1, **kernels}
    weights = sum(count * kernel.weights for kernel, count in kernels.items())
    if cache is not None and weights > cache:
        size = round(STEPS * log2(weights - cache)) / STEPS
        found[Kernel("Fetch", f"Fetch 2^{size}", 0, 0, round(2**size), 0, (), (size,))] = 1
    return found


def kernels_of(graph: Graph, *, fused: bool = True) -> Counter[Kernel]:
    """Kernels of a network, each with how often it runs; without `RUN`.

    A convolution or matrix product takes in what follows it element by element, as `fused` has it: normalisation,
    bias, a sum with a value that is there already, activation.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> x = image(3, 8, 8)
    >>> y = conv(x, 8)
    >>> [kernel.key for kernel in kernels_of(Graph([x], [conv(y, 8, activation="none") + y]))]
    ['Conv 3x8x8 -> 8x8x8 kernel 3x3 +Relu', 'Conv 8x8x8 -> 8x8x8 kernel 3x3 +sum']

    fused: whether that is looked at; each node is a kernel else, so that those of a network are those of its parts.
    """
    if fused:
        groups = [group.nodes for group in find_groups(graph)]
    else:
        groups = [(node,) for node in graph.nodes if _runs(graph, node)]
    return Counter(_kernel(graph, nodes[0], _tails(nodes)) for nodes in groups)


def _runs(graph: Graph, node: Node) -> bool:
    return node.op.name not in FREE and node not in graph.constant_nodes


def _tails(nodes: Sequence[Node]) -> tuple[str, ...]:
    """What a kernel does behind its first node; normalisation and bias are in its weights."""
    behind = [node for node in nodes[1:] if node.op.name != "BatchNormalization" and not _adds_bias(node)]
    return tuple(SUM if node.op.name == "Add" else node.op.name for node in behind)


def _adds_bias(node: Node) -> bool:
    return node.op.name == "Add" and any(isinstance(t, Parameter) and t.rank == 1 for t in node.inputs)


def _kernel(graph: Graph, node: Node, tails: tuple[str, ...]) -> Kernel:
    data = [t for t in node.inputs if t is not None and not _fixed(graph, t)]
    weights = sum(t.bytes for t in node.inputs if isinstance(t, Parameter))
    moved = sum(t.bytes for t in data) + sum(t.bytes for t in node.outputs)
    moved += node.output.bytes if SUM in tails else 0
    kind, place, words = _described(node, data)
    if node.op.name in ("Gather", "GatherElements"):
        # A lookup reads the rows that it gives, not the table.
        weights, moved = 0, 2 * node.output.bytes
    behind = "".join(f" +{tail}" for tail in tails)
    shapes = f"{' '.join(map(_sizes, data)) or 'nothing'} -> {' '.join(map(_sizes, node.outputs))}"
    key = " ".join(filter(None, [kind, shapes, words])) + behind
    return Kernel(kind, key, node.op.macs(node), moved, weights, node.output.size, tails, place)


def _fixed(graph: Graph, tensor: Tensor) -> bool:
    return isinstance(tensor, (Parameter, Constant)) or (
        tensor.node is not None and tensor.node in graph.constant_nodes
    )


def _described(node: Node, data: list[Tensor]) -> tuple[str, tuple[float, ...], str]:
    """Kind, place among those of the kind, and what the shapes do not say."""
    name, shapes = node.op.name, [t.shape if t is not None else () for t in node.inputs]
    if name == "Conv":
        return _convolution(node, shapes[1])
    if name in ("Gemm", "MatMul"):
        rows, columns, inner = prod(node.output.shape[:-1]), node.output.shape[-1], shapes[0][-1]
        return f"{name} of two" if len(data) > 1 else name, _logs(rows, columns, inner), ""
    if name == "Attention":
        return name, _logs(*shapes[0][1:], shapes[1][2]), ""
    words = [f"{key} {_plain(value)}" for key, value in sorted(node.attrs.items()) if key in _TELLING]
    read = sum(t.size for t in data)
    return name, _logs(max(read, 1), node.output.size, max(len(data), 1)), " ".join(words)


_TELLING = ("kernel_shape", "strides", "perm", "axis", "axes")
"""Attributes of the other operators that their time depends on."""


def _convolution(node: Node, weight: tuple[int, ...]) -> tuple[str, tuple[float, ...], str]:
    groups, strides, dilations = node.attrs["group"], node.attrs["strides"], node.attrs["dilations"]
    channels, out, window, positions = weight[1] * groups, weight[0], prod(weight[2:]), prod(node.output.shape[2:])
    if groups == 1:
        kind = "Conv 1 position" if positions == 1 else "Conv 1x1" if window == 1 else "Conv"
    else:
        kind = "Conv depthwise" if groups == channels else "Conv grouped"
    words = [f"kernel {_plain(weight[2:])}"]
    words += [f"stride {_plain(strides)}"] if prod(strides) > 1 else []
    words += [f"dilation {_plain(dilations)}"] if prod(dilations) > 1 else []
    words += [f"groups {groups}"] if kind == "Conv grouped" else []
    place = _logs(channels, out, positions, window, prod(strides), prod(dilations), groups if len(words) > 3 else 1)
    return kind, place, " ".join(words)


def _logs(*sizes: int) -> tuple[float, ...]:
    return tuple(log2(max(size, 1)) for size in sizes)


def _sizes(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape[1:])) or "scalar"


def _plain(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
