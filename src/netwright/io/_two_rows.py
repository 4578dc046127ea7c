"""Whether a network made free of its batch is, step by step, what its original builds for two rows.

One row does not tell a size from the number 1: `x.sum() / x.shape[0]` is written down as a division by 1. The
original written down with two rows does tell, for no more than the time to write it down: each step must be the same
operator with the same settings, on the same weights, and must have the sizes that the network made free has with two
rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from netwright.graph import Constant, Graph, Node, Parameter, Shape, Tensor

__all__ = ["Numbers", "same_steps"]

Numbers = Callable[[Parameter], "NDArray[np.generic] | None"]
"""Array of a parameter, or None where it has none."""

SIZES = {"Reshape": "shape", "Expand": "shape", "Slice": "ends"}
"""Attributes that state sizes, which the shapes of what is made say as well."""

ROW_BY_ROW = frozenset({
    "Add", "And", "Attention", "Cast", "Concat", "Cos", "Div", "Equal", "Expand", "Gather", "Greater",
    "GreaterOrEqual", "Less", "LessOrEqual", "Mul", "Not", "Or", "Reshape", "Sin", "Slice", "Sub", "Transpose",
    "Unsqueeze", "Where",
})  # fmt: skip
"""Operators that make of equal rows equal rows: a class token is expanded here to one row, there to two."""


def same_steps(graph: Graph, sizes: Mapping[Tensor, Shape], twin: Graph, numbers: Numbers) -> bool:
    """Whether two graphs take the same steps, the first on one row and the second on two.

    sizes: shape of each tensor of `graph` when the network made free has two rows.
    numbers: array of a parameter; the two graphs share those that are weights of the original.

    >>> from netwright.graph import Input, ops
    >>> one, two = Input((1, 3)), Input((2, 3))
    >>> graph, twin = Graph([one], [one * 1.0]), Graph([two], [two * 0.5])
    >>> same_steps(graph, {one: (2, 3), graph.outputs[0]: (2, 3)}, twin, lambda parameter: None)
    False
    """
    if len(graph.nodes) != len(twin.nodes) or len(graph.inputs) != len(twin.inputs):
        return False
    match: dict[Tensor, Tensor] = dict(zip(graph.inputs, twin.inputs, strict=True))
    for node, other in zip(graph.nodes, twin.nodes, strict=True):
        if not _same_setting(node, other) or not all(_same(pair, match, numbers) for pair in _inputs(node, other)):
            return False
        if not _same_results(node, other, sizes):
            return False
        match.update(zip(node.outputs, other.outputs, strict=True))
    return all(_same(pair, match, numbers) for pair in zip(graph.outputs, twin.outputs, strict=True))


def _same_setting(node: Node, other: Node) -> bool:
    if node.op.name != other.op.name or len(node.inputs) != len(other.inputs):
        return False
    stated = SIZES.get(node.op.name)
    ours, theirs = ({k: v for k, v in n.attrs.items() if k != stated} for n in (node, other))
    return ours == theirs and len(node.outputs) == len(other.outputs)


def _same_results(node: Node, other: Node, sizes: Mapping[Tensor, Shape]) -> bool:
    """Whether what comes out has the same sizes, or is one row where the original has it twice."""

    def twice(ours: Tensor | None, theirs: Tensor | None) -> bool:
        return ours is not None and theirs is not None and sizes.get(ours, ours.shape) != theirs.shape

    results = list(zip(node.outputs, other.outputs, strict=True))
    if any(t.dtype != u.dtype or not _repeated(sizes[t], u.shape) for t, u in results):
        return False
    return node.op.name in ROW_BY_ROW or not any(twice(*pair) for pair in (*_inputs(node, other), *results))


def _repeated(one: Shape, two: Shape) -> bool:
    return len(one) == len(two) and all(a == b or (a, b) == (1, 2) for a, b in zip(one, two, strict=True))


def _inputs(node: Node, other: Node) -> Iterator[tuple[Tensor | None, Tensor | None]]:
    return zip(node.inputs, other.inputs, strict=True)


def _same(pair: tuple[Tensor | None, Tensor | None], match: dict[Tensor, Tensor], numbers: Numbers) -> bool:
    """Whether two tensors are the same: made by the same steps, or leaves that hold the same numbers."""
    ours, theirs = pair
    if ours is None or theirs is None or ours is theirs:
        return ours is theirs
    if ours in match:
        return match[ours] is theirs
    arrays = [t.value if isinstance(t, Constant) else numbers(t) if isinstance(t, Parameter) else None for t in pair]
    return ours.dtype == theirs.dtype and _repeats(*arrays)


def _repeats(one: NDArray[np.generic] | None, two: NDArray[np.generic] | None) -> bool:
    """Whether an array for two rows is that for one row, once for each."""
    if one is None or two is None or one.ndim != two.ndim:
        return False
    return _repeated(one.shape, two.shape) and bool((one == two).all())
