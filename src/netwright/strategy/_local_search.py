"""Local search: try every neighbour of a design, move to the best, start again where none is better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.strategy._base import Objective, Outcome, Proposal, SearchSpace, Strategy, check_range
from netwright.strategy._fronts import best_first, dominates

if TYPE_CHECKING:
    import numpy as np

    from netwright.cost import Limit
    from netwright.space import Design

__all__ = ["LocalSearch"]

_Scored = tuple[Outcome, tuple[float, ...]]


class LocalSearch(Strategy):
    """Try all neighbours of the best design, move to the best of them, restart at random in a local optimum.

    >>> import numpy as np
    >>> from netwright.testing import ToySpace
    >>> strategy = LocalSearch(ToySpace(), [Objective("accuracy", "maximize")], starts=1)
    >>> rng = np.random.default_rng(0)
    >>> strategy.tell(Outcome(0, strategy.ask(rng).design, {"accuracy": 0.5}))
    >>> proposal = strategy.ask(rng)
    >>> proposal.origin, proposal.parents
    ('neighbour', (0,))

    starts: random designs that must be complete before the best of them becomes the centre, at each restart too.

    The neighbours of the centre are proposed in random order; those told before, whatever their origin, are not
    proposed again but count. With several objectives the search moves only to a neighbour that dominates the centre,
    so that it cannot go round in circles, and of several such to the one of the lowest non-domination rank, then of
    the largest crowding distance.

    Raises StudyError when starts < 1.

    Source: White, Nolen, Savani 2021, "Exploring the loss landscape in neural architecture search", algorithm 1, with
    ten random designs to start from as in the paper's experiments. Departure: it restarts instead of ending.
    """

    def __init__(
        self, space: SearchSpace, objectives: Sequence[Objective], limits: Sequence[Limit] = (), *, starts: int = 10
    ) -> None:
        super().__init__(space, objectives, limits)
        check_range("starts", starts, 1)
        self._starts = starts
        self._scored: dict[Design, _Scored] = {}
        self._centre: _Scored | None = None
        self._untold: dict[Design, None] = {}
        # Rivals of the centre where there is one, else the random designs that are complete since the restart.
        self._rivals: list[_Scored] = []

    def ask(self, rng: np.random.Generator) -> Proposal:
        """Propose a neighbour of the centre that was not told yet, or a random design to start from."""
        if self._centre is None:
            return self.random(rng)
        designs = list(self._untold)
        return Proposal(designs[rng.integers(len(designs))], (self._centre[0].number,), "neighbour")

    def tell(self, outcome: Outcome) -> None:
        """Note the outcome, and move or restart when the last neighbour of the centre was told."""
        super().tell(outcome)
        scores = self.scores(outcome)
        scored = None if scores is None else (outcome, scores)
        if scored is not None:
            self._scored[outcome.design] = scored
        if self._centre is None:
            self._note_start(scored)
        elif outcome.design in self._untold:
            del self._untold[outcome.design]
            self._rivals += [scored] if scored else []
        # Here and not in ask: a resumed study tells everything before it asks, and must end in the same place.
        while self._centre is not None and not self._untold:
            self._leave(self._centre)

    def _note_start(self, scored: _Scored | None) -> None:
        # A late neighbour of the optimum just left, from a parallel worker, would lead straight back to it.
        if scored is None or scored[0].parents:
            return
        self._rivals.append(scored)
        if len(self._rivals) >= self._starts:
            self._enter(self._best(self._rivals))

    def _leave(self, centre: _Scored) -> None:
        better = [rival for rival in self._rivals if dominates(rival[1], centre[1], self.objectives)]
        if better:
            self._enter(self._best(better))
        else:
            self._centre, self._rivals = None, []

    def _enter(self, centre: _Scored) -> None:
        around = list(self.space.neighbours(centre[0].design, self.limits))
        self._centre = centre
        self._untold = {design: None for design in around if not self.told(design)}
        self._rivals = [self._scored[design] for design in around if design in self._scored]

    def _best(self, scored: Sequence[_Scored]) -> _Scored:
        return scored[int(best_first([scores for _, scores in scored], self.objectives)[0])]
