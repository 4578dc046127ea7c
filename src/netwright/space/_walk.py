"""Drawing designs without budgets: all draws walk down the forest together, one level at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import frexp, ldexp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netwright.space._descent import Prefixes
from netwright.space._design import Design
from netwright.space._forest import And, Forest, Leaf, Or
from netwright.space._scale import Floats, Ints
from netwright.space._semiring import Counting, Semiring, evaluate

__all__ = ["Mass", "Scaled", "Walk"]

Scaled = tuple[float, int]
"""A number as mantissa and power of two: a deep grammar has masses far below the smallest float."""


class Mass(Semiring[Scaled]):
    """Weight of all derivations of a node, in floats that neither overflow nor vanish.

    >>> Mass().times((0.5, -1000), (0.5, -1000))
    (0.5, -2001)
    """

    def leaf(self, number: int, node: Leaf) -> Scaled:
        return 1.0, 0

    def times(self, left: Scaled, right: Scaled) -> Scaled:
        mantissa, power = frexp(left[0] * right[0])
        return mantissa, power + left[1] + right[1]

    def plus(self, values: Sequence[Scaled], weights: Sequence[float] | None) -> Scaled:
        top = max(power for _, power in values)
        parts = [ldexp(mantissa, power - top) for mantissa, power in values]
        mantissa, power = frexp(sum(parts) if weights is None else sum(map(float.__mul__, weights, parts)))
        return mantissa, power + top


class _Links(NamedTuple):
    """A forest in arrays: node i has the children `child[start[i]:stop[i]]`; a leaf has none."""

    start: Ints
    stop: Ints
    product: Ints
    child: Ints
    upto: Floats
    """At a union, the chance of this child or one before it."""
    component: Ints
    """At a product, the component of the path that leads to the child, by number."""
    label: NDArray[np.object_]
    """At a union, the value that a design has for this child."""
    name: Ints
    """Name of the decision at each node, by number; -1 where none is made."""


class Walk:
    """Draws from one forest, uniformly over designs or by the weights of its choices.

    Where many draws meet in few nodes, and where each goes its own way through many, a level costs the same few
    operations on arrays.
    """

    def __init__(self, forest: Forest, *, weighted: bool = False) -> None:
        self._root = forest.root
        self._names: list[str] = []
        self._components: list[str] = []
        self._links = self._flat(forest, _chances(forest, weighted=weighted))

    def _flat(self, forest: Forest, upto: list[float]) -> _Links:
        names: dict[str, int] = {}
        components: dict[str, int] = {}
        named = np.full(len(forest), -1)
        ends, links = [0], []
        for number, node in enumerate(forest.nodes):
            if isinstance(node, Or):
                links += [(child, 0, value) for value, child in node.alternatives]
                if node.name is not None:
                    named[number] = names.setdefault(node.name, len(names))
            elif isinstance(node, And):
                sides = (node.left, node.right)
                links += [(child, components.setdefault(part, len(components)), None) for part, child in sides]
            ends.append(len(links))
        self._names, self._components = list(names), list(components)
        bounds, label = np.array(ends), np.empty(len(links), dtype=object)
        label[:] = [value for *_, value in links]
        child, component = (np.array([link[i] for link in links], dtype=np.int64) for i in (0, 1))
        product = np.array([isinstance(node, And) for node in forest.nodes], dtype=bool)
        return _Links(bounds[:-1], bounds[1:], product, child, np.array(upto), component, label, named)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[list[Design], Ints, Ints]:
        """n designs, and the leaves that they pass: which draw, and which node."""
        links, prefixes = self._links, Prefixes()
        draws, nodes, under = np.arange(n), np.full(n, self._root), np.zeros(n, dtype=np.int64)
        made: list[tuple[Ints, Ints, Ints, Ints]] = []
        passed: list[tuple[Ints, Ints]] = []
        while len(draws):
            product, empty = links.product[nodes], links.start[nodes] == links.stop[nodes]
            passed.append((draws[empty], nodes[empty]))
            union = ~(product | empty)
            chosen = self._choose(nodes[union], rng)
            made.append((draws[union], nodes[union], under[union], chosen))
            first, second = links.start[nodes[product]], links.stop[nodes[product]] - 1
            sides = [
                prefixes.below_each(under[product], links.component[place], self._components, side)
                for side, place in enumerate((first, second))
            ]
            nodes = np.concatenate([links.child[chosen], links.child[first], links.child[second]])
            under = np.concatenate([under[union], *sides])
            draws = np.concatenate([draws[union], draws[product], draws[product]])
        rows = self._rows(n, prefixes, *(np.concatenate(column) for column in zip(*made, strict=True)))
        where, leaves = (np.concatenate(column) for column in zip(*passed, strict=True))
        return rows, where, leaves

    def _choose(self, nodes: Ints, rng: np.random.Generator) -> Ints:
        """Place of the link that each draw takes at the union where it stands."""
        low, high = self._links.start[nodes], self._links.stop[nodes] - 1
        aim = rng.random(len(nodes))
        # A bisection of all of them at once.
        while (open_ := low < high).any():
            middle = (low + high) // 2
            beyond = self._links.upto[middle] <= aim
            low = np.where(open_ & beyond, middle + 1, low)
            high = np.where(open_ & ~beyond, middle, high)
        return low

    def _rows(self, n: int, prefixes: Prefixes, draws: Ints, nodes: Ints, under: Ints, chosen: Ints) -> list[Design]:
        """Designs with their decisions in the order of the derivation."""
        names, ranks = self._links.name[nodes], prefixes.ranks()
        keep = names >= 0
        # At one place the outer union was passed first, so a stable order keeps it first.
        order = np.flatnonzero(keep)[np.argsort((draws * len(ranks) + ranks[under])[keep], kind="stable")]
        paths = prefixes.paths_of(under[order], names[order], self._names)
        values = self._links.label[chosen[order]].tolist()
        ends = np.searchsorted(draws[order], np.arange(n + 1)).tolist()
        return [Design.trusted(dict(zip(paths[i:j], values[i:j], strict=True))) for i, j in pairwise(ends)]


def _chances(forest: Forest, *, weighted: bool) -> list[float]:
    """At each union, the chance that a draw takes an alternative or one before it; 1 at the links of a product."""
    counts = [] if weighted else evaluate(forest, Counting())
    masses = evaluate(forest, Mass()) if weighted else []
    found: list[float] = []
    for number, node in enumerate(forest.nodes):
        if isinstance(node, And):
            found += (1.0, 1.0)
        elif isinstance(node, Or) and weighted:
            whole, power = masses[number]
            weights = node.weights or (1.0,) * len(node.alternatives)
            parts = [masses[child] for _, child in node.alternatives]
            found += accumulate(w * ldexp(m / whole, p - power) for w, (m, p) in zip(weights, parts, strict=True))
        elif isinstance(node, Or):
            # Whole numbers of any size: only their ratio has to be a float.
            found += (upto / counts[number] for upto in accumulate(counts[child] for _, child in node.alternatives))
    return found
