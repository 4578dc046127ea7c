"""Axes of the charts of a report, and the words beneath them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from netwright._count import counted
from netwright._page import Axis, fit
from netwright.study._report._words import direction_word

if TYPE_CHECKING:
    from netwright.strategy import Objective
    from netwright.study._records import Trial

__all__ = ["FEW", "axis_of", "cut_notes", "titled"]

# Fewer whole numbers than this along an axis would give ticks at parts of them.
FEW = 5


def _of(trials: Sequence[Trial], objective: Objective) -> list[float]:
    return [float(trial.values[objective.metric]) for trial in trials]


def _better(objective: Objective) -> int:
    # What a network costs is no quality with a long bad tail: all of it is shown.
    return 1 if objective.direction == "maximize" else 0


def axis_of(objective: Objective, trials: Sequence[Trial], also: Sequence[Trial]) -> Axis:
    """Axis of an objective over trials, with room for some further ones."""
    values, held = _of(trials, objective), _of(also, objective)
    return titled(fit(objective.metric, values, better=_better(objective), also=held), objective)


def titled(axis: Axis, objective: Objective) -> Axis:
    """An axis that says which end is better, and whether it is logarithmic."""
    scale = ", logarithmic" if axis.log else ""
    return replace(axis, title=f"{axis.title} · {direction_word(objective.direction)}{scale}")


def cut_notes(axes: Sequence[Axis]) -> list[str]:
    """A note on each axis that leaves some trials out."""
    return [f"Beyond the scale, drawn at its edge: {counted(axis.cut, 'trial')}." for axis in axes if axis.cut]
