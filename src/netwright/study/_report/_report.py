"""The report of a study: one page that works without a network."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright._page import duration, headed
from netwright.errors import StudyError
from netwright.study._report._page import page
from netwright.study._report._sections import (
    dig,
    headline,
    learning,
    search_charts,
    space_section,
)
from netwright.study._report._tables import baselines, design_rows, failures, trial_table

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.study._records import Study

__all__ = ["write_report"]


def write_report(
    folder: Path,
    *,
    result: Mapping[str, Any],
    study: Study,
    space: Space | None = None,
    drawing: str | None = None,
    history: Sequence[Mapping[str, Any]] | None = None,
    command: str | None = None,
) -> Path:
    """Write `report.html` into a folder, and return its path.

    result: what `result.json` holds; parts that are missing or null are left out of the page.
    study: the trials. space: for the exact histograms of its costs.
    drawing: the winner as one SVG element, from `netwright.io.draw`.
    history: values of each epoch of the final training; the winner's `history` in `result` where it is None.
    command: what was typed to start the search; where it is None, one that does the same is put together.

    The page holds no link to anything outside of it. All words in it are escaped, and it runs no script but its own.

    Raises StudyError when the folder is not there or cannot be written, MissingExtraError without jinja2.
    """
    target = Path(folder) / "report.html"
    text = page(_context(result, study, space, history, command), drawing, study.trials)
    draft = target.with_suffix(".html.new")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        raise StudyError(f"a report cannot be written to {target}: {error.strerror or error}.") from None
    return target


def _context(
    result: Mapping[str, Any],
    study: Study,
    space: Space | None,
    history: Sequence[Mapping[str, Any]] | None,
    command: str | None,
) -> dict[str, Any]:
    winner = result.get("winner") or {}
    spec = study.spec
    epochs = history if history is not None else winner.get("history") or ()
    names = _names(result, study, space)
    return {
        "task": names[0],
        "space_name": names[1],
        "note": headed(str(dig(result, "task", "note") or "")),
        "objectives": [str(objective) for objective in spec.objectives],
        "limits": [str(limit) for limit in spec.limits],
        "strategy": result.get("strategy") or spec.strategy.get("name") or "unnamed",
        "budget": str(spec.budget),
        "seed": spec.seed,
        "seconds": [(name, duration(value)) for name, value in (result.get("seconds") or {}).items()],
        "head": headline(result, study),
        "search": search_charts(result, study),
        "space": space_section(space, result, study),
        "baselines": baselines(result, study),
        "design": design_rows(_network_part(winner.get("design") or {})),
        "recipe": list((winner.get("recipe") or {}).items()),
        "curves": learning(epochs, study),
        "table": trial_table(study, winner.get("trial")),
        "failures": failures(study.trials),
        "environment": list(study.environment.items()),
        "sizes": dig(result, "task", "sizes") or {},
        "paths": [(name, str(path)) for name, path in (result.get("paths") or {}).items() if path],
        "version": study.environment.get("netwright"),
        "command": command or _command(study),
        "resume": f"netwright resume {shlex.quote(str(result.get('folder') or study.folder))}",
    }


def _names(result: Mapping[str, Any], study: Study, space: Space | None) -> tuple[str, str]:
    task = dig(result, "task", "name") or study.spec.task.get("name") or "a task of your own"
    named = dig(result, "space", "name") or study.spec.space.get("name")
    return str(task), str(named or (space.name if space is not None else "a space of your own"))


def _network_part(design: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in design.items() if not str(path).startswith("recipe.")}


def _command(study: Study) -> str | None:
    """The command line of a study whose parts have names, or None where Python objects were given."""
    spec = study.spec
    task, space = spec.task.get("source"), spec.space.get("name")
    if not isinstance(task, str) or not isinstance(space, str):
        return None
    words = ["netwright", "search", "--task", task, "--space", space]
    for objective in spec.objectives:
        words += [f"--{objective.direction}", objective.metric]
    for limit in spec.limits:
        words += ["--limit", str(limit)]
    strategy = spec.strategy.get("name")
    words += ["--strategy", strategy] if isinstance(strategy, str) else []
    epochs = spec.options.get("epochs")
    words += ["--epochs", str(epochs)] if isinstance(epochs, int) else []
    return shlex.join([*words, "--budget", str(spec.budget), "--seed", str(spec.seed)])
