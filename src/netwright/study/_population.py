"""Populations: designs drawn at random from a space, with what each is worth and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netwright.errors import StudyError

__all__ = ["Efficiency", "Population", "matched"]

BINS = 8
"""Parts of equal number into which a shared range of cost is cut."""


@dataclass(frozen=True)
class Efficiency:
    """What random search is expected to reach after each number of trials: mean and standard deviation.

    >>> found = Population("small", "accuracy", -1, (0.9, 0.8, 0.95)).efficiency()
    >>> found.trials, [round(mean, 3) for mean in found.mean]
    ((1, 2, 3), [0.883, 0.933, 0.95])
    """

    trials: tuple[int, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Population:
    """Designs drawn from a space with the value of one metric.

    >>> population = Population("small", "accuracy", -1, (0.9, 0.8, 0.95))
    >>> population.share_reaching(0.9), round(population.expected_best(2), 4)
    (0.6666666666666666, 0.9333)

    sign: -1 where higher values are better, 1 where lower ones are. costs: other values of each design by name.
    weights: of the designs, when populations are compared at equal cost; equal ones otherwise.

    Source of both curves: Radosavovic et al. 2019, "On network design spaces for visual recognition", section 3.

    Raises StudyError without a value, or with weights of another number.
    """

    name: str
    metric: str
    sign: int
    values: tuple[float, ...]
    costs: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise StudyError(f"a population needs a design with a value, but that of {self.name} has none.")
        if self.weights is not None and (len(self.weights) != len(self.values) or not sum(self.weights) > 0):
            raise StudyError(f"weights of {len(self.values)} designs must be as many and not all zero.")

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        """Designs from the best to the worst."""
        return np.argsort(self.sign * np.array(self.values), kind="stable")

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Share of the whole that each design stands for, summing to 1."""
        weights = np.ones(len(self)) if self.weights is None else np.array(self.weights, dtype=float)
        found: NDArray[np.float64] = weights / weights.sum()
        return found

    def distribution(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Empirical distribution function: values from the best on, and the share at least as good as each."""
        return np.array(self.values)[self._order], np.cumsum(self.shares[self._order])

    def share_reaching(self, value: float) -> float:
        """Share of designs at least as good as a value."""
        good = self.sign * np.array(self.values) <= self.sign * value
        return float(self.shares[good].sum())

    def quantile(self, share: float) -> float:
        """Value that this share of the designs reaches; `quantile(0)` is the best of them."""
        values, reached = self.distribution()
        return float(values[min(int(np.searchsorted(reached, share - 1e-12)), len(self) - 1)])

    def expected_best(self, trials: int) -> float:
        """Mean of the best of so many designs of the population, drawn without putting any back; exact."""
        return self._moments(trials)[0]

    def efficiency(self) -> Efficiency:
        """The expected best after 1, 2, 4, ... trials up to the whole population."""
        trials = tuple(sorted({*(2**k for k in range(len(self).bit_length())), len(self)}))
        moments = [self._moments(m) for m in trials]
        return Efficiency(trials, tuple(mean for mean, _ in moments), tuple(spread for _, spread in moments))

    def _moments(self, trials: int) -> tuple[float, float]:
        if not 1 <= trials <= len(self):
            raise StudyError(f"`1 <= trials <= {len(self)}` must hold, but got trials={trials}.")
        values = np.array(self.values)[self._order]
        chances = np.fromiter(_rank_of_best(len(self), trials), dtype=float)
        mean = float(chances @ values[: len(chances)])
        square = float(chances @ (values[: len(chances)] - mean) ** 2)
        return mean, square**0.5


def _rank_of_best(n: int, m: int) -> Iterator[float]:
    """Chance that the best of m drawn from n is the first, second, ... of all: C(n - i, m - 1) / C(n, m)."""
    chance = m / n
    for i in range(1, n - m + 2):
        yield chance
        chance *= (n - i - m + 1) / max(n - i, 1)


def matched(populations: Sequence[Population], cost: str) -> list[Population]:
    """The same populations, weighted so that each spreads equally over one range of a cost.

    >>> cheap = Population("cheap", "accuracy", -1, (0.7, 0.8, 0.9), {"macs": (1, 1, 9)})
    >>> dear = Population("dear", "accuracy", -1, (0.7, 0.9, 0.9), {"macs": (1, 9, 9)})
    >>> [population.quantile(0.5) for population in matched([cheap, dear], "macs")]
    [0.9, 0.9]

    The range is cut at quantiles of the cost over all designs; a part in which some population has no design is
    left out, since nothing can be compared there.

    Source: Radosavovic et al. 2019, section 3.3. Raises StudyError when no part has designs of all.
    """
    costs = [np.array(population.costs[cost], dtype=float) for population in populations]
    edges = np.unique(np.quantile(np.concatenate(costs), np.linspace(0, 1, BINS + 1)))
    places = [np.clip(np.searchsorted(edges, c, side="right") - 1, 0, max(len(edges) - 2, 0)) for c in costs]
    counts = np.array([np.bincount(place, minlength=max(len(edges) - 1, 1)) for place in places])
    shared = np.all(counts > 0, axis=0)
    if not shared.any():
        raise StudyError(f"populations can be matched by {cost} where they share values of it, but they share none.")
    weights = [np.where(shared[place], 1 / count[place], 0.0) for place, count in zip(places, counts, strict=True)]
    return [replace(p, weights=tuple(map(float, w))) for p, w in zip(populations, weights, strict=True)]
