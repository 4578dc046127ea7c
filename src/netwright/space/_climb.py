"""The best design of an additive cost within limits, as near as climbing gets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from netwright.cost import DecisionCost, Limit
from netwright.space._design import Design
from netwright.space._space import Space

__all__ = ["climb"]

DRAWS = 500


def climb(
    space: Space, cost: str, rng: np.random.Generator, limits: Any = (), *, largest: bool = False, draws: int = DRAWS
) -> tuple[float, Design]:
    """A design of small additive cost within limits on others: exact without limits, else the end of a climb.

    >>> import numpy as np
    >>> from netwright.space.catalog import get_space
    >>> space = get_space("mobilenet-tiny")
    >>> value, design = climb(space, "macs", np.random.default_rng(0), ["params >= 50k"], draws=100)
    >>> value == space.costs(design, ["macs"])["macs"], space.costs(design)["params"] >= 50_000
    (True, True)

    The climb begins at the best of uniform draws within the limits. largest: of large cost instead.

    Raises LimitError when no design keeps the limits.
    """
    held = Limit.of(limits)
    if not held:
        return space.extremes(cost)[int(largest)]
    sign = -1.0 if largest else 1.0
    start = min(_priced(space, cost, space.sample(rng, draws, held), sign), key=lambda pair: pair[0])
    return _climbed(space, start, cost, held, sign)


def _climbed(
    space: Space, best: tuple[float, Design], cost: str, held: tuple[Limit, ...], sign: float
) -> tuple[float, Design]:
    """Where a climb ends that takes the best neighbour within the limits until none is better."""
    while True:
        around = _priced(space, cost, space.neighbours(best[1], held), sign)
        found = min(around, key=lambda pair: pair[0], default=best)
        if found[0] >= best[0]:
            return sign * best[0], best[1]
        best = found


def _priced(space: Space, name: str, designs: Iterable[Design], sign: float) -> list[tuple[float, Design]]:
    cost = space.cost(name)
    # Decisions have their prices without a graph.
    of = cost.of_design if isinstance(cost, DecisionCost) else lambda design: space.costs(design, [name])[name]
    return [(sign * of(design), design) for design in designs]
