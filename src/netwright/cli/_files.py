"""Files that commands write."""

from __future__ import annotations

from pathlib import Path

from netwright.errors import ExportError

__all__ = ["check_free", "write_text"]


def check_free(out: Path | None, overwrite: bool) -> None:
    """Raise ExportError where a file is there that must not be written over, or where none can be.

    Asked first, so that nothing is computed in vain, and no file of two is written alone.
    """
    if out is not None and not out.parent.is_dir():
        raise ExportError(f"a file is written into a folder that exists, but got {out}.")
    if out is not None and out.is_dir():
        raise ExportError(f"a file is written, but {out} is a folder.")
    if out is not None and out.exists() and not overwrite:
        raise ExportError(f"a file that exists is not written over unless told to, but {out} exists.")


def write_text(out: Path, text: str, what: str) -> None:
    """Write a file; raise ExportError where that cannot be."""
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExportError(f"{what} must be writable, but {out}: {error.strerror}.") from error
