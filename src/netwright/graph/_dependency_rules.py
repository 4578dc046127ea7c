"""What each operator does to positions: which of its inputs and outputs stand or fall together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from netwright.graph._positions import Axes, Ints, Positions, Walk
from netwright.graph._regroup import regrouped
from netwright.graph._tensor import Node

__all__ = ["RULES", "Rule", "pin_all"]


Rule = Callable[[Walk, Node, Sequence[Axes]], Sequence[Axes]]
"""Axes of each output from those of each input; an absent input has none."""


def pin_all(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """Nothing that an operator without a rule touches may go."""
    for axes in inputs:
        walk.sets.pin(*axes)
    return [walk.sets.all_pinned(t.shape) for t in node.outputs]


def _broadcast(sets: Positions, inputs: Sequence[Axes], shape: Sequence[int]) -> Axes:
    """Equal positions go together; an axis of size 1 that is repeated must stay."""
    result = []
    for from_end in range(-len(shape), 0):
        given = [axes[from_end] for axes in inputs if len(axes) >= -from_end]
        full = [axis for axis in given if len(axis) == shape[from_end]]
        sets.pin(*(axis for axis in given if len(axis) != shape[from_end]))
        result.append(sets.unite(*full))
    return tuple(result)


def _elementwise(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    return [_broadcast(walk.sets, inputs, node.output.shape)]


def _first(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    return [inputs[0]]


def _along(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """A function of all positions of one axis, such as a softmax: that axis stays whole."""
    walk.sets.pin(inputs[0][node.attrs["axis"]])
    return [inputs[0] for _ in node.outputs]


def _channelwise(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """Windows and normalisations: channels pass with their parameters, the space around them stays."""
    x, *rest = inputs
    walk.sets.unite(x[1], *(axes[0] for axes in rest if axes))
    walk.sets.pin(*x[2:])
    return [(*x[:2], *(walk.sets.pinned(size) for size in node.output.shape[2:]))]


def _group_norm(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """Groups stay as large as they are, so a whole group goes; a single group may lose any channel."""
    groups = node.attrs["num_groups"]
    if groups > 1:
        walk.sets.tie_rows(inputs[0][1].reshape(groups, -1).T)
    return _channelwise(walk, node, inputs)


def _layer_norm(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    x, *rest = inputs
    for axes in rest:
        for mine, theirs in zip(x[node.attrs["axis"] :], axes, strict=bool(axes)):
            walk.sets.unite(mine, theirs)
    return [x]


def _conv(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """Output channels with their weights; grouped, the inputs and outputs of a group all together."""
    sets, groups = walk.sets, node.attrs["group"]
    x, w, *bias = inputs
    sets.pin(*x[2:], *w[2:])
    if groups == 1:
        sets.unite(x[1], w[1])
    else:
        sets.pin(w[1])
        into, out = x[1].reshape(groups, -1).T, w[0].reshape(groups, -1).T
        sets.tie_rows(np.concatenate([into, out]))
    sets.unite(w[0], *(axes[0] for axes in bias if axes))
    return [(x[0], w[0], *map(sets.pinned, node.output.shape[2:]))]


def _conv_transpose(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    sets, groups = walk.sets, node.attrs["group"]
    x, w, *bias = inputs
    sets.pin(*x[2:], *w[2:])
    sets.unite(x[1], w[0])
    out = w[1]
    if groups > 1:
        sets.pin(w[1])
        out = np.repeat(sets.tie_rows(x[1].reshape(groups, -1).T), len(w[1]))
    sets.unite(out, *(axes[0] for axes in bias if axes))
    return [(x[0], out, *map(sets.pinned, node.output.shape[2:]))]


def _gemm(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    a, b, *bias = inputs
    rows, inner = a[::-1] if node.attrs.get("transA") else a
    m, k = b if node.attrs["transB"] else b[::-1]
    walk.sets.unite(inner, k)
    return [_broadcast(walk.sets, ((rows, m), *bias), node.output.shape)]


def _matmul(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """What is summed over goes together; between two activations it is a head's width or a length, and stays."""
    a, b = inputs
    walk.sets.unite(a[-1], b[-2])
    outer = _broadcast(walk.sets, (a[:-2], b[:-2]), node.output.shape[:-2])
    if walk.both_flow(node):
        walk.sets.pin(a[-1])
        walk.heads += outer
    return [(*outer, a[-2], b[-1])]


def _attention(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """A head with its keys and values; heads that share them go together, and width and length of heads stay."""
    sets = walk.sets
    q, k, v, *masks = inputs
    sets.pin(*q[2:], *k[2:], *v[2:])
    sets.unite(k[1], v[1])
    if len(k[1]) > 1:
        shared = q[1].reshape(len(k[1]), -1).T
        sets.unite(k[1], sets.tie_rows(shared))
    walk.heads.append(q[1])
    for mask in masks:
        _broadcast(sets, ((q[0], q[1], q[2], k[2]), mask), (*map(len, (q[0], q[1], q[2], k[2])),))
    return [(q[0], q[1], q[2], v[3])]


def _einsum(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    terms, _, result = node.attrs["equation"].partition("->")
    letters: dict[str, Ints] = {}
    for term, axes in zip(terms.split(","), inputs, strict=True):
        for letter, axis in zip(term, axes, strict=True):
            letters[letter] = walk.sets.unite(letters.get(letter, axis), axis)
    return [tuple(letters[letter] for letter in result)]


def _reshape(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    return [regrouped(node, walk, inputs[0])]


def _transpose(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    return [tuple(inputs[0][axis] for axis in node.attrs["perm"])]


def _concat(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    at = node.attrs["axis"]
    columns = list(zip(*inputs, strict=True))
    return [tuple(np.concatenate(c) if i == at else walk.sets.unite(*c) for i, c in enumerate(columns))]


def _split(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    at, x = node.attrs["axis"], inputs[0]
    ends = np.cumsum(node.attrs["split"])[:-1]
    return [(*x[:at], part, *x[at + 1 :]) for part in np.split(x[at], ends)]


def _slice(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """A run of neighbours follows the positions; any other slice counts them, so they stay."""
    result = list(inputs[0])
    for start, end, axis, step in zip(*(node.attrs[k] for k in ("starts", "ends", "axes", "steps")), strict=True):
        if step != 1:
            walk.sets.pin(result[axis])
        result[axis] = result[axis][start:end:step]
    return [tuple(result)]


def _pad(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    x, pads = inputs[0], node.attrs["pads"]
    padded = [bool(pads[i] or pads[i + len(x)]) for i in range(len(x))]
    walk.sets.pin(*(axis for axis, grows in zip(x, padded, strict=True) if grows))
    sizes = node.output.shape
    return [tuple(walk.sets.pinned(sizes[i]) if grows else x[i] for i, grows in enumerate(padded))]


def _expand(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    sizes = node.output.shape
    before = len(sizes) - len(inputs[0])
    x = (*map(walk.sets.pinned, sizes[:before]), *inputs[0])
    walk.sets.pin(*(axis for axis, size in zip(x, sizes, strict=True) if len(axis) != size))
    return [tuple(a if len(a) == size else walk.sets.pinned(size) for a, size in zip(x, sizes, strict=True))]


def _tile(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    return [tuple(np.tile(axis, n) for axis, n in zip(inputs[0], node.attrs["repeats"], strict=True))]


def _squeeze(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    gone = node.attrs["axes"]
    walk.sets.pin(*(inputs[0][axis] for axis in gone))
    return [tuple(axis for i, axis in enumerate(inputs[0]) if i not in gone)]


def _unsqueeze(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    old = iter(inputs[0])
    return [tuple(walk.sets.pinned(1) if i in node.attrs["axes"] else next(old) for i in range(node.output.rank))]


def _reduce(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    gone, keep = node.attrs["axes"], node.attrs["keepdims"]
    kept = [(i, axis) for i, axis in enumerate(inputs[0]) if keep or i not in gone]
    return [tuple(walk.sets.pinned(1) if i in gone else axis for i, axis in kept)]


def _gather(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """The axis that is looked up stays, as a vocabulary does; the others pass."""
    data, indices = inputs
    at = node.attrs["axis"]
    walk.sets.pin(data[at])
    return [(*data[:at], *indices, *data[at + 1 :])]


def _space_to_depth(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """Each channel becomes one of every block of channels (DCR), or neighbouring channels come from one (CRD)."""
    x, area = inputs[0], node.attrs["blocksize"] ** 2
    walk.sets.pin(*x[2:])
    if node.op.name == "SpaceToDepth":
        channels = np.tile(x[1], area)
    else:
        table = x[1].reshape(area, -1) if node.attrs["mode"] == "DCR" else x[1].reshape(-1, area).T
        channels = walk.sets.tie_rows(table)
    return [(x[0], channels, *map(walk.sets.pinned, node.output.shape[2:]))]


def _recurrent(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    """A hidden unit with its row in every gate, its column in the recurrence and its place in the states."""
    sets = walk.sets
    absent: Axes = ()
    x, w, r, bias, lengths, *starts = (*inputs, *[absent] * (7 - len(inputs)))
    sets.unite(x[-1], w[-1])
    hidden = r[-1]
    sets.tie_rows(np.concatenate([a[-1 if a is bias else -2].reshape(-1, len(hidden)) for a in (w, r, bias) if a]))
    sets.unite(hidden, w[-2][: len(hidden)], *(state[-1] for state in starts if state))
    stay = (x[:2], w[:-2], r[:-2], bias[:-1], lengths, *(state[:-1] for state in starts))
    sets.pin(*(axis for axes in stay for axis in axes))
    return [(*sets.all_pinned(t.shape[:-1]), hidden) for t in node.outputs]


def _quantize(walk: Walk, node: Node, inputs: Sequence[Axes]) -> Sequence[Axes]:
    x, *rest = inputs
    for axes in rest:
        if axes and len(axes[0]) > 1:
            walk.sets.unite(x[node.attrs["axis"]], axes[0])
    return [x]


_UNARY = (
    "Identity", "Dropout", "Cast", "Clip", "Neg", "Abs", "Exp", "Log", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round",
    "Sign", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Erf", "IsNaN",
    "IsInf", "Not", "Relu", "LeakyRelu", "Elu", "Celu", "Selu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh",
    "Softplus", "Softsign", "ThresholdedRelu", "Shrink", "Mish", "Gelu", "Swish", "LpNormalization",
)  # fmt: skip
_ELEMENTWISE = (
    "Add", "Sum", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Equal", "Greater", "Less", "GreaterOrEqual",
    "LessOrEqual", "And", "Or", "Xor", "Where", "PRelu",
)  # fmt: skip
_CHANNELWISE = (
    "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization",
    "InstanceNormalization", "LRN", "Resize",
)  # fmt: skip
_REDUCE = ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSumExp")

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_UNARY, _first),
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_CHANNELWISE, _channelwise),
    **dict.fromkeys((f"Reduce{kind}" for kind in _REDUCE), _reduce),
    **dict.fromkeys(("Softmax", "LogSoftmax", "Hardmax", "CumSum"), _along),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _layer_norm),
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    **dict.fromkeys(("SpaceToDepth", "DepthToSpace"), _space_to_depth),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
    **dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), _quantize),
    "GroupNormalization": _group_norm,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Attention": _attention,
    "Einsum": _einsum,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Expand": _expand,
    "Tile": _tile,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
}
"""Rule by operator; what has none pins all that it touches."""
