"""Partial order pruning: a space cut by what a device takes and by what was tried.

Li, Zhou, Pan & Feng, "Partial Order Pruning: for Best Speed/Accuracy Trade-off in Neural Architecture Search" (CVPR
2019). A network that is nowhere wider or deeper than another is assumed to be no better. So a design that stands
below one that was tried, and takes no less time than a tried one that is as good, cannot improve on what is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright._count import counted
from netwright._proportion import wilson
from netwright.cost import Limit
from netwright.errors import DesignError, LimitError, SpaceError
from netwright.space import Design
from netwright.target._registry import target_metric, with_targets

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["Left", "Order", "PrunedSpace", "by_listing", "precedes", "prune"]

Order = Callable[[str, Any], float | None]
"""How large a value of a decision is, by path and value; None where it cannot be compared with others."""
TRIES = 200
"""Draws for each design that is asked for, before a pruned space counts as empty."""


def by_number(path: str, value: Any) -> float | None:
    """Numbers by their size; no other values."""
    return float(value) if isinstance(value, int | float) else None


def by_listing(*listings: Sequence[str]) -> Order:
    """Order of the values that are no numbers: a listing has those of a decision from the smallest to the largest.

    >>> order = by_listing(["skip", "conv"])
    >>> order("block", "skip"), order("block", "conv"), order("width", 16), order("block", "pool")
    (0.0, 1.0, 16.0, None)

    Raises SpaceError for a listing of fewer than two values, or a value that is listed twice.
    """
    named = [str(value) for listing in listings for value in listing]
    twice = next((value for value in named if named.count(value) > 1), None)
    if twice is not None or any(len(listing) < 2 for listing in listings):
        raise SpaceError(
            "an order lists two values or more from the smallest to the largest, each once, but got"
            f" {'; '.join(' < '.join(map(str, listing)) for listing in listings)}."
        )
    places = {str(value): float(at) for listing in listings for at, value in enumerate(listing)}
    return lambda path, value: places.get(str(value), by_number(path, value))


def precedes(small: Mapping[str, Any], large: Mapping[str, Any], order: Order = by_number) -> bool:
    """Whether a design is nowhere larger than another: it decides nothing else, and nothing for a larger value.

    >>> narrow, wide = {"width": 8, "times": 1}, {"width": 16, "times": 2, "extra.width": 8}
    >>> precedes(narrow, wide), precedes(wide, narrow), precedes({"block": "skip"}, {"block": "conv"})
    (True, False, False)
    >>> precedes({"block": "skip"}, {"block": "conv"}, lambda path, value: {"skip": 0, "conv": 1}[value])
    True
    """
    return all(path in large and _up_to(path, value, large[path], order) for path, value in small.items())


def _up_to(path: str, value: Any, other: Any, order: Order) -> bool:
    if value == other:
        return True
    size, bound = order(path, value), order(path, other)
    return size is not None and bound is not None and size <= bound


@dataclass(frozen=True)
class Left:
    """Share of the designs within the limits that is left, with a 95 % interval; exact where all were looked at.

    >>> Left(share=0.25, low=0.2, high=0.31, looked=200, exact=False).share
    0.25
    """

    share: float
    low: float
    high: float
    looked: int
    exact: bool


@dataclass(frozen=True)
class PrunedSpace:
    """What is left of a space under a limit of a device, once some designs were tried.

    >>> import numpy as np
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16, 24), kernel=nw.oneof(1, 3))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> small, medium, large = ({"conv.channels": width, "conv.kernel": 3} for width in (8, 16, 24))
    >>> found = prune(space, "macs", "macs <= 20k", [(small, 0.7), (large, 0.69)])
    >>> found.drops(medium), found.left(np.random.default_rng(0)).share
    (True, 0.5)

    space: with the cost that the limits are on. metric: that cost. tried: designs and how good each was found, more
    being better. order: how large the values of decisions are.
    """

    space: Space
    metric: str
    limits: tuple[Limit, ...]
    tried: tuple[tuple[Design, float], ...] = ()
    order: Order = by_number

    def after(self, design: Mapping[str, Any], score: float) -> PrunedSpace:
        """The same after one more trial."""
        found = replace(self, tried=(*self.tried, (Design(dict(design)), float(score))))
        # What the others take is known: told anew for each trial, it would be told as often as their square.
        vars(found)["_by_latency"] = sorted([*self._by_latency, (self._cost(design), float(score))])
        return found

    def drops(self, design: Mapping[str, Any]) -> bool:
        """Whether a design cannot improve on the tried ones, were no design better than a larger one."""
        at = bisect_right(self._latencies, self._cost(design))
        if not at:
            return False
        reached = self._best[at - 1]
        return any(score <= reached and precedes(design, other, self.order) for other, score in self.tried)

    def enumerate(self) -> Iterator[Design]:
        """Every design that is left; of spaces that are small enough to list."""
        for design in self.space.enumerate():
            if self.space.keeps(design, self.limits) and not self.drops(design):
                yield design

    def left(self, rng: np.random.Generator, designs: int = 500) -> Left:
        """How much is left: told from so many designs drawn within the limits, or from all where there are no more.

        >>> import numpy as np
        >>> from netwright.space.catalog import get_space
        >>> left = prune(get_space("nasbench201"), "macs", "macs <= 20M").left(np.random.default_rng(0), 50)
        >>> left.share, left.looked, left.exact
        (1.0, 50, False)
        """
        exact = self.space.network_size() <= designs
        if exact:
            within = [design for design in self.space.enumerate() if self.space.keeps(design, self.limits)]
        else:
            within = self.space.sample(rng, designs, self.limits)
        share = sum(not self.drops(design) for design in within) / len(within)
        low, high = (share, share) if exact else wilson(share, len(within))
        return Left(share, low, high, len(within), exact)

    def sample(self, rng: np.random.Generator, n: int = 1) -> list[Design]:
        """n designs, independent and uniform over those that are left.

        Raises LimitError when none turn up, which is so where all are pruned.
        """
        found: list[Design] = []
        for _ in range(TRIES):
            found += [design for design in self.space.sample(rng, n, self.limits) if not self.drops(design)]
            if len(found) >= n:
                return found[:n]
        raise LimitError(
            f"a pruned space must keep designs, but {len(found)} of {n} turned up in {TRIES * n:,} draws from"
            f" {self.space.name} after {counted(len(self.tried), 'trial')}."
        )

    def _cost(self, design: Mapping[str, Any]) -> float:
        return float(self.space.costs(Design(dict(design)), [self.metric])[self.metric])

    @cached_property
    def _by_latency(self) -> list[tuple[float, float]]:
        return sorted((self._cost(design), score) for design, score in self.tried)

    @cached_property
    def _latencies(self) -> list[float]:
        return [latency for latency, _ in self._by_latency]

    @cached_property
    def _best(self) -> list[float]:
        """Best score among the tried designs that take no more, in the order of their latencies."""
        return list(accumulate((score for _, score in self._by_latency), max))


def prune(
    space: Space,
    metric: str,
    limits: Any = (),
    tried: Sequence[tuple[Mapping[str, Any], float]] = (),
    *,
    order: Order = by_number,
) -> PrunedSpace:
    """Cut a space by what a device takes, and by designs that were tried.

    >>> import numpy as np
    >>> from netwright.space.catalog import get_space
    >>> space = get_space("mobilenet-tiny")
    >>> least, most = (design for _, design in space.extremes("macs"))
    >>> left = prune(space, "macs", "macs <= 1M", [(least, 0.7), (most, 0.69)])
    >>> left.drops(least), left.drops(left.sample(np.random.default_rng(0))[0])
    (True, False)

    metric: additive cost of a device, such as `latency_ms@pixel2`, or of a graph, such as `macs`. limits: as of
    `Space.sample`; a range of latencies, as in the paper, or whatever else must hold. tried: designs and how good
    each was found. order: how large values are that are no numbers, such as blocks; by default they are compared with
    nothing else.

    Raises UnknownNameError for a metric that is none, SpaceError for one that is not additive, LimitError for limits
    that no design keeps, DesignError for a tried design that is not of the space.
    """
    held = with_targets(space, [metric, *(limit.metric for limit in Limit.of(limits))])
    told = metric not in held.costs_known and target_metric(metric) is not None
    if told or not held.cost(metric).additive:
        raise SpaceError(f"a space is pruned by an additive cost, but {metric} is not.")
    held.check_limits(limits)
    for design, _ in tried:
        if design not in held:
            raise DesignError(f"a tried design must be of {space.name}, but got {dict(design)!r}.")
    kept = tuple((Design(dict(design)), float(score)) for design, score in tried)
    return PrunedSpace(held, metric, tuple(Limit.of(limits)), kept, order)
