"""The store: what goes in comes out, and what is no study is refused in one sentence."""

import json
import os
import sqlite3
import time
from dataclasses import replace
from functools import partial

import pytest
from study_toys import ACCURACY, MACS, ToyStudySpace, spec

from netwright.cost import Limit
from netwright.errors import StudyError
from netwright.space import Design
from netwright.study import FORMAT, Budget, Store, StudySpec, Trial


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "study", spec()) as store:
        yield store


def trial(number, **changes):
    given = Trial(
        number=number,
        design=Design({"width": 3, "rate": 0.1, "norm": "batch", "bias": True}),
        state="complete",
        seed=2**31 - 1,
        graph_hash="abc",
        values={"accuracy": 1 / 3, "macs": 1e300, "loss": 5e-324},
        parents=(1, 2),
        origin="crossover",
        copy_of=None,
        cost=1.25,
        error="ValueError: 'ü' \n",
        worker="pid 1",
        told=number,
        created=1e9 / 3,
        finished=2e9 / 3,
    )
    return replace(given, **changes)


class TestRoundTrip:
    def test_a_trial_comes_back_as_it_was(self, store):
        first, second = trial(0), trial(1, values={}, parents=(), error=None, worker=None, told=None, finished=None)
        store.save(second, 1.0)
        store.save(first, 2.5)
        assert store.trials() == [first, second]
        with Store.open(store.folder) as again:
            assert again.trials() == [first, second]
            assert list(again.trials()[0].design) == ["width", "rate", "norm", "bias"]
            assert again.elapsed == 2.5
            assert again.study().elapsed == 2.5

    def test_a_trial_saved_again_is_replaced(self, store):
        store.save(trial(0, state="running", told=None), 0.0)
        store.save(trial(0), 0.0)
        assert store.trials() == [trial(0)]

    def test_steps_come_back_by_trial(self, store):
        store.save_step(3, 0, {"accuracy": 1 / 3}, 1.0)
        store.save_step(3, 1, {"accuracy": float("inf")}, 2.0)
        store.save_step(1, 5, {}, 3.0)
        store.save_step(3, 1, {"accuracy": 0.5}, 4.0)
        assert store.steps() == {1: {5: {}}, 3: {0: {"accuracy": 1 / 3}, 1: {"accuracy": 0.5}}}
        assert store.steps(1) == {1: {5: {}}}
        store.forget_steps(3, since=1)
        assert store.steps(3) == {3: {0: {"accuracy": 1 / 3}}}
        assert store.study().elapsed == 4.0

    def test_the_specification_comes_back_as_it_was(self, tmp_path):
        asked = StudySpec(
            objectives=(ACCURACY, MACS),
            seed=2**63 - 1,
            budget=Budget(trials=7, seconds=0.1 + 0.2),
            limits=(Limit.parse("400M <= macs <= 420M"), Limit("latency_ms@here", high=0.1 + 0.2)),
            space={"name": "toy", "input": [1, 8, 8]},
            task={"name": "digits"},
            strategy={"name": "nsga2", "options": {"population": 8}},
            options={"epochs": 20},
        )
        with Store.create(tmp_path / "a" / "b", asked) as store:
            assert store.spec == asked
            assert store.environment["python"]
            assert store.environment["netwright"]

    def test_a_new_budget_stays(self, store):
        store.set_budget(Budget(trials=99))
        assert store.spec.budget == Budget(trials=99)
        with Store.open(store.folder) as again:
            assert again.spec.budget == Budget(trials=99)

    def test_readers_see_a_study_that_runs(self, store):
        with store.running(), Store.open(store.folder) as reader:
            assert reader.trials() == []
            store.save(trial(0), 0.0)
            assert reader.trials() == [trial(0)]


class TestSpec:
    def test_an_objective_is_needed(self):
        with pytest.raises(StudyError, match="at least one objective"):
            spec(objectives=())

    @pytest.mark.parametrize("seed", [-1, 2**63])
    def test_the_seed_fits_the_file(self, seed):
        with pytest.raises(StudyError, match=rf"0 <= seed < 2\*\*63` must hold, but got seed={seed}"):
            spec(seed=seed)

    def test_what_is_kept_is_json(self):
        with pytest.raises(StudyError, match="a study's task must be kept as JSON"):
            spec(task={"data": object()})


class TestFolder:
    def test_an_empty_folder_is_taken_and_stays_itself(self, tmp_path):
        inode = tmp_path.stat().st_ino
        Store.create(tmp_path, spec()).close()
        assert tmp_path.stat().st_ino == inode
        assert os.listdir(tmp_path) == ["study.db"]

    def test_a_folder_with_files_is_left_alone(self, tmp_path):
        (tmp_path / "thesis.txt").write_text("years of work")
        with pytest.raises(StudyError, match=r"unless told to overwrite, but .* has files in it"):
            Store.create(tmp_path, spec())
        with pytest.raises(StudyError, match=r"only the folder of a study is overwritten, but .* has no study\.db"):
            Store.create(tmp_path, spec(), overwrite=True)
        assert os.listdir(tmp_path) == ["thesis.txt"]

    def test_a_study_is_overwritten_only_when_told(self, store):
        store.save(trial(0), 0.0)
        store.close()
        (store.folder / "report.html").write_text("old")
        with pytest.raises(StudyError, match="unless told to overwrite"):
            Store.create(store.folder, spec(seed=6))
        with Store.create(store.folder, spec(seed=6), overwrite=True) as new:
            assert new.spec.seed == 6
            assert new.trials() == []
        assert os.listdir(store.folder) == ["study.db"]
        assert os.listdir(store.folder.parent) == ["study"]

    def test_a_study_that_runs_is_not_overwritten(self, store):
        with store.running(), pytest.raises(StudyError, match="one session at a time"):
            Store.create(store.folder, spec(), overwrite=True)

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StudyError, match=r"is kept in a folder, but .* is a file"):
            Store.create(tmp_path / "file", spec())
        with pytest.raises(StudyError, match="cannot be made in"):
            Store.create(tmp_path / "file" / "study", spec())

    def test_nothing_is_left_of_a_study_that_could_not_be_made(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("netwright.study._store._write", full)
        with pytest.raises(StudyError, match=r"cannot be made in .*: No space left on device\.$"):
            Store.create(tmp_path / "study", spec())
        assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize("name", ["50% off?#&=:", "ünï côdé", "a'b\"c"])
    def test_any_name_will_do(self, tmp_path, name):
        with Store.create(tmp_path / name, spec()) as store:
            store.save(trial(0), 0.0)
        with Store.open(tmp_path / name) as store:
            assert len(store.trials()) == 1
        assert os.listdir(tmp_path) == [name]


class TestBadFiles:
    def refused(self, folder, match):
        with pytest.raises(StudyError, match=match) as raised:
            Store.open(folder)
        assert "\n" not in str(raised.value)

    def test_no_study(self, tmp_path):
        self.refused(tmp_path, r"has a study\.db, but .* has none")
        self.refused(tmp_path / "missing", r"has a study\.db, but .* has none")

    @pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be read" * 99])
    def test_no_database(self, tmp_path, content):
        (tmp_path / "study.db").write_bytes(content)
        self.refused(tmp_path, r"study\.db is not a study of netwright")

    def test_the_database_of_something_else(self, tmp_path):
        with sqlite3.connect(tmp_path / "study.db") as connection:
            connection.execute("CREATE TABLE study (name TEXT)")
        connection.close()
        self.refused(tmp_path, "is not a study of netwright")

    def test_a_newer_format(self, store):
        self.edit(store, f"UPDATE study SET format = {FORMAT + 1}")
        self.refused(store.folder, f"newer netwright: it has format {FORMAT + 1}, and this one reads up to {FORMAT}")

    @pytest.mark.parametrize("content", [f"format = {FORMAT + 1}", "budget = '{'", "no database at all"])
    def test_what_is_refused_is_not_kept_open(self, store, content, monkeypatch):
        if "=" in content:
            self.edit(store, f"UPDATE study SET {content}")
        else:
            store.close()
            (store.folder / "study.db").write_text(500 * content)
        opened = []

        class Noted(sqlite3.Connection):
            def __init__(self, *arguments, **options):
                super().__init__(*arguments, **options)
                opened.append(self)

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Noted))
        with pytest.raises(StudyError) as refusal:
            Store.open(store.folder)
        assert len(opened) == 1
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            opened[0].execute("SELECT 1")
        # As long as the error is looked at, so are the frames that had the file open.
        assert refusal.tb is not None

    @pytest.mark.parametrize("statement", ["DELETE FROM study", "UPDATE study SET format = 'one'"])
    def test_no_version(self, store, statement):
        self.edit(store, statement)
        self.refused(store.folder, "is not a study of netwright")

    @pytest.mark.parametrize(
        "statement",
        ["UPDATE study SET budget = '{'", "UPDATE study SET task = 'x'"],
    )
    def test_a_damaged_specification(self, store, statement):
        self.edit(store, statement)
        self.refused(store.folder, "is damaged")

    def test_a_truncated_file(self, store):
        for number in range(200):
            store.save(trial(number), 0.0)
        store.close()
        path = store.folder / "study.db"
        path.write_bytes(path.read_bytes()[:9000])
        with pytest.raises(StudyError, match=r"study\.db (cannot be read or written|is damaged)"):
            Store.open(store.folder).trials()

    def test_a_damaged_trial(self, store):
        store.save(trial(0), 0.0)
        self.edit(store, "UPDATE trial SET parents = '1,2'")
        with Store.open(store.folder) as again, pytest.raises(StudyError, match="is damaged: JSONDecodeError"):
            again.trials()

    def test_a_file_that_another_program_locks(self, store, monkeypatch):
        store.close()
        connection = sqlite3.connect(store.folder / "study.db", isolation_level=None)
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr("netwright.study._store._PATIENCE", 0.05)
        self.refused(store.folder, r"study\.db is locked by another program")
        connection.close()

    def test_two_sessions_at_once(self, store):
        with Store.open(store.folder) as other, store.running():
            again = pytest.raises(StudyError, match="one session at a time can run a study, but another one runs")
            with again, other.running():
                pass
        with store.running():
            pass

    def edit(self, store, statement):
        store.close()
        with sqlite3.connect(store.folder / "study.db") as connection:
            connection.execute(statement)
        connection.close()


class TestStudy:
    def test_front_and_best(self, store):
        values = [(0.5, 10), (0.9, 50), (0.9, 40), (0.7, 20), (0.6, 30), (0.9, 40)]
        for number, (accuracy, macs) in enumerate(values):
            store.save(trial(number, values={"accuracy": accuracy, "macs": macs}), 0.0)
        store.save(trial(6, state="infeasible", values={"accuracy": 1.0, "macs": 1}), 0.0)
        study = store.study()
        assert [trial.number for trial in study.front] == [2, 5, 3, 0]
        assert study.best.number == 2
        assert [trial.number for trial in study.of_state("infeasible")] == [6]

    def test_nothing_is_best_of_nothing(self, store):
        store.save(trial(0, state="failed"), 0.0)
        assert store.study().front == []
        with pytest.raises(StudyError, match="no complete trial yet: 0 running, 0 complete, 0 infeasible, 1 failed"):
            _ = store.study().best

    def test_a_running_trial_has_no_outcome(self):
        with pytest.raises(StudyError, match="only a finished trial has an outcome, but trial 4 is running"):
            trial(4, state="running").outcome()

    def test_a_duplicate_is_told_as_complete(self):
        assert trial(4, state="duplicate").outcome().state == "complete"
        assert trial(4, state="pruned").outcome().state == "pruned"


def test_ten_thousand_trials_cost_little_and_open_quickly(tmp_path):
    designs = list(ToyStudySpace(layers=6).enumerate())
    with Store.create(tmp_path / "study", spec()) as store:
        started = time.perf_counter()
        for number in range(1000):
            store.save(trial(number, design=designs[number], state="running", told=None), 0.0)
            store.save(trial(number, design=designs[number]), 0.0)
        assert (time.perf_counter() - started) / 1000 < 0.010
    with sqlite3.connect(tmp_path / "study" / "study.db") as connection:
        columns = [f'"{row[1]}"' for row in connection.execute("PRAGMA table_info(trial)")]
        others = ", ".join(columns[1:]).replace('"told"', "NULL")
        for shift in range(1, 10):
            connection.execute(
                f"INSERT INTO trial SELECT number + {1000 * shift}, {others} FROM trial WHERE number < 1000"
            )
    connection.close()
    started = time.perf_counter()
    with Store.open(tmp_path / "study") as store:
        assert len(store.trials()) == 10_000
    assert time.perf_counter() - started < 5.0


def test_the_file_is_readable_by_others(store):
    store.save(trial(0), 0.0)
    with sqlite3.connect(store.folder / "study.db") as connection:
        design, values = connection.execute('SELECT design, "values" FROM trial').fetchone()
    connection.close()
    assert json.loads(design)["norm"] == "batch"
    assert json.loads(values)["accuracy"] == 1 / 3
