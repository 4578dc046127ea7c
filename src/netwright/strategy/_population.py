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

    The places are worked out once after each change, in O(P log P) for P members and up to two objectives.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.members: list[Outcome] = []
        self._objectives = tuple(objectives)
        self._points: list[tuple[float, ...]] = []
        self._places: list[int] | None = None

    def __len__(self) -> int:
        return len(self.members)

    def add(self, outcome: Outcome, scores: tuple[float, ...]) -> None:
        """Give birth to a member with these values of the objectives."""
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
            last = len(self.members) - 1
            self._places = [0] * len(self.members)
            # Youngest first among equals, or a plateau would keep its first settlers for ever.
            for place, index in enumerate(best_first(self._points[::-1], self._objectives).tolist()):
                self._places[last - index] = place
        return self._places
