"""Drawing designs exactly uniformly under budgets, a batch at a time, top-down through the forest."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.cost import Cost
from netwright.errors import LimitError
from netwright.space._descent import Choices, Prefixes, Tokens, rows_of
from netwright.space._design import Design
from netwright.space._forest import And, Forest, Leaf, Or
from netwright.space._scale import Axis, Errors, Floats, Ints, Scale, extremes
from netwright.space._split import at, draw_rows, enter, lookup, split_bins, split_keys
from netwright.space._tables import build_tables
from netwright.space._walk import Walk

__all__ = ["Draws", "Sampler", "Window", "binds"]

Window = tuple[Cost, float | None, float | None]
FINEST = 1 << 20
"""Bins of a grid that takes seconds to build."""
SLOTS = (1 << 12, 1 << 15, 1 << 17, FINEST)
"""Bins along a single budget; a finer grid is taken when too few splits would keep it."""
SLOTS_SEVERAL = (1 << 15, 1 << 17)
"""Bins over several budgets together."""
ENOUGH = 0.97
"""Share of the splits of a single budget that should keep it."""
ENOUGH_SEVERAL = 0.3
"""The same for several budgets, where a finer grid takes longer to build than a few rejections take to draw."""
DEAR = 0.25
"""Share of the splits below which the finest grid is worth its seconds."""
HOPELESS = 1 << 20
"""Splits without one that fits, after which the budgets are taken to exclude each other."""
AT_ONCE = 20_000
"""Designs that are drawn together."""


@dataclass(frozen=True)
class Draws:
    """Designs, and the exact value of each budgeted cost.

    acceptance: share of the designs drawn that the final check accepted.
    splits: share of the splits of the budgets over the parts of a network that were kept. What a split costs is known
        before any of its decisions is drawn; one that breaks a budget by the rounding of the tables ends there.
    """

    designs: list[Design]
    costs: dict[str, Floats]
    acceptance: float
    splits: float = 1.0


class Sampler:
    """Draws from one forest under fixed budgets; its tables are built once.

    windows: (cost, low, high) of each budget. Those that bind go into the tables, and every budget is checked exactly
    on every draw at the end, so what is returned never breaks one.

    A draw has two halves. The budgets are first split over the parts of the network by the tables on a grid, down to
    parts small enough to know their exact costs. A split whose costs add up to something outside a budget, as the
    rounding of the grid allows, is rejected there: every design under it has these very costs, so what remains is
    uniform. Only then are the decisions inside the parts drawn.

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
        self._binding = [self.axes[i] for i in binding]
        if not Scale.fits(self._binding):
            self._binding = [Axis.of(forest, *windows[i], steps=1 << 60 // len(binding)) for i in binding]
        self._expected = 1.0
        # Where no budget binds there is none to split: no tables, and no draw to reject.
        self._walk = None if binding else Walk(forest, weighted=weighted)
        if self._walk is not None:
            return
        # The last axis of a key may be cut finer where its smallest cost is far above zero.
        self._binding.sort(key=lambda axis: axis.smallest / max(axis.largest, 1))
        self._slots: tuple[int, ...] = SLOTS if len(binding) <= 1 else SLOTS_SEVERAL
        self._enough = ENOUGH if len(binding) <= 1 else ENOUGH_SEVERAL
        self._build()

    def telling(self, windows: Sequence[Window]) -> Sampler:
        """The same draws, which also tell the costs of windows that no design can miss; shares the tables."""
        other = copy(self)
        other.windows = tuple(windows)
        other.axes = [Axis.of(self.forest, *window) for window in windows]
        return other

    def _build(self) -> None:
        """Tables on the coarsest grid, and on a finer one where too many splits would be rejected on it."""
        expected = self._tabulated(self._slots[0])
        if self.scale.exact or expected >= self._enough or len(self._slots) == 1:
            return
        # Rounding grows with the width of a bin, so the odds of a rejection do.
        odds = (1 - expected) / max(expected, 1e-9)
        shares = {
            slots: 1 / (1 + odds * (self._slots[0] / slots) ** (1 / len(self._binding))) for slots in self._slots[1:]
        }
        usual = [slots for slots in self._slots[1:] if slots < FINEST]
        chosen = next((slots for slots in usual if shares[slots] >= self._enough), usual[-1])
        self._tabulated(FINEST if FINEST in shares and shares[chosen] < DEAR else chosen)

    def _tabulated(self, slots: int) -> float:
        """Build the tables for a grid and note what the root may spend; the share of splits expected to be kept."""
        self.scale = Scale(self.forest, self._binding, slots, weighted=self.weighted)
        self.tables = build_tables(self.forest, self.scale, weighted=self.weighted)
        self._expected = self._open_root()
        return self._expected

    def _open_root(self) -> float:
        root = self.tables[self.forest.root]
        if root.empty:
            raise self._no_design()
        if root.keys is not None:
            self._choices: Ints = np.arange(len(root.keys))
            self._cumulative = np.cumsum(root.weights)
            return 1.0
        bins = root.offset + np.arange(len(root.weights))
        keep = self.scale.candidates(bins, root.errors) & (root.weights > 0)
        if not keep.any():
            raise self._no_design()
        self._choices = bins[keep]
        logs = np.log(root.weights[keep]) - self.scale.tilt(self._choices)
        weights = np.exp(logs - logs.max())
        self._cumulative = np.cumsum(weights)
        return self._share_kept(weights, root.errors)

    def _share_kept(self, weights: Floats, errors: Errors) -> float:
        """Share of the splits expected to keep the budgets: two estimates, as one is blind below a bin's width."""
        middles = [((least + most) / 2,) * 2 for least, most in errors]
        sure = self.scale.candidates(self._choices, middles)
        even = 1.0
        for axis, (least, most) in zip(self._binding, errors, strict=True):
            width = min(axis.high, axis.largest) - max(axis.low, axis.smallest) + 1
            even *= width / (width + most - least)
        return max(float(weights[sure].sum() / weights.sum()), even)

    def _no_design(self) -> LimitError:
        # Far out under several budgets at once, a few designs may be lost in the rounding noise of a grid.
        sure = len(self._binding) <= 1 or all(table.keys is not None for table in self.tables)
        found = "none is" if sure else "none was found"
        return LimitError(f"at least one design must be within all limits, but {found}: {self._described()}.")

    def _described(self) -> str:
        return " and ".join(
            f"{cost.name} in [{axis.reach[0] if low is None else max(low, axis.reach[0]):.13g}, "
            f"{axis.reach[1] if high is None else min(high, axis.reach[1]):.13g}]"
            for axis, (cost, low, high) in zip(self.axes, self.windows, strict=True)
        )

    def draw(self, n: int, rng: np.random.Generator) -> Draws:
        """n designs, independent and uniform (or by weight) over those within the budgets.

        Raises LimitError when budgets that each can be met exclude each other.
        """
        designs: list[Design] = []
        found: list[Floats] = []
        tried = drawn = accepted = 0
        while len(designs) < n:
            wanted = n - len(designs)
            rate = max(accepted / tried if accepted else self._expected / (1 + tried / 1000), 1e-4)
            splits = min(int(min(wanted * 1.05 + 1, AT_ONCE) / rate), HOPELESS // 4)
            rows, costs = self._descend(splits, rng)
            fits = self._fits(costs)
            tried, drawn, accepted = tried + splits, drawn + len(fits), accepted + int(fits.sum())
            designs += [rows[i] for i in np.flatnonzero(fits)[:wanted]]
            found.append(costs[fits][:wanted])
            if not accepted and tried >= HOPELESS:
                raise LimitError(f"no design was found within all limits in {tried} draws: {self._described()}.")
        costs = np.concatenate(found) if found else np.zeros((0, len(self.axes)))
        by_name = {axis.cost.name: costs[:, i] for i, axis in enumerate(self.axes)}
        return Draws(designs, by_name, accepted / max(drawn, 1), drawn / max(tried, 1))

    def _fits(self, costs: Floats) -> NDArray[np.bool_]:
        fits = np.ones(len(costs), dtype=bool)
        for i, (_, low, high) in enumerate(self.windows):
            fits &= costs[:, i] >= (-np.inf if low is None else low)
            fits &= costs[:, i] <= (np.inf if high is None else high)
        return fits

    def _descend(self, n: int, rng: np.random.Generator) -> tuple[list[Design], Floats]:
        """Draw n splits, drop those that break a budget, and draw the decisions of the others."""
        root = self.forest.root
        if self._walk is not None:
            return self._walked(self._walk, n, rng)
        aim = rng.random(n) * self._cumulative[-1]
        place = np.minimum(np.searchsorted(self._cumulative, aim, side="right"), len(self._choices) - 1)
        tokens, prefixes, choices = {root: Tokens()}, Prefixes(), Choices()
        tokens[root].add(np.arange(n), np.zeros(n, dtype=np.int64), self._choices[place])
        # Parents before children, all draws that meet a node together; below an exact table all tables are exact.
        for number in range(root, -1, -1):
            if number in tokens and self.tables[number].keys is None:
                self._pass(number, tokens, prefixes, choices, rng)
        kept = self._kept(n, tokens)
        tokens = {number: part for number, part in tokens.items() if part.keep(kept)}
        costs = np.zeros((n, len(self.axes)))
        leaf_costs = [self.forest.leaf_costs(axis.cost) for axis in self.axes]
        for number in range(root, -1, -1):
            if number in tokens and isinstance(self.forest.nodes[number], Leaf):
                draws, _, _ = tokens.pop(number).take()
                for i, per_node in enumerate(leaf_costs):
                    # A draw may pass one leaf several times: add.at counts each.
                    np.add.at(costs[:, i], draws, per_node[number])
            elif number in tokens:
                self._pass(number, tokens, prefixes, choices, rng)
        return rows_of(kept, choices.columns(self.forest, prefixes, kept)), costs[kept]

    def _walked(self, walk: Walk, n: int, rng: np.random.Generator) -> tuple[list[Design], Floats]:
        """Draw n designs where no budget binds, with their exact costs."""
        rows, draws, leaves = walk.draw(n, rng)
        costs = np.zeros((n, len(self.axes)))
        for i, axis in enumerate(self.axes):
            np.add.at(costs[:, i], draws, np.array(self.forest.leaf_costs(axis.cost))[leaves])
        return rows, costs

    def _kept(self, n: int, tokens: dict[int, Tokens]) -> NDArray[np.bool_]:
        """Which splits keep the budgets, by the exact costs of the parts that they have arrived at."""
        if self.tables[self.forest.root].keys is not None:
            return np.ones(n, dtype=bool)
        total = np.zeros(n, dtype=np.int64)
        for number, part in tokens.items():
            draws, _, places = part.take()
            keys = self.tables[number].keys
            assert keys is not None
            np.add.at(total, draws, keys[places])
        return self.scale.within(total, self.scale.windows)

    def _pass(
        self, number: int, tokens: dict[int, Tokens], prefixes: Prefixes, choices: Choices, rng: np.random.Generator
    ) -> None:
        """Send what has arrived at a node on to its children."""
        draws, paths, values = tokens.pop(number).take()
        node = self.forest.nodes[number]
        if isinstance(node, And):
            left, right = self._split(number, node, values, rng)
            for side, ((component, child), part) in enumerate(((node.left, left), (node.right, right))):
                into = tokens.setdefault(child, Tokens())
                into.add(draws, prefixes.below(paths, component, side), part)
        elif isinstance(node, Or):
            chosen, parts = self._choose(number, node, values, rng)
            choices.add(number, draws, paths, chosen)
            for i, (_, child) in enumerate(node.alternatives):
                mine = chosen == i
                if mine.any():
                    tokens.setdefault(child, Tokens()).add(draws[mine], paths[mine], parts[mine])

    def _split(self, number: int, node: And, values: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Share what a product has to spend between its two children."""
        table, left, right = self.tables[number], self.tables[node.left[1]], self.tables[node.right[1]]
        unique, inverse = np.unique(values, return_inverse=True)
        if table.keys is not None:
            assert left.keys is not None
            assert right.keys is not None
            i, j = split_keys(table.keys[unique], left, right, inverse, rng)
            return i, j
        shares = split_bins(unique, left.grid, right.grid, inverse, rng)
        return enter(left, shares, rng), enter(right, values - shares, rng)

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
            logs = child.log_scale if table.keys is not None else child.grid_log_scale
            factor = shares[i] * float(np.exp(logs - table.log_scale))
            if table.keys is not None:
                assert child.keys is not None
                places[:, i], found = lookup(child.keys, table.keys[unique])
                matrix[:, i] = np.where(found, child.weights[places[:, i]], 0.0) * factor
            else:
                offset, dense = child.grid
                places[:, i] = unique
                matrix[:, i] = at(dense, unique - offset) * factor
        chosen = draw_rows(matrix, inverse, rng)
        parts = places[inverse, chosen]
        if table.keys is None:
            for i, child in enumerate(children):
                mine = chosen == i
                if mine.any():
                    parts[mine] = enter(child, parts[mine], rng)
        return chosen, parts


def binds(forest: Forest, cost: Cost, low: float | None, high: float | None) -> bool:
    """Whether some design of the forest may miss a window."""
    least, most = extremes(forest, np.asarray(forest.leaf_costs(cost), dtype=np.float64))
    return (low is not None and low > least) or (high is not None and high < most)


def _check_reach(axis: Axis, cost: Cost, low: float | None, high: float | None) -> None:
    smallest, largest = axis.reach
    too_low, too_high = high is not None and high < smallest, low is not None and low > largest
    if too_low or too_high:
        # A digit less than the rounding that the window was widened by.
        bound = f"<= {high:.13g}" if too_low else f">= {low:.13g}"
        raise LimitError(
            f"a limit must hold for some design, but {cost.name} {bound} holds for none: over all designs"
            f" {cost.name} lies between {smallest:.15g} and {largest:.15g}."
        )
