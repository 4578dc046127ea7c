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
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from netwright.errors import NetwrightError, StudyError
from netwright.study._budget import Budget
from netwright.study._records import Study, StudySpec, Trial, environment

__all__ = ["FORMAT", "Steps", "Store"]

FORMAT = 1
"""Version of the tables; a file of a newer one is refused."""

Steps = dict[int, dict[int, dict[str, float]]]
"""Reported values by trial, step and name."""

# How long to wait for another program that holds the file, in seconds.
_PATIENCE = 5.0

_TABLES = sa.MetaData()
_STUDY = sa.Table(
    "study",
    _TABLES,
    sa.Column("format", sa.Integer, nullable=False),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("space", "task", "objectives", "limits", "strategy", "options", "budget", "environment")
    ),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("elapsed", sa.Float, nullable=False),
)
_TRIAL = sa.Table(
    "trial",
    _TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("design", sa.Text, nullable=False),
    sa.Column("graph_hash", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("values", sa.Text, nullable=False),
    sa.Column("cost", sa.Float, nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("parents", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("copy_of", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("worker", sa.Text),
    sa.Column("told", sa.Integer, unique=True),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("finished", sa.Float),
)
_STEP = sa.Table(
    "step",
    _TABLES,
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("values", sa.Text, nullable=False),
)
_SAVE = _TRIAL.insert().prefix_with("OR REPLACE")
_SAVE_STEP = _STEP.insert().prefix_with("OR REPLACE")
_USED = _STUDY.update().values(elapsed=sa.bindparam("used"))


class Store:
    """A study on disk.

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
        with _in_words(self._path):
            self._connection = self._engine.connect()
            self._check_format()
            with self._connection.begin():
                row = self._connection.execute(sa.select(_STUDY)).mappings().one()
            self.spec = _spec(row)
            self.environment: dict[str, Any] = json.loads(row["environment"])
            self.elapsed: float = row["elapsed"]

    @classmethod
    def create(cls, folder: Path | str, spec: StudySpec, *, overwrite: bool = False) -> Store:
        """Make a new study in a folder that does not exist, is empty, or holds a study that may be overwritten.

        Raises StudyError for any other folder; nothing is written then.
        """
        target = Path(folder).absolute()
        _check_free(target, overwrite)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as workshop:
                draft = Path(workshop) / "new"
                draft.mkdir()
                _write(draft / "study.db", spec)
                _move(draft, target, Path(workshop) / "old")
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
        row = _row(trial)
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
            connection.execute(_STEP.delete().where(_STEP.c.trial == number, _STEP.c.step >= since))

    def set_budget(self, budget: Budget) -> None:
        """Replace the budget of the study."""
        with self._transaction() as connection:
            connection.execute(_STUDY.update().values(budget=json.dumps(asdict(budget))))
        self.spec = replace(self.spec, budget=budget)

    def trials(self) -> list[Trial]:
        """Every trial, by number."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(_TRIAL).order_by(_TRIAL.c.number)).mappings().all()
            return [_trial(row) for row in rows]

    def steps(self, number: int | None = None) -> Steps:
        """What evaluations reported, of one trial or of all."""
        query = sa.select(_STEP).order_by(_STEP.c.trial, _STEP.c.step)
        if number is not None:
            query = query.where(_STEP.c.trial == number)
        found: Steps = {}
        with self._transaction() as connection:
            for trial, step, values in connection.execute(query):
                found.setdefault(trial, {})[step] = json.loads(values)
        return found

    def study(self) -> Study:
        """The study as it stands now."""
        with self._transaction() as connection:
            elapsed = connection.execute(sa.select(_STUDY.c.elapsed)).scalar_one()
        return Study(self.folder, self.spec, self.trials(), self.environment, elapsed)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hold the study for this session: trials of two sessions at once could not be resumed.

        Raises StudyError when another session holds it. The system drops the hold with the process.
        """
        with _held(self.folder):
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
        with _in_words(self._path), self._connection.begin():
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
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(path, timeout=_PATIENCE), poolclass=sa.pool.NullPool
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
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


def _write(path: Path, spec: StudySpec) -> None:
    row = _spec_row(spec)
    engine = _engine(path)
    with _in_words(path):
        _TABLES.create_all(engine)
        with engine.begin() as connection:
            connection.execute(_STUDY.insert(), row)
        engine.dispose()


def _check_free(folder: Path, overwrite: bool) -> None:
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
    with _held(folder):
        return


def _move(draft: Path, target: Path, old: Path) -> None:
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
def _held(folder: Path) -> Iterator[None]:
    # SQLite's own lock is dropped by the system with the process, on every platform, and holds within a process too.
    with _in_words(folder / "study.lock"):
        connection = sqlite3.connect(folder / "study.lock", timeout=0.0, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            if "locked" not in str(error):
                raise
            raise StudyError(f"one session at a time can run a study, but another one runs {folder}.") from None
    try:
        yield
    finally:
        connection.close()


def _spec_row(spec: StudySpec) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "space": json.dumps(dict(spec.space)),
        "task": json.dumps(dict(spec.task)),
        "objectives": json.dumps([str(objective) for objective in spec.objectives]),
        "limits": json.dumps([str(limit) for limit in spec.limits]),
        "strategy": json.dumps(dict(spec.strategy)),
        "options": json.dumps(dict(spec.options)),
        "budget": json.dumps(asdict(spec.budget)),
        "environment": json.dumps(environment()),
        "seed": spec.seed,
        "created": time.time(),
        "elapsed": 0.0,
    }


def _spec(row: sa.RowMapping) -> StudySpec:
    from netwright.cost import Limit
    from netwright.strategy import Objective

    return StudySpec(
        objectives=tuple(Objective.parse(text) for text in json.loads(row["objectives"])),
        limits=tuple(Limit.parse(text) for text in json.loads(row["limits"])),
        budget=Budget(**json.loads(row["budget"])),
        seed=row["seed"],
        **{name: json.loads(row[name]) for name in ("space", "task", "strategy", "options")},
    )


def _row(trial: Trial) -> dict[str, Any]:
    return vars(trial) | {
        "design": trial.design.to_json(),
        "values": json.dumps(dict(trial.values)),
        "parents": json.dumps(trial.parents),
    }


def _trial(row: sa.RowMapping) -> Trial:
    from netwright.space import Design

    return Trial(
        **{
            **row,
            "design": Design.from_json(row["design"]),
            "values": json.loads(row["values"]),
            "parents": tuple(json.loads(row["parents"])),
        }
    )
