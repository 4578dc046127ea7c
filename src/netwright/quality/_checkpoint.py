"""A training's state in one file that is always whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from netwright.errors import EvaluationError

__all__ = ["load", "save"]

_FORMAT = "netwright training, version 1"


def save(path: Path, state: dict[str, Any]) -> None:
    """Write the state so that, killed at any moment, the file is the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            torch.save({"format": _FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load(path: Path, expected: dict[str, Any]) -> dict[str, Any] | None:
    """Read the state, or None where there is no file yet.

    expected: what must be the same in the file for the training to go on.

    Raises EvaluationError when the file is damaged or belongs to another training.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    # The unpickler meets arbitrary bytes with whatever its steps happen to raise, IndexError among them.
    except Exception as error:
        raise EvaluationError(f"{path} is no checkpoint of a training, or it is damaged.") from error
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise EvaluationError(f"{path} is no checkpoint of a training.")
    for name, value in expected.items():
        if state.get(name) != value:
            raise EvaluationError(
                f"{path} is of another training: its {name} is {state.get(name)!r}, but {value!r} is asked for."
            )
    return state
