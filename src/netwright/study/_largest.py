"""The largest design that the limits allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.cost import Limit
from netwright.graph import simplify
from netwright.space import climb_from
from netwright.study._checks import told_by_targets, verdicts
from netwright.study._plan import Plan

if TYPE_CHECKING:
    from netwright.space import Design

__all__ = ["largest_within"]

DRAWS = 4000
"""Designs drawn in search of the largest."""
TRIES = 20
"""Designs that are measured before a limit that is not additive is taken to exclude them."""


def largest_within(plan: Plan, cost: str, rng: np.random.Generator) -> Design | None:
    """A design with a value of an additive cost as large as can be found within all limits; None when there is none.

    The largest of a few thousand uniform draws within the additive limits, then climbed to the best neighbour until
    none is larger. Limits that are not additive are checked at the top, on one design after the other.
    """
    held = [limit for limit in plan.spec.limits if plan.space.additive(limit.metric)]
    other = [limit for limit in plan.spec.limits if limit not in held]
    # A limit from below that every design meets only asks the forest to report the cost of each draw.
    draws = plan.space.draw(rng, DRAWS, [*[limit for limit in held if limit.metric != cost], _asked(held, cost)])
    order = np.argsort(-draws.costs[cost], kind="stable")
    for rank in range(TRIES):
        start = draws.designs[order[rank * len(order) // (4 * TRIES)]]
        design = climb_from(plan.space, start, cost, held, largest=True)[1] if rank == 0 else start
        graph = simplify(plan.space.network(design))
        if not other or all(check["holds"] for check in _told(plan, other, graph, design)):
            return design
    return None


def _asked(held: Sequence[Limit], cost: str) -> Limit:
    """The limit on a cost, or one that always holds."""
    return next((limit for limit in held if limit.metric == cost), Limit(cost, low=0.0))


def _told(plan: Plan, limits: Sequence[Limit], graph: Any, design: Design) -> list[dict[str, Any]]:
    known = {name: estimate.value for name, estimate in told_by_targets(plan, graph, design).items()}
    return verdicts([limit for limit in limits if limit.metric in known], known)
