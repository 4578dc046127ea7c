"""The living designs of an evolutionary strategy, ordered when asked and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwright.strategy._base import Objective, Outcome
from netwright.strategy._fronts import best_first

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Population"]


class Population:
    """Outcomes in the order of their birth, with a place for each by rank, then crowding.

    Members without scores are infeasible: they come after all others, by what they violate (Deb et al. 2002,
    section VI).

    The places are worked out once after each change, in O(P log P) for P members and up to two objectives.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.members: list[Outcome] = []
        self._objectives = tuple(objectives)
        self._points: list[tuple[float, ...] | None] = []
        self._places: list[int] | None = None

    def __len__(self) -> int:
        return len(self.members)

    def add(self, outcome: Outcome, scores: tuple[float, ...] | None) -> None:
        """Give birth to a member with these values of the objectives, or none for one that broke a limit."""
        self.members.append(outcome)
        self._points.append(scores)
        self._places = None

    def drop_oldest(self) -> None:
        """Let the first-born die."""
        self._drop(0)

    def drop_worst(self) -> None:
        """Let the member in the last place die."""
        places = self._ordered()
        self._drop(places.index(len(places) - 1))

    def tournament(self, rng: np.random.Generator, size: int) -> Outcome:
        """Best of `size` members drawn with replacement."""
        places = self._ordered()
        entrants: list[int] = rng.integers(len(places), size=size).tolist()
        return self.members[min(entrants, key=places.__getitem__)]

    def _drop(self, index: int) -> None:
        del self.members[index], self._points[index]
        self._places = None

    def _ordered(self) -> list[int]:
        if self._places is None:
            self._places = [0] * len(self.members)
            for place, index in enumerate(self._best_first()):
                self._places[index] = place
        return self._places

    def _best_first(self) -> list[int]:
        # Youngest first among equals, or a plateau would keep its first settlers for ever.
        youngest = range(len(self.members) - 1, -1, -1)
        scored = [(index, point) for index in youngest if (point := self._points[index]) is not None]
        order = best_first([point for _, point in scored], self._objectives).tolist() if scored else []
        broken = [index for index in youngest if self._points[index] is None]
        return [scored[i][0] for i in order] + sorted(broken, key=lambda index: self.members[index].violation)
