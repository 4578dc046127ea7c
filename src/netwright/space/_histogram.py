"""The exact distribution of an additive cost over all designs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np

from netwright.cost import Cost
from netwright.errors import SpaceError
from netwright.space._forest import Forest, Leaf, Or
from netwright.space._semiring import Counting, Moments, Semiring, evaluate

__all__ = ["Histogram", "histogram"]

SLOTS = 1 << 14
"""Distinct steps along a cost up to which its distribution is exact."""


@dataclass(frozen=True)
class Histogram:
    """How many designs have which cost; counts are Python integers.

    `costs[i]` is the cost of `counts[i]` designs. When `exact` is false, costs were rounded to a grid: the true cost
    of a design lies between `costs[i] - below` and `costs[i] + above`, and `cdf` brackets the truth.
    """

    cost: str
    unit: str
    costs: tuple[float, ...]
    counts: tuple[int, ...]
    exact: bool
    below: float
    above: float
    mean: float
    variance: float
    smallest: float
    largest: float

    @property
    def total(self) -> int:
        """Number of designs."""
        return sum(self.counts)

    def cdf(self, value: float) -> tuple[Fraction, Fraction]:
        """Share of designs with a cost of at most `value`: bounds from below and above, equal when exact."""
        sure = sum(n for c, n in zip(self.costs, self.counts, strict=True) if c + self.above <= value)
        possible = sum(n for c, n in zip(self.costs, self.counts, strict=True) if c - self.below <= value)
        return Fraction(sure, self.total), Fraction(possible, self.total)

    def quantile(self, share: float) -> float:
        """Smallest cost that at least this share of the designs does not exceed (on the grid when not exact)."""
        wanted, seen = share * self.total, 0
        for value, number in zip(self.costs, self.counts, strict=True):
            seen += number
            if seen >= wanted:
                return value
        return self.costs[-1]

    def bins(self, number: int = 60) -> tuple[list[float], list[int]]:
        """Edges and exact counts of equally wide bins, for drawing."""
        width = (self.costs[-1] - self.costs[0]) / number or 1.0
        counts = [0] * number
        for value, n in zip(self.costs, self.counts, strict=True):
            counts[min(int((value - self.costs[0]) / width), number - 1)] += n
        return [self.costs[0] + i * width for i in range(number + 1)], counts


Packed = tuple[int, int]


class _Polynomials(Semiring[Packed]):
    """Polynomials in the cost, packed into one Python integer (Kronecker substitution): (lowest power, digits).

    A coefficient takes `bits` bits, which hold the number of all designs, so no digit overflows. Union adds,
    product multiplies: Python's own big-integer arithmetic does the convolution.
    """

    def __init__(self, powers: Sequence[int], bits: int) -> None:
        self._powers = powers
        self._bits = bits

    def leaf(self, number: int, node: Leaf) -> Packed:
        return self._powers[number], 1

    def times(self, left: Packed, right: Packed) -> Packed:
        return left[0] + right[0], left[1] * right[1]

    def plus(self, values: Sequence[Packed], weights: Sequence[float] | None) -> Packed:
        lowest = min(power for power, _ in values)
        return lowest, sum(digits << (self._bits * (power - lowest)) for power, digits in values)


def histogram(forest: Forest, cost: Cost, *, slots: int = SLOTS) -> Histogram:
    """Distribution of an additive cost over all designs.

    Exact where the costs of an alternative at the top (an input resolution, say), divided by their common divisor,
    span at most `slots` steps. Elsewhere every block's cost is rounded to a grid of that many steps, and the result
    says by how much: the counts are then exact counts of the rounded costs.

    >>> from netwright.cost import cost
    >>> from netwright.space import Space, oneof
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> space = Space(conv(oneof(4, 8), kernel=oneof(1, 3)), input=image(3, 8, 8))
    >>> found = histogram(space.forest, cost("params"))
    >>> found.costs, found.counts, found.exact
    ((20.0, 40.0, 116.0, 232.0), (1, 1, 1, 1), True)

    Raises SpaceError when the cost is not additive.
    """
    if not cost.additive:
        raise SpaceError(f"a histogram needs an additive cost, but {cost.name} is not.")
    leaves = np.asarray(forest.leaf_costs(cost), dtype=np.float64)
    bits = 8 * (evaluate(forest, Counting())[forest.root].bit_length() // 8 + 1)
    parts = [_part(sub, sub_leaves, bits, slots) for sub, sub_leaves in _tops(forest, leaves)]
    merged: dict[float, int] = {}
    for part in parts:
        for value, number in part.items.items():
            merged[value] = merged.get(value, 0) + number
    costs = sorted(merged)
    # Exact rationals: sums of squares over 1e20 designs lose every digit that the variance is made of in floats.
    moments = Moments([Fraction(value) for value in forest.leaf_costs(cost)])  # type: ignore[misc]
    n, total, squares = evaluate(forest, moments)[forest.root]
    mean = total / n
    return Histogram(
        cost=cost.name,
        unit=cost.unit,
        costs=tuple(costs),
        counts=tuple(merged[value] for value in costs),
        exact=all(part.exact for part in parts),
        below=max(part.below for part in parts),
        above=max(part.above for part in parts),
        mean=float(mean),
        variance=float(squares / n - mean * mean),
        smallest=min(part.smallest for part in parts),
        largest=max(part.largest for part in parts),
    )


@dataclass(frozen=True)
class _Part:
    items: dict[float, int]
    exact: bool
    below: float
    above: float
    smallest: float
    largest: float


def _tops(forest: Forest, leaves: np.ndarray) -> list[tuple[Forest, np.ndarray]]:
    """The forest of each alternative at the top: they may have far finer common divisors apart than together."""
    root = forest.nodes[forest.root]
    if not isinstance(root, Or):
        return [(forest, leaves)]
    tops = []
    for _, child in root.alternatives:
        sub, kept = Forest(forest.nodes, child).trimmed_with_numbers()
        tops.append((sub, leaves[kept]))
    return tops


def _part(forest: Forest, leaves: np.ndarray, bits: int, slots: int) -> _Part:
    from netwright.space._tables import extremes

    smallest, largest = extremes(forest, leaves)
    whole = bool((leaves == np.floor(leaves)).all())
    divisor = float(gcd(*map(int, leaves)) or 1) if whole else 0.0
    exact = whole and (largest - smallest) / divisor <= slots
    step = divisor if exact else max((largest - smallest) / slots, 1e-300)
    powers = np.rint(leaves / step).astype(np.int64)
    errors = (0.0, 0.0) if exact else extremes(forest, leaves - powers * step)
    lowest, digits = evaluate(forest, _Polynomials([int(p) for p in powers], bits))[forest.root]
    items = {(lowest + i) * step: n for i, n in enumerate(_digits(digits, bits)) if n}
    return _Part(items, exact, -errors[0], errors[1], smallest, largest)


def _digits(packed: int, bits: int) -> list[int]:
    """Coefficients of a packed polynomial; a coefficient is a whole number of bytes."""
    width = bits // 8
    data = packed.to_bytes((packed.bit_length() + 7) // 8 + width, "little")
    return [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data) - width + 1, width)]
