"""Reshapes: which axes of the result hold which axes of the input, and which of them may shrink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from netwright.graph._positions import Axes, Ints, Positions, Walk
from netwright.graph._tensor import Node, Shape, Tensor

__all__ = ["regrouped", "runs"]

FIXED, FREE, PARALLEL = 0, 1, 2
"""What becomes of an axis: it is contracted or cut, nothing of the kind, or each position is worked on by itself."""


def runs(before: Shape, after: Shape) -> Iterator[tuple[range, range]]:
    """Shortest runs of axes that hold the same elements on both sides.

    >>> list(runs((1, 16, 24), (1, 16, 3, 8)))
    [(range(0, 1), range(0, 1)), (range(1, 2), range(1, 2)), (range(2, 3), range(2, 4))]
    """
    i = j = 0
    while i < len(before) or j < len(after):
        first_i, first_j = i, j
        size_i = size_j = 1
        while True:
            if i < len(before) and (i == first_i or (j > first_j and size_i < size_j)):
                size_i *= before[i]
                i += 1
            elif j < len(after) and (j == first_j or size_j < size_i):
                size_j *= after[j]
                j += 1
            else:
                break
        yield range(first_i, i), range(first_j, j)


def regrouped(node: Node, walk: Walk, axes: Axes) -> Axes:
    """Axes of a reshaped tensor.

    Merged axes carry the positions of the one that may shrink. Where an axis is split, one of the new axes carries
    the positions and the others stay whole: the one whose positions are worked on each by itself, as the heads of
    attention are, else the one that leaves most to choose from.
    """
    x, y = node.inputs[0], node.output
    assert x is not None
    result: list[Ints] = []
    for into, out in runs(x.shape, y.shape):
        if len(into) == len(out) == 1:
            result.append(axes[into[0]])
        else:
            sizes = [y.shape[axis] for axis in out]
            result += _carried(walk, node, _elements(walk.sets, [axes[axis] for axis in into]), out, sizes)
    return tuple(result)


def _elements(sets: Positions, axes: Sequence[Ints]) -> Ints:
    """Set of every element of a run of axes, in order; only one axis of a run may shrink, the others are pinned."""
    shape = [len(axis) for axis in axes]
    free = [number for number, axis in enumerate(axes) if sets.units(axis)]
    for number in free[1:]:
        sets.pin(axes[number])
    if not free:
        return sets.pinned(prod(shape))
    along = [1] * len(shape)
    along[free[0]] = -1
    return np.broadcast_to(axes[free[0]].reshape(along), shape).ravel()


def _carried(walk: Walk, node: Node, elements: Ints, out: range, sizes: Sequence[int]) -> list[Ints]:
    """Axes of the result that a run of elements is laid out on."""
    sets = walk.sets
    if len(out) == 1:
        return [elements]
    found = [sets.pinned(size) for size in sizes]
    wide = [n for n, size in enumerate(sizes) if size > 1]
    roles = {n: _role(walk, node.output, out[n]) if len(wide) > 1 else FREE for n in wide}
    fit = [n for n in wide if roles[n] == max(roles.values()) != FIXED]
    if not fit or not sets.units(elements):
        sets.pin(elements)
        return found
    table = elements.reshape(tuple(sizes))
    rows = {n: np.moveaxis(table, n, -1).reshape(-1, sizes[n]) for n in fit}
    carrier = max(fit, key=lambda n: _left(sets, rows[n]))
    found[carrier] = sets.tie_rows(rows[carrier])
    return found


def _left(sets: Positions, table: Ints) -> int:
    """Number of sets that uniting the rows of a table would leave: exact where rows are equal or all different."""
    roots = sets.roots(table)
    return len(set(map(tuple, roots.T.tolist())))


def _role(walk: Walk, tensor: Tensor, axis: int) -> int:
    """What becomes of an axis until it is merged with another."""
    role, pending, seen = FREE, [(tensor, axis)], {(tensor, axis)}
    while pending:
        place = pending.pop()
        for node in walk.users.get(place[0], ()):
            step, onward = _step(walk, node, *place)
            if step == FIXED:
                return FIXED
            role = max(role, step)
            pending += [other for other in onward if other not in seen]
            seen.update(onward)
    return role


def _step(walk: Walk, node: Node, t: Tensor, axis: int) -> tuple[int, list[tuple[Tensor, int]]]:
    """What one node does with an axis of one of its inputs, and where the axis is afterwards."""
    name, y = node.op.name, node.output
    fixed: tuple[int, list[tuple[Tensor, int]]] = (FIXED, [])
    if name == "Transpose":
        return FREE, [(y, node.attrs["perm"].index(axis))]
    if name in ("Reshape", "Flatten"):
        kept = [(y, out[0]) for into, out in runs(t.shape, y.shape) if list(into) == [axis] and len(out) == 1]
        return FREE, kept
    if name == "Attention":
        return (PARALLEL, [(y, 1)]) if axis == 1 else fixed
    if name == "MatMul":
        from_end = axis - t.rank
        if from_end < -2:
            return PARALLEL, [(y, y.rank + from_end)]
        if from_end == (-1 if t is node.inputs[0] else -2):
            return fixed if walk.both_flow(node) else (FREE, [])
        return FREE, [(y, y.rank + from_end)]
    if name in ("Conv", "ConvTranspose", "Gemm"):
        return (FREE, []) if axis == 1 else fixed
    cut = node.attrs.get("axes", node.attrs.get("axis", ()))
    cut = (cut,) if isinstance(cut, int) else tuple(cut)
    if name == "Unsqueeze":
        return FREE, [(y, [a for a in range(y.rank) if a not in cut][axis])]
    if name == "Squeeze" or (name.startswith("Reduce") and not node.attrs["keepdims"]):
        return fixed if axis in cut else (FREE, [(y, axis - sum(a < axis for a in cut))])
    if name in ("Split", "Slice", "Concat", "Softmax", "LogSoftmax") or name.startswith("Reduce"):
        return fixed if axis in cut else (FREE, [(made, axis) for made in node.outputs])
    if name == "Gather":
        indices = node.inputs[1]
        assert indices is not None
        moved = axis if axis < cut[0] else axis - 1 + indices.rank
        return fixed if axis == cut[0] or t is not node.inputs[0] else (FREE, [(y, moved)])
    if y.rank >= t.rank and y.shape[axis - t.rank] == t.shape[axis]:
        return FREE, [(y, axis + y.rank - t.rank)]
    return fixed
