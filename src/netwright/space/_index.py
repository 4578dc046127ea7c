"""Every design by its number, every decision, and additive costs of all designs at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.cost import Cost
from netwright.errors import DesignError, SpaceError
from netwright.space._design import Design, Value
from netwright.space._forest import And, Forest, Leaf, Or, join_path
from netwright.space._semiring import Counting, Semiring, evaluate

__all__ = ["all_costs", "design_at", "open_decisions"]


def design_at(forest: Forest, number: int, counts: Sequence[int] | None = None) -> Design:
    """The design with this number, in the fixed order in which all designs are listed.

    counts: number of derivations of each node, where already known. Raises DesignError outside 0..size - 1.
    """
    counts = evaluate(forest, Counting()) if counts is None else counts
    if not 0 <= number < counts[forest.root]:
        raise DesignError(f"a design's number must be in 0..{counts[forest.root] - 1}, but got {number}.")
    decisions: dict[str, Value] = {}
    stack = [("", forest.root, number)]
    while stack:
        prefix, at, index = stack.pop()
        node = forest.nodes[at]
        if isinstance(node, And):
            first, second = divmod(index, counts[node.right[1]])
            stack.append((join_path(prefix, node.right[0]), node.right[1], second))
            stack.append((join_path(prefix, node.left[0]), node.left[1], first))
        elif isinstance(node, Or):
            place = 0
            while index >= counts[node.alternatives[place][1]]:
                index -= counts[node.alternatives[place][1]]
                place += 1
            value, child = node.alternatives[place]
            if node.name is not None and value is not None:
                decisions[join_path(prefix, node.name)] = value
            stack.append((prefix, child, index))
    return Design.trusted(decisions)


class _Listing(Semiring[NDArray[np.float64]]):
    """Cost vectors of all derivations, (derivations, costs), in the order of `design_at`."""

    def __init__(self, costs: NDArray[np.float64]) -> None:
        self._costs = costs

    def leaf(self, number: int, node: Leaf) -> NDArray[np.float64]:
        return self._costs[number : number + 1]

    def times(self, left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        return (left[:, None, :] + right[None, :, :]).reshape(-1, left.shape[1])

    def plus(self, values: Sequence[NDArray[np.float64]], weights: Sequence[float] | None) -> NDArray[np.float64]:
        return np.concatenate(values)


def all_costs(forest: Forest, costs: Sequence[Cost]) -> NDArray[np.float64]:
    """Additive costs of every design, shape `(designs, costs)`, in the order of `design_at`."""
    per_node = np.array([forest.leaf_costs(cost) for cost in costs], dtype=np.float64).T
    return evaluate(forest, _Listing(per_node.reshape(len(forest), len(costs))))[forest.root]


def open_decisions(forest: Forest, bound: int, name: str) -> dict[str, tuple[Value, ...]]:
    """Every decision path with its possible values, in the order of the network.

    Raises SpaceError, which names the space, when there are more than `bound` places to look at.
    """
    found: dict[str, dict[Value, None]] = {}
    stack: list[tuple[str, int]] = [("", forest.root)]
    seen = set(stack)
    while stack:
        prefix, number = stack.pop()
        node = forest.nodes[number]
        below: list[tuple[str, int]] = []
        if isinstance(node, Or):
            below = [(prefix, child) for _, child in node.alternatives]
            if node.name is not None:
                values = found.setdefault(join_path(prefix, node.name), {})
                values.update((value, None) for value, _ in node.alternatives if value is not None)
        elif isinstance(node, And):
            below = [(join_path(prefix, c), child) for c, child in (node.left, node.right)]
        stack += [key for key in reversed(below) if key not in seen]
        seen.update(below)
        if len(seen) > bound:
            raise SpaceError(f"decisions can be listed up to {bound} places, but {name} has more.")
    return {path: tuple(values) for path, values in found.items()}
