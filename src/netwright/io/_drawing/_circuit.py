"""Steps of a circuit: which wires each operator touches, and where they meet it.

Neural circuit diagrams (Abbott 2024, sections 2.3 to 2.5): a value is a bundle of wires, one for each axis; an
operator touches the wires it works along and leaves the others alone, which is what broadcasting means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netwright.graph import Constant, Node, Parameter, Tensor, ops
from netwright.io._drawing._axes import Link, Place, links_of
from netwright.io._drawing._blocks_text import data_inputs, kind_of, operator_name, shape_text

__all__ = ["BETWEEN", "PITCH", "Step", "Wires", "axes_of", "expanded", "height_of", "steps_of", "wires_of"]

PITCH, BETWEEN = 20.0, 30.0
"""Pixels between the wires of one bundle, and between two bundles."""

SCALAR = -1
"""The axis that stands for a value without axes, which is a wire too."""

_UNSEEN = {"Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Transpose", "Expand"}
_BY_WIRES = {"Transpose", "Reshape", "Flatten"}
_WINDOWS = {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"}


@dataclass(frozen=True, eq=False)
class Step:
    """One operator of a circuit.

    label: words in its box; empty where the wires say it all: crossing, splitting, merging, a contraction.
    ins, outs: the values it reads and makes, each once, and what nobody needs left out; the places of `links` count
    in them.
    marks: windows and strides beside the wires that they move along.
    """

    label: str
    kind: str
    ins: tuple[Tensor, ...]
    outs: tuple[Tensor, ...]
    links: tuple[Link, ...]
    marks: Mapping[Place, str]


def axes_of(tensor: Tensor) -> tuple[int, ...]:
    """Axes that are wires: those of more than one position.

    >>> axes_of(Tensor((1, 8, 1, 4))), axes_of(Tensor((1, 1)))
    ((1, 3), (-1,))
    """
    return tuple(axis for axis, size in enumerate(tensor.shape) if size > 1) or (SCALAR,)


def height_of(tensor: Tensor) -> float:
    """Pixels from the first to the last wire of a value."""
    return PITCH * (len(axes_of(tensor)) - 1)


# Nodes to steps -----------------------------------------------------------------------------------


def expanded(node: Node) -> list[Node]:
    """The two products and the softmax of an attention whose heads have keys of their own; else the node."""
    return _parts_of_attention(node) if _is_plain_attention(node) else [node]


def _is_plain_attention(node: Node) -> bool:
    values = node.inputs[:3]
    if node.op.name != "Attention" or any(isinstance(t, Parameter | Constant | None) for t in values):
        return False
    query, key = (t.shape for t in values[:2] if t is not None)
    return query[1] == key[1]


def _parts_of_attention(node: Node) -> list[Node]:
    query, key, value, *mask = node.inputs
    scores = ops.einsum(query, key, equation="nhtd,nhsd->nhts")
    made: list[Tensor] = [scores]
    for given in mask:
        if given is not None:
            made.append(ops.where(given, scores, 0.0) if given.dtype == "bool" else scores + given)
    if node.attrs["is_causal"]:
        made.append(ops.trilu(made[-1], upper=0))
    made.append(ops.softmax(made[-1], axis=-1))
    last = Node(ops.einsum, (made[-1], value), {"equation": "nhts,nhse->nhte"}, None)
    last.outputs = node.outputs
    return [*(t.node for t in made if t.node is not None), last]


def steps_of(nodes: Sequence[Node], outs: Iterable[Tensor]) -> tuple[list[Step], dict[Tensor, Tensor]]:
    """Steps in the order of execution, and for each value that only renames another the value that it is drawn as.

    The bias of a linear layer belongs to its box. `outs` are values that something else needs.
    """
    needed = set(outs)
    readers: dict[Tensor, list[Node]] = {}
    for node in nodes:
        for tensor in data_inputs(node):
            readers.setdefault(tensor, []).append(node)
    alias: dict[Tensor, Tensor] = {}
    biases: set[Node] = set()
    steps = []
    for node in nodes:
        data = data_inputs(node)
        if node in biases:
            continue
        if node.op.name in _UNSEEN and len(data) == 1 and _renames(node):
            alias[node.output] = alias.get(data[0], data[0])
            continue
        bias = _bias(node, readers, needed)
        if bias is not None:
            biases.add(bias)
        outs = [t for t in (bias or node).outputs if t in needed or t in readers] or (bias or node).outputs[:1]
        steps.append(_step(node, outs, bias is not None, alias))
    return steps, alias


def _renames(node: Node) -> bool:
    """Whether the wires of a node's output are those of its input, in their order."""
    before = [axis for link in sorted(links_of(node), key=lambda link: link.targets) for _, axis in link.sources]
    sizes = ([t.shape[axis] for axis in axes_of(t) if axis != SCALAR] for t in (data_inputs(node)[0], node.output))
    return before == sorted(before) and next(sizes) == next(sizes)


def _bias(node: Node, readers: Mapping[Tensor, Sequence[Node]], needed: set[Tensor]) -> Node | None:
    """The addition of a learned vector that alone reads a product with a weight."""
    after = readers.get(node.output, ())
    if node.op.name != "MatMul" or len(data_inputs(node)) != 1 or len(after) != 1 or node.output in needed:
        return None
    learned = [t for t in after[0].inputs if isinstance(t, Parameter)]
    return after[0] if after[0].op.name == "Add" and len(learned) == 1 and learned[0].rank == 1 else None


def _step(node: Node, outs: Sequence[Tensor], biased: bool, alias: Mapping[Tensor, Tensor]) -> Step:
    ins = tuple(dict.fromkeys(alias.get(t, t) for t in data_inputs(node)))
    kept = [0] if biased else [node.outputs.index(t) for t in outs]
    links = [seen for link in links_of(node) if (seen := _seen(link, node, ins, kept, alias))]
    touched = [Link(((i, SCALAR),), ()) for i, t in enumerate(ins) if axes_of(t) == (SCALAR,)]
    touched += [Link((), ((i, SCALAR),)) for i, t in enumerate(outs) if axes_of(t) == (SCALAR,)]
    return Step(_label(node), kind_of([node]), ins, tuple(outs), (*links, *touched), _marks(node, alias))


def _seen(
    link: Link, node: Node, ins: Sequence[Tensor], kept: Sequence[int], alias: Mapping[Tensor, Tensor]
) -> Link | None:
    """The link with its places counted among the values of the step; None where it only makes what is left out.

    A value that was squeezed is drawn as the one before, whose wires are the same at other axes.
    """
    sources = []
    for i, axis in link.sources:
        given = node.inputs[i]
        assert given is not None
        shown = alias.get(given, given)
        sources.append((ins.index(shown), axes_of(shown)[axes_of(given).index(axis)]))
    targets = tuple((kept.index(i), axis) for i, axis in link.targets if i in kept)
    if link.targets and not targets and not sources:
        return None
    return Link(tuple(dict.fromkeys(sources)), targets, link.acts)


def _label(node: Node) -> str:
    name, data = node.op.name, data_inputs(node)
    if name in _BY_WIRES or (name in ("MatMul", "Einsum") and len(data) > 1):
        return ""
    signs = {"Add": "+", "Sum": "+", "Mul": "×", "Sub": "−", "Div": "÷"}
    if name in signs:
        return signs[name] if len(data) > 1 else f"{signs[name]} {_constant(node)}"
    if name in ("Conv", "ConvTranspose") and node.attrs["group"] > 1:
        depthwise = node.attrs["group"] == data[0].shape[1]
        return "depthwise" if depthwise else f"conv, {node.attrs['group']} groups"
    return operator_name(node)


def _constant(node: Node) -> str:
    """The other operand of an operator on one value: a learned array or a number."""
    other = next((t for t in node.inputs if isinstance(t, Parameter | Constant)), None)
    if isinstance(other, Constant):
        return f"{float(other.value.reshape(-1)[0]):.3g}" if other.size == 1 else shape_text(other.shape)
    return "learned" if other is not None else "itself"


def _marks(node: Node, alias: Mapping[Tensor, Tensor]) -> dict[Place, str]:
    """Windows beside the wires of the first input that they move along; along an axis of size 1 there is none."""
    if node.op.name not in _WINDOWS:
        return {}
    given = data_inputs(node)[0]
    shown = axes_of(alias.get(given, given))
    marks = {}
    for i, size in enumerate(node.attrs["kernel_shape"]):
        stride, spread = (node.attrs.get(key, (1,) * (i + 1))[i] for key in ("strides", "dilations"))
        if given.shape[2 + i] > 1 and (size > 1 or stride > 1):
            text = str(size) + (f" /{stride}" if stride > 1 else "") + (f" ·{spread}" if spread > 1 else "")
            marks[0, shown[axes_of(given).index(2 + i)]] = text
    return marks


# Steps to wires -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wires:
    """Heights, from the middle of a step, at which wires meet it at the left and leave it at the right.

    ins, outs: middle of each bundle. boxes: from the first to the last wire that the operator touches, once for each
    group without an untouched wire between.
    """

    left: Mapping[Place, float]
    right: Mapping[Place, float]
    ins: tuple[float, ...]
    outs: tuple[float, ...]
    boxes: tuple[tuple[float, float], ...]

    @property
    def reach(self) -> float:
        """Pixels from the middle to the farthest wire."""
        return max((abs(y) for y in (*self.left.values(), *self.right.values())), default=0.0)


def wires_of(step: Step, above: Callable[[Tensor], float]) -> Wires:
    """Where the wires of a step go; bundles that come from above (by `above`) stand above the others."""
    order = sorted(range(len(step.ins)), key=lambda i: (above(step.ins[i]), i))
    ins = _stacked(step.ins, order)
    left = _places(step.ins, ins)
    outs = _stacked(step.outs, range(len(step.outs)))
    if len(outs) == 1:
        outs = (_aligned(step, left),)
    right = _places(step.outs, outs)
    return Wires(left, right, ins, outs, tuple(_boxes(step, left, right)) if step.label else ())


def _stacked(tensors: Sequence[Tensor], order: Iterable[int]) -> tuple[float, ...]:
    """Middles of bundles, one below the other, around 0."""
    total = sum(height_of(t) for t in tensors) + BETWEEN * (len(tensors) - 1)
    middles = [0.0] * len(tensors)
    top = -total / 2
    for i in order:
        middles[i] = top + height_of(tensors[i]) / 2
        top += height_of(tensors[i]) + BETWEEN
    return tuple(middles)


def _places(tensors: Sequence[Tensor], middles: Sequence[float]) -> dict[Place, float]:
    return {
        (i, axis): middle - height_of(tensor) / 2 + PITCH * k
        for i, (tensor, middle) in enumerate(zip(tensors, middles, strict=True))
        for k, axis in enumerate(axes_of(tensor))
    }


def _aligned(step: Step, left: Mapping[Place, float]) -> float:
    """Middle of the only output where most of the wires that go on are straight."""
    here = _places(step.outs, (0.0,))
    latest = max((i for link in step.links if link.targets for i, _ in link.sources), default=0)
    shifts = [
        left[place] - here[link.targets[0]]
        for link in step.links
        for place in link.sources
        if link.targets and place[0] == latest
    ]
    return max(shifts, key=lambda shift: (shifts.count(shift), -abs(shift)), default=0.0)


def _boxes(step: Step, left: Mapping[Place, float], right: Mapping[Place, float]) -> list[tuple[float, float]]:
    touched: set[float] = set()
    passing: set[float] = set()
    for link in step.links:
        if link.acts:
            touched |= {left[place] for place in link.sources}
            if not link.sources or len(link.sources) > 1:
                touched |= {right[place] for place in link.targets}
        else:
            passing |= {left[place] for place in link.sources}
    heights = sorted(touched)
    if not heights:
        return []
    boxes = [[heights[0], heights[0]]]
    for a, b in pairwise(heights):
        if any(a < y < b for y in passing):
            boxes.append([b, b])
        boxes[-1][1] = b
    return [(a, b) for a, b in boxes]
