"""Designs that are large in one cost under ceilings on others: a knapsack, with a price for what is held."""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.cost import Limit
from netwright.space._design import Design
from netwright.space._semiring import best_of
from netwright.space._space import Space

__all__ = ["trades"]

STEPS = 14
"""Prices that are tried: the gap that a price leaves for want of a design is soon wider than their distance."""


def trades(space: Space, cost: str, limits: Any) -> list[Design]:
    """Designs within limits, the last of largest cost: each is the dearest of all once it pays for what limits hold.

    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> trades(space, "macs", "params <= 320")[-1]
    Design({'conv.channels': 8, 'conv.kernel': 5})

    One price is asked for all ceilings, in parts of each, and found by halving (Everett 1963): a pass over the forest
    for each price, with no tables and no draws. Between two prices there may be a larger design, and the list is
    empty where every priced design breaks a limit.
    """
    held = [limit for limit in Limit.of(limits) if limit.high is not None and limit.high > 0]
    gain = np.array(space.forest.leaf_costs(space.cost(cost)), dtype=np.float64)
    used = sum(
        (np.array(space.forest.leaf_costs(space.cost(limit.metric))) / limit.high for limit in held if limit.high),
        start=np.zeros(len(gain)),
    )
    found: list[Design] = []
    below, above, price = 0.0, np.inf, space.extremes(cost)[1][0]
    for _ in range(STEPS if held else 0):
        _, design = best_of(space.forest, (gain - price * used).tolist(), largest=True)
        if space.keeps(design, limits):
            found.append(design)
            above = price
        else:
            below = price
        price = 4 * below if above == np.inf else (below * above) ** 0.5 if below else above / 4
    return list(dict.fromkeys(found))
