"""The first stage of a network patch by patch: the same function with smaller values in memory and more work.

Each patch of the stage's result is computed on its own, from the part of the input that it depends on (Lin et al.
2021, MCUNetV2). Neighbouring patches depend on common parts, which are computed again for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netwright.graph import Constant, Graph, Input, Node, Opaque, Parameter, Tensor, ops
from netwright.graph._rebuild import rebuilt
from netwright.graph.ops._elementwise import Elementwise, Softmax, Unary
from netwright.target._microcontroller._runtime import fused

__all__ = ["Grid", "Stage", "around", "patched", "stages", "tile_graph", "tiles"]

Grid = tuple[int, int]
"""Rows and columns of patches."""
Region = tuple[tuple[int, int], ...]
"""Positions from and to, along each spatial axis."""

_WINDOWS = frozenset({"Conv", "MaxPool", "AveragePool"})
_CHANNELS = frozenset({"Concat", "Split"})
_PASSING = frozenset({"BatchNormalization", "Identity", "Dropout"})


@dataclass(frozen=True)
class Stage:
    """Nodes from an input of the network to one value, through which alone the rest depends on them."""

    source: Input
    result: Tensor
    nodes: tuple[Node, ...]


def stages(graph: Graph) -> Iterator[Stage]:
    """Stages that can be computed patch by patch, shortest first.

    All of their nodes are local: each position of a result depends on positions nearby.
    """
    joined, constant = fused(graph), graph.constant_nodes
    inside: dict[Node, None] = {}
    source: Input | None = None
    for node in graph.nodes:
        if node in constant:
            continue
        data = _data(node, constant)
        inputs = [t for t in data if isinstance(t, Input)]
        source = source or (inputs[0] if inputs else None)
        if not _local(node, constant) or any(t is not source for t in inputs):
            return
        inside[node] = None
        y = node.output
        ready = len(node.outputs) == 1 and not any(user in joined for user in graph.users.get(y, ()))
        if source is not None and ready and _closed(graph, inside, y):
            yield Stage(source, y, tuple(inside))


def _data(node: Node, constant: frozenset[Node]) -> list[Tensor]:
    """What a node reads of activations."""
    return [
        t for t in node.inputs
        if t is not None and not isinstance(t, Parameter | Constant) and (t.node is None or t.node not in constant)
    ]  # fmt: skip


def _closed(graph: Graph, inside: dict[Node, None], result: Tensor) -> bool:
    """Whether the nodes outside read nothing of those inside but the result."""
    made = [t for node in inside for t in node.outputs if t is not result]
    return not any(t in graph.outputs or any(u not in inside for u in graph.users.get(t, ())) for t in made)


def _local(node: Node, constant: frozenset[Node]) -> bool:
    x, y = node.inputs[0] if node.inputs else None, node.output
    if x is None or y.rank not in (3, 4) or x.rank != y.rank:
        return False
    name, space = node.op.name, y.rank - 2
    if name in _WINDOWS:
        return len(node.outputs) == 1 and not node.attrs.get("ceil_mode", 0)
    if name in _CHANNELS:
        return bool(node.attrs["axis"] == 1)
    if name in _PASSING:
        return True
    data = _data(node, constant)
    fixed = [t for t in node.inputs if t is not None and t not in data]
    spread = all(size == 1 for t in fixed for size in t.shape[-space:])
    same = all(t.shape[2:] == y.shape[2:] and t.rank == y.rank for t in data)
    return isinstance(node.op, Elementwise | Unary) and not isinstance(node.op, Softmax) and spread and same


def tiles(shape: Sequence[int], grid: Grid) -> list[Region]:
    """Regions of a value (N, C, H, W) or (N, C, L), row by row; sizes differ by one at the most.

    >>> tiles((1, 8, 5, 4), (2, 1))
    [((0, 2), (0, 4)), ((2, 5), (0, 4))]
    """
    parts = [
        [(i * size // count, (i + 1) * size // count) for i in range(count)]
        for size, count in zip(shape[2:], grid, strict=False)
    ]
    return (
        [(row,) for row in parts[0]]
        if len(parts) == 1
        else [(row, column) for row in parts[0] for column in parts[1]]
    )


def tile_graph(stage: Stage, region: Region) -> Graph | None:
    """The stage for one region of its result; None where a part of that depends on padding alone."""
    tensor = _tile(stage, region)
    return None if tensor is None else Graph([stage.source], [tensor])


def _tile(stage: Stage, region: Region) -> Tensor | None:
    inside, needs = set(stage.nodes), {stage.result: region}
    for node in reversed(stage.nodes):
        wanted = _joined([needs[t] for t in node.outputs if t in needs])
        for tensor in (t for t in node.inputs if t is not None and (t is stage.source or t.node in inside)):
            part = _read_region(node, tensor, wanted)
            needs[tensor] = _joined([needs[tensor], part] if tensor in needs else [part])
    if any(high <= low for each in needs.values() for low, high in each):
        return None
    built: dict[Tensor, Tensor] = {stage.source: _crop(stage.source, _whole(stage.source), needs[stage.source])}
    for node in stage.nodes:
        wanted = _joined([needs[t] for t in node.outputs if t in needs])
        inputs = [
            _crop(built[t], needs[t], _read_region(node, t, wanted)) if t is not None and t in built else t
            for t in node.inputs
        ]
        new = _again(node, inputs, wanted)
        built.update(zip(node.outputs, new.outputs, strict=True))
    return built[stage.result]


def _whole(tensor: Tensor) -> Region:
    return tuple((0, size) for size in tensor.shape[2:])


def _joined(regions: Sequence[Region]) -> Region:
    """The smallest region that holds all."""
    return tuple((min(low for low, _ in axis), max(high for _, high in axis)) for axis in zip(*regions, strict=True))


def _windows(node: Node, wanted: Region) -> list[tuple[int, int, int]]:
    """Along each axis: where the first window starts, where the last one ends, and the size of the input."""
    attrs, x = node.attrs, node.inputs[0]
    assert x is not None
    axes = zip(wanted, attrs["kernel_shape"], attrs["strides"], attrs["dilations"], attrs["pads"], strict=False)
    return [
        (low * stride - pad, (high - 1) * stride - pad + dilation * (kernel - 1) + 1, size)
        for ((low, high), kernel, stride, dilation, pad), size in zip(axes, x.shape[2:], strict=True)
    ]


def _read_region(node: Node, tensor: Tensor, wanted: Region) -> Region:
    """What a node reads of an input for a region of its result."""
    if node.op.name not in _WINDOWS:
        return wanted
    return tuple((max(low, 0), min(high, size)) for low, high, size in _windows(node, wanted))


def _crop(tensor: Tensor, held: Region, wanted: Region) -> Tensor:
    """A part of a value of which a region is held."""
    axes = [i for i, (a, b) in enumerate(zip(held, wanted, strict=True)) if a != b]
    if not axes:
        return tensor
    starts = tuple(wanted[i][0] - held[i][0] for i in axes)
    ends = tuple(wanted[i][1] - held[i][0] for i in axes)
    part: Tensor = ops.slice_(tensor, starts=starts, ends=ends, axes=tuple(i + 2 for i in axes))
    return part


def _again(node: Node, inputs: Sequence[Tensor | None], wanted: Region) -> Node:
    """The node on a part of its input, padded only where the window reaches over the edge of the whole."""
    attrs = dict(node.attrs)
    if node.op.name in _WINDOWS:
        windows = _windows(node, wanted)
        attrs["pads"] = (*(max(0, -low) for low, *_ in windows), *(max(0, high - size) for _, high, size in windows))
    new = Node(node.op, tuple(inputs), attrs, node.scope)
    types = node.op.infer(new.inputs, attrs)
    new.outputs = tuple([Tensor(shape, dtype, new, i) for i, (shape, dtype) in enumerate(types)])
    return new


def patched(graph: Graph, stage: Stage, grid: Grid) -> Graph | None:
    """The whole network with the stage patch by patch, which runs anywhere; None where `tile_graph` is None."""
    parts = [_tile(stage, region) for region in tiles(stage.result.shape, grid)]
    made = [part for part in parts if part is not None]
    if len(made) < len(parts):
        return None
    columns = grid[1] if stage.result.rank == 4 else 1
    rows = [_concat(made[i : i + columns], 3) for i in range(0, len(made), columns)]
    return around(graph, stage, _concat(rows, 2))


def _concat(parts: Sequence[Tensor], axis: int) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    whole: Tensor = ops.concat(*parts, axis=axis)
    return whole


def around(graph: Graph, stage: Stage, result: Tensor | None = None) -> Graph:
    """The network with another value in place of the stage's result; a node that stands for the stage if absent."""
    if result is None:
        result = Opaque("Patches", [(stage.result.shape, stage.result.dtype)])(stage.source)
    inside = set(stage.nodes)
    steps = [
        (node, node.op, tuple([result if t is stage.result else t for t in node.inputs]))
        for node in graph.nodes
        if node not in inside
    ]
    return rebuilt(graph, steps, [result if t is stage.result else t for t in graph.outputs])
