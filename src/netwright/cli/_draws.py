"""Designs of a space within limits, also those that only a target can tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netwright.errors import LimitError

if TYPE_CHECKING:
    from netwright.cost import Limit
    from netwright.space import Design, Space

__all__ = ["Draws", "designs_within", "metric_on", "split_limits"]

MOST = 400
"""Designs that are looked at for each one wanted."""


@dataclass(frozen=True)
class Draws:
    """Designs within limits, and how many within those that the forest holds were looked at to find them."""

    designs: list[Design]
    looked: int


def metric_on(target: str, quantity: str, space: Space) -> str:
    """What a target is asked for: its quantity; the cost itself where a cost is named in place of a target."""
    return target if target in space.costs_known else f"{quantity}@{target}"


def split_limits(space: Space, limits: Sequence[Limit]) -> tuple[Space, list[Limit], list[Limit]]:
    """The space with costs of targets that are additive, the limits its forest holds, and those checked by design.

    Raises UnknownNameError for a metric that is neither a cost nor told by a target.
    """
    from netwright.target import with_targets

    told = [limit.metric for limit in limits if "@" in limit.metric and limit.metric not in space.costs_known]
    found = with_targets(space, told)
    checked = [limit for limit in limits if limit.metric in told and not found.additive(limit.metric)]
    return found, [limit for limit in limits if limit not in checked], checked


def designs_within(space: Space, limits: Sequence[Limit], number: int, seed: int) -> Draws:
    """Designs drawn uniformly from those that keep all limits; a target is asked about one after the other.

    Raises LimitError where none of many does, or where the forest holds none; UnknownNameError as `split_limits`.
    """
    import numpy as np

    built, held, checked = split_limits(space, limits)
    rng = np.random.default_rng(seed)
    if not checked:
        return Draws(built.sample(rng, number, held), number)
    found: list[Design] = []
    nearest: dict[str, float] = {}
    for looked in range(1, MOST * number + 1):
        [design] = built.sample(rng, 1, held)
        values = [_value(limit, built, design) for limit in checked]
        if all(limit.holds(value) for limit, value in zip(checked, values, strict=True)):
            found.append(design)
        if len(found) == number:
            return Draws(found, looked)
        for limit, value in zip(checked, values, strict=True):
            nearest[str(limit)] = min(nearest.get(str(limit), value), value, key=limit.violation)
    stated = ", ".join(f"{limit} (nearest {value:,.6g})" for limit, value in nearest.items())
    raise LimitError(
        f"limits must hold for some design, but {stated} held for {len(found)} of {MOST * number} drawn."
    )


def _value(limit: Limit, space: Space, design: Design) -> float:
    from netwright.graph import simplify
    from netwright.target import target_metric

    metric = target_metric(limit.metric)
    assert metric is not None
    return metric.of(simplify(space.network(design)), design).value
