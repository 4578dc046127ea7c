"""Designs as columns of numbers: their decisions, and how often they use each kind of option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Features", "design_features", "place_name"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """A 1 for each decision that a design takes, and for each of those columns the kind of its option.

    decisions: (designs, columns). kinds: for each column the number of its kind; options of one name (its numbers do
    not count) and value, at whatever place of the network, are one kind. sizes: (designs, columns); what is decided
    by a number, and of each name the sum of its numbers and how many a design has.
    """

    decisions: Array
    kinds: NDArray[np.int64]
    sizes: Array

    def by_kind(self, weights: Array | None = None) -> Array:
        """Sum over the columns of each kind, each weighed: how often it occurs, or what it costs."""
        weighed = self.decisions if weights is None else self.decisions * weights
        sums = np.zeros((len(weighed), int(self.kinds.max(initial=-1)) + 1))
        for kind in range(sums.shape[1]):
            sums[:, kind] = weighed[:, self.kinds == kind].sum(axis=1)
        return sums


def design_features(designs: Sequence[Mapping[str, Any]]) -> Features:
    """Features of designs of one space.

    >>> found = design_features([{"a.kernel": 3, "b.kernel": 5}, {"a.kernel": 3, "b.kernel": 3}])
    >>> found.decisions.tolist(), found.by_kind().tolist()
    ([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]], [[1.0, 1.0], [2.0, 0.0]])
    """
    columns: dict[tuple[str, str], int] = {}
    places = [[columns.setdefault((p, repr(v)), len(columns)) for p, v in design.items()] for design in designs]
    decisions = np.zeros((len(designs), len(columns)))
    for row, taken in enumerate(places):
        decisions[row, taken] = 1.0
    kinds: dict[tuple[str, str], int] = {}
    numbers = [kinds.setdefault((place_name(path), value), len(kinds)) for path, value in columns]
    return Features(decisions, np.asarray(numbers, dtype=np.int64), _sizes(designs))


def _sizes(designs: Sequence[Mapping[str, Any]]) -> Array:
    """Numbers by path, 0 where a design lacks one; and of each name their sum and how many there are."""
    known = [{path: value for path, value in design.items() if _is_number(value)} for design in designs]
    paths = {path: i for i, path in enumerate(dict.fromkeys(path for design in known for path in design))}
    names = {name: i for i, name in enumerate(dict.fromkeys(map(place_name, paths)))}
    places = {path: names[place_name(path)] for path in paths}
    own, sums, counts = (np.zeros((len(designs), len(each))) for each in (paths, names, names))
    for row, design in enumerate(known):
        for path, value in design.items():
            own[row, paths[path]] = value
            sums[row, places[path]] += value
            counts[row, places[path]] += 1
    return np.hstack([own, sums, counts])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def place_name(path: str) -> str:
    """What is decided, wherever it is: the last component of a path that is more than a number, without its numbers.

    >>> place_name("stage2.block1.kernel"), place_name("layer14"), place_name("cell.0-1")
    ('kernel', 'layer', 'cell')
    """
    names = (component.strip("0123456789-_") for component in reversed(path.split(".")))
    return next(filter(None, names), "")
