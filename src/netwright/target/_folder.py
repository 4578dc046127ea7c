"""The user's own targets: one file each, in a folder of their own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netwright import _text
from netwright.cost import COSTS
from netwright.errors import DataError

__all__ = [
    "TABLE",
    "check_name",
    "format_of",
    "keep_only",
    "read_json",
    "saved_targets",
    "targets_folder",
    "write_bytes",
    "write_json",
    "write_text",
]

TABLE = ".zip"
"""End of the names of files that hold many designs; see `DeviceTable`."""
_NAME = re.compile(r"[A-Za-z][\w.-]{0,63}", re.ASCII)
_FORMAT = re.compile(rb'"format": "([^"]*)"')


def targets_folder() -> Path:
    """Folder of the user's targets: `targets` under `NETWRIGHT_HOME`, which is `~/.netwright` unless it is set.

    >>> import os
    >>> from unittest.mock import patch
    >>> with patch.dict(os.environ, NETWRIGHT_HOME="mine"):
    ...     targets_folder().parts
    ('mine', 'targets')
    """
    home = os.environ.get("NETWRIGHT_HOME")
    return (Path(home) if home else Path.home() / ".netwright") / "targets"


def saved_targets() -> dict[str, Path]:
    """Files of the user's targets by name.

    >>> import os
    >>> import tempfile
    >>> from unittest.mock import patch
    >>> with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, NETWRIGHT_HOME=home):
    ...     targets_folder().mkdir()
    ...     _ = (targets_folder() / "phone.json").write_text("{}")
    ...     list(saved_targets())
    ['phone']
    """
    paths = (path for suffix in (".json", TABLE) for path in sorted(targets_folder().glob(f"*{suffix}")))
    return {path.stem: path for path in paths if _NAME.fullmatch(path.stem) and path.is_file()}


def format_of(path: Path) -> str:
    """What a target's file begins by saying it is; nothing for one that does not say so, or is not there any more."""
    try:
        with path.open("rb") as file:
            found = _FORMAT.search(file.read(100))
    except OSError:
        return ""
    return found[1].decode(errors="replace") if found else ""


def keep_only(path: Path) -> None:
    """Remove what was in the user's folder under the name of this file before, in a file of another kind."""
    for suffix in {".json", ".toml", TABLE} - {path.suffix}:
        path.with_name(path.stem + suffix).unlink(missing_ok=True)


def check_name(name: str) -> None:
    """Raise DataError for a name that a target of the user's cannot have.

    >>> check_name("pixel-2")
    >>> check_name("2nd")
    Traceback (most recent call last):
        ...
    netwright.errors.DataError: a target's name is a letter, then letters, digits, '_', '.' or '-', but got '2nd'.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f"a target's name is a letter, then letters, digits, '_', '.' or '-', but got {name!r}.")
    if name == "here":
        raise DataError("a target's name must be its own, but here is this machine, measured.")
    if name in COSTS:
        raise DataError(f"a target's name must be its own, but {name} is a cost of a network.")


def read_json(path: Path) -> Mapping[str, Any]:
    """Content of a target's file; raises DataError where it is not a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"a target's file must be readable, but {path} is not: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"a target's file must be JSON, but {path} is not: {error}.") from error
    if not isinstance(content, dict):
        raise DataError(f"a target's file must be a JSON object, but {path} is a {type(content).__name__}.")
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole or not at all; raises DataError where it cannot be written."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; raises DataError where it cannot be written."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises DataError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _text.write_bytes(path, content)
    except OSError as error:
        raise DataError(f"a target's file must be writable, but {path} is not: {error.strerror}.") from error
