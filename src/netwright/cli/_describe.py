"""What is true of a space: exact numbers by a few questions to its forest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.space import Histogram, Space

__all__ = ["default_classes", "describe", "summary"]

ENUMERATED = 2_000_000
"""Designs up to which several limits are counted one by one: a tenth of a second."""
FINE_DESIGNS = 1 << 40
FINE_SLOTS = 1 << 18
"""Grid of the histogram of a space of up to so many designs: exact for the small spaces, and at most a second."""
DEFAULT_SLOTS = 1 << 12


def describe(
    space: Space, classes: int | None, limits: Sequence[Limit] = (), seconds: float = 60.0
) -> dict[str, Any]:
    """The document of `netwright space NAME`.

    seconds: time to spend on enumerating distinct networks before giving up.

    Raises UnknownNameError for a limit on something that is no cost, LimitError for one that no design meets.
    """
    from netwright.cli._draws import split_limits
    from netwright.space import distinct_networks

    space, held, _ = split_limits(space, limits)
    for limit in held:
        space.cost(limit.metric)
    space.check_limits(limits)
    within = _within(space, limits)
    networks = distinct_networks(space, seconds=seconds, workers=os.cpu_count() or 1)
    return {
        "name": space.name,
        "input": " | ".join(space.inputs),
        "inputs": [list(tensor.shape[1:]) for tensor in space.inputs.values()],
        "classes": classes,
        "designs": str(space.size()),
        "limits": [str(limit) for limit in limits],
        "designs_within_limits": None if within is None else str(within),
        "networks": None if networks is None else str(networks),
        "params": _spread(_histogram(space, "params")),
        "macs": _spread(_histogram(space, "macs")),
    }


def _histogram(space: Space, cost: str) -> Histogram:
    return space.histogram(cost, slots=FINE_SLOTS if space.size() <= FINE_DESIGNS else DEFAULT_SLOTS)


def _spread(found: Histogram) -> dict[str, Any]:
    """Smallest, median and largest cost, exact but for the median of a histogram on a grid, which has a range."""
    median = found.quantile(0.5)
    return {
        "min": round(found.smallest),
        "median": round(median),
        "max": round(found.largest),
        "median_range": [round(median - found.below), round(median + found.above)],
    }


def _within(space: Space, limits: Sequence[Limit]) -> int | None:
    """Number of designs that keep all limits, where it is cheap to tell."""
    if not limits:
        return space.size()
    if not all(space.additive(limit.metric) for limit in limits):
        return None
    designs = space.size() // space.recipe_space.size()
    if len(limits) == 1:
        found = _histogram(space, limits[0].metric)
        if found.exact:
            kept = sum(n for cost, n in zip(found.costs, found.counts, strict=True) if limits[0].holds(cost))
            return kept * space.recipe_space.size()
    if designs > ENUMERATED:
        return None
    costs = space.all_costs([limit.metric for limit in limits])
    kept = sum(all(limit.holds(cost) for limit, cost in zip(limits, row, strict=True)) for row in costs.tolist())
    return kept * space.recipe_space.size()


def default_classes(name: str) -> int | None:
    """Number of classes of a catalogued space where none is given.

    >>> default_classes("ofa-mobilenetv3")
    1000
    """
    import inspect

    from netwright.space.catalog import SPACES

    if name not in SPACES:
        return None
    classes: int = inspect.signature(SPACES[name]).parameters["classes"].default
    return classes


def summary(name: str) -> dict[str, Any]:
    """One line of the list of all spaces."""
    from netwright.space.catalog import SPACES

    space = SPACES[name]()
    return {
        "name": name,
        "summary": (SPACES[name].__doc__ or "").strip().splitlines()[0],
        "input": next(iter(space.inputs)) if len(space.inputs) == 1 else f"{len(space.inputs)} sizes",
        "classes": default_classes(name),
        # The list answers at once: the largest forests are compiled where one of them is asked about.
        "designs": str(space.size()) if space.is_compiled else None,
    }
