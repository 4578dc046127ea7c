"""The words of a drawing: kinds, one-line summaries, shapes and numbers as people write them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from netwright.graph import Constant, Node, Opaque, Parameter, Shape, Tensor

__all__ = ["KINDS", "data_inputs", "describe", "human", "is_join", "kind_of", "operator_name", "shape_text"]

KINDS = ("convolution", "matmul", "pooling", "join", "normalisation", "other")
"""Kinds of boxes; where none of the nodes multiplies, the first kind that occurs names the box."""

_JOINS = {"Add", "Sum", "Mul", "Sub", "Div", "Concat", "Max", "Min", "Where"}
_RECURRENT = {"LSTM", "GRU", "RNN"}
_MATMULS = {"Gemm", "MatMul", "Einsum", "Attention", *_RECURRENT}
_CONVOLUTIONS = {"Conv", "ConvTranspose"}
_POOLS = {
    "MaxPool": "max pool", "AveragePool": "average pool",
    "GlobalAveragePool": "global average pool", "GlobalMaxPool": "global max pool",
}  # fmt: skip
_NAMES = _POOLS | {
    "Conv": "conv", "ConvTranspose": "transposed conv", "Gemm": "linear", "MatMul": "matmul",
    "BatchNormalization": "BN", "LayerNormalization": "LN", "GroupNormalization": "GN", "RMSNormalization": "RMSNorm",
    "InstanceNormalization": "IN", "Relu": "ReLU", "LeakyRelu": "leaky ReLU", "PRelu": "PReLU", "Elu": "ELU",
    "Celu": "CELU", "Selu": "SELU", "Gelu": "GELU", "Swish": "SiLU", "HardSwish": "hard-swish",
    "HardSigmoid": "hard-sigmoid", "LogSoftmax": "log-softmax", "ReduceMean": "mean", "ReduceSum": "sum",
    "ReduceMax": "max", "ReduceMin": "min", "TopK": "top-k", "Trilu": "triangle", "DepthToSpace": "depth to space",
    "SpaceToDepth": "space to depth", "LSTM": "LSTM", "GRU": "GRU", "RNN": "RNN",
}  # fmt: skip
_FUNCTIONS = {
    "Relu", "LeakyRelu", "PRelu", "Elu", "Celu", "Selu", "Gelu", "Swish", "HardSwish", "Mish", "Tanh", "Sigmoid",
    "HardSigmoid", "Softmax", "LogSoftmax", "Clip", "Softplus", "Softsign",
}  # fmt: skip
_MOST_WORDS = 6


def human(number: float) -> str:
    """Number with three digits and a suffix.

    >>> human(950), human(1234), human(45_600_000), human(2e9)
    ('950', '1.23k', '45.6M', '2G')
    """
    suffixes = iter(("", "k", "M", "G", "T"))
    suffix = next(suffixes)
    while abs(number) >= 999.5 and (larger := next(suffixes, None)):
        number, suffix = number / 1000, larger
    return f"{number:.3g}{suffix}"


def shape_text(shape: Shape) -> str:
    """Shape without the batch dimension.

    >>> shape_text((1, 3, 32, 32)), shape_text((4, 8)), shape_text((1,))
    ('3×32×32', '4×8', 'scalar')
    """
    sizes = shape[1:] if shape[:1] == (1,) else shape
    return "×".join(map(str, sizes)) or "scalar"


def data_inputs(node: Node) -> list[Tensor]:
    """What a node reads from other nodes and from the inputs; weights and constants are no data."""
    return [t for t in node.inputs if t is not None and not isinstance(t, Parameter | Constant)]


def is_join(node: Node) -> bool:
    """Whether a node brings branches together."""
    return node.op.name in _JOINS and len(data_inputs(node)) > 1


def _node_kind(node: Node) -> str:
    name = node.op.name
    if name in _CONVOLUTIONS:
        return "convolution"
    if name in _MATMULS:
        return "matmul"
    if name in _POOLS or name.startswith("Reduce"):
        return "pooling"
    if name.endswith("Normalization"):
        return "normalisation"
    return "join" if is_join(node) else "other"


def kind_of(nodes: Iterable[Node]) -> str:
    """Kind of the nodes that multiply most, or else the first of KINDS that occurs."""
    macs: Counter[str] = Counter()
    for node in nodes:
        macs[_node_kind(node)] += node.op.macs(node)
    return max(macs, key=lambda kind: (macs[kind], -KINDS.index(kind)))


def operator_name(node: Node) -> str:
    """Name of a node's operator as the field writes it: `ReLU`, `max pool`, `add`."""
    name = node.op.name
    if name == "Clip" and (node.attrs["min"], node.attrs["max"]) == (0.0, 6.0):
        return "ReLU6"
    if name == "MatMul" and any(isinstance(t, Parameter) for t in node.inputs):
        return "linear"
    if name == "Gather" and isinstance(node.inputs[0], Parameter):
        return "embedding"
    if isinstance(node.op, Opaque):
        return name
    return _NAMES.get(name) or re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower()


def describe(nodes: Sequence[Node]) -> str:
    """One line on what the nodes do: kernels, stride, expansion, heads, widths, or else their operators.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 32, 32)
    >>> describe(Graph([x], [conv(x, 16, stride=2)]).nodes)
    '3×3, stride 2, BN, ReLU'
    """
    first = next((i for i, n in enumerate(nodes) if n.op.macs(n)), 0)
    words = _unique(operator_name(n) for n in nodes[:first] if n.op.name in _FUNCTIONS)
    words += [*_convolutions(nodes), *_attention(nodes), *_recurrent(nodes), *_linears(nodes), *_pools(nodes)]
    words += _tables(nodes)
    words += _joins(nodes) if words else []
    words += _unique(operator_name(n) for n in nodes if _node_kind(n) == "normalisation")
    words += _unique(operator_name(n) for n in nodes[first:] if n.op.name in _FUNCTIONS)
    if not words or not any(n.op.macs(n) for n in nodes):
        words += [w for w in _operators(nodes) if not any(w in word for word in words)]
    return ", ".join(_unique(words)[:_MOST_WORDS])


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _sides(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes)) if len(sizes) > 1 else str(sizes[0])


def _is_depthwise(conv: Node) -> bool:
    source = conv.inputs[0]
    return source is not None and conv.attrs["group"] == source.shape[1] > 1


def _conv_word(conv: Node) -> str:
    kernel, group = _sides(conv.attrs["kernel_shape"]), conv.attrs["group"]
    word = f"{kernel} transposed" if conv.op.name == "ConvTranspose" else kernel
    if _is_depthwise(conv):
        return f"{word} depthwise"
    return f"{word} in {group} groups" if group > 1 else word


def _gated(nodes: Sequence[Node]) -> list[Node]:
    """Products of an image with one number per channel: the end of a squeeze-and-excitation."""
    return [
        n for n in nodes
        if n.op.name == "Mul" and is_join(n) and n.output.rank == 4
        and any(t.shape[2:] == (1, 1) != n.output.shape[2:] for t in data_inputs(n))
    ]  # fmt: skip


def _convolutions(nodes: Sequence[Node]) -> list[str]:
    gated = bool(_gated(nodes))
    convs = [n for n in nodes if n.op.name in _CONVOLUTIONS]
    if gated:
        convs = [n for n in convs if any(size > 1 for size in n.output.shape[2:])]
    if not convs:
        return ["squeeze-and-excitation"] if gated else []
    words = [*_conv_words(convs, nodes), *_steps(convs)]
    return [*words, "SE"] if gated else words


def _conv_words(convs: Sequence[Node], nodes: Sequence[Node]) -> list[str]:
    way = _longest_way(convs, nodes)
    beside = [conv for conv in convs if conv not in way]
    if len(way) == 3 and _is_inverted_bottleneck(way):
        first = way[0].inputs[0]
        assert first is not None
        words = [f"{way[0].output.shape[1] / first.shape[1]:.3g}× expansion", _conv_word(way[1])]
    else:
        words = [" → ".join(map(_conv_word, way))]
    if len(way) <= 3 and all(max(conv.attrs["kernel_shape"]) == 1 for conv in beside) and len(beside) < 2:
        return words
    counts = Counter(map(_conv_word, convs))
    return [f"{count} convs {word}" if count > 1 else f"conv {word}" for word, count in counts.items()][:3]


def _longest_way(convs: Sequence[Node], nodes: Sequence[Node]) -> tuple[Node, ...]:
    """The most convolutions that follow each other; what is left stands beside, such as a projected skip."""
    ways: dict[Tensor, tuple[Node, ...]] = {}
    for node in nodes:
        before = max((ways.get(t, ()) for t in data_inputs(node)), key=len, default=())
        ways.update(dict.fromkeys(node.outputs, (*before, node) if node in convs else before))
    return max(ways.values(), key=len, default=())


def _is_inverted_bottleneck(convs: Sequence[Node]) -> bool:
    expand, depthwise, project = convs
    return (
        _is_depthwise(depthwise)
        and max(expand.attrs["kernel_shape"]) == 1 == max(project.attrs["kernel_shape"])
        and depthwise.inputs[0] is not None
        and depthwise.inputs[0].shape[1] == expand.output.shape[1]
    )


def _steps(windows: Sequence[Node]) -> list[str]:
    """Strides and dilations above 1."""
    words = []
    for key, word in (("strides", "stride"), ("dilations", "dilation")):
        most = max((w.attrs[key] for w in windows), default=(1,))
        if max(most) > 1:
            words.append(f"{word} {most[0] if len(set(most)) == 1 else _sides(most)}")
    return words


def _pools(nodes: Sequence[Node]) -> list[str]:
    gated = bool(_gated(nodes))
    words = []
    for node in nodes:
        if node.op.name in ("MaxPool", "AveragePool"):
            words += [f"{_sides(node.attrs['kernel_shape'])} {_POOLS[node.op.name]}", *_steps([node])]
        elif node.op.name in _POOLS and not gated:
            words.append(_POOLS[node.op.name])
        elif node.op.name.startswith("Reduce"):
            axes = node.attrs["axes"]
            words.append(f"{operator_name(node)} over ax{'e' if len(axes) > 1 else 'i'}s {', '.join(map(str, axes))}")
    return _unique(words)


def _attention(nodes: Sequence[Node]) -> list[str]:
    words = []
    for node in nodes:
        if node.op.name == "Attention":
            query, key = node.inputs[:2]
            assert query is not None
            assert key is not None
            heads, shared, width = query.shape[1], key.shape[1], query.shape[3]
            words.append(f"{heads} head{'s' if heads > 1 else ''} of {width}")
            words += [f"{shared} for keys"] if shared != heads else []
            words += ["causal"] if node.attrs["is_causal"] else []
    products = [n for n in nodes if n.op.name == "MatMul" and len(data_inputs(n)) == 2]
    if products and not words:
        words.append(f"{len(products)} matmuls" if len(products) > 1 else "matmul")
    return _unique(words)


def _recurrent(nodes: Sequence[Node]) -> list[str]:
    words = []
    for node in nodes:
        if node.op.name in _RECURRENT:
            features, direction = data_inputs(node)[0].shape[2], node.attrs["direction"]
            words.append(f"{node.op.name} {features} → {node.attrs['hidden_size']}")
            words += [str(direction)] if direction != "forward" else []
    return _unique(words)


def _linears(nodes: Sequence[Node]) -> list[str]:
    """Widths in one chain, `64 → 256 → 64`, where each layer reads as many features as the last one makes."""
    chains: list[list[int]] = []
    for node in nodes:
        if node.op.name == "Gemm" or (node.op.name == "MatMul" and len(data_inputs(node)) == 1):
            source, weight = data_inputs(node)[:1], node.output.shape[-1]
            width = source[0].shape[-1] if source else 0
            if chains and chains[-1][-1] == width and [width, weight] != chains[-1][-2:]:
                chains[-1].append(weight)
            else:
                chains.append([width, weight])
    texts = Counter(" → ".join(map(str, chain[:5])) for chain in chains)
    return [f"{count} × ({text})" if count > 1 else text for text, count in texts.items()]


def _tables(nodes: Sequence[Node]) -> list[str]:
    tables = [n.inputs[0] for n in nodes if n.op.name == "Gather" and isinstance(n.inputs[0], Parameter)]
    return [f"{table.shape[0]} × {table.shape[-1]} table" for table in tables if table is not None]


def _joins(nodes: Sequence[Node]) -> list[str]:
    gated = _gated(nodes)
    return _unique(
        "skip" if n.op.name in ("Add", "Sum") else operator_name(n) for n in nodes if is_join(n) and n not in gated
    )


def _operators(nodes: Sequence[Node]) -> list[str]:
    counts = Counter(_with_detail(node) for node in nodes)
    return [f"{count} {word}" if count > 1 else word for word, count in counts.items()]


def _with_detail(node: Node) -> str:
    name, learned = operator_name(node), [t for t in node.inputs if isinstance(t, Parameter)]
    if learned and node.op.name in _JOINS:
        return f"{name} a learned {shape_text(learned[0].shape)}"
    detail: Any = {"Concat": "axis", "TopK": "k", "DepthToSpace": "blocksize"}.get(node.op.name)
    return f"{name} ({detail} {node.attrs[detail]})" if detail else name
