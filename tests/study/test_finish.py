"""The end of a search against a clock that the tests set: what is trained, for how long, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import classifier, conv
from netwright.errors import EvaluationError
from netwright.graph import image
from netwright.space import Space, oneof, seq
from netwright.strategy import Objective
from netwright.study import Budget, Store, Study, StudySpec, Trial, search
from netwright.study import _baselines as the_baselines
from netwright.study import _finish as the_end
from netwright.study._baselines import Baseline, baselines
from netwright.study._deadline import PLANNED, Deadline
from netwright.study._evaluation import Report
from netwright.study._finish import LEAST, SHARE, Finalist, Ready, finish, time_for_the_end
from netwright.study._plan import Plan, plan_of
from netwright.study._trainings import Candidate, Lengths


@dataclass
class Machine:
    """A clock, and trainings that take as long on it as `pace` says, whatever was planned.

    pace: seconds an epoch of anything on the training part. trained: what was, with the epochs of it.
    """

    pace: float
    now: float = 1000.0
    trained: list[tuple[str, int]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def epochs(self, name: str, wanted: int, report: Report) -> int:
        done = 0
        while done < wanted:
            self.now += self.pace
            done += 1
            if not report(done, {}):
                break
        self.trained.append((name, done))
        return done


def patterns() -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(120) % 3
    return np.random.default_rng(0).normal(y[:, None, None, None], 0.3, (120, 1, 8, 8)).astype(np.float32), y


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Study]:
    """A search of four trials that needed a second each for their ten epochs, as does each of its random search."""
    space = Space(
        seq(conv(oneof(4, 8, 12, 16), stride=2), conv(oneof(4, 8)), classifier(3)), input=image(1, 8, 8), name="small"
    )
    folder = tmp_path_factory.mktemp("end") / "run"
    search(space, patterns(), budget="4 trials", out=folder, epochs=1, final_epochs=1, progress=False)
    with Store.open(folder) as store:
        plan, study = plan_of(store.spec, space=space, task=patterns()), store.study()
    plan.spec.options["epochs"] = 10  # type: ignore[index]
    for trial in study.trials:
        object.__setattr__(trial, "cost", 10.0)
    return plan, study


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """One that keeps the pace of the trials: a second an epoch."""
    fake = Machine(1.0)

    def finalist(plan: Plan, task: Any, trial: Trial, graph: Any, epochs: int, report: Report) -> Any:
        fake.epochs("finalist", epochs, report)
        return {"accuracy": 0.9, "loss": float(trial.number)}, fake.pace

    def finally_(plan: Plan, design: Any, graph: Any, epochs: int, seed: int, report: Report) -> Candidate:
        done = fake.epochs("final", epochs, report)
        return Candidate(design, graph, {"test": {"accuracy": 0.9}}, {}, None, [], epochs=done)

    monkeypatch.setattr(the_end, "train_finalist", finalist)
    for module in (the_end, the_baselines):
        monkeypatch.setattr(module, "train_finally", finally_)
        monkeypatch.setattr(module, "timing_of", lambda graph: {"median_ms": 0.1})
    return fake


def of_end(machine: Machine, searched: tuple[Plan, Study], seconds: float) -> list[tuple[str, int]]:
    plan, study = searched
    until = Deadline.after(seconds, machine.clock)
    finished = finish(plan, study, Lengths.of(plan, None), until)
    assert finished.winner is not None
    return machine.trained


@pytest.mark.slow
def test_with_time_enough_all_trainings_have_their_whole_length(
    machine: Machine, searched: tuple[Plan, Study]
) -> None:
    assert of_end(machine, searched, 1000) == [("finalist", 30)] * 3 + [("final", 50)]


def test_with_less_time_trainings_are_shorter(machine: Machine, searched: tuple[Plan, Study]) -> None:
    trained = of_end(machine, searched, 150)
    assert [name for name, _ in trained] == ["finalist"] * 3 + ["final"]
    assert all(15 <= epochs < 30 for _, epochs in trained[:3])
    assert machine.now <= 1150


def test_with_little_time_the_best_trial_has_it_all(machine: Machine, searched: tuple[Plan, Study]) -> None:
    plan, _ = searched
    assert plan.task is not None
    longer = len(plan.task.development()) / plan.task.sizes["train"]
    assert of_end(machine, searched, 40) == [("final", int(PLANNED * 40 / longer))]


@pytest.mark.parametrize("slower", [1, 3, 10])
@pytest.mark.parametrize("seconds", [10, 60, 90, 300])
def test_a_machine_that_grows_slower_ends_an_epoch_late_at_most(
    machine: Machine, searched: tuple[Plan, Study], slower: float, seconds: float
) -> None:
    machine.pace = slower
    of_end(machine, searched, seconds)
    assert machine.now <= 1000 + seconds + slower
    assert machine.trained[-1][0] == "final"


def test_lengths_that_the_user_gave_are_kept(machine: Machine, searched: tuple[Plan, Study]) -> None:
    plan, study = searched
    lengths = Lengths.of(plan, 7)
    until = time_for_the_end(study, lengths)
    assert until.left == float("inf")
    finish(plan, study, lengths, until)
    assert machine.trained == [("finalist", 7)] * 3 + [("final", 7)]


def test_baselines_share_the_time_and_say_what_each_got(machine: Machine, searched: tuple[Plan, Study]) -> None:
    plan, study = searched
    found = list(baselines(plan, study, Lengths.of(plan, None), Deadline.after(60, machine.clock)))
    assert [entry["name"] for entry in found][:1] == ["random search at equal cost"]
    assert {"largest by params", "largest by MACs"} <= {entry["name"] for entry in found}
    assert sum(epochs for _, epochs in machine.trained) == machine.now - 1000 <= 60
    assert {entry["epochs"] for entry in found} == {epochs for _, epochs in machine.trained}
    assert all(epochs >= 10 for _, epochs in machine.trained)


def test_baselines_that_do_not_fit_are_left_out(
    machine: Machine, searched: tuple[Plan, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, study = searched
    design = study.trials[0].design
    paces = {"quick": 1.0, "slow": 2.0, "slowest": 50.0}
    found = [Baseline((name,), design, 0, pace, {}) for name, pace in paces.items()]
    monkeypatch.setattr(the_baselines, "_found", lambda *_: found)
    for seconds, names in ((6, ["quick"]), (60, ["quick", "slow"]), (0.5, [])):
        told = baselines(plan, study, Lengths.of(plan, None), Deadline.after(seconds, machine.clock))
        assert [entry["name"] for entry in told] == names


def test_a_baseline_that_fails_does_not_take_the_others_along(
    machine: Machine, searched: tuple[Plan, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, study = searched
    found = [Baseline((name,), study.trials[0].design, 0, 1.0, {}) for name in ("bad", "good")]
    monkeypatch.setattr(the_baselines, "_found", lambda *_: found)
    real = the_baselines.train_finally

    def failing(*arguments: Any) -> Candidate:
        monkeypatch.setattr(the_baselines, "train_finally", real)
        raise EvaluationError("diverged")

    monkeypatch.setattr(the_baselines, "train_finally", failing)
    told = baselines(plan, study, Lengths.of(plan, None), Deadline.after(100, machine.clock))
    assert [entry["name"] for entry in told] == ["good"]


def test_the_mean_over_both_trainings_ranks_finalists() -> None:
    def finalist(first: float, second: float) -> Finalist:
        trial = Trial(0, {}, "complete", 0, values={"accuracy": first, "loss": 0.1, "macs": 5.0})  # type: ignore[arg-type]
        return Finalist(Ready(trial, None, {}, []), {"accuracy": second, "loss": 0.3}, 1.0)  # type: ignore[arg-type]

    wanted = Objective("accuracy", "maximize")
    lucky, steady = finalist(1.0, 0.9), finalist(0.97, 0.97)
    assert steady.rank(wanted) < lucky.rank(wanted)
    assert lucky.rank(wanted) == pytest.approx((-0.95, 0.2))
    # What the training does not tell is known from the trial.
    assert lucky.rank(Objective("macs", "minimize"))[0] == 5.0


def test_the_end_takes_a_part_of_the_time_of_the_search_and_a_minute_in_any_case(tmp_path: Path) -> None:
    def left(elapsed: float, budget: Budget) -> float:
        spec = StudySpec((Objective("accuracy", "maximize"),), 0, budget)
        return time_for_the_end(Study(tmp_path, spec, [], {}, elapsed), Lengths(9)).left

    assert left(180, Budget(seconds=180)) == pytest.approx(SHARE * 180, abs=1)
    assert left(190, Budget(seconds=180)) == pytest.approx(SHARE * 180 - 10, abs=1)
    assert left(1000, Budget(trials=10)) == pytest.approx(SHARE * 1000, abs=1)
    assert left(3, Budget(seconds=180)) == pytest.approx(LEAST, abs=1)
    assert left(600, Budget(seconds=3)) == pytest.approx(LEAST, abs=1)
