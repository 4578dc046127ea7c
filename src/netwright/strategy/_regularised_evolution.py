"""Regularised evolution: tournaments in a population that loses its oldest member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.strategy._base import Objective, Outcome, Proposal, SearchSpace, Strategy, check_range
from netwright.strategy._population import Population

if TYPE_CHECKING:
    import numpy as np

    from netwright.cost import Limit

__all__ = ["RegularisedEvolution"]


class RegularisedEvolution(Strategy):
    """Mutate the winner of a tournament; the oldest member dies, however good it is.

    >>> import numpy as np
    >>> from netwright.testing import ToySpace
    >>> strategy = RegularisedEvolution(ToySpace(), [Objective("accuracy", "maximize")], population=2, tournament=2)
    >>> rng = np.random.default_rng(0)
    >>> for number in range(2):
    ...     strategy.tell(Outcome(number, strategy.ask(rng).design, {"accuracy": number / 2}))
    >>> proposal = strategy.ask(rng)
    >>> proposal.origin, proposal.parents
    ('mutation', (1,))

    population: members alive at once; until so many trials are complete, designs are drawn at random.
    tournament: members drawn with replacement, the best of which is the parent.

    Only complete trials are born: infeasible, failed and pruned ones never become parents. With several objectives
    the best is the one of the lowest non-domination rank in the population, then of the largest crowding distance.
    The defaults keep the paper's ratio of tournament to population (25 to 100) for studies of hundreds of trials
    instead of 20,000.

    Raises StudyError when population < 1, or tournament is not from 1 to population.

    Source: Real, Aggarwal, Huang, Le 2019, "Regularized evolution for image classifier architecture search",
    algorithm 1. Departure: an offspring told before is drawn again up to 15 times, then replaced by a random design.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        limits: Sequence[Limit] = (),
        *,
        population: int = 32,
        tournament: int = 8,
    ) -> None:
        super().__init__(space, objectives, limits)
        check_range("population", population, 1)
        check_range("tournament", tournament, 1, population)
        self._size = population
        self._tournament = tournament
        self._population = Population(objectives)

    def ask(self, rng: np.random.Generator) -> Proposal:
        """Propose a mutation of a tournament's winner, or a random design while the population grows."""
        if len(self._population) < self._size:
            return self.random(rng)
        return self.first_untold(lambda: self._offspring(rng), rng)

    def tell(self, outcome: Outcome) -> None:
        """Add a complete trial to the population, and let the oldest member die once it is full."""
        super().tell(outcome)
        scores = self.scores(outcome)
        if scores is None:
            return
        self._population.add(outcome, scores)
        if len(self._population) > self._size:
            self._population.drop_oldest()

    def _offspring(self, rng: np.random.Generator) -> Proposal:
        parent = self._population.tournament(rng, self._tournament)
        return Proposal(self.space.mutate(parent.design, rng, self.limits), (parent.number,), "mutation")
