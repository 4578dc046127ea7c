"""The study's database: one SQLite file in the study's folder, written as each trial ends.

    study   one row: format version, specification, environment, seconds used
    trial   one row a trial
    step    one row a trial and step: what an evaluation reported

The file is in write-ahead mode with synchronous=NORMAL: a commit costs a tenth of a millisecond instead of a disk
flush. A killed process loses no commit; a machine that loses power may lose the last few, never the file, and the
resumed study makes those trials again as they were, because seeds and proposals depend on the trials before them.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from netwright.errors import StudyError
from netwright.study._budget import Budget
from netwright.study._records import Study, StudySpec, Trial
from netwright.study._store_folder import check_free, held, in_words, move
from netwright.study._store_rows import FORMAT, STEP, STUDY, TABLES, TRIAL, spec_of, spec_row, trial_of, trial_row

__all__ = ["FORMAT", "Steps", "Store"]

Steps = dict[int, dict[int, dict[str, float]]]
"""Reported values by trial, step and name."""

# How long to wait for another program that holds the file, in seconds.
_PATIENCE = 5.0

_SAVE = TRIAL.insert().prefix_with("OR REPLACE")
_SAVE_STEP = STEP.insert().prefix_with("OR REPLACE")
_USED = STUDY.update().values(elapsed=sa.bindparam("used"))


class Store:
    """A study on disk.

    >>> import tempfile
    >>> from netwright.space import Design
    >>> from netwright.strategy import Objective
    >>> from netwright.study import Budget
    >>> spec = StudySpec((Objective("accuracy", "maximize"),), seed=0, budget=Budget.parse("20 trials"))
    >>> trial = Trial(0, Design({"kernel": 3}), "complete", seed=7, values={"accuracy": 0.9})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Store.create(f"{folder}/toy", spec) as store:
    ...         store.save(trial, elapsed=1.5)
    ...     with Store.open(f"{folder}/toy") as store:
    ...         store.trials() == [trial], store.elapsed
    (True, 1.5)

    folder: absolute path. spec: what the study was asked. elapsed: seconds that earlier sessions ran.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "study.db"
        self._engine = _engine(self._path)
        with in_words(self._path):
            self._connection = self._engine.connect()
            try:
                self._read()
            except BaseException:
                # Nobody gets a store that could be closed.
                self.close()
                raise

    def _read(self) -> None:
        """What the study was asked, and where it stands."""
        self._check_format()
        with self._connection.begin():
            row = self._connection.execute(sa.select(STUDY)).mappings().one()
        self.spec = spec_of(row)
        self.environment: dict[str, Any] = json.loads(row["environment"])
        self.elapsed: float = row["elapsed"]

    @classmethod
    def create(cls, folder: Path | str, spec: StudySpec, *, overwrite: bool = False) -> Store:
        """Make a new study in a folder that does not exist, is empty, or holds a study that may be overwritten.

        Raises StudyError for any other folder; nothing is written then.
        """
        target = Path(folder).absolute()
        check_free(target, overwrite)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as workshop:
                draft = Path(workshop) / "new"
                draft.mkdir()
                _write(draft / "study.db", spec)
                move(draft, target, Path(workshop) / "old")
        except OSError as error:
            raise StudyError(f"a study cannot be made in {target}: {error.strerror or error}.") from None
        return cls(target)

    @classmethod
    def open(cls, folder: Path | str) -> Store:
        """Open the study in a folder, to read it or to go on with it.

        Raises StudyError when there is none, or its file is no study, damaged, locked, or of a newer format.
        """
        target = Path(folder).absolute()
        if not (target / "study.db").is_file():
            raise StudyError(f"a study's folder has a study.db, but {target} has none.")
        return cls(target)

    def save(self, trial: Trial, elapsed: float) -> None:
        """Commit a trial, new or changed, and the seconds the study has used."""
        row = trial_row(trial)
        with self._transaction() as connection:
            connection.execute(_SAVE, row)
            connection.execute(_USED, {"used": elapsed})

    def save_step(self, number: int, step: int, values: Mapping[str, float], elapsed: float) -> None:
        """Commit what an evaluation reported."""
        with self._transaction() as connection:
            connection.execute(_SAVE_STEP, {"trial": number, "step": step, "values": json.dumps(dict(values))})
            connection.execute(_USED, {"used": elapsed})

    def forget_steps(self, number: int, *, since: int) -> None:
        """Remove a trial's steps from `since` on: they are about to be reported again."""
        with self._transaction() as connection:
            connection.execute(STEP.delete().where(STEP.c.trial == number, STEP.c.step >= since))

    def set_budget(self, budget: Budget) -> None:
        """Replace the budget of the study."""
        with self._transaction() as connection:
            connection.execute(STUDY.update().values(budget=json.dumps(asdict(budget))))
        self.spec = replace(self.spec, budget=budget)

    def trials(self) -> list[Trial]:
        """Every trial, by number."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(TRIAL).order_by(TRIAL.c.number)).mappings().all()
            return [trial_of(row) for row in rows]

    def steps(self, number: int | None = None) -> Steps:
        """What evaluations reported, of one trial or of all."""
        query = sa.select(STEP).order_by(STEP.c.trial, STEP.c.step)
        if number is not None:
            query = query.where(STEP.c.trial == number)
        found: Steps = {}
        with self._transaction() as connection:
            for trial, step, values in connection.execute(query):
                found.setdefault(trial, {})[step] = json.loads(values)
        return found

    def study(self) -> Study:
        """The study as it stands now."""
        with self._transaction() as connection:
            elapsed = connection.execute(sa.select(STUDY.c.elapsed)).scalar_one()
        return Study(self.folder, self.spec, self.trials(), self.environment, elapsed)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the study for this session: trials of two sessions at once could not be resumed.

        Raises StudyError when another session holds it. The system drops the hold with the process.
        """
        with held(self.folder):
            yield

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with in_words(self._path), self._connection.begin():
            yield self._connection

    def _check_format(self) -> None:
        with self._connection.begin():
            version = self._connection.exec_driver_sql("SELECT format FROM study").scalar()
        if not isinstance(version, int):
            raise StudyError(f"{self._path} is not a study of netwright.")
        if version > FORMAT:
            raise StudyError(
                f"{self._path} was written by a newer netwright: "
                f"it has format {version}, and this one reads up to {FORMAT}."
            )


def _engine(path: Path) -> sa.Engine:
    # creator keeps characters such as ? and % in a path out of the URL.
    return sa.create_engine("sqlite://", creator=lambda: _connected(path), poolclass=sa.pool.NullPool)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _write(path: Path, spec: StudySpec) -> None:
    row = spec_row(spec)
    engine = _engine(path)
    try:
        with in_words(path):
            TABLES.create_all(engine)
            with engine.begin() as connection:
                connection.execute(STUDY.insert(), row)
    finally:
        engine.dispose()
