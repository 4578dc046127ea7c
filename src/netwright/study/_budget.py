"""Budgets: when a search ends, written as people write it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from netwright._count import plural
from netwright.errors import StudyError

__all__ = ["Budget", "Spent"]

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days"), 86400),
}
_COUNTS = {"trial": "trials", "trials": "trials", "evaluation": "evaluations", "evaluations": "evaluations"}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})\s*([a-z]+)\s*", re.ASCII)
_FORMS = (
    "a budget reads '3 min', '1h30m', '100 trials', '50 evaluations', '10 min of evaluation' or '100 trials or 3 min'"
)


@dataclass(frozen=True)
class Spent:
    """What a study has used up so far; times in seconds, earlier sessions included.

    >>> Spent(trials=12, seconds=90.0).evaluations
    0
    """

    trials: int = 0
    seconds: float = 0.0
    evaluations: int = 0
    evaluation_seconds: float = 0.0


@dataclass(frozen=True)
class Budget:
    """When a search ends: at whichever of its bounds comes first.

    >>> Budget.parse("3 min")
    Budget(seconds=180.0)
    >>> str(Budget.parse("100 trials or 1h30m"))
    '100 trials or 90 min'

    trials: of any state, duplicates too. seconds: of the clock on the wall while the study runs, before and after a
    resume. evaluations: trials that were evaluated. evaluation_seconds: time spent on trials, over all workers.

    Raises StudyError when there is no bound, or one is not positive and finite.
    """

    trials: int | None = None
    seconds: float | None = None
    evaluations: int | None = None
    evaluation_seconds: float | None = None

    def __post_init__(self) -> None:
        bounds = self._bounds()
        if not bounds:
            raise StudyError(f"a budget needs a bound: {_FORMS}.")
        for name, bound in bounds.items():
            if not 0 < bound < math.inf:
                raise StudyError(f"a budget must be positive and finite, but got {name}={bound}.")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read a budget; several bounds are joined by 'or' or a comma.

        >>> Budget.parse("50 evaluations, 10 min of evaluation")
        Budget(evaluations=50, evaluation_seconds=600.0)

        Raises StudyError, which shows the accepted forms, for anything else.
        """
        bounds: dict[str, float] = {}
        for part in re.split(r",|\bor\b", text.lower()):
            name, bound = _bound(part.strip(), text)
            if name in bounds:
                raise StudyError(f"a budget has one bound on {name.replace('_', ' ')}, but got two in {text!r}.")
            bounds[name] = bound
        counts = {name: int(bounds.pop(name)) for name in ("trials", "evaluations") if name in bounds}
        return cls(**counts, **bounds)  # type: ignore[arg-type]

    def used_up(self, spent: Spent) -> str | None:
        """Name the bound that is reached, or None while none is.

        >>> from netwright.study import Spent
        >>> Budget(trials=10).used_up(Spent(trials=10))
        '10 trials'
        """
        for name, bound in self._bounds().items():
            if getattr(spent, name) >= bound:
                return _written(name, bound)
        return None

    def fraction(self, spent: Spent) -> float:
        """Part of the budget that is used up, by the bound nearest to its end, in [0, 1].

        >>> from netwright.study import Spent
        >>> Budget(trials=10, seconds=100).fraction(Spent(trials=5, seconds=80))
        0.8
        """
        parts: list[float] = [getattr(spent, name) / bound for name, bound in self._bounds().items()]
        return min(1.0, max(parts))

    def __str__(self) -> str:
        return " or ".join(_written(name, bound) for name, bound in self._bounds().items())

    def __repr__(self) -> str:
        given = (f"{name}={bound!r}" for name, bound in self._bounds().items())
        return f"Budget({', '.join(given)})"

    def _bounds(self) -> dict[str, float]:
        """Bounds that are given, by name."""
        return {name: bound for name, bound in vars(self).items() if bound is not None}


def _bound(part: str, text: str) -> tuple[str, float]:
    time = part.removesuffix("of evaluation")
    of = time != part
    amounts = _AMOUNT.findall(time)
    if not amounts or _AMOUNT.sub("", time).strip():
        raise StudyError(f"{_FORMS}, but got {text!r}.")
    number, unit = amounts[0]
    if unit in _COUNTS and len(amounts) == 1 and not of and "." not in number:
        return _COUNTS[unit], float(number)
    if all(unit in _SECONDS for _, unit in amounts):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in amounts)
        return "evaluation_seconds" if of else "seconds", seconds
    raise StudyError(f"{_FORMS}, but got {text!r}.")


def _written(name: str, bound: float) -> str:
    if not name.endswith("seconds"):
        return f"{bound:.0f} {plural(bound, name.removesuffix('s'))}"
    size, unit = next(((s, u) for s, u in ((3600, "h"), (60, "min")) if bound % s == 0), (1, "s"))
    number = repr(bound / size)
    tail = " of evaluation" if name == "evaluation_seconds" else ""
    return f"{number.removesuffix('.0')} {unit}{tail}"
