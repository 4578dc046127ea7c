"""A study costs a few ms a trial: ask, graph, hash, two commits to SQLite, tell; and opens 10,000 trials in a second.

The evaluation does nothing, so that all that remains is the loop. The toy space has 20 decisions and no graphs; the
second space is NAS-Bench-201 with graphs and canonical hashes. Peer, where it is installed: Optuna's random sampler
over 20 decisions with its SQLite and journal storages.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from _table import Spread, arguments, number, ratio, repeated, seconds, show, verdict

# isort: split
import numpy as np

from netwright.graph import canonical_hash
from netwright.space.catalog import nasbench201
from netwright.strategy import Objective, Random
from netwright.study import Budget, Parts, Store, StudySpec, resume, start
from netwright.testing import ToySpace

ACCURACY = Objective("accuracy", "maximize")
DECISIONS = 20


class Decisions(ToySpace):
    """Decisions without networks."""

    def network(self, design: Any) -> Any:
        return tuple(design.values())

    def recipe(self, design: Any) -> dict[str, Any]:
        return {}

    def check_limits(self, limits: Any) -> None:
        pass


def nothing(request: Any, report: Any) -> dict[str, float]:
    return {"accuracy": request.seed / 2**63}


def ten_epochs(request: Any, report: Any) -> dict[str, float]:
    for epoch in range(10):
        report(epoch, {"accuracy": epoch / 10, "loss": 1.0})
    return {"accuracy": request.seed / 2**63}


def parts(space: Any, key: Callable[[Any], str] = repr, evaluation: Any = nothing) -> Parts:
    return Parts(space, Random(space, [ACCURACY]), evaluation, key)


def spec(trials: int) -> StudySpec:
    return StudySpec((ACCURACY,), 1, Budget(trials=trials))


def by_optuna(storage: str, folder: str, trials: int) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept: Any = f"sqlite:///{folder}/optuna.db"
        if storage == "journal":
            from optuna.storages import JournalStorage
            from optuna.storages.journal import JournalFileBackend

            kept = JournalStorage(JournalFileBackend(f"{folder}/optuna.log"))
        study = optuna.create_study(storage=kept, sampler=optuna.samplers.RandomSampler(seed=1), direction="maximize")
        study.optimize(lambda t: sum(t.suggest_int(f"layer{i}", 1, 4) for i in range(DECISIONS)), n_trials=trials)


def main() -> None:
    given = arguments(
        __doc__,
        ("trials", 1000, 30, "trials of each study"),
        ("repeats", 3, 1, "studies of each kind"),
        ("stored", 10_000, 100, "trials of the study that is opened"),
        ("peer", 60, 3, "trials of each peer"),
    )
    toy, cells = Decisions(layers=DECISIONS), nasbench201()
    cells.sample(np.random.default_rng(0), 1)  # compiled before the clock runs
    kinds = {
        "20 decisions, no graph": (lambda: parts(toy), given.trials),
        "... and 10 reported epochs": (lambda: parts(toy, evaluation=ten_epochs), given.trials // 3),
        "NAS-Bench-201, graph and hash": (lambda: parts(cells, canonical_hash), given.trials // 3),
    }
    taken: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(given.repeats):
            for i, (name, (make, trials)) in enumerate(kinds.items()):
                run = lambda: start(f"{folder}/{i}-{turn}", spec(trials), make(), progress=False)  # noqa: B023, E731
                taken.setdefault(name, []).append(seconds(run) / trials)
            for storage in ("SQLite", "journal") if find_spec("optuna") else ():
                place = f"{folder}/optuna-{storage}-{turn}"
                Path(place).mkdir()
                taken.setdefault(f"Optuna, {storage}", []).append(
                    seconds(lambda: by_optuna(storage, place, given.peer)) / given.peer  # noqa: B023
                )
        spreads = {name: Spread(tuple(values)) for name, values in taken.items()}
        ours = spreads["20 decisions, no graph"].median
        show(
            "One trial",
            ["", "ms", "of netwright"],
            [[name, spread.text(1e3), ratio(spread.median, ours)] for name, spread in spreads.items()],
        )
        start(f"{folder}/large", spec(given.stored), parts(toy), progress=False)

        def read() -> None:
            with Store.open(f"{folder}/large") as store:
                if len(store.trials()) != given.stored:
                    raise SystemExit("trials are missing")

        opened = repeated(read, given.repeats)
        replayed = repeated(lambda: resume(f"{folder}/large", lambda _: parts(toy), progress=False), given.repeats)
        size = sum(file.stat().st_size for file in Path(f"{folder}/large").iterdir() if file.is_file())
    show(
        f"A study of {given.stored:,} trials ({number(size / 1e6)} MB)",
        ["", "seconds", "us a trial"],
        [
            ["open and read every trial", opened.text(), opened.median / given.stored * 1e6],
            ["resume: open, tell all again, end", replayed.text(), replayed.median / given.stored * 1e6],
        ],
    )
    print(f"\nopened in a second: {verdict(opened.median < 1)}")
    print(f"under 5 ms a trial: {verdict(ours < 0.005)}")


if __name__ == "__main__":
    main()
