"""Where two targets disagree about the same designs, which options are friendly to which, and what follows.

Friendliness of a block to a device, told from measurements of whole networks alone, and the space reduced by it,
are of Mills et al., "Profiling Neural Blocks and Design Spaces for Mobile Neural Architecture Search" (CIKM 2021).
The measure here is our own: a device is held against a second one, or a cost, by ranks, which need no common unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import DataError
from netwright.graph import simplify
from netwright.space import Design
from netwright.target._additive import average_ranks, rank_correlation
from netwright.target._design_features import place_name
from netwright.target._design_table import options_of, without_recipe
from netwright.target._registry import target_metric
from netwright.target._table_target import TableTarget

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["Leaning", "RankComparison", "compare_ranks"]

Array = NDArray[np.float64]

SURE = 3.0
"""Standard errors from 0 from which on an option is said to lean: many options are looked at together."""
LEAST = 0.01
"""Share of all ranks below which it does not matter."""


@dataclass(frozen=True)
class Leaning:
    """How much later designs with an option come on the first target than on the second, as a share of all designs.

    >>> from netwright.space import Design
    >>> designs = [Design({"kernel": k, "width": w}) for k in (3, 5) for w in (8, 16, 24, 32)]
    >>> slow_kernels = [d["width"] + 100.0 * (d["kernel"] == 5) for d in designs]
    >>> found = RankComparison("phone", "board", tuple(designs), slow_kernels, [d["width"] for d in designs])
    >>> leaning = found.options()[0]
    >>> leaning.option, round(leaning.shift, 3), leaning.sure
    (('kernel', 5), 0.25, True)

    option: path, or name of what is decided wherever it is, and value. shift: mean over the designs with it; above 0
    it is less friendly to the first. error: standard error of that. designs: number that it is told from.
    """

    option: tuple[str, Any]
    shift: float
    error: float
    designs: int

    @property
    def sure(self) -> bool:
        """Whether the shift is neither chance nor too small to matter."""
        return abs(self.shift) > max(SURE * self.error, LEAST)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        path, value = self.option
        return {
            "option": path, "value": value, "shift": self.shift, "error": self.error, "designs": self.designs,
            "sure": self.sure,
        }  # fmt: skip


@dataclass(frozen=True)
class RankComparison:
    """The same designs on two targets.

    >>> from netwright.space import Design
    >>> designs = [Design({"kernel": k, "width": w}) for k in (3, 5) for w in (8, 16, 24, 32)]
    >>> slow_kernels = [d["width"] + 100.0 * (d["kernel"] == 5) for d in designs]
    >>> found = RankComparison("phone", "board", tuple(designs), slow_kernels, [d["width"] for d in designs])
    >>> round(found.spearman, 2), round(found.kendall, 2)
    (0.49, 0.46)
    >>> found.options()[0].option, found.unfriendly()
    (('kernel', 5), {'kernel': (5,)})

    first, second: names. a, b: what each design costs there, such as a latency in ms.
    """

    first: str
    second: str
    designs: tuple[Design, ...]
    a: Array
    b: Array

    def __post_init__(self) -> None:
        for name in ("a", "b"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))

    @property
    def spearman(self) -> float:
        """Rank correlation of the two."""
        return rank_correlation(self.a, self.b)

    @property
    def kendall(self) -> float:
        """Kendall's tau-b: how many more pairs they order alike than otherwise, as a share of those without a tie."""
        a, b = self.ranks
        pairs = len(a) * (len(a) - 1) // 2
        told_by_a, told_by_b = (pairs - _ties(ranks) for ranks in (a, b))
        told_by_both = told_by_a + told_by_b - pairs + _ties(np.stack([a, b]))
        difference = told_by_both - 2 * _inversions(b[np.lexsort((b, a))])
        return difference / sqrt(told_by_a * told_by_b) if told_by_a and told_by_b else 0.0

    @cached_property
    def ranks(self) -> tuple[Array, Array]:
        """Rank of each design on either target, 1 the least, equal ones at their mean."""
        return average_ranks(self.a), average_ranks(self.b)

    @cached_property
    def shifts(self) -> Array:
        """How much later each design comes on the first target, as a share of all designs."""
        return np.asarray((self.ranks[0] - self.ranks[1]) / len(self.designs))

    def largest(self, number: int) -> list[int]:
        """Numbers of the designs that the two disagree most about."""
        return [int(each) for each in np.argsort(-np.abs(self.shifts), kind="stable")[:number]]

    def options(self) -> list[Leaning]:
        """Every option of every decision, the least friendly to the first target first."""
        return list(self._options)

    def kinds(self) -> list[Leaning]:
        """Options of one name and value taken together, wherever in the network they are: a kernel of 5, a block."""
        groups: dict[tuple[str, Any], list[Leaning]] = {}
        for each in self._options:
            path, value = each.option
            groups.setdefault((place_name(path), value), []).append(each)
        return _sorted([_together(option, parts) for option, parts in groups.items()])

    def unfriendly(self, *, to_first: bool = True, most: int = 1) -> dict[str, tuple[Any, ...]]:
        """The values of each path that are surely unfriendly to one of the two, at most so many, the worst first.

        One value of a path at least is none of them. With many designs almost all options are surely on one side or
        the other, so a space without all of them keeps hardly anything.
        """
        sign = 1 if to_first else -1
        by_path: dict[str, list[Leaning]] = {}
        for each in sorted(self._options, key=lambda each: -sign * each.shift):
            by_path.setdefault(each.option[0], []).append(each)
        found = {}
        for path, leanings in by_path.items():
            against = [each.option[1] for each in leanings[:-1] if each.sure and sign * each.shift > 0]
            if against:
                found[path] = tuple(against[:most])
        return found

    def without(self, dropped: Mapping[str, Sequence[Any]]) -> list[int]:
        """Numbers of the designs that take none of some values, by path."""
        return [
            number for number, design in enumerate(self.designs)
            if not any(path in design and design[path] in values for path, values in dropped.items())
        ]  # fmt: skip

    def reduced(self, space: Space, *, to_first: bool = True) -> Space:
        """The space without the options that are unfriendly to one of the two."""
        dropped = self.unfriendly(to_first=to_first)
        allowed = {
            path: [value for value in options if value not in dropped[path]]
            for path, options in options_of(space).items() if path in dropped
        }  # fmt: skip
        return space.restricted(allowed) if allowed else space

    @cached_property
    def _options(self) -> list[Leaning]:
        rows: dict[tuple[str, Any], list[int]] = {}
        for number, design in enumerate(self.designs):
            for decision in design.items():
                rows.setdefault(decision, []).append(number)
        told = {taken: numbers for taken, numbers in rows.items() if len(numbers) < len(self.designs)}
        return _sorted([_mean(taken, self.shifts[numbers]) for taken, numbers in told.items()])


def compare_ranks(
    space: Space, first: str, second: str, *, designs: int = 200, limits: Any = (), seed: int = 0
) -> RankComparison:
    """What two targets, or costs, say of the same designs of a space.

    >>> from netwright.space.catalog import get_space
    >>> found = compare_ranks(get_space("nasbench201"), "macs", "params", designs=50)
    >>> len(found.designs), found.spearman > 0.9
    (50, True)

    first, second: metrics such as `latency_ms@pixel2`, or costs such as `macs`. designs: how many at most; those that
    both targets measured where they have any in common, else drawn at random within the limits.

    Raises UnknownNameError for a metric that is none, DataError for fewer than 3 designs, and what a target raises
    that knows nothing of the space.
    """
    tellers = [_teller(space, name) for name in (first, second)]
    chosen = _shared(first, second) if not limits else []
    rng = np.random.default_rng(seed)
    if len(chosen) < 3:
        chosen = list(dict.fromkeys(map(without_recipe, space.sample(rng, designs, limits))))
    elif len(chosen) > designs:
        chosen = [chosen[i] for i in sorted(rng.choice(len(chosen), designs, replace=False))]
    if len(chosen) < 3:
        raise DataError(f"ranks are compared on at least 3 designs, but {space.name} gave {len(chosen)}.")
    a, b = ([tell(design) for design in chosen] for tell in tellers)
    return RankComparison(first, second, tuple(chosen), np.array(a), np.array(b))


def _teller(space: Space, name: str) -> Callable[[Design], float]:
    metric = None if name in space.costs_known else target_metric(name)
    if metric is None:
        space.cost(name)
        return lambda design: float(space.costs(design, [name])[name])
    metric.target.additive(metric.quantity, space, name)  # which raises where it knows nothing of the space
    if isinstance(metric.target, TableTarget):
        table = metric.target
        return lambda design: table.told(metric.quantity, design)
    return lambda design: metric.of(simplify(space.network(design)), design).value


def _shared(*names: str) -> list[Design]:
    """Designs that all of the targets measured."""
    metrics = [target_metric(name) if "@" in name else None for name in names]
    tables = [metric.target.designs for metric in metrics if metric and isinstance(metric.target, TableTarget)]
    if not tables:
        return []
    common = set(tables[0]).intersection(*tables[1:])
    return [design for design in tables[0] if design in common]


def _ties(ranks: Array) -> int:
    """Pairs of columns that are the same; of numbers, where there is one row."""
    counts = np.unique(ranks, axis=-1, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(values: Array) -> int:
    """Pairs of which the later one is less: of all designs at once they would take the square of the memory."""
    if len(values) <= 64:
        return int(np.triu(values[:, None] > values, 1).sum())
    left, right = np.array_split(values, 2)
    across = len(left) * len(right) - int(np.searchsorted(np.sort(left), right, side="right").sum())
    return _inversions(left) + _inversions(right) + across


def _mean(option: tuple[str, Any], shifts: Array) -> Leaning:
    error = float(shifts.std(ddof=1) / np.sqrt(len(shifts))) if len(shifts) > 1 else 1.0
    return Leaning(option, float(shifts.mean()), error, len(shifts))


def _together(option: tuple[str, Any], parts: Sequence[Leaning]) -> Leaning:
    """Mean over the places of one option, each weighed by its designs; places are taken as independent."""
    weights = np.array([part.designs for part in parts], float) / sum(part.designs for part in parts)
    shift = float(weights @ [part.shift for part in parts])
    error = float(np.sqrt((weights**2) @ np.square([part.error for part in parts])))
    return Leaning(option, shift, error, sum(part.designs for part in parts))


def _sorted(leanings: Sequence[Leaning]) -> list[Leaning]:
    return sorted(leanings, key=lambda each: (-each.shift, str(each.option)))
