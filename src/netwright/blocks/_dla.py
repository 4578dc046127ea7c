"""Hierarchical aggregation: a tree of residual blocks whose outputs meet in roots (Yu et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.blocks._pools import max_windows
from netwright.blocks._sizes import chosen, fits
from netwright.errors import UnknownNameError
from netwright.graph import Tensor, ops, scope

__all__ = ["dla_tree"]

Leaf = Callable[[Tensor, int, int, Tensor], Tensor]


def _basic(x: Tensor, channels: int, stride: int, residual: Tensor) -> Tensor:
    y = conv_norm(x, channels, 3, stride=stride, activation="relu", name="conv1")
    return activate(conv_norm(y, channels, 3, name="conv2") + residual, "relu")


def _inner(x: Tensor, channels: int, stride: int, residual: Tensor, width: int, groups: int) -> Tensor:
    y = conv_norm(x, width, activation="relu", name="reduce")
    y = conv_norm(y, width, 3, stride=stride, groups=groups, activation="relu", name="conv")
    return activate(conv_norm(y, channels, name="expand") + residual, "relu")


def _bottleneck(x: Tensor, channels: int, stride: int, residual: Tensor) -> Tensor:
    return _inner(x, channels, stride, residual, max(channels // 2, 1), 1)


def _grouped(x: Tensor, channels: int, stride: int, residual: Tensor) -> Tensor:
    return _inner(x, channels, stride, residual, channels, gcd(channels, GROUPS))


GROUPS = 32
LEAVES: dict[str, Leaf] = {"basic": _basic, "bottleneck": _bottleneck, "grouped": _grouped}


def _root(values: Sequence[Tensor], channels: int, residual: bool) -> Tensor:
    y = conv_norm(ops.concat(*values, axis=1), channels, name="root")
    return activate(y + values[0] if residual else y, "relu")


def _tree(
    x: Tensor, channels: int, levels: int, stride: int, given: Sequence[Tensor], leaf: Leaf, residual: bool
) -> Tensor:
    """`given` are values from further up, which the last root of this tree reads too."""
    if levels > 1:
        with scope("tree1"):
            first = _tree(x, channels, levels - 1, stride, (), leaf, residual)
        with scope("tree2"):
            return _tree(first, channels, levels - 1, 1, (*given, first), leaf, residual)
    bottom = max_windows(x, stride, stride) if stride > 1 else x
    around = bottom if bottom.shape[1] == channels else conv_norm(bottom, channels, name="project")
    with scope("leaf1"):
        first = leaf(x, channels, stride, around)
    with scope("leaf2"):
        second = leaf(first, channels, 1, first)
    return _root((second, first, *given), channels, residual)


@block
def dla_tree(
    x: Tensor,
    channels: int | None = None,
    levels: int = 1,
    stride: int = 2,
    leaf: str = "basic",
    rooted: bool = True,
    residual: bool = False,
) -> Tensor:
    """Tree of 2 ** levels blocks, aggregated level by level: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Yu et al. 2018, Deep Layer Aggregation, section 3.2: the last root reads the outputs of all trees before it,
    and, where `rooted`, the pooled input. `leaf` is basic, bottleneck, or grouped (the X of DLA-X: 32 groups at the
    full width); `residual` adds to each root its last leaf. Raises ShapeError and UnknownNameError.

    >>> from netwright.graph import image
    >>> dla_tree(image(32, 16, 16), 64, levels=2).shape
    (1, 64, 8, 8)
    """
    fits(levels > 0, "dla_tree", "levels must be at least 1", levels=levels)
    if leaf not in LEAVES:
        raise UnknownNameError("leaf of a tree", leaf, LEAVES)
    given = (max_windows(x, stride, stride) if stride > 1 else x,) if rooted else ()
    return _tree(x, chosen(channels, x.shape[1]), levels, stride, given, LEAVES[leaf], residual)
