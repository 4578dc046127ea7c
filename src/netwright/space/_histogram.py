"""The exact distribution of an additive cost over all designs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy as np

from netwright.cost import Cost
from netwright.errors import SpaceError
from netwright.space._forest import And, Forest, ForestNode, Leaf, Or
from netwright.space._scale import FINE, Floats, Ints, extremes
from netwright.space._semiring import Counting, Moments, Semiring, evaluate, evaluate_root

__all__ = ["Histogram", "histogram"]

SLOTS = 1 << 12
"""Steps of the grid that a cost is put on where its exact distribution has too many values."""
EXACT_PAIRS = 1 << 20
"""Pairs of costs up to which a product is exact, where the whole may be."""
FEW_PAIRS = 1 << 15
"""The same where the whole is too large to be: what is exact for longer is then hardly narrower, and much slower."""
MOST_TOPS = 64
"""Alternatives at the top up to which each is looked at alone."""
EXACT_COUNT = 1 << 53
"""Number of derivations up to which counts are held in machine words."""


@dataclass(frozen=True)
class Histogram:
    """How many designs have which cost; counts are Python integers.

    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> found = space.histogram("params")
    >>> found.total, found.exact, found.smallest, found.largest
    (6, True, 114.0, 602.0)
    >>> found.quantile(0.5), found.cdf(500)
    (218.0, (Fraction(5, 6), Fraction(5, 6)))

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
        # No float: more designs may be counted than one can hold.
        wanted, seen = Fraction(share) * self.total, 0
        for value, number in zip(self.costs, self.counts, strict=True):
            seen += number
            if seen >= wanted:
                return value
        return self.costs[-1]

    def bins(self, number: int = 60) -> tuple[list[float], list[int]]:
        """Edges and counts of equally wide bins, for drawing; exact where the histogram is, else of rounded costs."""
        width = (self.costs[-1] - self.costs[0]) / number or 1.0
        counts = [0] * number
        for value, n in zip(self.costs, self.counts, strict=True):
            counts[min(int((value - self.costs[0]) / width), number - 1)] += n
        return [self.costs[0] + i * width for i in range(number + 1)], counts


@dataclass
class _Sparse:
    """Distinct costs, in integer units, in order, and how many derivations have each: `total` in all.

    packed: the same on the grid, once that was asked for.
    """

    keys: Ints
    counts: Ints
    total: int
    packed: _Packed | None = None


@dataclass(frozen=True)
class _Packed:
    """A polynomial over a grid, packed into one Python integer (Kronecker substitution).

    The coefficient of the power `lowest + i` is the i-th digit. The true cost of a derivation is its power times the
    step, plus something between `least` and `most`.
    """

    lowest: int
    digits: int
    least: float
    most: float


_Distribution = _Sparse | _Packed


class _Distributions(Semiring[_Distribution]):
    """Distributions of a cost: exact while distinct costs are few, on a grid from there on.

    A digit of a packed polynomial takes as many bytes as the number of all designs, so no digit overflows: Python's
    own big-integer product then does the convolution. Rounding enters once, where an exact distribution is packed.
    """

    def __init__(self, keys: Ints, step: float, width: int, pairs: int = EXACT_PAIRS) -> None:
        self._keys = keys
        self._step = step
        self._width = width
        self._pairs = pairs

    def leaf(self, number: int, node: Leaf) -> _Distribution:
        return _Sparse(self._keys[number : number + 1], np.ones(1, dtype=np.int64), 1)

    def times(self, left: _Distribution, right: _Distribution) -> _Distribution:
        if isinstance(left, _Sparse) and isinstance(right, _Sparse):
            pairs, total = len(left.keys) * len(right.keys), left.total * right.total
            if pairs <= self._pairs and total < EXACT_COUNT:
                if pairs == max(len(left.keys), len(right.keys)):
                    return _Sparse(left.keys + right.keys, left.counts * right.counts, total)
                keys = (left.keys[:, None] + right.keys).ravel()
                return _merged(keys, np.outer(left.counts, right.counts).ravel(), total)
        a, b = self.pack(left), self.pack(right)
        return _Packed(a.lowest + b.lowest, a.digits * b.digits, a.least + b.least, a.most + b.most)

    def plus(self, values: Sequence[_Distribution], weights: Sequence[float] | None) -> _Distribution:
        if len(values) == 1:
            return values[0]
        sparse = [value for value in values if isinstance(value, _Sparse)]
        total = sum(value.total for value in sparse)
        if len(sparse) == len(values) and total < EXACT_COUNT:
            keys, counts = (np.concatenate(part) for part in zip(*((v.keys, v.counts) for v in sparse), strict=True))
            return _merged(keys, counts, total)
        packed = [self.pack(value) for value in values]
        lowest = min(value.lowest for value in packed)
        digits = sum(value.digits << (8 * self._width * (value.lowest - lowest)) for value in packed)
        return _Packed(lowest, digits, min(v.least for v in packed), max(v.most for v in packed))

    def pack(self, value: _Distribution) -> _Packed:
        """The distribution on the grid."""
        if isinstance(value, _Sparse):
            value.packed = value.packed or self._on_grid(value)
            return value.packed
        return value

    def _on_grid(self, value: _Sparse) -> _Packed:
        powers = np.rint(value.keys / self._step).astype(np.int64)
        errors = value.keys - powers * self._step
        lowest = int(powers[0])
        counts = np.bincount(powers - lowest, weights=value.counts).astype(np.int64)
        digits = b"".join(int(n).to_bytes(self._width, "little") for n in counts)
        return _Packed(lowest, int.from_bytes(digits, "little"), float(errors.min()), float(errors.max()))

    def unpack(self, value: _Distribution) -> dict[float, int]:
        """Number of derivations by cost in units."""
        if isinstance(value, _Sparse):
            return dict(zip(value.keys.astype(float).tolist(), value.counts.tolist(), strict=True))
        width = self._width
        data = value.digits.to_bytes((value.digits.bit_length() + 7) // 8 + width, "little")
        counts = (int.from_bytes(data[i : i + width], "little") for i in range(0, len(data) - width + 1, width))
        return {(value.lowest + i) * self._step: n for i, n in enumerate(counts) if n}


def _merged(keys: Ints, counts: Ints, total: int) -> _Sparse:
    """Equal costs together, in order."""
    order = np.argsort(keys)
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    return _Sparse(keys[first], np.add.reduceat(counts[order], first), total)


def histogram(forest: Forest, cost: Cost, *, slots: int = SLOTS) -> Histogram:
    """Distribution of an additive cost over all designs.

    Every design is counted, with integers. Its cost is exact too where the distinct costs are few, or where, divided
    by their common divisor, they span at most `slots` steps. Elsewhere parts of the network are rounded to a grid of
    that many steps for each alternative at the top (an input resolution, say), and the result says by how much.

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
    width = evaluate(forest, Counting())[forest.root].bit_length() // 8 + 1
    parts = [_part(sub, sub_leaves, width, slots) for sub, sub_leaves in _tops(forest, leaves)]
    merged: dict[float, int] = {}
    for part in parts:
        for value, number in part.items.items():
            merged[value] = merged.get(value, 0) + number
    costs = sorted(merged)
    # Exact rationals: sums of squares over 1e20 designs lose every digit that the variance is made of in floats.
    whole = bool((leaves == np.floor(leaves)).all())
    exact = [int(value) if whole else Fraction(value) for value in forest.leaf_costs(cost)]
    n, total, squares = evaluate_root(forest, Moments(exact))  # type: ignore[arg-type]
    mean = Fraction(total) / n
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


def _tops(forest: Forest, leaves: Floats) -> list[tuple[Forest, Floats]]:
    """The forest of each alternative at the top: they may have far finer common divisors apart than together."""
    root = forest.nodes[forest.root]
    while isinstance(root, And) and _costless(forest.nodes[root.left[1]]):
        root = forest.nodes[root.right[1]]
    if not isinstance(root, Or) or len(root.alternatives) > MOST_TOPS:
        return [(forest, leaves)]
    tops = []
    for _, child in root.alternatives:
        sub, kept = Forest(forest.nodes, child).trimmed_with_numbers()
        tops.append((sub, leaves[kept]))
    # Alternatives that share most of their nodes, such as output shapes, would be the same work many times.
    return tops if sum(len(sub) for sub, _ in tops) <= 3 * len(forest) else [(forest, leaves)]


def _costless(node: ForestNode) -> bool:
    return isinstance(node, Leaf) and node.empty


def _part(forest: Forest, leaves: Floats, width: int, slots: int) -> _Part:
    smallest, largest = extremes(forest, leaves)
    whole = bool((leaves == np.floor(leaves)).all())
    unit = float(gcd(*map(int, leaves)) or 1) if whole else max(largest / FINE, 1e-300)
    keys = np.rint(leaves / unit).astype(np.int64)
    fine = (0.0, 0.0) if whole else extremes(forest, leaves / unit - keys)
    step = max(1.0, (largest - smallest) / unit / slots)
    semiring = _Distributions(keys, step, width, EXACT_PAIRS if 1 << 8 * (width - 1) < EXACT_COUNT else FEW_PAIRS)
    found = evaluate_root(forest, semiring)
    least, most = (0.0, 0.0) if isinstance(found, _Sparse) else (found.least, found.most)
    items = {value * unit: n for value, n in semiring.unpack(found).items()}
    below, above = -(least + fine[0]) * unit, (most + fine[1]) * unit
    exact = below == above == 0
    # Grid points are floats themselves: without this, a cost at the very edge of its bracket could fall outside.
    slack = 0.0 if exact else 1e-12 * max(abs(smallest), abs(largest))
    return _Part(items, exact, max(below, 0.0) + slack, max(above, 0.0) + slack, smallest, largest)
