"""The tables of a study's file, and its rows: a specification and trials as SQLite keeps them."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from netwright.study._budget import Budget
from netwright.study._records import StudySpec, Trial, environment

__all__ = ["FORMAT", "STEP", "STUDY", "TABLES", "TRIAL", "spec_of", "spec_row", "trial_of", "trial_row"]

FORMAT = 1
"""Version of the tables; a file of a newer one is refused."""

TABLES = sa.MetaData()
STUDY = sa.Table(
    "study",
    TABLES,
    sa.Column("format", sa.Integer, nullable=False),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("space", "task", "objectives", "limits", "strategy", "options", "budget", "environment")
    ),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("elapsed", sa.Float, nullable=False),
)
TRIAL = sa.Table(
    "trial",
    TABLES,
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
STEP = sa.Table(
    "step",
    TABLES,
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("values", sa.Text, nullable=False),
)


def spec_row(spec: StudySpec) -> dict[str, Any]:
    """The one row of a new study."""
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


def spec_of(row: sa.RowMapping) -> StudySpec:
    """What `spec_row` was made of."""
    from netwright.cost import Limit
    from netwright.strategy import Objective

    return StudySpec(
        objectives=tuple(Objective.parse(text) for text in json.loads(row["objectives"])),
        limits=tuple(Limit.parse(text) for text in json.loads(row["limits"])),
        budget=Budget(**json.loads(row["budget"])),
        seed=row["seed"],
        **{name: json.loads(row[name]) for name in ("space", "task", "strategy", "options")},
    )


def trial_row(trial: Trial) -> dict[str, Any]:
    """The row of a trial."""
    return vars(trial) | {
        "design": trial.design.to_json(),
        "values": json.dumps(dict(trial.values)),
        "parents": json.dumps(trial.parents),
    }


def trial_of(row: sa.RowMapping) -> Trial:
    """What `trial_row` was made of."""
    from netwright.space import Design

    return Trial(
        **{
            **row,
            "design": Design.from_json(row["design"]),
            "values": json.loads(row["values"]),
            "parents": tuple(json.loads(row["parents"])),
        }
    )
