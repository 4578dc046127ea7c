"""What a search shows while it runs: a live view on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from netwright._count import counted
from netwright.study._budget import Budget, Spent
from netwright.study._records import Trial

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from netwright.strategy import Objective

__all__ = ["Progress", "Tally"]


class Tally:
    """Counts of trials by state, and the front so far, kept up as trials end.

    >>> from netwright.space import Design
    >>> from netwright.strategy import Objective
    >>> from netwright.study import Trial
    >>> tally = Tally([Objective("accuracy", "maximize")])
    >>> for number, accuracy in enumerate([0.8, 0.9]):
    ...     tally.add(Trial(number, Design({}), "complete", seed=0, values={"accuracy": accuracy}))
    >>> tally.add(Trial(2, Design({}), "failed", seed=0, error="ValueError: no data"))
    >>> tally.best.number, dict(tally.states)
    (1, {'complete': 2, 'failed': 1})

    trials: finished ones. evaluated: those that an evaluation ended, well or not. seconds: spent on trials.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._objectives = tuple(objectives)
        self.states: Counter[str] = Counter()
        self.front: list[Trial] = []
        self.evaluated = 0
        self.seconds = 0.0

    @property
    def trials(self) -> int:
        """Finished trials of any state."""
        return self.states.total()

    @property
    def best(self) -> Trial | None:
        """Best trial in the first objective, the earliest of equals."""
        return min(self.front, key=lambda trial: (self._point(trial), trial.number), default=None)

    def add(self, trial: Trial) -> None:
        """Count a finished trial."""
        self.states[trial.state] += 1
        self.evaluated += trial.worker is not None
        self.seconds += trial.cost
        if trial.state != "complete":
            return
        point = self._point(trial)
        others = [(other, self._point(other)) for other in self.front]
        if not any(_beats(theirs, point) for _, theirs in others):
            self.front = [other for other, theirs in others if not _beats(point, theirs)] + [trial]

    def _point(self, trial: Trial) -> tuple[float, ...]:
        return tuple(objective.sign * trial.values[objective.metric] for objective in self._objectives)


class Progress:
    """Shows how a search goes.

    >>> from netwright.space import Design
    >>> from netwright.strategy import Objective
    >>> from netwright.study import Trial
    >>> with Progress([Objective("accuracy", "maximize")], Budget(trials=4), show=False) as progress:
    ...     for number, accuracy in enumerate([0.8, 0.9]):
    ...         trial = Trial(number, Design({}), "complete", seed=0, values={"accuracy": accuracy})
    ...         progress.finished(trial, Spent(trials=number + 1, seconds=2.0))
    ...     progress.line().split(", ")[:4]
    ['2 trials', '2 complete', 'front 1', 'best accuracy=0.9 (trial 1)']

    On a terminal a live view; elsewhere one line every `every` trials, at most one a second; nothing at all when
    `show` is False.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        budget: Budget,
        *,
        show: bool = True,
        every: int = 10,
        console: Console | None = None,
    ) -> None:
        self.tally = Tally(objectives)
        self._objectives = tuple(objectives)
        self._budget = budget
        self._show = show
        self._every = every
        self._console = console
        self._live: Live | None = None
        self._spent = Spent()
        self._moment = time.monotonic()
        self._said = -math.inf
        self._steps: dict[int, str] = {}
        self._session: list[float] = []

    def __enter__(self) -> Self:
        if self._show:
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def replayed(self, trial: Trial) -> None:
        """Count a trial of an earlier session."""
        self.tally.add(trial)

    def finished(self, trial: Trial, spent: Spent) -> None:
        """Count a trial that has just ended."""
        self.tally.add(trial)
        self._steps.pop(trial.number, None)
        self._session.append(time.monotonic())
        self._now(spent)
        if self._show and self._live is None and self.tally.trials % self._every == 0:
            self._say()

    def step(self, number: int, step: int, values: Mapping[str, float], spent: Spent) -> None:
        """Note what a running trial reports."""
        self._steps[number] = f"trial {number}, step {step}: {_numbers(values)}"
        self._now(spent)

    def rate(self) -> float:
        """Trials per minute over the last 50 trials of this session."""
        recent = self._session[-50:]
        seconds = time.monotonic() - recent[0] if len(recent) > 1 else 0.0
        return 60 * (len(recent) - 1) / seconds if seconds > 0 else 0.0

    def seconds_left(self) -> float | None:
        """Estimate of the time to the end of the budget, in seconds; None while it cannot be told."""
        idle = time.monotonic() - self._moment
        spent = Spent(
            self._spent.trials, self._spent.seconds + idle, self._spent.evaluations, self._spent.evaluation_seconds
        )
        done = self._budget.fraction(spent)
        return spent.seconds * (1 - done) / done if done > 0 else None

    def line(self) -> str:
        """Everything on one line."""
        best = self.tally.best
        parts = [
            counted(self.tally.trials, "trial"),
            *self._counts(),
            f"front {len(self.tally.front)}",
            f"best {self._values(best)} (trial {best.number})" if best else "none complete yet",
            f"{self.rate():.1f} trials/min",
            f"{_clock(self.seconds_left())} left",
        ]
        return ", ".join(parts)

    def view(self) -> RenderableType:
        """The live view."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        best = self.tally.best
        rows = {
            "best": f"{self._values(best)}  (trial {best.number})" if best else "none complete yet",
            "front": f"{len(self.tally.front)}",
            "trials": ", ".join(self._counts()) or "0",
            "speed": f"{self.rate():.1f} trials/min, {_clock(self.seconds_left())} left of {self._budget}",
        }
        table = Table.grid(padding=(0, 2))
        done = ProgressBar(total=1.0, completed=self._budget.fraction(self._spent), width=40)
        table.add_row(Text("done", style="bold"), done)
        for name, text in rows.items():
            table.add_row(Text(name, style="bold"), Text(text))
        steps = [Text(text, style="dim", overflow="ellipsis", no_wrap=True) for text in list(self._steps.values())]
        return Group(table, *steps)

    def _open(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = self._console or Console(stderr=True)
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self.view, refresh_per_second=4, transient=True)
            self._live.start()

    def _say(self) -> None:
        # Trials that take no time would fill a log file with lines.
        if self._console and time.monotonic() - self._said >= 1.0:
            self._said = time.monotonic()
            self._console.print(self.line(), highlight=False, soft_wrap=True, markup=False)

    def _now(self, spent: Spent) -> None:
        self._spent, self._moment = spent, time.monotonic()

    def _counts(self) -> list[str]:
        return [f"{count} {state}" for state, count in sorted(self.tally.states.items())]

    def _values(self, trial: Trial) -> str:
        return _numbers({objective.metric: trial.values[objective.metric] for objective in self._objectives})


def _beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))


def _numbers(values: Mapping[str, float]) -> str:
    return " ".join(f"{name}={value:.4g}" for name, value in values.items())


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
