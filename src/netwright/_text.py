"""Text of files that people and their programs wrote."""

from __future__ import annotations

import codecs
from pathlib import Path

__all__ = ["read_text"]

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
