"""Reading the folder of a search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.cli._arguments import find_space, import_path, load_own
from netwright.errors import StudyError

if TYPE_CHECKING:
    from netwright.space import Space
    from netwright.study import Study, Trial

__all__ = ["read_result", "read_study", "read_trial", "space_of"]


def read_study(folder: Path) -> Study:
    """The study in a folder; raises StudyError when there is none."""
    from netwright.study import Store

    with Store.open(folder) as store:
        return store.study()


def read_result(folder: Path) -> dict[str, Any] | None:
    """Content of result.json; None where the search has not come to its end."""
    file = folder / "result.json"
    if not file.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StudyError(f"result.json is written whole by a search, but {file} is damaged: {error}.") from error
    return found


def read_trial(study: Study, number: int | None) -> Trial:
    """A trial by number; without one the winner, or the best trial while there is no winner.

    Raises StudyError when there is no such trial.
    """
    if number is None:
        winner = (read_result(study.folder) or {}).get("winner")
        number = winner["trial"] if winner else study.best.number
    found = next((trial for trial in study.trials if trial.number == number), None)
    if found is None:
        raise StudyError(f"the search in {study.folder} has trials 0 to {len(study.trials) - 1}, but not {number}.")
    return found


def space_of(study: Study, given: str | None = None) -> Space:
    """The space of a study; `given` names it again where the study was given an object.

    Raises StudyError when it was, and none is given.
    """
    from netwright.space import Space
    from netwright.study import space_from

    kept = study.spec.space
    if given is None:
        if not kept.keys() & {"name", "model"}:
            raise StudyError(
                "this search was given its space as an object: name it again with --space module:attribute."
            )
        return space_from(kept)
    if import_path(given) and isinstance(found := load_own(given), Space):
        return found
    return find_space(given, tuple(kept["input"]), kept.get("classes"))
