"""Forests in which every decision stands in one place, so that decisions themselves can have a price."""

from __future__ import annotations

from netwright.errors import SpaceError
from netwright.space._design import Value
from netwright.space._forest import And, Forest, ForestNode, Leaf, Or, deciding, join_path

__all__ = ["is_placed", "placed"]

WHOLE = ("", "")
"""The decision of the leaf that every design passes once."""
Place = tuple[int, str | None]
"""A node and the path under which it stands; without a path where nothing is decided below."""


def is_placed(forest: Forest) -> bool:
    """Whether a forest was made by `placed`."""
    root = forest.nodes[forest.root]
    left = forest.nodes[root.left[1]] if isinstance(root, And) else root
    return isinstance(left, Leaf) and left.decision == WHOLE


def placed(forest: Forest, *, bound: int) -> Forest:
    """The same designs in the same order, with a leaf for each decision, and one for the whole.

    A forest stores equal parts once, at whatever paths they stand; what a decision costs may depend on its path, so
    here parts with decisions are apart for each path.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> found = placed(Space(conv(oneof(8, 16)), input=image(3, 8, 8)).forest, bound=100)
    >>> [node.decision for node in found.nodes if isinstance(node, Leaf) and node.decision]
    [('', ''), ('channels', 8), ('channels', 16)]

    Raises SpaceError when there are more than `bound` places, as in a deep grammar.
    """
    order, decides = _places(forest, bound), deciding(forest)
    result = Forest()
    whole = result.leaf(decision=WHOLE)
    new: dict[Place, int] = {}
    for place in order:
        number, prefix = place
        node = forest.nodes[number]
        below = [new[child] for child in _below(node, prefix, decides)]
        if isinstance(node, Leaf):
            new[place] = result.leaf(node.graphs)
        elif isinstance(node, And):
            new[place] = result.product((node.left[0], below[0]), (node.right[0], below[1]))
        else:
            new[place] = _union(result, node, prefix, below)
    top = (forest.root, "" if decides[forest.root] else None)
    result.root = result.product(("", whole), ("", new[top]))
    return result.trimmed()


def _places(forest: Forest, bound: int) -> list[Place]:
    """Every place that the root reaches, children before parents."""
    decides = deciding(forest)
    top: Place = (forest.root, "" if decides[forest.root] else None)
    found, pending = {top}, [top]
    while pending:
        number, prefix = pending.pop()
        new = set(_below(forest.nodes[number], prefix, decides)) - found
        found |= new
        pending += new
        if len(found) > bound:
            raise SpaceError(f"a cost by decision can be held in up to {bound} places, but this space has more.")
    return sorted(found, key=lambda place: (place[0], place[1] or ""))


def _below(node: ForestNode, prefix: str | None, decides: list[bool]) -> list[Place]:
    if isinstance(node, Or):
        return [(child, prefix if decides[child] else None) for _, child in node.alternatives]
    if isinstance(node, And):
        return [
            (child, join_path(prefix or "", component) if decides[child] else None)
            for component, child in (node.left, node.right)
        ]
    return []


def _union(result: Forest, node: Or, prefix: str | None, below: list[int]) -> int:
    alternatives: list[tuple[Value | None, int]] = []
    for (value, _), child in zip(node.alternatives, below, strict=True):
        if node.name is None or value is None:
            alternatives.append((value, child))
        else:
            leaf = result.leaf(decision=(join_path(prefix or "", node.name), value))
            alternatives.append((value, result.product(("", leaf), ("", child))))
    return result.choice(node.name, alternatives, node.weights)
