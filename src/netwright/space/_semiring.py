"""Semirings: one traversal of a forest, a different algebra for each question (Goodman, "Semiring parsing", 1999)."""

from __future__ import annotations

import heapq
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from netwright.cost import Cost
from netwright.space._design import Design, Value
from netwright.space._forest import And, Forest, ForestNode, Leaf, Or, join_path

__all__ = [
    "Counting",
    "Entropy",
    "Inside",
    "Moments",
    "Semiring",
    "best",
    "count",
    "derive",
    "evaluate",
    "evaluate_root",
    "k_best",
]

T = TypeVar("T")
Moment = tuple[int, float, float]


class Semiring(ABC, Generic[T]):
    """An algebra to evaluate over a forest; give `leaf`, `times` and `plus`.

    Called by `evaluate` once per node, children before parents.
    """

    @abstractmethod
    def leaf(self, number: int, node: Leaf) -> T:
        """Value of blocks with every decision made."""

    @abstractmethod
    def times(self, left: T, right: T) -> T:
        """Value of a product."""

    @abstractmethod
    def plus(self, values: Sequence[T], weights: Sequence[float] | None) -> T:
        """Value of a union; weights are the probabilities of a choice, absent where none was made."""


def evaluate(forest: Forest, semiring: Semiring[T]) -> list[T]:
    """Value of every node.

    >>> from netwright.space import Space, oneof
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> forest = Space(conv(oneof(8, 16)), input=image(3, 8, 8)).forest
    >>> evaluate(forest, Counting())[forest.root]
    2
    """
    values: list[T] = []
    for number, node in enumerate(forest.nodes):
        values.append(_value(semiring, number, node, values))
    return values


def evaluate_root(forest: Forest, semiring: Semiring[T]) -> T:
    """Value of the root; those below are forgotten as soon as nothing more is made of them, where they are large."""
    last: dict[int, int] = {}
    for number, node in enumerate(forest.nodes):
        last |= dict.fromkeys(_children(node), number)
    values: dict[int, T] = {}
    for number, node in enumerate(forest.nodes[: forest.root + 1]):
        values[number] = _value(semiring, number, node, values)
        for child in _children(node):
            if last[child] == number:
                values.pop(child, None)
    return values[forest.root]


def _children(node: ForestNode) -> Sequence[int]:
    if isinstance(node, And):
        return node.left[1], node.right[1]
    return [child for _, child in node.alternatives] if isinstance(node, Or) else ()


def _value(semiring: Semiring[T], number: int, node: ForestNode, values: Mapping[int, T] | Sequence[T]) -> T:
    """Value of a node by those of its children."""
    if isinstance(node, Leaf):
        return semiring.leaf(number, node)
    if isinstance(node, And):
        return semiring.times(values[node.left[1]], values[node.right[1]])
    return semiring.plus([values[child] for _, child in node.alternatives], node.weights)


class Counting(Semiring[int]):
    """Exact number of derivations, as a Python integer."""

    def leaf(self, number: int, node: Leaf) -> int:
        return 1

    def times(self, left: int, right: int) -> int:
        return left * right

    def plus(self, values: Sequence[int], weights: Sequence[float] | None) -> int:
        return sum(values)


class Inside(Semiring[float]):
    """Probability mass that the choices' weights leave on derivations whose shapes fit."""

    def leaf(self, number: int, node: Leaf) -> float:
        return 1.0

    def times(self, left: float, right: float) -> float:
        return left * right

    def plus(self, values: Sequence[float], weights: Sequence[float] | None) -> float:
        return sum(values) if weights is None else sum(w * v for w, v in zip(weights, values, strict=True))


class Moments(Semiring[Moment]):
    """Number of derivations and the sums of their cost and squared cost: the expectation semiring (Eisner 2002)."""

    def __init__(self, costs: Sequence[float]) -> None:
        self._costs = costs

    def leaf(self, number: int, node: Leaf) -> Moment:
        cost = self._costs[number]
        return 1, cost, cost * cost

    def times(self, left: Moment, right: Moment) -> Moment:
        (n, a, aa), (m, b, bb) = left, right
        return n * m, a * m + b * n, aa * m + 2 * a * b + bb * n

    def plus(self, values: Sequence[Moment], weights: Sequence[float] | None) -> Moment:
        return sum(v[0] for v in values), sum(v[1] for v in values), sum(v[2] for v in values)


class Entropy(Semiring[tuple[float, float]]):
    """Mass p and sum of p log p over derivations: the entropy of the weighted distribution (Li & Eisner 2009)."""

    def leaf(self, number: int, node: Leaf) -> tuple[float, float]:
        return 1.0, 0.0

    def times(self, left: tuple[float, float], right: tuple[float, float]) -> tuple[float, float]:
        return left[0] * right[0], left[1] * right[0] + right[1] * left[0]

    def plus(self, values: Sequence[tuple[float, float]], weights: Sequence[float] | None) -> tuple[float, float]:
        scaled = [
            (w * p, w * s + w * p * math.log(w))
            for w, (p, s) in zip(weights or [1.0] * len(values), values, strict=True)
        ]
        return sum(p for p, _ in scaled), sum(s for _, s in scaled)


class _Extreme(Semiring[float]):
    """(min, +) or (max, +): cost of the cheapest or dearest derivation."""

    def __init__(self, costs: Sequence[float], *, largest: bool) -> None:
        self._costs = costs
        self._pick = max if largest else min

    def leaf(self, number: int, node: Leaf) -> float:
        return self._costs[number]

    def times(self, left: float, right: float) -> float:
        return left + right

    def plus(self, values: Sequence[float], weights: Sequence[float] | None) -> float:
        return self._pick(values)


def count(forest: Forest) -> int:
    """Exact number of designs."""
    return evaluate(forest, Counting())[forest.root]


def best(forest: Forest, cost: Cost, *, largest: bool = False) -> tuple[float, Design]:
    """Smallest (or largest) value of an additive cost over all designs, and a design that has it.

    >>> from netwright.cost import cost
    >>> from netwright.space import Space, oneof
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> space = Space(conv(oneof(8, 16), kernel=1), input=image(3, 8, 8))
    >>> best(space.forest, cost("params"))
    (40, Design({'channels': 8}))
    """
    return best_of(forest, forest.leaf_costs(cost), largest=largest)


def best_of(forest: Forest, costs: Sequence[float], *, largest: bool = False) -> tuple[float, Design]:
    """The same for any number of each node, of which those of leaves are counted."""
    values = evaluate(forest, _Extreme(costs, largest=largest))

    def pick(number: int, node: Or) -> int:
        return next(i for i, (_, child) in enumerate(node.alternatives) if values[child] == values[number])

    return values[forest.root], derive(forest, pick)


def derive(forest: Forest, pick: Callable[[int, Or], int]) -> Design:
    """Design of the derivation in which `pick(number, node)` chooses the alternative of each union."""
    decisions: dict[str, Value] = {}
    stack = [("", forest.root)]
    while stack:
        prefix, number = stack.pop()
        node = forest.nodes[number]
        if isinstance(node, Or):
            value, child = node.alternatives[pick(number, node)]
            if node.name is not None and value is not None:
                decisions[join_path(prefix, node.name)] = value
            stack.append((prefix, child))
        elif isinstance(node, And):
            stack += [
                (join_path(prefix, node.right[0]), node.right[1]),
                (join_path(prefix, node.left[0]), node.left[1]),
            ]
    return Design(decisions)


Ranked = tuple[float, Any]


class _KBest(Semiring[list[Ranked]]):
    """The k derivations of smallest cost with their back-pointers, best first (Huang & Chiang 2005, algorithm 2)."""

    def __init__(self, costs: Sequence[float], k: int) -> None:
        self._costs = costs
        self._k = k

    def leaf(self, number: int, node: Leaf) -> list[Ranked]:
        return [(self._costs[number], None)]

    def times(self, left: list[Ranked], right: list[Ranked]) -> list[Ranked]:
        heap = [(left[0][0] + right[0][0], 0, 0)]
        seen = {(0, 0)}
        found: list[Ranked] = []
        while heap and len(found) < self._k:
            total, i, j = heapq.heappop(heap)
            found.append((total, (left[i][1], right[j][1])))
            for a, b in ((i + 1, j), (i, j + 1)):
                if a < len(left) and b < len(right) and (a, b) not in seen:
                    seen.add((a, b))
                    heapq.heappush(heap, (left[a][0] + right[b][0], a, b))
        return found

    def plus(self, values: Sequence[list[Ranked]], weights: Sequence[float] | None) -> list[Ranked]:
        every = ((total, (i, back)) for i, ranked in enumerate(values) for total, back in ranked)
        return heapq.nsmallest(self._k, every, key=lambda entry: entry[0])


def k_best(forest: Forest, cost: Cost, k: int) -> list[tuple[float, Design]]:
    """The k designs of smallest additive cost, smallest first.

    >>> from netwright.cost import cost
    >>> from netwright.space import Space, oneof
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> space = Space(conv(oneof(4, 8, 16), kernel=1), input=image(3, 8, 8))
    >>> [params for params, design in k_best(space.forest, cost("params"), 2)]
    [20, 40]
    """
    ranked = evaluate(forest, _KBest(forest.leaf_costs(cost), k))[forest.root]
    return [(total, Design(dict(_decisions(forest, back)))) for total, back in ranked]


def _decisions(forest: Forest, back: Any) -> Iterator[tuple[str, Value]]:
    stack: list[tuple[str, int, Any]] = [("", forest.root, back)]
    while stack:
        prefix, number, here = stack.pop()
        node = forest.nodes[number]
        if isinstance(node, Or):
            value, child = node.alternatives[here[0]]
            if node.name is not None and value is not None:
                yield join_path(prefix, node.name), value
            stack.append((prefix, child, here[1]))
        elif isinstance(node, And):
            stack.append((join_path(prefix, node.right[0]), node.right[1], here[1]))
            stack.append((join_path(prefix, node.left[0]), node.left[1], here[0]))
