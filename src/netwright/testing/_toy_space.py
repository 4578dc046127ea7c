"""A space small enough to enumerate, for tests of strategies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from netwright.space import Design

if TYPE_CHECKING:
    from netwright.cost import Limit

__all__ = ["ToySpace"]


class ToySpace:
    """A chain of layers, each of which chooses its width, with costs that add up and an accuracy by formula.

    >>> import numpy as np
    >>> space = ToySpace(layers=3, widths=4)
    >>> space.size()
    64
    >>> sorted(space.evaluate(space.sample(np.random.default_rng(0))[0]))
    ['accuracy', 'macs', 'params']

    layers: how many decisions a design has.
    widths: how many values each has, from 1 up.

    It has the methods of a Space that strategies use, and `evaluate` in place of training. Sampling is uniform over
    the designs within the limits, by enumeration.
    """

    name = "toy"

    def __init__(self, layers: int = 5, widths: int = 4) -> None:
        self.layers = layers
        self.widths = widths
        self._fitting: dict[tuple[Limit, ...], list[Design]] = {}

    def size(self) -> int:
        """Number of designs."""
        return int(self.widths**self.layers)

    def enumerate(self) -> Iterator[Design]:
        """All designs, in lexicographic order."""
        return map(self._design, itertools.product(range(1, self.widths + 1), repeat=self.layers))

    def contains(self, design: Design) -> bool:
        """Say whether a design is one of this space."""
        paths = self._design([1] * self.layers).keys()
        return design.keys() == paths and all(design[path] in range(1, self.widths + 1) for path in paths)

    def additive(self, metric: str) -> bool:
        """Say whether limits on a metric are held when sampling."""
        return metric in ("params", "macs")

    def costs(self, design: Design, names: Sequence[str] = ("params", "macs")) -> dict[str, float]:
        """Costs of a design by name: params rise with the depth of a wide layer, macs fall."""
        widths = self._widths_of(design)
        costs = {
            "params": sum(width * (layer + 1) for layer, width in enumerate(widths)),
            "macs": sum(width * (self.layers - layer) ** 2 for layer, width in enumerate(widths)),
        }
        return {name: float(costs[name]) for name in names}

    def evaluate(self, design: Design) -> dict[str, float]:
        """Accuracy and costs; the accuracy has one best width a layer and a penalty on equal neighbours.

        1.0 is an upper bound that is not always met.
        """
        widths = self._widths_of(design)
        distances = [abs(width - 1 - (7 * layer + 3) % self.widths) for layer, width in enumerate(widths)]
        equal = sum(a == b for a, b in itertools.pairwise(widths))
        accuracy = 1 - (sum(distances) + 0.5 * equal) / (self.layers * self.widths)
        return {"accuracy": accuracy, **self.costs(design)}

    def fits(self, design: Design, limits: Sequence[Limit] = ()) -> bool:
        """Say whether a design is within all limits."""
        costs = self.costs(design) if limits else {}
        return all(limit.holds(costs[limit.metric]) for limit in limits)

    def sample(self, rng: np.random.Generator, n: int = 1, limits: Sequence[Limit] = ()) -> list[Design]:
        """Draw n designs uniformly within the limits."""
        if not limits:
            return [self._design(row) for row in rng.integers(1, self.widths + 1, size=(n, self.layers)).tolist()]
        key = tuple(limits)
        if key not in self._fitting:
            self._fitting[key] = [design for design in self.enumerate() if self.fits(design, limits)]
        return [self._fitting[key][index] for index in rng.integers(len(self._fitting[key]), size=n)]

    def mutate(self, design: Design, rng: np.random.Generator, limits: Sequence[Limit] = ()) -> Design:
        """Change one decision; the design itself where no change is within the limits."""
        neighbours = list(self.neighbours(design, limits)) or [design]
        return neighbours[int(rng.integers(len(neighbours)))]

    def crossover(self, a: Design, b: Design, rng: np.random.Generator, limits: Sequence[Limit] = ()) -> Design:
        """Take each decision from either parent; the first parent where 32 draws are not within the limits."""
        parents = np.array([self._widths_of(a), self._widths_of(b)])
        for _ in range(32):
            chosen = rng.integers(2, size=self.layers)
            child = self._design(parents[chosen, np.arange(self.layers)].tolist())
            if self.fits(child, limits):
                return child
        return a

    def neighbours(self, design: Design, limits: Sequence[Limit] = ()) -> Iterator[Design]:
        """All designs within the limits that differ in one decision."""
        widths = self._widths_of(design)
        for layer, width in itertools.product(range(self.layers), range(1, self.widths + 1)):
            neighbour = self._design([*widths[:layer], width, *widths[layer + 1 :]])
            if width != widths[layer] and self.fits(neighbour, limits):
                yield neighbour

    def _design(self, widths: Sequence[int]) -> Design:
        return Design({f"layer{layer}.width": width for layer, width in enumerate(widths)})

    def _widths_of(self, design: Design) -> list[int]:
        return [int(design[f"layer{layer}.width"]) for layer in range(self.layers)]
