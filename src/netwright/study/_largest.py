"""The largest designs that the limits allow: what an engineer would try first, and what a search must beat."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache

import numpy as np

from netwright.cost import Limit, costs_of
from netwright.errors import NetwrightError
from netwright.graph import simplify
from netwright.space import Design, Space, trades
from netwright.study._deadline import Deadline
from netwright.study._metrics import estimated
from netwright.study._plan import Plan
from netwright.study._trial import Estimator

__all__ = ["largest_designs", "with_largest"]

DRAWS = 1000
"""Designs drawn first; where a target refuses the largest, the largest that it lets pass is one of these."""
AGAIN = 64
"""Draws of each later round, all of designs as large as the largest before."""
ROUNDS = 2
COMPARED = 64
"""Of the largest designs, those that are compared by what they compute."""
NEAR = 0.01
"""Share of a cost that is no difference: a round that gains no more is the last; such designs are equally large."""
MOST_NODES = 100_000
"""Nodes of a forest past which every pass over it takes a second: the largest is that of FEW draws."""
FEW = 256
SECONDS = 10.0
"""Time in which targets are asked: the largest designs of large spaces are the slowest to be measured."""
LARGEST = (("largest by params", "params"), ("largest by MACs", "macs"))


def with_largest(plan: Plan) -> Plan:
    """The plan of a search that tries the largest designs first, and compares its winner with them.

    They are kept with the study, which on resume has the same ones whatever a target says then.
    """
    kept = [{"design": dict(design), "names": names} for design, names in largest_designs(plan)]
    return replace(plan, spec=replace(plan.spec, options={**plan.spec.options, "largest": kept}))


def largest_designs(plan: Plan) -> list[tuple[Design, list[str]]]:
    """The largest designs within the limits, each with all that it is the largest by."""
    rng, keeps = np.random.default_rng([plan.spec.seed, 2**31]), _targets_let_pass(plan, Deadline.after(SECONDS))
    found: list[tuple[Design, list[str]]] = []
    for name, cost in LARGEST:
        # Without a largest design a search goes on; what is wrong with the limits was said before.
        with suppress(NetwrightError):
            design = largest_within(plan, cost, rng, keeps)
            same = [names for other, names in found if other == design]
            if same:
                same[0].append(name)
            elif design is not None:
                found.append((design, [name]))
    return found


def _targets_let_pass(plan: Plan, until: Deadline) -> Callable[[Design], bool]:
    """Whether a design keeps the limits that the forest does not hold; one asked about too late does not."""
    known = [name for name in estimated(plan.spec, plan.space) if not plan.space.additive(name)]
    asked = [limit for limit in plan.spec.limits if limit.metric in known]
    estimator = Estimator([limit.metric for limit in asked], plan.space)

    @cache
    def keeps(design: Design) -> bool:
        if not asked:
            return True
        told = {} if until.passed else estimator(design, plan.space.network(design))
        return bool(told) and all(limit.holds(told[limit.metric]) for limit in asked)

    return keeps


def largest_within(plan: Plan, cost: str, rng: np.random.Generator, keeps: Callable[[Design], bool]) -> Design | None:
    """A design with a value of an additive cost as large as can be found within all limits; None when there is none.

    Exact where the dearest design of the space keeps them, else the largest of uniform draws within the additive
    ones and of designs that pay for what these hold. keeps: whether targets let a design pass. They are asked about a
    few: what is smaller is taken to keep their limits sooner.
    """
    space = plan.space
    held = [limit for limit in plan.spec.limits if space.additive(limit.metric)]
    dearest = Design({**space.extremes(cost)[1][1], **space.recipe_space.sample(rng)})
    if space.keeps(dearest, held) and keeps(dearest):
        return dearest
    falling = list(dict.fromkeys(_falling(space, cost, held, rng)))
    return _first_kept(list(dict.fromkeys([*busiest(space, cost, falling[:COMPARED]), *falling])), keeps)


def busiest(space: Space, cost: str, designs: Sequence[Design]) -> list[Design]:
    """Of these designs those that are nearly as large as the largest, from that which computes most.

    An edge that is left out and one that is a skip cost the same, and make very different networks.

    >>> from netwright.space.catalog import nasbench201, nasbench201_from_string
    >>> none, skip = (nasbench201_from_string(f"|{op}~0|+|nor_conv_3x3~0|{op}~1|+|{op}~0|{op}~1|nor_conv_3x3~2|")
    ...               for op in ("none", "skip_connect"))
    >>> busiest(nasbench201(), "macs", [none, skip]) == [skip, none]
    True
    """
    told = {design: costs_of(simplify(space.network(design))) for design in designs}
    most = max(costs[cost] for costs in told.values())
    near = [design for design, costs in told.items() if costs[cost] >= (1 - NEAR) * most]
    return sorted(near, key=lambda design: -told[design]["flops"])


def _falling(space: Space, cost: str, held: Sequence[Limit], rng: np.random.Generator) -> list[Design]:
    """Designs within additive limits, from the largest to the smallest of some draws."""
    quick = len(space.forest) <= MOST_NODES
    # A limit from below that every design meets only asks the forest to report the cost of each draw.
    told = [] if cost in {limit.metric for limit in held} else [Limit(cost, low=0.0)]
    draws = space.draw(rng, DRAWS if quick else FEW, [*held, *told])
    order = np.argsort(-draws.costs[cost], kind="stable")
    falling, reached = [draws.designs[i] for i in order], float(draws.costs[cost][order[0]])
    if not quick:
        return falling
    if [limit.metric for limit in held] == [cost]:
        return [*_larger(space, held[0], reached, rng), *falling]
    recipe = {path: value for path, value in falling[0].items() if path.startswith("recipe.")}
    traded = [Design({**design, **recipe}) for design in trades(space, cost, held)]
    return [*(design for design in reversed(traded) if space.costs(design, [cost])[cost] > reached), *falling]


def _larger(space: Space, limit: Limit, reached: float, rng: np.random.Generator) -> list[Design]:
    """The largest of each round of draws that all are as large as the one before, the last round first."""
    found: list[Design] = []
    for _ in range(ROUNDS):
        if limit.high is not None and reached >= (1 - NEAR) * limit.high:
            break
        more = space.draw(rng, AGAIN, [replace(limit, low=reached)])
        best = int(np.argmax(more.costs[limit.metric]))
        found.insert(0, more.designs[best])
        before, reached = reached, float(more.costs[limit.metric][best])
        if reached <= (1 + NEAR) * before:
            break
    return found


def _first_kept(falling: Sequence[Design], keeps: Callable[[Design], bool]) -> Design | None:
    """The largest design that targets let pass, or nearly: in steps that double, then by halving the last of them."""
    past, place = -1, 0
    while not keeps(falling[place]):
        if place == len(falling) - 1:
            return None
        past, place = place, min(2 * place + 1, len(falling) - 1)
    last = falling[past + 1 : place + 1]
    return last[bisect_left(last, True, hi=len(last) - 1, key=keeps)]
