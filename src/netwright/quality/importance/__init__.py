"""Which options of a space are worth having, from designs that were evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import DesignError, UnknownNameError
from netwright.quality.importance._anova import functional_anova
from netwright.quality.importance._autobuild import autobuild
from netwright.quality.importance._effects import Effect, Effects, Importance, Module, shrink

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = [
    "METHODS",
    "Effect",
    "Effects",
    "Importance",
    "Module",
    "autobuild",
    "effects",
    "functional_anova",
    "shares",
    "shrink",
]

METHODS: dict[str, Callable[..., Effects]] = {"functional-anova": functional_anova, "autobuild": autobuild}
LEAST = 10
"""Evaluated designs, under which nothing can be said."""


def effects(
    space: Space,
    designs: Sequence[Mapping[str, Any]],
    values: Sequence[float],
    *,
    method: str = "functional-anova",
    limits: Any = (),
    seed: int = 0,
) -> Effects:
    """Importance of every decision and effect of every option, from evaluated designs; higher values are better.

    Values are taken by their ranks, so that a few networks that failed to train do not decide everything: an effect
    of 0.1 moves a design past a tenth of the designs.

    >>> from netwright.space.catalog import get_space
    >>> import numpy as np
    >>> space = get_space("mobilenet-tiny")
    >>> designs = space.sample(np.random.default_rng(0), 60)
    >>> found = effects(space, designs, [float(design["stem.channels"]) for design in designs])
    >>> max(found.decisions, key=lambda decision: decision.share).path
    'stem.channels'

    limits: on additive costs, which the designs were chosen within.

    Raises UnknownNameError for a method that does not exist, and DesignError for too few designs, designs of another
    space, or a value that is no number.
    """
    if method not in METHODS:
        raise UnknownNameError("method of importance", method, METHODS)
    if not np.isfinite(np.asarray(values, dtype=float)).all():
        raise DesignError("importance needs numbers as values, but one is not finite.")
    if len(designs) < LEAST or len(designs) != len(values):
        raise DesignError(
            f"importance needs {LEAST} designs or more, each with a value, but got {len(designs)} and {len(values)}."
        )
    return METHODS[method](space, designs, shares(values), limits=limits, seed=seed)


def shares(values: Sequence[float]) -> NDArray[np.float64]:
    """Share of the values that each is at least as good as; equal values share their places.

    >>> shares([0.9, 0.1, 0.9]).round(2).tolist()
    [0.83, 0.33, 0.83]
    """
    _, inverse, counts = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse] / len(values)
    return ranks
