"""Any batch size for a network that was written down with one row: what states a 1 for the batch states it no more.

Models made elsewhere come with sizes as numbers: Reshape to (1, 197, 768), a class token expanded to (1, 1, 768).
Here they are followed through the network with a batch that no other size is likely to have, and mended where they
hold for one row only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from netwright.errors import NetwrightError, ShapeError
from netwright.graph import Graph, Input, Node, Opaque, Shape, Tensor, ops

__all__ = ["Confirm", "free_batch"]

Confirm = Callable[[Graph, Mapping[Tensor, Shape]], bool]
"""Whether a network made free is right, given it and the shape with two rows of each tensor that it was made of."""

ROWS = 1009
"""A prime that is no usual size, so that an axis that grows with the batch shows."""
END = 2**31 - 1

VIEWS = frozenset({"Reshape", "Flatten", "Squeeze", "Unsqueeze"})
"""Operators that leave the elements in their order."""


@dataclass(frozen=True)
class Value:
    """A tensor of the new network, and its shape with `ROWS` rows.

    before: how many elements of its axis the batch stands behind; more than 1 where a sequence and then the batch
        were merged into the rows of a matrix.
    """

    tensor: Tensor
    many: Shape
    before: int = 1

    @property
    def growing(self) -> list[int]:
        """Axes whose size grows with the batch."""
        return [i for i, (a, b) in enumerate(zip(self.tensor.shape, self.many, strict=True)) if a != b]

    @property
    def at_two(self) -> Shape:
        """Shape with two rows."""
        return tuple(a + (b - a) // (ROWS - 1) for a, b in zip(self.tensor.shape, self.many, strict=True))


Values = list[Value | None]
Mender = Callable[[Node, Values, "dict[str, object]"], Values]
"""Changes the attributes of a node, given what it reads, and returns what it is to read instead."""


def free_batch(graph: Graph, confirm: Confirm = lambda freed, sizes: True) -> Graph:
    """The same network for any batch size, or, where that cannot be, marked as one for a single size.

    >>> from netwright.graph import image
    >>> x = image(3, 4, 4)
    >>> freed = free_batch(Graph([x], [ops.reshape(x, shape=(1, 48))]))
    >>> freed.nodes[0].attrs["shape"]
    (0, 48)

    The parameters are the same objects, and the weights the same arrays. A network that cannot be freed, such as one
    that takes the batch apart, comes back with `batch_axis` None for every input.

    confirm: asked last, where there is an original that may compute with its batch size.
    """
    if all(source.batch_axis is None for source in graph.inputs):
        return graph
    try:
        freed, values = _rebuilt(graph, list(graph.inputs), _mended)
        if confirm(freed, {tensor: value.at_two for tensor, value in values.items()}):
            return freed
    except NetwrightError:
        pass
    fixed = [Input(t.shape, t.dtype, t.name, None) for t in graph.inputs]
    return _rebuilt(graph, fixed, lambda node, values: (values, node.attrs))[0]


Step = Callable[[Node, Values], "tuple[Values, dict[str, object]]"]


def _rebuilt(graph: Graph, inputs: Sequence[Input], step: Step) -> tuple[Graph, dict[Tensor, Value]]:
    """Copy of a graph on these inputs, each node as `step` wants it, and what became of each tensor."""
    known: dict[Tensor, Value] = {
        old: Value(new, new.shape_at(ROWS)) for old, new in zip(graph.inputs, inputs, strict=True)
    }
    for leaf in graph.leaves:
        known.setdefault(leaf, Value(leaf, leaf.shape))
    for node in graph.nodes:
        values, attrs = step(node, [None if t is None else known[t] for t in node.inputs])
        for old, made in zip(node.outputs, _applied(node, values, attrs), strict=True):
            known[old] = made
    for output in graph.outputs:
        known.setdefault(output, Value(output, output.shape))
    return Graph(inputs, [known[t].tensor for t in graph.outputs], graph.weights), known


def _applied(node: Node, values: Values, attrs: dict[str, object]) -> list[Value]:
    """A node on other inputs, and what it makes with one row and with many."""
    attrs = dict(attrs)
    read = tuple(None if v is None else v.tensor for v in values)
    made = Node(node.op, read, attrs, node.scope)
    types = node.op.infer(made.inputs, attrs)
    made.outputs = tuple(Tensor(shape, dtype, made, i) for i, (shape, dtype) in enumerate(types))
    if any(v is not None and v.growing for v in values):
        if isinstance(node.op, Opaque):
            raise ShapeError(f"{node.op.name}: what it does with more rows must be known, but it is opaque.")
        twins = tuple(None if v is None else _twin(v) for v in values)
        types = node.op.infer(twins, dict(attrs))
    found = [Value(tensor, shape) for tensor, (shape, _) in zip(made.outputs, types, strict=True)]
    return [replace(value, before=_before(node, values, value)) for value in found]


def _before(node: Node, values: Values, made: Value) -> int:
    """Elements before the batch inside its axis in what a node makes; raises ShapeError where that is not known."""
    sources = [v for v in values if v is not None and v.growing]
    if node.op.name in VIEWS and sources and made.growing:
        axis, place = sources[0].growing[0], made.growing[0]
        return prod(sources[0].tensor.shape[:axis]) * sources[0].before // prod(made.tensor.shape[:place])
    if all(v.before == 1 for v in sources):
        return 1
    kept = {(v.before, v.tensor.shape[v.growing[0]]) for v in sources}
    if not made.growing or kept != {(sources[0].before, made.tensor.shape[made.growing[0]])}:
        raise ShapeError(f"{node.op.name}: rows that hold a sequence and the batch must stay whole.")
    return sources[0].before


def _twin(value: Value) -> Tensor:
    """Tensor with the shape of many rows; leaves as they are, since some rules look at what they hold."""
    return value.tensor if value.tensor.shape == value.many else Tensor(value.many, value.tensor.dtype)


def _mended(node: Node, values: Values) -> tuple[Values, dict[str, object]]:
    attrs = dict(node.attrs)
    if node.op.name in MENDERS and any(v is not None and v.growing for v in values):
        values = MENDERS[node.op.name](node, values, attrs)
    return values, attrs


def _first(values: Values) -> Value:
    if not values or values[0] is None:
        raise ShapeError("a first input must be present.")
    return values[0]


def _one_axis(node: Node, value: Value) -> int | None:
    """The axis that grows with the batch; raises ShapeError where there are several."""
    if len(value.growing) > 1:
        raise ShapeError(f"{node.op.name}: one axis may grow with the batch, but {value.growing} do.")
    return value.growing[0] if value.growing else None


def _reshape(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    """The batch is the slowest index of its axis, so it stays in the axis before which as many elements stand."""
    source = _first(values)
    axis = _one_axis(node, source)
    if axis is None:
        return values
    stated, sizes = list(node.attrs["shape"]), node.output.shape
    before = prod(source.tensor.shape[:axis]) * source.before
    places = [i for i in range(len(sizes)) if prod(sizes[:i]) == before]
    if len(sizes) == 2 and sizes[0] == before > 1:
        # A matrix has rows: a sequence with the batch behind it is merged into them, (T, N, C) to (T N, C).
        places = [0]
    if not places:
        raise ShapeError(f"Reshape: the batch must stay in one axis, but {source.tensor.shape} becomes {sizes}.")
    # An axis of size 1 is the batch itself; windows and heads stand behind it.
    place = min(places, key=lambda i: (sizes[i] != 1, i != axis))
    if stated[place] == 0 and place != axis:
        stated[place] = -1
    if stated[place] not in (0, -1):
        copied = place == axis and sizes[place] == source.tensor.shape[axis]
        stated[place] = 0 if copied else -1
    if stated[place] == -1:
        # Only one size is inferred, and it is this one.
        stated = [size if i == place or size != -1 else sizes[i] for i, size in enumerate(stated)]
    attrs["shape"] = tuple(stated)
    return values


def _expand(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    source = _first(values)
    stated = list(node.attrs["shape"])
    shift = len(stated) - source.tensor.rank
    for axis in source.growing:
        if axis + shift >= 0:
            stated[axis + shift] = 1
    attrs["shape"] = tuple(stated)
    return values


def _slice(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    """A slice of the whole batch has no end of its own."""
    source = _first(values)
    ends = list(node.attrs["ends"])
    for i, (axis, start, step) in enumerate(
        zip(node.attrs["axes"], node.attrs["starts"], node.attrs["steps"], strict=True)
    ):
        if axis not in source.growing:
            continue
        if (start, step) != (0, 1) or ends[i] < source.tensor.shape[axis]:
            raise ShapeError("Slice: the batch must not be cut.")
        ends[i] = END
    attrs["ends"] = tuple(ends)
    return values


def _alike(*places: int) -> Mender:
    """All inputs at these places (all inputs, if none are given) get the rows of the one that has the batch."""

    def mend(node: Node, values: Values, attrs: dict[str, object]) -> Values:
        chosen = places or tuple(range(len(values)))
        present = [values[i] for i in chosen if i < len(values)]
        like = next((v for v in present if v is not None and v.growing), None)
        axis = None if like is None else _one_axis(node, like)
        if like is None or axis is None:
            return values
        return [v if v is None or i not in chosen else _with_rows(node, v, like, axis) for i, v in enumerate(values)]

    return mend


def _with_rows(node: Node, value: Value, like: Value, axis: int) -> Value:
    """The value repeated along the axis of the batch, where it has one row there."""
    if value.growing or value.tensor.rank <= axis:
        return value
    if value.tensor.shape[axis] != 1 or like.tensor.shape[axis] != 1:
        raise ShapeError(f"{node.op.name}: what is repeated must have one row, but has {value.tensor.shape}.")
    shape = tuple(0 if i == axis else 1 for i in range(value.tensor.rank))
    made = Node(ops.expand, (value.tensor, like.tensor), {"shape": shape}, node.scope)
    made.outputs = (Tensor(value.tensor.shape, value.tensor.dtype, made),)
    return Value(made.output, (*value.many[:axis], like.many[axis], *value.many[axis + 1 :]))


def _concat(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    grown = [axis for v in values if v is not None for axis in v.growing]
    if node.attrs["axis"] in grown:
        raise ShapeError("Concat: the batch must not be an axis along which tensors are joined.")
    return _alike()(node, values, attrs)


def _split(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    if node.attrs["axis"] in _first(values).growing:
        raise ShapeError("Split: the batch must not be taken apart.")
    return values


def _gather(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    """Places of one row are places of the first row only: where others begin has been lost with one row."""
    if node.attrs["axis"] in _first(values).growing:
        raise ShapeError(f"{node.op.name}: rows must not be picked from the batch.")
    return values


def _positions(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    """As in `_gather`, for positions in several axes."""
    index = values[1]
    shared = node.attrs.get("batch_dims", 0)
    depth = 0 if index is None else index.tensor.shape[-1]
    if any(shared <= axis < shared + depth for axis in _first(values).growing):
        raise ShapeError(f"{node.op.name}: rows must not be picked from the batch.")
    return values


def _kernels(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    """Kernels made for each row are as many groups as there are rows, which an attribute cannot say."""
    if any(v is not None and v.growing for v in values[1:]):
        raise ShapeError(f"{node.op.name}: kernels must be the same for all rows.")
    return values


def _apart(node: Node, values: Values, attrs: dict[str, object]) -> Values:
    """An order among rows is one of so many rows, as when the tokens of a batch are sorted by their experts."""
    if node.attrs["axis"] in _first(values).growing:
        raise ShapeError(f"{node.op.name}: rows of the batch must not be compared with each other.")
    return values


MENDERS: dict[str, Mender] = {
    "Reshape": _reshape,
    "Expand": _expand,
    "Slice": _slice,
    "Concat": _concat,
    "Split": _split,
    "Gather": _gather,
    **dict.fromkeys(("ArgMax", "ArgMin", "CumSum", "TopK"), _apart),
    **dict.fromkeys(("GatherND", "ScatterND"), _positions),
    **dict.fromkeys(("Conv", "ConvTranspose"), _kernels),
    "Attention": _alike(0, 1, 2),
    "GridSample": _alike(),
    "ScatterElements": _alike(),
    "GatherElements": _alike(),
    "LSTM": _alike(0, 5, 6),
    "GRU": _alike(0, 5),
    "RNN": _alike(0, 5),
}
"""Operators whose attributes or inputs may hold for one row only."""
