"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netwright._text import write_text


def test_two_processes_may_write_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, processes, file = Path.replace, iter((1, 2)), tmp_path / "kept.json"
    monkeypatch.setattr(os, "getpid", lambda: next(processes))

    def interrupted(draft: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        write_text(file, "the second")
        assert draft.read_text() == "the first"
        return replace(draft, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    write_text(file, "the first")
    assert file.read_text() == "the first"
    assert list(tmp_path.iterdir()) == [file]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(draft: Path, target: Path) -> Path:
        raise OSError("no")

    file = tmp_path / "kept.json"
    write_text(file, "first")
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OSError, match="no"):
        write_text(file, "second")
    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]
