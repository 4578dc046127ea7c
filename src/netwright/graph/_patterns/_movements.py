"""Elements moved by several steps where one does it, or none: views of views, pixel shuffles, slices that split."""

from __future__ import annotations

from collections.abc import Mapping

from netwright.graph import ops
from netwright.graph._patterns._language import Match, Rule, apply
from netwright.graph._patterns._network import Network
from netwright.graph._tensor import Node, Tensor

__all__ = ["MOVEMENTS", "VIEWS"]

VIEW = "Reshape Flatten Squeeze Unsqueeze"
WIDE = apply("Reshape", "x", name="wide")
SPACE_TO_DEPTH = (0, 3, 5, 1, 2, 4)
DEPTH_TO_SPACE = {"CRD": (0, 1, 4, 2, 5, 3), "DCR": (0, 3, 4, 1, 5, 2)}


def _unchanged(match: Match, net: Network) -> Tensor | None:
    """A view, or two of them, that end as what they began with."""
    x = match.tensor("x")
    return x if net.alike(x, match.tensor("y")) else None


def _one_view(match: Match, net: Network) -> Tensor | None:
    x, y = match.tensor("x"), match.tensor("y")
    shape = net.view(x, y)
    return None if shape is None else ops.reshape(x, shape=shape)


def _one_transpose(match: Match, net: Network) -> Tensor | None:
    inner, outer = match.node("inner").attrs["perm"], match.node("y").attrs["perm"]
    made: Tensor = ops.transpose(match.tensor("x"), perm=[inner[i] for i in outer])
    return made


def _pixel_shuffle(match: Match, net: Network) -> Tensor | None:
    """Reshape, transpose, reshape between channels and blocks of pixels; a channel shuffle is none."""
    x, wide, y = (match.tensor(key) for key in ("x", "wide", "y"))
    perm = match.node("turned").attrs["perm"]
    if x.rank != 4 or y.rank != 4 or wide.rank != 6:
        return None
    _, c, h, w = x.shape
    if perm == SPACE_TO_DEPTH:
        block = wide.shape[3]
        fits = wide.shape[1:] == (c, h // block, block, w // block, block)
        made = ops.space_to_depth(x, blocksize=block) if fits else None
    else:
        mode = next((mode for mode, order in DEPTH_TO_SPACE.items() if order == perm), None)
        block = wide.shape[2]
        parts = {"CRD": (c // block**2, block, block), "DCR": (block, block, c // block**2)}.get(mode or "")
        fits = parts is not None and wide.shape[1:] == (*parts, h, w)
        made = ops.depth_to_space(x, blocksize=block, mode=mode) if fits else None
    return made if made is not None and made.shape == y.shape else None


def _split(match: Match, net: Network) -> Mapping[Tensor, Tensor] | None:
    """Slices that share out an axis, from its first position to its last."""
    x, first = match.tensor("x"), match.node("slice")
    axis = first.attrs["axes"][0]
    size, parts, end = x.shape[axis], [], 0
    # Asked for the first slice only: for each of many, all of them would be looked at again.
    if len(first.attrs["axes"]) != 1 or _start(first, size) != 0 or net.many(x)[axis] != size:
        return None
    bounds: dict[int, Node] = {}
    for user in net.users(x):
        if user.op.name == "Slice" and user.attrs["axes"] == (axis,) and user.attrs["steps"] == (1,):
            bounds.setdefault(_start(user, size), user)
    while end in bounds:
        parts.append(bounds[end])
        end += parts[-1].output.shape[axis]
    if end != size or len(parts) < 2 or len(parts) != len(bounds):
        return None
    made = ops.split(x, axis=axis, split=[part.output.shape[axis] for part in parts])
    return dict(zip([part.output for part in parts], made, strict=True))


def _start(node: Node, size: int) -> int:
    start: int = slice(node.attrs["starts"][0], None).indices(size)[0]
    return start


def _named_view(match: Match, net: Network) -> Tensor | None:
    """A Reshape that only drops or adds axes of size 1, or that merges all axes but the first."""
    x, y = match.tensor("x"), match.tensor("y")
    before, after = net.many(x), net.many(y)
    made: Tensor
    if y.rank == 2 and x.rank > 2 and before[0] == after[0] and (x.rank > 3 or 1 not in before[1:]):
        made = ops.flatten(x, axis=1)
        return made
    short, long = sorted((before, after), key=len)
    axes = _extra(short, long)
    if axes is None:
        return None
    made = (ops.squeeze if len(before) > len(after) else ops.unsqueeze)(x, axes=axes)
    return made


def _extra(short: tuple[int, ...], long: tuple[int, ...]) -> tuple[int, ...] | None:
    """Axes of size 1 by which the longer shape is longer; None where it differs in more, or in none."""
    axes, at = [], 0
    for i, size in enumerate(long):
        if at < len(short) and size == short[at]:
            at += 1
        elif size == 1:
            axes.append(i)
        else:
            return None
    return tuple(axes) if axes and at == len(short) else None


MOVEMENTS: tuple[Rule, ...] = (
    (apply(VIEW, "x", name="y"), _unchanged),
    (apply(VIEW, apply(VIEW, "x"), name="y"), _unchanged),
    (apply("Reshape", apply("Reshape", "x"), name="y"), _one_view),
    (apply("Transpose", apply("Transpose", "x", name="inner"), name="y"), _one_transpose),
    (
        apply("Reshape", apply("Transpose", apply("Reshape", "x", name="wide"), name="turned"), name="y"),
        _pixel_shuffle,
    ),
    (apply("Slice", "x", name="slice"), _split),
)
"""Elements moved by several steps, and by fewer."""

VIEWS: tuple[Rule, ...] = ((apply("Reshape", "x", name="y"), _named_view),)
"""Reshapes by the name of what they do."""
