"""NSGA-II: evolution of a whole front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.strategy._base import Objective, Outcome, Proposal, SearchSpace, Strategy, check_range
from netwright.strategy._population import Population

if TYPE_CHECKING:
    import numpy as np

    from netwright.cost import Limit

__all__ = ["NSGA2"]


class NSGA2(Strategy):
    """Cross and mutate winners of binary tournaments; the most crowded member of the last front dies.

    >>> import numpy as np
    >>> from netwright.testing import ToySpace
    >>> objectives = [Objective("accuracy", "maximize"), Objective("macs", "minimize")]
    >>> strategy = NSGA2(ToySpace(), objectives, population=2)
    >>> rng = np.random.default_rng(0)
    >>> for number in range(2):
    ...     strategy.tell(Outcome(number, strategy.ask(rng).design, {"accuracy": 0.5, "macs": 9.0 - number}))
    >>> sorted(set(strategy.ask(rng).parents) - {0, 1})
    []

    population: members alive at once; until so many trials are complete, designs are drawn at random.
    crossover: probability that an offspring has two parents.
    mutation: probability that an offspring of two parents is mutated; one of a single parent always is. The default
    is 1 - 1/e, the chance that at least one of n genes changes at the paper's rate of 1/n a gene.

    Trials that broke a limit are born too, behind every complete one and the less they break the better placed
    (constraint domination, section VI of the paper): among the first designs hardly any may fit, and those that
    nearly do lead there. Failed and pruned trials never become parents, nor do infeasible ones of unknown violation.
    With one objective this is an elitist genetic algorithm.

    Raises StudyError when population < 2, or a probability is not from 0 to 1.

    Source: Deb, Pratap, Agarwal, Meyarivan 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II".
    Departures: survivors are chosen after each trial and not after each generation, so that parallel workers never
    wait (the steady-state form: Durillo, Nebro, Luna, Alba 2009); a design that lives is not born again; an offspring
    told before is drawn again up to 15 times, then replaced by a random design.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        limits: Sequence[Limit] = (),
        *,
        population: int = 32,
        crossover: float = 0.9,
        mutation: float = 0.632,
    ) -> None:
        super().__init__(space, objectives, limits)
        check_range("population", population, 2)
        for name, probability in (("crossover", crossover), ("mutation", mutation)):
            check_range(name, probability, 0, 1)
        self._size = population
        self._crossover = crossover
        self._mutation = mutation
        self._population = Population(objectives)

    def ask(self, rng: np.random.Generator) -> Proposal:
        """Propose an offspring, or a random design while the population grows."""
        if len(self._population) < self._size:
            return self.random(rng)
        return self.first_untold(lambda: self._offspring(rng), rng)

    def tell(self, outcome: Outcome) -> None:
        """Add a complete or infeasible trial to the population, and let the worst member die once it is full."""
        alive = any(member.design == outcome.design for member in self._population.members)
        super().tell(outcome)
        scores = self.scores(outcome)
        breaks = outcome.state == "infeasible" and 0 < outcome.violation < math.inf
        if alive or (scores is None and not breaks):
            return
        self._population.add(outcome, scores)
        if len(self._population) > self._size:
            self._population.drop_worst()

    def _offspring(self, rng: np.random.Generator) -> Proposal:
        mother, father = (self._population.tournament(rng, 2) for _ in range(2))
        crossed = rng.random() < self._crossover and mother.number != father.number
        mutated = rng.random() < self._mutation or not crossed
        parents = (mother, father) if crossed else (mother,)
        design = mother.design
        if crossed:
            design = self.space.crossover(design, father.design, rng, self.limits)
        if mutated:
            design = self.space.mutate(design, rng, self.limits)
        steps = ["crossover"] * crossed + ["mutation"] * mutated
        return Proposal(design, tuple(parent.number for parent in parents), "+".join(steps))
