"""The loop: what becomes of each trial, when it ends, and that it goes on exactly."""

import math
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest
import study_toys
from study_toys import ACCURACY, ToyStudySpace, log, parts, spec

from netwright.cost import Limit
from netwright.errors import LimitError, StudyError
from netwright.strategy import Objective, Random
from netwright.study import (
    Budget,
    InlineExecutor,
    ProcessExecutor,
    Store,
    StudyInterrupted,
    resume,
    run_loop,
    start,
    trial_seed,
)


def constant(request, report):
    return {"accuracy": 0.5}


def random_parts(**changes):
    """Parts that draw at random, evaluate at once and estimate nothing."""
    space = changes.pop("space", None) or ToyStudySpace()
    given = {"space": space, "strategy": Random(space, [ACCURACY]), "evaluation": constant, "estimate": lambda *_: {}}
    return parts(**{**given, **changes})


def asked(trials=20, **changes):
    return spec(**{"objectives": (ACCURACY,), "limits": (), "budget": Budget(trials=trials), **changes})


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "study"


class TestTrials:
    def test_every_state_is_recorded_and_told(self, folder):
        given = parts(keep_going=study_toys.keep_going)
        study = start(folder, spec(budget=Budget(trials=150)), given, progress=False)
        assert {trial.state for trial in study.trials} == {"complete", "infeasible", "failed", "pruned", "duplicate"}
        assert [trial.number for trial in study.trials] == list(range(150))
        assert [trial.told for trial in study.trials] == list(range(150))
        assert [outcome.number for outcome in given.strategy.history] == list(range(150))
        limits = study.spec.limits
        assert given.strategy.history == [trial.outcome(limits) for trial in study.trials]
        assert all((told.violation > 0) == (told.state == "infeasible") for told in given.strategy.history)
        for trial in study.trials:
            assert trial.seed == trial_seed(5, trial.number)
            assert trial.created <= trial.finished
            assert set(trial.parents) <= set(range(trial.number))
            assert (trial.worker is None) == (trial.state in ("infeasible", "duplicate") or trial.copy_of is not None)
            assert (trial.error is None) == (trial.state in ("complete", "duplicate"))
        assert not (folder / "checkpoints").exists()

    def test_no_network_is_evaluated_twice(self, folder):
        calls = []

        def evaluation(request, report):
            calls.append(request.network)
            return {"accuracy": request.seed / 2**31}

        study = start(folder, asked(trials=200), random_parts(evaluation=evaluation), progress=False)
        assert len(calls) == len(set(calls))
        firsts = {trial.graph_hash: trial for trial in study.of_state("complete")}
        for twin in study.of_state("duplicate"):
            assert twin.values == firsts[twin.graph_hash].values
            assert twin.copy_of == firsts[twin.graph_hash].number
            assert twin.worker is None
        assert len(study.of_state("duplicate")) == 200 - len(calls)

    def test_one_network_with_two_recipes_is_evaluated_twice(self, folder):
        class WithRecipe(ToyStudySpace):
            def network(self, design):
                return "always the same"

            def recipe(self, design):
                return {"rate": design["layer0.width"]}

        rates = []

        def evaluation(request, report):
            rates.append(request.recipe["rate"])
            return {"accuracy": 0.5}

        start(folder, asked(), random_parts(space=WithRecipe(), evaluation=evaluation), progress=False)
        assert sorted(rates) == [1, 2, 3, 4]

    def test_a_limit_on_an_estimate_saves_the_evaluation(self, folder):
        def estimate(design, network):
            return {"heat": float(network[0])}

        def evaluation(request, report):
            assert request.network[0] <= 2
            return {"accuracy": 0.5}

        limited = asked(limits=(Limit.parse("heat <= 2"),))
        study = start(folder, limited, random_parts(estimate=estimate, evaluation=evaluation), progress=False)
        infeasible = study.of_state("infeasible")
        assert infeasible
        assert infeasible[0].error == "heat=3 breaks heat <= 2"
        assert infeasible[0].values == {"heat": 3.0}
        assert not study.of_state("failed")

    def test_a_limit_on_a_metric_is_checked_after_the_evaluation(self, folder):
        def evaluation(request, report):
            return {"accuracy": 0.5, "latency_ms@here": float(request.network[0])}

        limited = asked(limits=(Limit.parse("latency_ms@here <= 2"),))
        study = start(folder, limited, random_parts(evaluation=evaluation), progress=False)
        for trial in study.trials:
            broken = trial.values["latency_ms@here"] > 2
            assert trial.state == (
                "infeasible" if broken else "duplicate" if trial.copy_of is not None else "complete"
            )

    @pytest.mark.parametrize(
        ("values", "error"),
        [
            ({}, "must give finite values of accuracy, heat, but gave nothing"),
            ({"loss": 1.0}, "must give finite values of accuracy, heat, but gave loss=1"),
            ({"accuracy": math.nan}, "must give finite values of accuracy, heat, but gave accuracy=nan"),
            ({"accuracy": 0.5, "heat": math.inf}, "must give finite values of heat, but gave accuracy=0.5, heat=inf"),
        ],
    )
    def test_values_that_are_no_result_are_a_failure(self, folder, values, error):
        limited = asked(trials=3, limits=(Limit.parse("heat >= 0"),))
        study = start(folder, limited, random_parts(evaluation=lambda request, report: values), progress=False)
        assert {trial.state for trial in study.trials} == {"failed"}
        assert error in study.trials[0].error

    @pytest.mark.parametrize("where", ["network", "network_key", "recipe", "estimate"])
    def test_what_raises_before_the_evaluation_is_a_failure_too(self, folder, where):
        def broken(*_):
            raise RuntimeError("no such thing")

        space = ToyStudySpace()
        changes = {} if hasattr(space, where) else {where: broken}
        if not changes:
            setattr(space, where, broken)
        study = start(folder, asked(trials=3), random_parts(space=space, **changes), progress=False)
        assert [trial.state for trial in study.trials] == ["failed"] * 3
        assert study.trials[0].error.startswith("RuntimeError: no such thing (test_loop.py:")

    def test_a_network_that_failed_may_be_tried_again(self, folder):
        calls = Counter()

        def evaluation(request, report):
            calls[request.network] += 1
            if calls[request.network] == 1:
                raise MemoryError
            return {"accuracy": 0.5}

        space = ToyStudySpace(layers=1)
        study = start(folder, asked(), random_parts(space=space, evaluation=evaluation), progress=False)
        assert set(calls.values()) == {2}
        assert len(study.of_state("failed")) == len(study.of_state("complete")) == 3

    def test_the_search_ends_when_nothing_but_failures_comes(self, folder):
        def evaluation(request, report):
            raise ValueError("broken for good")

        with pytest.raises(StudyError, match="the last 50 failed, the latest with: ValueError: broken for good"):
            start(folder, asked(trials=200), random_parts(evaluation=evaluation), progress=False)
        study = resume(folder, lambda _: random_parts(), budget=Budget(trials=60), progress=False)
        assert [trial.state for trial in study.trials][:51] == ["failed"] * 50 + ["complete"]

    def test_estimates_and_metrics_are_kept_together(self, folder):
        given = random_parts(estimate=lambda *_: {"macs": 7, "accuracy": 0.1})
        study = start(folder, asked(trials=1), given, progress=False)
        assert study.trials[0].values == {"macs": 7.0, "accuracy": 0.5}

    def test_a_trial_is_on_disk_before_it_runs_and_before_it_is_told(self, folder):
        def states():
            with sqlite3.connect(folder / "study.db") as connection:
                found = [state for (state,) in connection.execute("SELECT state FROM trial ORDER BY number")]
            connection.close()
            return found

        class Watching(Random):
            def tell(self, outcome):
                super().tell(outcome)
                told.append(states())

        def evaluation(request, report):
            ran.append(states())
            return {"accuracy": request.seed}

        told, ran = [], []
        space = ToyStudySpace(layers=9)
        given = random_parts(space=space, strategy=Watching(space, [ACCURACY]), evaluation=evaluation)
        start(folder, asked(trials=3), given, progress=False)
        assert ran == [["running"], ["complete", "running"], ["complete", "complete", "running"]]
        assert told == [["complete"] * n for n in (1, 2, 3)]

    def test_a_limit_that_no_design_meets_is_refused_before_anything_is_written(self, folder):
        with pytest.raises(LimitError, match="the least is 15"):
            start(folder, spec(limits=(Limit.parse("params <= 10"),)), parts(), progress=False)
        assert not folder.exists()

    def test_an_error_of_the_strategy_is_no_failed_trial(self, folder):
        class Broken(Random):
            def ask(self, rng):
                raise RuntimeError("a bug")

        with pytest.raises(RuntimeError, match="a bug"):
            start(folder, asked(), random_parts(strategy=Broken(ToyStudySpace(), [ACCURACY])), progress=False)
        assert resume(folder, lambda _: random_parts(), progress=False).trials


class TestEarlyStopping:
    def test_history_has_all_reports_and_pruned_trials_their_last_values(self, folder):
        seen = []

        def keep_going(number, step, values, history):
            seen.append({trial: sorted(steps) for trial, steps in history.items()})
            assert history[number][step] == values
            return number != 1

        def evaluation(request, report):
            last = next((step for step in range(2) if not report(step, {"accuracy": step})), 2)
            return {"accuracy": last}

        space = ToyStudySpace(layers=9)
        given = random_parts(space=space, keep_going=keep_going, evaluation=evaluation)
        study = start(folder, asked(trials=3), given, progress=False)
        assert [trial.state for trial in study.trials] == ["complete", "pruned", "complete"]
        assert seen == [{0: [0]}, {0: [0, 1]}, {0: [0, 1], 1: [0]}, {0: [0, 1], 1: [0], 2: [0]},
                        {0: [0, 1], 1: [0], 2: [0, 1]}]  # fmt: skip
        assert study.trials[1].values == {"accuracy": 0.0}
        assert study.trials[1].error == "stopped early"


class TestBudget:
    def test_trials(self, folder):
        assert len(start(folder, asked(trials=7), random_parts(), progress=False).trials) == 7

    def test_evaluations_leave_twins_out(self, folder):
        study = start(
            folder, asked(budget=Budget(evaluations=10)), random_parts(space=ToyStudySpace(3)), progress=False
        )
        assert sum(trial.worker is not None for trial in study.trials) == 10
        assert study.of_state("duplicate")

    def test_seconds_of_evaluation(self, folder):
        def evaluation(request, report):
            time.sleep(0.02)
            return {"accuracy": 0.5}

        space = ToyStudySpace(layers=9)
        timed = asked(budget=Budget(evaluation_seconds=0.1))
        study = start(folder, timed, random_parts(space=space, evaluation=evaluation), progress=False)
        assert sum(trial.cost for trial in study.trials[:-1]) < 0.1 <= sum(trial.cost for trial in study.trials)

    def test_a_small_space_is_used_up_before_its_budget(self, folder, monkeypatch):
        monkeypatch.setattr("netwright.study._session._NOTHING_NEW", 30)
        study = start(
            folder, asked(budget=Budget(seconds=600)), random_parts(space=ToyStudySpace(2, 2)), progress=False
        )
        assert len(study.of_state("complete")) == 4
        assert [trial.state for trial in study.trials[-30:]] == ["duplicate"] * 30

    def test_the_end_of_the_time_stops_a_trial_which_a_longer_budget_goes_on_with(self, folder):
        def evaluation(request, report):
            start = int(request.checkpoint.read_text()) if request.checkpoint.exists() else 0
            for step in range(start, 1000 if slow and request.number else 1):
                time.sleep(0.01 if request.number else 0)
                if not report(step, {"accuracy": 0.5}):
                    break
                request.checkpoint.write_text(str(step))
            return {"accuracy": 0.5, "start": start}

        slow, timed, given = True, asked(budget=Budget(seconds=0.3)), random_parts(evaluation=evaluation)
        study = start(folder, timed, given, progress=False)
        # What is kept is the time of the last commit, a hair before the end.
        assert 0.25 <= study.elapsed < 9
        assert [trial.state for trial in study.trials] == ["complete", "running"]
        assert (folder / "checkpoints" / "1").exists()
        slow = False
        build = lambda _: random_parts(evaluation=evaluation)  # noqa: E731
        again = resume(folder, build, budget=Budget(trials=2), progress=False)
        assert [trial.state for trial in again.trials] == ["complete", "complete"]
        assert again.trials[1].values["start"] >= 1
        assert again.trials[1].seed == study.trials[1].seed
        assert not (folder / "checkpoints").exists()

    def test_the_first_result_is_waited_for(self, folder):
        def evaluation(request, report):
            time.sleep(0.05)
            return {"accuracy": 0.5 if report(0, {"accuracy": 0.1}) else 0.0}

        timed = asked(budget=Budget(seconds=0.01))
        study = start(folder, timed, random_parts(evaluation=evaluation), progress=False)
        assert [(trial.state, trial.values) for trial in study.trials] == [("complete", {"accuracy": 0.5})]

    def test_time_of_earlier_sessions_counts(self, folder):
        def slow(request, report):
            time.sleep(0.25)
            return {"accuracy": 0.5}

        def again(budget=None):
            return resume(folder, lambda _: random_parts(evaluation=slow), budget=budget, progress=False)

        # What is counted is what was stored with the last trial, which alone takes longer than the budget.
        study = start(folder, asked(budget=Budget(seconds=0.2)), random_parts(evaluation=slow), progress=False)
        assert again().trials == study.trials
        longer = Budget(seconds=study.elapsed + 0.2)
        more = again(longer)
        assert len(more.trials) > len(study.trials)
        assert more.spec.budget == longer


class TestResume:
    def test_a_finished_study_stays_as_it_is(self, folder):
        study = start(folder, spec(), parts(), progress=False)
        assert resume(folder, parts, progress=False).trials == study.trials

    def test_more_budget_goes_on_as_one_study(self, tmp_path):
        whole = start(tmp_path / "whole", spec(), parts(), progress=False)
        start(tmp_path / "halves", spec(budget=Budget(trials=31)), parts(), progress=False)
        halves = resume(tmp_path / "halves", parts, budget=Budget(trials=60), progress=False)
        plain = {"cost": 0.0, "created": 0.0, "finished": 0.0}
        assert [replace(t, **plain) for t in halves.trials] == [replace(t, **plain) for t in whole.trials]

    def test_estimates_of_a_trial_that_ran_are_not_made_again(self, folder):
        def interrupted(request, report):
            raise KeyboardInterrupt

        with pytest.raises(StudyInterrupted):
            start(
                folder,
                asked(trials=1),
                random_parts(evaluation=interrupted, estimate=lambda *_: {"ms": 1}),
                progress=False,
            )
        study = resume(folder, lambda _: random_parts(estimate=lambda *_: {"ms": 2}), progress=False)
        assert study.trials[0].values == {"ms": 1.0, "accuracy": 0.5}

    def test_another_space_is_refused(self, folder):
        start(folder, spec(), parts(), progress=False)
        other = replace(parts(), space=ToyStudySpace(layers=3))
        with pytest.raises(StudyError, match=r"the space that it began with, but trial 0 in .* has a design"):
            resume(folder, lambda _: other, budget=Budget(trials=99), progress=False)

    def test_one_session_at_a_time(self, folder):
        def evaluation(request, report):
            with pytest.raises(StudyError, match="one session at a time"):
                resume(folder, lambda _: random_parts(), progress=False)
            return {"accuracy": 0.5}

        start(folder, asked(trials=1), random_parts(evaluation=evaluation), progress=False)

    def test_checkpoints_of_other_trials_are_cleared(self, folder):
        start(folder, spec(budget=Budget(trials=3)), parts(), progress=False)
        (folder / "checkpoints" / "2").mkdir(parents=True)
        (folder / "checkpoints" / "1").write_text("left by a kill after the commit")
        resume(folder, parts, progress=False)
        assert not (folder / "checkpoints").exists()


class TestInterrupt:
    def test_ctrl_c_says_how_to_go_on_and_nothing_is_lost(self, tmp_path):
        whole = start(tmp_path / "whole", spec(), parts(), progress=False)
        calls = Counter()

        def interrupted(request, report):
            calls[request.number] += 1
            if request.number in (3, 20, 21) and calls[request.number] == 1:
                report(0, {"accuracy": -1.0, "loss": 0.0})
                raise KeyboardInterrupt
            return study_toys.evaluate(request, report)

        folder = tmp_path / "study"
        with pytest.raises(StudyInterrupted, match=r"go on with: netwright resume /.*/study\.$") as raised:
            start(folder, spec(), parts(evaluation=interrupted), progress=False)
        assert raised.value.folder == folder
        while True:
            try:
                resume(folder, lambda asked: parts(asked, evaluation=interrupted), progress=False)
                break
            except StudyInterrupted:
                pass
        with Store.open(folder) as store, Store.open(whole.folder) as reference:
            assert log(store) == log(reference)
        assert sum(calls.values()) > len(calls)

    def test_a_second_ctrl_c_does_not_stop_the_closing(self, folder):
        class Slow(InlineExecutor):
            def close(self):
                os.kill(os.getpid(), signal.SIGINT)
                super().close()
                closed.append(True)

        def interrupted(request, report):
            raise KeyboardInterrupt

        closed = []
        with pytest.raises(StudyInterrupted):
            start(folder, asked(), random_parts(evaluation=interrupted), executor=Slow(), progress=False)
        assert closed == [True]


class TestProcesses:
    def test_two_workers_make_the_same_kind_of_study(self, folder):
        study = start(folder, spec(), parts(seconds=0.01), executor=ProcessExecutor(2), progress=False)
        assert [trial.number for trial in study.trials] == list(range(60))
        assert sorted(trial.told for trial in study.trials) == list(range(60))
        hashes = [trial.graph_hash for trial in study.trials if trial.worker and trial.state != "failed"]
        assert len(hashes) == len(set(hashes))
        assert len({trial.worker for trial in study.trials if trial.worker}) == 2
        with Store.open(folder) as store:
            complete = study.of_state("complete")
            assert all(sorted(store.steps(trial.number)[trial.number]) == [0, 1, 2] for trial in complete)

    def test_one_process_makes_the_trials_that_this_process_makes(self, tmp_path):
        start(tmp_path / "inline", spec(), parts(), progress=False)
        start(tmp_path / "process", spec(), parts(), executor=ProcessExecutor(1), progress=False)
        with Store.open(tmp_path / "inline") as inline, Store.open(tmp_path / "process") as process:
            logs = [log(inline), log(process)]
        for trials, _ in logs:
            for trial in trials:
                trial["worker"] = trial["worker"] and "some"
        assert logs[0] == logs[1]

    def test_twins_wait_for_each_other(self, folder):
        # Two designs a network, two networks: two workers are soon asked to evaluate one network at once.
        space = ToyStudySpace(1, 4)
        given = parts(space=space, strategy=Random(space, [ACCURACY]), seconds=0.2, estimate=lambda *_: {})
        study = start(folder, asked(trials=12), given, executor=ProcessExecutor(2), progress=False)
        done = [trial.graph_hash for trial in study.trials if trial.worker and trial.state == "complete"]
        assert len(done) == len(set(done)) <= 3
        assert {trial.state for trial in study.trials} <= {"complete", "duplicate", "failed"}

    def test_the_end_of_the_time_does_not_wait_for_workers(self, folder):
        timed = spec(budget=Budget(seconds=4.0), limits=())
        started = time.monotonic()
        study = start(folder, timed, parts(seconds=1.5), executor=ProcessExecutor(2), progress=False)
        assert time.monotonic() - started < 25
        assert study.of_state("complete")
        assert len(study.of_state("running")) <= 2

    def test_the_end_of_a_study_in_another_thread(self, folder):
        # Signals belong to the main thread; a notebook or a server runs studies elsewhere.
        done = []
        run = lambda: done.append(start(folder, spec(), parts(), executor=ProcessExecutor(1), progress=False))  # noqa: E731
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert len(done[0].trials) == 60


def test_the_overhead_of_a_trial_is_a_few_milliseconds(folder):
    space = ToyStudySpace(layers=12)
    given = random_parts(space=space)
    started = time.perf_counter()
    start(folder, asked(trials=300, objectives=(Objective("accuracy", "maximize"),)), given, progress=False)
    assert (time.perf_counter() - started) / 300 < 0.02


def test_run_loop_runs_a_store_that_is_there(folder):
    with Store.create(folder, asked(trials=3)) as store:
        assert len(run_loop(store, random_parts(), progress=False).trials) == 3
        assert len(store.trials()) == 3
