"""Drawing designs exactly uniformly under budgets, a batch at a time, top-down through the forest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.cost import Cost
from netwright.errors import LimitError
from netwright.space._design import Design, Value
from netwright.space._forest import And, Forest, Leaf, Or, join_path
from netwright.space._tables import Axis, Floats, Ints, Scale, Table, build_tables

__all__ = ["Draws", "Sampler", "Window"]

Window = tuple[Cost, float | None, float | None]
Columns = dict[tuple[tuple[int, ...], int, str], list[tuple[Ints, list[Any]]]]
SLOTS = (1 << 12, 1 << 15, 1 << 17)
"""Bins along a single budget; the next finer grid is tried when too many draws are rejected."""
SLOTS_SEVERAL = (1 << 9, 1 << 10)
"""Bins along each of two budgets."""
ENOUGH = 0.95
"""Share of draws that the final check should accept."""
ENOUGH_SEVERAL = 0.3
"""The same for two budgets, where a finer grid takes longer to build than a few rejections take to draw."""
HOPELESS = 200_000
"""Draws without one that fits, after which the budgets are taken to exclude each other."""


@dataclass(frozen=True)
class Draws:
    """Designs, the exact value of each budgeted cost, and the share of draws that the final check accepted."""

    designs: list[Design]
    costs: dict[str, Floats]
    acceptance: float


class _Tokens:
    """What arrives at one node: which draw, under which path prefix, with which cost to spend."""

    def __init__(self) -> None:
        self.parts: list[tuple[Ints, Ints, Ints]] = []

    def add(self, draws: Ints, prefixes: Ints, values: Ints) -> None:
        if len(draws):
            self.parts.append((draws, prefixes, values))

    def take(self) -> tuple[Ints, Ints, Ints]:
        if len(self.parts) == 1:
            return self.parts[0]
        draws, prefixes, values = (np.concatenate(column) for column in zip(*self.parts, strict=True))
        return draws, prefixes, values


class _Prefixes:
    """Paths met while drawing, by number, with their place in the order of the expression."""

    def __init__(self) -> None:
        self.paths: list[str] = [""]
        self.places: list[tuple[int, ...]] = [()]
        self._known: dict[tuple[int, str, int], int] = {}

    def below(self, prefixes: Ints, component: str, side: int) -> Ints:
        """Numbers of the prefixes extended by a component."""
        unique, inverse = np.unique(prefixes, return_inverse=True)
        return np.array([self._below(int(p), component, side) for p in unique], dtype=np.int64)[inverse]

    def _below(self, prefix: int, component: str, side: int) -> int:
        key = (prefix, component, side)
        if key not in self._known:
            self._known[key] = len(self.paths)
            self.paths.append(join_path(self.paths[prefix], component))
            self.places.append((*self.places[prefix], side))
        return self._known[key]


class Sampler:
    """Draws from one forest under fixed budgets; its tables are built once.

    windows: (cost, low, high) of each budget. The first two that bind go into the tables; every budget is checked
    exactly on every draw at the end, so what is returned never breaks one.

    Raises LimitError when a budget alone excludes every design, with the reach of its cost.
    """

    def __init__(self, forest: Forest, windows: Sequence[Window] = (), *, weighted: bool = False) -> None:
        self.forest = forest
        self.weighted = weighted
        self.windows = tuple(windows)
        self.axes = [Axis.of(forest, *window) for window in windows]
        for axis, (cost, low, high) in zip(self.axes, windows, strict=True):
            _check_reach(axis, cost, low, high)
        binding = [i for i, axis in enumerate(self.axes) if axis.low > axis.smallest or axis.high < axis.largest]
        binding = sorted(binding, key=lambda i: _share(self.axes[i]))[:2]
        self._binding = [self.axes[i] for i in binding]
        if not Scale.fits(self._binding):
            self._binding = [Axis.of(forest, *windows[i], coarse=True) for i in binding]
        self._slots: tuple[int, ...] = SLOTS if len(binding) <= 1 else SLOTS_SEVERAL
        self._enough = ENOUGH if len(binding) <= 1 else ENOUGH_SEVERAL
        self._level = -1
        self._refine()

    def _refine(self) -> None:
        """Build tables on the next grid, and on finer ones while too many draws would be rejected."""
        while True:
            self._level += 1
            self.scale = Scale(self._binding, self._slots[self._level])
            self.tables = build_tables(self.forest, self.scale, weighted=self.weighted)
            expected = self._open_root()
            if expected >= self._enough or self._finest:
                return

    def _open_root(self) -> float:
        """Note what the root may spend; the share of it that is expected to pass the final check."""
        root = self.tables[self.forest.root]
        if root.empty:
            raise LimitError(f"at least one design must be within all limits, but none is: {self._described()}.")
        if root.keys is not None:
            self._choices: Ints = np.arange(len(root.keys))
            self._cumulative = np.cumsum(root.weights)
            return 1.0
        bins = root.offset + np.arange(len(root.weights))
        keep = self.scale.candidates(bins, root.errors) & (root.weights > 0)
        middles = [(least + most) / 2 for least, most in root.errors]
        sure = self.scale.candidates(bins, [(middle, middle) for middle in middles])
        self._choices, weights = bins[keep], root.weights[keep]
        if not len(self._choices):
            raise LimitError(f"at least one design must be within all limits, but none is: {self._described()}.")
        self._cumulative = np.cumsum(weights)
        return float(root.weights[sure].sum() / self._cumulative[-1])

    @property
    def _finest(self) -> bool:
        """Whether a finer grid is not to be had, or would not help."""
        return self._level + 1 == len(self._slots) or self.scale.exact

    def _described(self) -> str:
        return " and ".join(
            f"{cost.name} in [{axis.reach[0] if low is None else max(low, axis.reach[0]):.15g}, "
            f"{axis.reach[1] if high is None else min(high, axis.reach[1]):.15g}]"
            for axis, (cost, low, high) in zip(self.axes, self.windows, strict=True)
        )

    def draw(self, n: int, rng: np.random.Generator) -> Draws:
        """n designs, independent and uniform (or by weight) over those within the budgets.

        Raises LimitError when budgets that each can be met exclude each other.
        """
        designs: list[Design] = []
        kept: list[Floats] = []
        drawn = accepted = 0
        while len(designs) < n:
            wanted = n - len(designs)
            rate = max(accepted / drawn, 1e-3) if drawn else 1.0
            rows, costs = self._descend(min(int(wanted / rate * 1.05) + 1, 20_000), rng)
            fits = self._fits(costs)
            drawn, accepted = drawn + len(fits), accepted + int(fits.sum())
            designs += [rows[i] for i in np.flatnonzero(fits)[:wanted]]
            kept.append(costs[fits][:wanted])
            if not accepted and drawn >= HOPELESS:
                raise LimitError(f"no design was found within all limits in {drawn} draws: {self._described()}.")
        costs = np.concatenate(kept) if kept else np.zeros((0, len(self.axes)))
        by_name = {axis.cost.name: costs[:, i] for i, axis in enumerate(self.axes)}
        return Draws(designs, by_name, accepted / max(drawn, 1))

    def _fits(self, costs: Floats) -> NDArray[np.bool_]:
        fits = np.ones(len(costs), dtype=bool)
        for i, (_, low, high) in enumerate(self.windows):
            fits &= costs[:, i] >= (-np.inf if low is None else low)
            fits &= costs[:, i] <= (np.inf if high is None else high)
        return fits

    def _descend(self, n: int, rng: np.random.Generator) -> tuple[list[Design], Floats]:
        """Draw n derivations: parents before children, all draws that meet a node together."""
        root = self.forest.root
        aim = rng.random(n) * self._cumulative[-1]
        place = np.minimum(np.searchsorted(self._cumulative, aim, side="right"), len(self._choices) - 1)
        tokens = {root: _Tokens()}
        tokens[root].add(np.arange(n), np.zeros(n, dtype=np.int64), self._choices[place])
        costs = np.zeros((n, len(self.axes)))
        leaf_costs = [self.forest.leaf_costs(axis.cost) for axis in self.axes]
        prefixes = _Prefixes()
        columns: Columns = {}
        for number in range(root, -1, -1):
            if number not in tokens:
                continue
            draws, paths, values = tokens.pop(number).take()
            node = self.forest.nodes[number]
            if isinstance(node, Leaf):
                for i, per_node in enumerate(leaf_costs):
                    # A draw may pass one leaf several times: add.at counts each.
                    np.add.at(costs[:, i], draws, per_node[number])
            elif isinstance(node, And):
                left, right = self._split(number, node, values, rng)
                for side, ((component, child), part) in enumerate(((node.left, left), (node.right, right))):
                    into = tokens.setdefault(child, _Tokens())
                    into.add(draws, prefixes.below(paths, component, side), part)
            else:
                chosen, parts = self._choose(number, node, values, rng)
                _record(columns, prefixes, node, number, draws, paths, chosen)
                for i, (_, child) in enumerate(node.alternatives):
                    mine = chosen == i
                    tokens.setdefault(child, _Tokens()).add(draws[mine], paths[mine], parts[mine])
                    if not tokens[child].parts:
                        del tokens[child]
        return _rows(n, columns), costs

    def _split(self, number: int, node: And, values: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Share what a product has to spend between its two children."""
        table, left, right = self.tables[number], self.tables[node.left[1]], self.tables[node.right[1]]
        unique, inverse = np.unique(values, return_inverse=True)
        if table.keys is not None:
            assert left.keys is not None
            assert right.keys is not None
            i, j = _split_keys(table.keys[unique], left, right, inverse, rng)
            return i, j
        shares = _split_bins(unique, left.grid, right.grid, inverse, rng)
        return _enter(left, shares, rng), _enter(right, values - shares, rng)

    def _choose(self, number: int, node: Or, values: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Alternative for each draw, in proportion to its derivations with the cost to spend."""
        table = self.tables[number]
        children = [self.tables[child] for _, child in node.alternatives]
        shares = node.weights if self.weighted and node.weights is not None else (1.0,) * len(children)
        unique, inverse = np.unique(values, return_inverse=True)
        matrix = np.zeros((len(unique), len(children)))
        places = np.zeros((len(unique), len(children)), dtype=np.int64)
        for i, child in enumerate(children):
            if child.empty:
                continue
            factor = shares[i] * float(np.exp(child.log_scale - table.log_scale))
            if table.keys is not None:
                assert child.keys is not None
                places[:, i], found = _lookup(child.keys, table.keys[unique])
                matrix[:, i] = np.where(found, child.weights[places[:, i]], 0.0) * factor
            else:
                offset, dense = child.grid
                places[:, i] = unique
                matrix[:, i] = _at(dense, unique - offset) * factor
        chosen = _draw_rows(matrix, inverse, rng)
        parts = places[inverse, chosen]
        if table.keys is None:
            for i, child in enumerate(children):
                mine = chosen == i
                if mine.any():
                    parts[mine] = _enter(child, parts[mine], rng)
        return chosen, parts


def _enter(table: Table, bins: Ints, rng: np.random.Generator) -> Ints:
    """What a child has to spend: the bin itself, or a key in it where the child is exact."""
    return bins if table.keys is None else table.pick_keys(bins, rng)


def _lookup(keys: Ints, wanted: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted


def _at(dense: Floats, index: Ints) -> Floats:
    inside = (index >= 0) & (index < len(dense))
    return np.where(inside, dense[np.clip(index, 0, len(dense) - 1)], 0.0)


def _draw_rows(matrix: Floats, rows: Ints, rng: np.random.Generator) -> Ints:
    """Column for each entry of `rows`, drawn in proportion to the matrix's row."""
    cumulative = np.cumsum(matrix, axis=1)
    cumulative /= cumulative[:, -1:]
    # All rows end to end, row r on [r, r + 1], so that one search serves every draw.
    ends = (cumulative + np.arange(len(matrix))[:, None]).ravel()
    aim = rows + rng.random(len(rows))
    place = np.searchsorted(ends, aim, side="right") - rows * matrix.shape[1]
    last = matrix.shape[1] - 1 - np.argmax(matrix[:, ::-1] > 0, axis=1)
    columns: Ints = np.minimum(place, last[rows])
    return columns


CHUNK = 1 << 21
"""Entries of a matrix of weights that are held at once."""


def _split_keys(sums: Ints, left: Table, right: Table, rows: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Index of a key on each side, drawn among the pairs that add up to each sum."""
    small, large, swapped = (left, right, False) if _count(left) <= _count(right) else (right, left, True)
    assert small.keys is not None
    assert large.keys is not None
    i = np.zeros(len(rows), dtype=np.int64)
    j = np.zeros(len(rows), dtype=np.int64)
    for start, stop in _chunks(len(sums), len(small.keys)):
        place, found = _lookup(large.keys, sums[start:stop, None] - small.keys)
        matrix = np.where(found, large.weights[place], 0.0) * small.weights
        mine = np.flatnonzero((rows >= start) & (rows < stop))
        i[mine] = _draw_rows(matrix, rows[mine] - start, rng)
        j[mine] = place[rows[mine] - start, i[mine]]
    return (j, i) if swapped else (i, j)


def _split_bins(
    sums: Ints, left: tuple[int, Floats], right: tuple[int, Floats], rows: Ints, rng: np.random.Generator
) -> Ints:
    """Bin of the left side, drawn among the pairs of bins that add up to each sum."""
    swapped = len(left[1]) > len(right[1])
    (a, x), (b, y) = (right, left) if swapped else (left, right)
    bins = np.flatnonzero(x)
    shares = np.zeros(len(rows), dtype=np.int64)
    for start, stop in _chunks(len(sums), len(bins)):
        matrix = _at(y, sums[start:stop, None] - (a + bins) - b) * x[bins]
        mine = np.flatnonzero((rows >= start) & (rows < stop))
        shares[mine] = a + bins[_draw_rows(matrix, rows[mine] - start, rng)]
    return sums[rows] - shares if swapped else shares


def _count(table: Table) -> int:
    return 0 if table.keys is None else len(table.keys)


def _chunks(rows: int, columns: int) -> list[tuple[int, int]]:
    height = max(CHUNK // max(columns, 1), 1)
    return [(start, min(start + height, rows)) for start in range(0, rows, height)]


def _share(axis: Axis) -> float:
    """How much of the reach of a cost its window leaves, as a first guess of how tight it is."""
    reach = max(axis.largest - axis.smallest, 1)
    return (min(axis.high, axis.largest) - max(axis.low, axis.smallest)) / reach


def _check_reach(axis: Axis, cost: Cost, low: float | None, high: float | None) -> None:
    smallest, largest = axis.reach
    too_low, too_high = high is not None and high < smallest, low is not None and low > largest
    if too_low or too_high:
        bound = f"<= {high:.15g}" if too_low else f">= {low:.15g}"
        raise LimitError(
            f"a limit must hold for some design, but {cost.name} {bound} holds for none: over all designs"
            f" {cost.name} lies between {smallest:.15g} and {largest:.15g}."
        )


def _record(
    columns: Columns, prefixes: _Prefixes, node: Or, number: int, draws: Ints, paths: Ints, chosen: Ints
) -> None:
    if node.name is None:
        return
    labels = [value for value, _ in node.alternatives]
    for prefix in np.unique(paths):
        mine = paths == prefix
        path = join_path(prefixes.paths[prefix], node.name)
        values = [labels[i] for i in chosen[mine].tolist()]
        columns.setdefault((prefixes.places[prefix], -number, path), []).append((draws[mine], values))


def _rows(n: int, columns: Columns) -> list[Design]:
    """Designs of the draws, decisions in the order of the derivation."""
    rows: list[dict[str, Value]] = [{} for _ in range(n)]
    for (_, _, path), entries in sorted(columns.items(), key=lambda item: item[0]):
        for draws, values in entries:
            for draw, value in zip(draws.tolist(), values, strict=True):
                rows[draw][path] = value
    return [Design.trusted(row) for row in rows]
