"""What each operator does to the axes of its inputs: kept, contracted, created, split or merged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from netwright.graph import Constant, Node, Parameter, Shape

__all__ = ["Link", "Place", "links_of"]

Place = tuple[int, int]
"""Which input or output of a node, and which of its axes."""


@dataclass(frozen=True)
class Link:
    """Axes of a node's inputs, `sources`, that go on as axes of its outputs, `targets`.

    acts: whether the operator works along these axes, or does the same at each position of them.
    """

    sources: tuple[Place, ...]
    targets: tuple[Place, ...]
    acts: bool = True

    @property
    def kind(self) -> str:
        """kept, contracted (no target), created (no source), split or merged.

        >>> Link(((0, 1),), ()).kind, Link(((0, 1), (0, 2)), ((0, 1),)).kind
        ('contracted', 'merged')
        """
        if not self.targets:
            return "contracted"
        if not self.sources:
            return "created"
        if len({i for i, _ in self.sources}) < len(self.sources):
            return "merged"
        return "split" if len({i for i, _ in self.targets}) < len(self.targets) else "kept"


Rule = Callable[[Node], Iterable[Link]]


def links_of(node: Node) -> tuple[Link, ...]:
    """How the axes of a node's data lead on; weights, constants and axes of size 1 are left out.

    An axis of size 1 is none: a broadcast from it creates an axis, a reduction to it contracts one.

    >>> from netwright.graph import Input, Parameter, Init, ops
    >>> y = ops.matmul(Input((1, 16, 32)), Parameter("weight", (32, 64), Init()))
    >>> [(link.kind, link.sources, link.targets) for link in links_of(y.node)]
    [('kept', ((0, 1),), ((0, 1),)), ('contracted', ((0, 2),), ()), ('created', (), ((0, 2),))]
    """
    rule = _RULES.get(node.op.name, _by_shape)
    data = {
        i: t.shape for i, t in enumerate(node.inputs) if t is not None and not isinstance(t, Parameter | Constant)
    }
    found = []
    for link in rule(node):
        sources = tuple((i, axis) for i, axis in link.sources if i in data and data[i][axis] > 1)
        targets = tuple((i, axis) for i, axis in link.targets if node.outputs[i].shape[axis] > 1)
        if sources or targets:
            found.append(Link(sources, targets, link.acts))
    known = {place for link in found for place in link.sources}
    # What a family says nothing about, such as the first state of a recurrent layer, ends in the operator.
    rest = [(i, axis) for i, shape in data.items() for axis, size in enumerate(shape) if size > 1]
    return (*found, *(Link((place,), ()) for place in rest if place not in known))


# Rules of families ---------------------------------------------------------------------------------


def _shape(node: Node, number: int = 0) -> Shape:
    tensor = node.inputs[number]
    assert tensor is not None
    return tensor.shape


def _is_data(node: Node, number: int) -> bool:
    return number < len(node.inputs) and not isinstance(node.inputs[number], Parameter | Constant | None)


def _along(node: Node, acting: Collection[int]) -> Iterator[Link]:
    """Every axis of the first input goes on in every output; the operator works along `acting`."""
    for axis in range(len(_shape(node))):
        yield Link(((0, axis),), tuple((i, axis) for i in range(len(node.outputs))), axis in acting)


def _along_axis(node: Node) -> Iterator[Link]:
    return _along(node, {node.attrs["axis"]})


def _along_channels(node: Node) -> Iterator[Link]:
    return _along(node, {1})


def _along_space(node: Node) -> Iterator[Link]:
    return _along(node, range(2, len(_shape(node))))


def _along_all_but_batch(node: Node) -> Iterator[Link]:
    return _along(node, range(1, len(_shape(node))))


def _along_last(node: Node) -> Iterator[Link]:
    rank = len(_shape(node))
    return _along(node, range(node.attrs["axis"], rank))


def _where_sizes_change(node: Node) -> Iterator[Link]:
    before, after = _shape(node), node.output.shape
    return _along(node, {i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b})


def _whole(node: Node) -> Iterator[Link]:
    """An operator that is known to touch everything, or not known at all."""
    for i, tensor in enumerate(node.inputs):
        if tensor is not None:
            yield from (Link(((i, axis),), ()) for axis in range(tensor.rank))
    for i, made in enumerate(node.outputs):
        yield from (Link((), ((i, axis),)) for axis in range(made.rank))


def _by_shape(node: Node) -> Iterator[Link]:
    """One input, one output of its shape: a function of each element; anything else touches all."""
    data = [i for i in range(len(node.inputs)) if _is_data(node, i)]
    if data == [0] and len(node.outputs) == 1 and _shape(node) == node.output.shape:
        return _along(node, range(node.output.rank))
    return _whole(node)


def _elementwise(node: Node) -> Iterator[Link]:
    """Broadcast from the last axis on; a weight works along the axes that it has, two values along all."""
    rank = node.output.rank
    ranks = {i: t.rank for i, t in enumerate(node.inputs) if t is not None}
    learned = {
        axis + rank - ranks[i]
        for i in ranks
        if not _is_data(node, i)
        for axis, size in enumerate(_shape(node, i))
        if size > 1
    }
    several = sum(_is_data(node, i) for i in ranks) > 1
    for axis in range(rank):
        sources = tuple((i, axis - (rank - r)) for i, r in ranks.items() if axis >= rank - r)
        yield Link(sources, ((0, axis),), several or not learned or axis in learned)


def _convolution(node: Node) -> Iterator[Link]:
    kernel, strides = node.attrs["kernel_shape"], node.attrs["strides"]
    yield Link(((0, 0),), ((0, 0),), acts=False)
    if node.attrs["group"] == _shape(node)[1] == node.output.shape[1]:
        yield Link(((0, 1),), ((0, 1),))
    else:
        yield Link(((0, 1),), ())
        yield Link((), ((0, 1),))
    for i, (size, stride) in enumerate(zip(kernel, strides, strict=True)):
        yield Link(((0, 2 + i),), ((0, 2 + i),), acts=size > 1 or stride > 1)


def _product(node: Node, terms: Sequence[str], result: str) -> Iterator[Link]:
    """A sum of products: a letter that the result lacks is contracted, one that only a weight has is created."""
    for letter in dict.fromkeys("".join((*terms, result))):
        sources = tuple((i, term.index(letter)) for i, term in enumerate(terms) if letter in term)
        data = [place for place in sources if _is_data(node, place[0])]
        targets = tuple((0, axis) for axis, other in enumerate(result) if other == letter)
        yield Link(sources, targets, acts=not (data and targets))


def _matmul(node: Node) -> Iterator[Link]:
    rank = node.output.rank
    outer = "abcdefgh"[: rank - 2]
    first, second = (outer[len(outer) - (len(_shape(node, i)) - 2) :] for i in (0, 1))
    return _product(node, (f"{first}nk", f"{second}km"), f"{outer}nm")


def _gemm(node: Node) -> Iterator[Link]:
    return _product(node, ("nk", "mk" if node.attrs["transB"] else "km"), "nm")


def _einsum(node: Node) -> Iterator[Link]:
    left, _, right = node.attrs["equation"].partition("->")
    return _product(node, left.split(","), right)


def _attention(node: Node) -> Iterator[Link]:
    """Products over features and over keys; a causal order or a learned mask tells places from each other."""
    query, key = _shape(node, 0), _shape(node, 1)
    terms = ["nhtd", "nhsd", "nhse"] if query[1] == key[1] else ["nhtd", "ngsd", "ngse"]
    if len(node.inputs) > 3 and node.inputs[3] is not None:
        terms.append("nhts"[4 - len(_shape(node, 3)) :])
    for link in _product(node, terms, "nhte"):
        grouped = query[1] != key[1] and (0, 1) in link.targets
        causal = node.attrs["is_causal"] and (0, 2) in link.targets
        masked = any(i == 3 and not _is_data(node, 3) and _shape(node, 3)[axis] > 1 for i, axis in link.sources)
        yield Link(link.sources, link.targets, bool(link.acts or grouped or causal or masked))


def _reduction(node: Node) -> Iterator[Link]:
    axes = node.attrs["axes"] if "axes" in node.attrs else (node.attrs["axis"],)
    target = 0
    for axis in range(len(_shape(node))):
        if axis in axes:
            yield Link(((0, axis),), ())
        else:
            yield Link(((0, axis),), ((0, target),), acts=False)
        target += axis not in axes or bool(node.attrs["keepdims"])


def _reshape(node: Node) -> Iterator[Link]:
    """Runs of axes whose sizes have one product: the smallest, so that an axis that can go on does."""
    before, after = _shape(node), node.output.shape
    left = [i for i, size in enumerate(before) if size > 1]
    right = [i for i, size in enumerate(after) if size > 1]
    while left and right:
        sources, targets = [left.pop(0)], [right.pop(0)]
        a, b = before[sources[0]], after[targets[0]]
        while a != b:
            if a < b:
                sources.append(left.pop(0))
                a *= before[sources[-1]]
            else:
                targets.append(right.pop(0))
                b *= after[targets[-1]]
        changes = len(sources) > 1 or len(targets) > 1
        yield Link(tuple((0, i) for i in sources), tuple((0, i) for i in targets), changes)


def _transpose(node: Node) -> Iterator[Link]:
    for target, source in enumerate(node.attrs["perm"]):
        yield Link(((0, source),), ((0, target),), acts=False)


def _concat(node: Node) -> Iterator[Link]:
    for axis in range(node.output.rank):
        yield Link(tuple((i, axis) for i in range(len(node.inputs))), ((0, axis),), axis == node.attrs["axis"])


def _expand(node: Node) -> Iterator[Link]:
    before, after = _shape(node), node.output.shape
    for axis, size in enumerate(after):
        source = axis - (len(after) - len(before))
        same = source >= 0 and before[source] == size
        yield Link(((0, source),) if same else (), ((0, axis),), acts=not same)


def _gather(node: Node) -> Iterator[Link]:
    """Indices keep their axes; the axis that they point into ends, the others of the table go on or start here."""
    axis, rank = node.attrs["axis"], len(_shape(node))
    places = len(_shape(node, 1))
    for i in range(rank):
        target = i if i < axis else i + places - 1
        yield Link(((0, i),), () if i == axis else ((0, target),), acts=i == axis or not _is_data(node, 0))
    for i in range(places):
        yield Link(((1, i),), ((0, axis + i),), acts=False)


def _recurrent(node: Node) -> Iterator[Link]:
    """Along the steps, for each row of the batch alone; the features end and the hidden ones start."""
    yield Link(((0, 0),), ((0, 0),))
    yield Link(((0, 1),), ((0, 2), *((i, 1) for i in range(1, len(node.outputs)))), acts=False)
    yield Link(((0, 2),), ())
    yield Link((), ((0, 1), *((i, 0) for i in range(1, len(node.outputs)))))
    yield Link((), ((0, 3), *((i, 2) for i in range(1, len(node.outputs)))))


def _one_hot(node: Node) -> Iterator[Link]:
    new = node.attrs["axis"]
    yield Link((), ((0, new),))
    for axis in range(len(_shape(node))):
        yield Link(((0, axis),), ((0, axis + (axis >= new)),), acts=False)


def _last_two(node: Node) -> Iterator[Link]:
    rank = len(_shape(node))
    return _along(node, (rank - 2, rank - 1))


def _families() -> dict[str, Rule]:
    families: list[tuple[Rule, str]] = [
        (_along_axis, "Softmax LogSoftmax Hardmax CumSum LpNormalization TopK Split"),
        (_along_channels, "BatchNormalization LRN"),
        (_along_all_but_batch, "GroupNormalization InstanceNormalization SpaceToDepth DepthToSpace"),
        (_along_space, "MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool"),
        (_along_last, "LayerNormalization RMSNormalization"),
        (_where_sizes_change, "Slice Pad Resize Tile"),
        (_elementwise, "Add Sub Mul Div Pow Mod Sum Max Min Equal Greater Less GreaterOrEqual LessOrEqual And Or"),
        (_elementwise, "Xor Where PRelu"),
        (_convolution, "Conv ConvTranspose"),
        (_matmul, "MatMul"),
        (_gemm, "Gemm"),
        (_einsum, "Einsum"),
        (_attention, "Attention"),
        (_reduction, "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare"),
        (_reduction, "ReduceLogSumExp ArgMax ArgMin"),
        (_reshape, "Reshape Flatten Squeeze Unsqueeze"),
        (_transpose, "Transpose"),
        (_concat, "Concat"),
        (_expand, "Expand"),
        (_gather, "Gather"),
        (_recurrent, "LSTM GRU RNN"),
        (_one_hot, "OneHot"),
        (_last_two, "Trilu"),
    ]
    return {name: rule for rule, names in families for name in names.split()}


_RULES = _families()
