"""The page of a report: its template, and the designs behind the marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._page import render, safe_drawing

if TYPE_CHECKING:
    from netwright.study._records import Trial

__all__ = ["designs_behind", "page"]

_TEMPLATE = Path(__file__).parent / "page.html"
_DESIGN_CELLS = 60_000
"""Decisions that the page keeps for its tooltips: some 400 kB."""


def page(context: Mapping[str, Any], drawing: str | None, trials: Sequence[Trial]) -> str:
    """The finished page."""
    front = {number for number, *_ in context["search"]["front"]["rows"]}
    more = {
        "drawing": safe_drawing(drawing) if drawing else None,
        "designs": designs_behind(trials, first={*front, context["head"]["winner"]}),
    }
    return render(_TEMPLATE, {**context, **more})


def designs_behind(trials: Sequence[Trial], first: Iterable[Any]) -> dict[str, Any]:
    """Designs by trial, each a list of numbers of paths and a list of values; those of `first` before others.

    Stops at a size that keeps the page small; marks without a design show their values alone.
    """
    wanted = set(first)
    numbers: dict[str, int] = {}
    designs: dict[str, Any] = {}
    cells = 0
    for trial in sorted(trials, key=lambda trial: trial.number not in wanted):
        cells += len(trial.design)
        if cells > _DESIGN_CELLS:
            break
        paths = [numbers.setdefault(path, len(numbers)) for path in trial.design]
        designs[str(trial.number)] = [paths, [_short(value) for value in trial.design.values()]]
    return {"paths": list(numbers), "designs": designs}


def _short(value: Any) -> Any:
    return value[:80] if isinstance(value, str) else f"{value:.4g}" if isinstance(value, float) else value
