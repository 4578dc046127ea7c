"""What the axes of each value are: channels, height, width, tokens, features, heads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netwright.graph import Input, Node, Tensor
from netwright.io._drawing._axes import Link, links_of

__all__ = ["name_axes"]

_BY_COUNT = {
    1: ("feature",),
    2: ("token", "feature"),
    3: ("channel", "height", "width"),
    4: ("channel", "depth", "height", "width"),
}
_CREATED = {
    "Conv": "channel", "ConvTranspose": "channel", "Expand": "copy", "Tile": "copy", "OneHot": "class",
    "Gather": "feature", "MatMul": "feature", "Gemm": "feature", "Einsum": "feature",
    "LSTM": "feature", "GRU": "feature", "RNN": "feature",
}  # fmt: skip
_PARTS = {
    "feature": ("head", "feature"), "channel": ("group", "channel"), "token": ("height", "width"),
    "window": ("height", "width"), "height": ("height", "window"), "width": ("width", "window"),
}  # fmt: skip
_PRODUCTS = {"MatMul", "Einsum"}
_SPACE = {"height", "width", "depth"}
_OTHER = "axis"


def name_axes(
    inputs: Iterable[Input], nodes: Iterable[Node], known: Mapping[Tensor, tuple[str, ...]] | None = None
) -> dict[Tensor, tuple[str, ...]]:
    """Name of every axis of every value that the nodes make, by the way from the inputs; known: those of some inputs.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(3, 8, 8)
    >>> graph = Graph([x], [ops.transpose(ops.reshape(x, shape=(0, 3, 64)), perm=(0, 2, 1))])
    >>> name_axes(graph.inputs, graph.nodes)[graph.outputs[0]]
    ('batch', 'token', 'channel')
    """
    names: dict[Tensor, tuple[str, ...]] = {tensor: _of_input(tensor) for tensor in inputs} | dict(known or {})
    for node in nodes:
        names.update(_of_outputs(node, names))
    return names


def _of_input(tensor: Input) -> tuple[str, ...]:
    count = tensor.rank - (tensor.batch_axis is not None)
    known = _BY_COUNT.get(count, (_OTHER,) * count)
    if tensor.dtype.startswith("int") and count == 1:
        known = ("token",)
    if tensor.batch_axis is None:
        return known
    return (*known[: tensor.batch_axis], "batch", *known[tensor.batch_axis :])


def _of_outputs(node: Node, names: Mapping[Tensor, tuple[str, ...]]) -> dict[Tensor, tuple[str, ...]]:
    # What has size 1 is no wire and keeps the name of the batch, which is the one such axis that matters.
    made = [["batch" if size == 1 else "" for size in t.shape] for t in node.outputs]
    for link in links_of(node):
        before = [_name_of(node, place, names) for place in link.sources]
        for (i, axis), name in zip(link.targets, _after(node, link, before), strict=True):
            second = name == "token" and "token" in made[i] and node.op.name in _PRODUCTS
            made[i][axis] = "key" if second else name
    return {t: tuple(name or _OTHER for name in row) for t, row in zip(node.outputs, made, strict=True)}


def _name_of(node: Node, place: tuple[int, int], names: Mapping[Tensor, tuple[str, ...]]) -> str:
    tensor = node.inputs[place[0]]
    return names[tensor][place[1]] if tensor is not None and tensor in names else _OTHER


def _after(node: Node, link: Link, before: list[str]) -> list[str]:
    if link.kind == "contracted":
        return []
    if link.kind == "created":
        return [_CREATED.get(node.op.name, _OTHER)] * len(link.targets)
    if link.kind == "split":
        return _split(before[0], len(link.targets))
    if link.kind == "merged":
        return [_merged(set(before), link.targets[0][1])] * len(link.targets)
    return [before[0]] * len(link.targets)


def _split(name: str, count: int) -> list[str]:
    parts = _PARTS.get(name, (_OTHER, name))
    return ["part"] * (count - 2) + list(parts) if count >= 2 else [name]


def _merged(names: set[str], axis: int) -> str:
    if len(names) == 1:
        return next(iter(names)) if names != {"window"} else "token"
    if "head" in names and names <= {"head", "copy"}:
        return "head"
    if "channel" in names and not names & _SPACE and "feature" not in names:
        return "channel"
    if names & {"feature", "channel"}:
        return "feature"
    for side in sorted(_SPACE):
        if names == {side, "window"}:
            return side
    # Windows take the place of the batch, tokens that of a sequence.
    return "window" if axis == 0 and names <= _SPACE else "token"
