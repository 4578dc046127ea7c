"""Text of files: read in what people and their programs wrote it, written whole or not at all."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["read_text", "write_bytes", "write_json", "write_text"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # That of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_SAVE = "save it as UTF-8"


def read_text(file: Path) -> str:
    """Content of a file in UTF-8, or in what its byte-order mark says, as Excel and PowerShell write UTF-16.

    Raises OSError where it cannot be read, and ValueError, which says how to save it, for any other text.
    """
    content = file.read_bytes()
    mark, encoding = next((each for each in _MARKS if content.startswith(each[0])), (b"", "utf-8"))
    if encoding == "utf-8" and b"\0" in content:
        # UTF-16 without its mark is often valid UTF-8, with a zero in every other place.
        raise ValueError(f"it has zero bytes; {_SAVE}")
    try:
        return content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + len(mark)} is no text in {encoding.upper()}; {_SAVE}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8 whole or not at all; raises OSError where it cannot be written."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises OSError where it cannot be written."""
    # Of this process alone: two workers may write one file at the same time.
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all; numbers of NumPy are plain ones, and what JSON does not know is text."""
    write_text(path, json.dumps(content, indent=2, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    return dict(value) if isinstance(value, Mapping) else str(value)
