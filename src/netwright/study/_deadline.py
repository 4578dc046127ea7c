"""Deadlines: how much of a training fits before one, at the pace that was measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Deadline"]

PLANNED = 0.85
"""Part of the time left that is planned: the machine may be slower from now on than it was."""


@dataclass(frozen=True)
class Deadline:
    """A moment at which work has to be done, by a clock that all processes of this machine share.

    >>> end = Deadline.after(100, clock=lambda: 5.0)
    >>> end.left, end.part(0.25).left, end.passed
    (100.0, 25.0, False)
    >>> end.epochs(45, pace=5.0), end.epochs(10, pace=5.0)
    (17, 10)
    >>> Deadline.never().epochs(45, pace=5.0)
    45

    at: seconds of the clock; infinite where there is no deadline.
    """

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline so many seconds from now."""
        return cls(clock() + seconds, clock)

    @classmethod
    def never(cls) -> Deadline:
        """No deadline: everything fits."""
        return cls(math.inf)

    @property
    def left(self) -> float:
        """Seconds until then, never below 0."""
        return max(0.0, self.at - self.clock())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.left == 0.0

    def part(self, share: float) -> Deadline:
        """The deadline at this share of the time that is left now."""
        now = self.clock()
        return Deadline(now + share * max(0.0, self.at - now), self.clock)

    def epochs(self, wanted: int, pace: float) -> int:
        """Epochs that should fit at a pace in seconds an epoch: those wanted at most, perhaps none."""
        if math.isinf(self.at) or pace <= 0:
            return wanted
        return min(wanted, int(PLANNED * self.left / pace))

    def keep_on(self, epoch: int, values: Mapping[str, float]) -> bool:
        """Report of a training: stops it after the epoch in which the deadline passed, whatever was planned."""
        return not self.passed
