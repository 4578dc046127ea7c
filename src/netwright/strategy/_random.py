"""Random search: the baseline that every other strategy must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.strategy._base import Proposal, Strategy

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Random"]


class Random(Strategy):
    """Draw designs uniformly from those within the limits, avoiding those already told.

    >>> import numpy as np
    >>> from netwright.strategy import Objective
    >>> from netwright.testing import ToySpace
    >>> strategy = Random(ToySpace(), [Objective("accuracy", "maximize")])
    >>> strategy.ask(np.random.default_rng(0)).origin
    'random'

    A design told before is drawn again up to 15 times, then proposed all the same: in a space that is used up there
    is nothing else.

    Source: Li, Talwalkar 2019, "Random search and reproducibility for neural architecture search".
    """

    def ask(self, rng: np.random.Generator) -> Proposal:
        """Propose a uniform draw."""
        return self.random(rng)
