"""The folder of a study: whether a new one may stand there, how it gets there, and who runs it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from netwright.errors import NetwrightError, StudyError

__all__ = ["check_free", "held", "in_words", "move"]


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn what SQLite and the JSON in it complain of into one sentence."""
    try:
        yield
    except NetwrightError:
        raise
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        text = str(getattr(error, "orig", error))
        if "locked" in text:
            raise StudyError(f"{path} is locked by another program: {text}.") from None
        if "not a database" in text or "no such" in text:
            raise StudyError(f"{path} is not a study of netwright: {text}.") from None
        raise StudyError(f"{path} cannot be read or written: {text}.") from None
    except (ValueError, KeyError, TypeError, sa.exc.NoResultFound, sa.exc.MultipleResultsFound) as error:
        raise StudyError(f"{path} is damaged: {type(error).__name__}: {error}.") from None


def check_free(folder: Path, overwrite: bool) -> None:
    """Raise StudyError unless a new study may stand in a folder."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StudyError(f"a study is kept in a folder, but {folder} is a file.")
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise StudyError(
            f"a study needs a new or empty folder, unless told to overwrite, but {folder} has files in it."
        )
    if not (folder / "study.db").is_file():
        raise StudyError(f"only the folder of a study is overwritten, but {folder} has no study.db.")
    with held(folder):
        return


def move(draft: Path, target: Path, old: Path) -> None:
    """Put a finished study in its place; an old one goes to `old`."""
    if not target.exists():
        draft.rename(target)
    elif any(target.iterdir()):
        # The old study leaves as a whole, and is removed with the workshop once the new one is there.
        target.rename(old)
        draft.rename(target)
    else:
        # The folder itself stays: it may be where somebody's shell stands.
        os.replace(draft / "study.db", target / "study.db")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a study's folder; raises StudyError when another session does."""
    # SQLite's own lock is dropped by the system with the process, on every platform, and holds within a process too.
    with in_words(folder / "study.lock"):
        connection = sqlite3.connect(folder / "study.lock", timeout=0.0, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            connection.close()
            if "locked" not in str(error):
                raise
            raise StudyError(f"one session at a time can run a study, but another one runs {folder}.") from None
    try:
        yield
    finally:
        connection.close()
