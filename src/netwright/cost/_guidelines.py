"""Practical guidelines for efficient networks, as rules that warn about layers and say what they would save.

Source: Ma, Zhang, Zheng & Sun 2018, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
section 2. Memory access cost is counted in bytes here: activations read and written, and weights read once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from netwright.cost._cost import activation_bytes, data_of, weights_of
from netwright.cost._costs import COSTS
from netwright.graph import DTYPE_BYTES, Graph, Node, Tensor

__all__ = ["RULES", "Finding", "Rule", "by_operator", "guidelines"]

LEAST_SHARE = 0.002
"""Part of the network's memory traffic that a change must save to be worth a warning."""
_UNEQUAL = 2.0
_FRAGMENTS = 3
_LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "MaxPool", "AveragePool"})
_ELEMENTWISE = frozenset(
    {
        "Add", "Sum", "Sub", "Mul", "Div", "BatchNormalization", "Relu", "LeakyRelu", "PRelu", "Elu", "Gelu", "Swish",
        "HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "Clip", "Mish",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A layer that goes against a rule: what was found there, and the bytes of memory traffic that mending it saves.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(4, 32, 32)
    >>> narrow = guidelines(Graph([x], [conv(x, 256, kernel=1)]))[-1]
    >>> narrow.layer, narrow.found
    ('conv.conv.conv', 'it reads 4 and writes 256; 32 each would be as much work')
    >>> narrow.traffic, narrow.saved
    (1069056, 802816)

    layer: name in the graph. operator: what it does. share: of the traffic of the whole network.
    """

    rule: str
    layer: str
    operator: str
    found: str
    traffic: int
    saved: int
    share: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.layer}: {self.rule}, but {self.found}; {self.saved:,} of {self.traffic:,} bytes could be saved."
        )


Rule = Callable[[Graph, Node], tuple[str, int, int] | None]
"""What a rule finds at a node: the words, the bytes that are moved now and those that could be saved."""


def equal_widths(graph: Graph, node: Node) -> tuple[str, int, int] | None:
    """G1: for given work a pointwise layer moves least where it reads and writes equally many channels.

    With h w positions, c1 and c2 channels, h w (c1 + c2) is least for given c1 c2 where c1 = c2.
    """
    widths = _pointwise_widths(graph, node)
    if widths is None:
        return None
    positions, c1, c2 = widths
    if max(c1, c2) < _UNEQUAL * min(c1, c2):
        return None
    even = math.sqrt(c1 * c2)
    saved = round(positions * (c1 + c2 - 2 * even) * DTYPE_BYTES[node.output.dtype])
    return f"it reads {c1} and writes {c2}; {round(even)} each would be as much work", _traffic(graph, node), saved


def few_groups(graph: Graph, node: Node) -> tuple[str, int, int] | None:
    """G2: groups buy more channels for the same work, and these channels have to be moved.

    A dense layer of the same work and input has c2 / g output channels. Depthwise layers are left out: they have no
    dense counterpart.
    """
    if node.op.name != "Conv":
        return None
    group, channels = node.attrs["group"], node.output.shape[1]
    if group == 1 or group == _channels_in(node) or group == channels:
        return None
    saved = node.output.bytes - node.output.bytes // group
    found = f"it has {group} groups; {channels // group} channels without groups would be as much work"
    return found, _traffic(graph, node), saved


def few_fragments(graph: Graph, node: Node) -> tuple[str, int, int] | None:
    """G3: many small layers beside each other run less in parallel than one, and each reads the input anew.

    Told once for each value that several layers read, at the first of them.
    """
    if node.op.name not in _LAYERS:
        return None
    source = node.inputs[0]
    readers = [user for user in graph.users.get(source, ()) if user.op.name in _LAYERS] if source is not None else []
    if source is None or len(readers) < _FRAGMENTS or readers[0] is not node:
        return None
    if len({reader.attrs.get("strides", 1) for reader in readers}) > 1:
        return None
    found = f"{len(readers)} layers read the same input ({_shape(source)}); as one they read it once"
    return found, sum(_traffic(graph, reader) for reader in readers), (len(readers) - 1) * source.bytes


def little_elementwise(graph: Graph, node: Node) -> tuple[str, int, int] | None:
    """G4: element-wise operations do little work and move much.

    Done by the layer that makes its largest input, the operation saves writing and reading that input.
    """
    if node.op.name not in _ELEMENTWISE:
        return None
    data = data_of(node, graph.constant_nodes)
    own = [t for t in data if t.node is not None and len(graph.users[t]) == 1 and t not in graph.outputs]
    if not own:
        return None
    saved = 2 * max(t.bytes for t in own)
    work, traffic = node.op.flops(node), _traffic(graph, node)
    return f"{node.op.name} does {work / traffic:.2g} FLOPs per byte; the layer before it could do it", traffic, saved


RULES: dict[str, Rule] = {
    "G1 equal channel widths minimise memory access": equal_widths,
    "G2 group convolution increases memory access": few_groups,
    "G3 fragmentation reduces parallelism": few_fragments,
    "G4 element-wise operations are not negligible": little_elementwise,
}
"""Rule by its sentence; give `guidelines` a mapping of your own to add to them or to leave some out."""


def guidelines(
    graph: Graph, rules: Mapping[str, Rule] = RULES, least_share: float = LEAST_SHARE
) -> tuple[Finding, ...]:
    """Layers that go against a rule and could save at least a share of the traffic, the most wasteful first.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(8, 32, 32)
    >>> wide = conv(x, 128, kernel=1, norm="none", activation="none")
    >>> [(found.rule[:2], found.saved) for found in guidelines(Graph([x], [conv(wide, 8, kernel=1)]))][:2]
    [('G1', 294912), ('G1', 294912)]
    """
    whole = COSTS["traffic"].of(graph)
    found = []
    constant = graph.constant_nodes
    for node in graph.nodes:
        for rule, check in rules.items():
            result = None if node in constant else check(graph, node)
            if result is not None and result[2] > least_share * whole:
                words, traffic, saved = result
                name = graph.names[node.output]
                found.append(Finding(rule, name, node.op.name, words, traffic, saved, saved / whole))
    return tuple(sorted(found, key=lambda finding: -finding.saved))


def by_operator(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """Findings by rule and operator, the most wasteful group first, and in a group the most wasteful layer.

    >>> found = [Finding("G1", "a", "Conv", "4 to 64", 9, 1), Finding("G4", "b", "Relu", "apart", 9, 5)]
    >>> [(rule, len(group)) for rule, group in by_operator(found)]
    [('G4', 1), ('G1', 1)]
    """
    ordered = sorted(findings, key=lambda f: (f.rule, f.operator, -f.saved))
    groups = [(key[0], list(group)) for key, group in groupby(ordered, key=lambda f: (f.rule, f.operator))]
    return sorted(groups, key=lambda group: -sum(f.saved for f in group[1]))


def _traffic(graph: Graph, node: Node) -> int:
    constant = graph.constant_nodes
    return activation_bytes(node, constant) + sum(t.bytes for t in weights_of(node, constant))


def _channels_in(node: Node) -> int:
    source = node.inputs[0]
    assert source is not None
    return source.shape[1]


def _pointwise_widths(graph: Graph, node: Node) -> tuple[int, int, int] | None:
    """Positions, channels read and channels written of a layer that mixes channels alone."""
    source, weight = (*node.inputs, None, None)[:2]
    if source is None or weight is None or weight in data_of(node, graph.constant_nodes):
        return None
    if node.op.name in ("Gemm", "MatMul"):
        c1, c2 = source.shape[-1], node.output.shape[-1]
        return node.output.size // c2, c1, c2
    plain = node.op.name == "Conv" and node.attrs["group"] == 1 and set(node.attrs["strides"]) == {1}
    if not plain or set(node.attrs["kernel_shape"]) != {1}:
        return None
    return node.output.size // node.output.shape[1], source.shape[1], node.output.shape[1]


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))
