"""Executors: the conformance suite, and what only processes can do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import netwright
from netwright.errors import EvaluationError, StudyError
from netwright.study import FunctionEvaluation, InlineExecutor, ProcessExecutor, Request
from netwright.testing import ExecutorConformance
from netwright.testing._executor import act, asking, collected


def always(number, step, values):
    return True


class TestInline(ExecutorConformance):
    @pytest.fixture
    def executor(self):
        return InlineExecutor()


class TestProcesses(ExecutorConformance):
    @pytest.fixture
    def executor(self):
        return ProcessExecutor(2)

    def test_a_worker_that_is_killed_takes_only_its_own_trial(self, opened):
        opened.submit(asking(0, do="die"))
        opened.submit(asking(1, do="report"))
        results = {result.number: result for result in collected(opened, 2)}
        assert results[0].error == "worker died (signal 9): most likely out of memory"
        assert results[0].values is None
        assert results[1].values == {"steps": 5.0}
        opened.submit(asking(2, do="echo"))
        (result,) = collected(opened, 1)
        assert result.error is None

    def test_a_worker_that_leaves_says_how(self, opened):
        opened.submit(asking(0, do="leave"))
        (result,) = collected(opened, 1)
        assert result.error == "worker ended with exit code 3"

    def test_a_worker_that_dies_while_idle_is_replaced(self, opened):
        opened.submit(asking(0, do="echo"))
        (result,) = collected(opened, 1)
        idle = int(result.worker.removeprefix("pid "))
        os.kill(idle, signal.SIGKILL)
        os.waitid(os.P_PID, idle, os.WEXITED | os.WNOWAIT)
        opened.submit(asking(1, do="echo"))
        (result,) = collected(opened, 1)
        assert result.error is None
        assert result.worker != f"pid {idle}"

    def test_waiting_ends_in_time_while_a_trial_runs(self, opened):
        opened.submit(asking(0, do="sleep"))
        started = time.monotonic()
        assert opened.wait(0.2) == []
        assert time.monotonic() - started < 10

    def test_more_trials_than_workers_are_refused(self, opened):
        opened.submit(asking(0, do="sleep"))
        opened.submit(asking(1, do="sleep"))
        with pytest.raises(StudyError, match="executor of 2 workers"):
            opened.submit(asking(2, do="sleep"))

    def test_each_process_has_one_thread_and_this_one_keeps_its_own(self, opened, monkeypatch):
        monkeypatch.setenv("OMP_NUM_THREADS", "7")
        monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
        opened.submit(asking(0, do="threads"))
        (result,) = collected(opened, 1)
        assert result.values == {"threads": 1.0}
        assert os.environ["OMP_NUM_THREADS"] == "7"
        assert "MKL_NUM_THREADS" not in os.environ


def test_a_closure_cannot_be_sent_to_processes():
    with pytest.raises(StudyError, match=r"^the evaluation must be picklable .* or use one worker\.$"):
        ProcessExecutor(1).open(lambda request, report: {}, always)


def test_a_trial_that_cannot_be_sent_is_named():
    executor = ProcessExecutor(1)
    executor.open(act, always)
    with pytest.raises(StudyError, match=r"^trial 3 must be picklable"):
        executor.submit(Request(3, None, lambda: None, seed=0))


@pytest.mark.parametrize("numbers", [{"workers": 0}, {"workers": 2, "threads": 0}])
def test_workers_and_threads_are_at_least_one(numbers):
    with pytest.raises(StudyError, match="must be at least 1, but got workers="):
        ProcessExecutor(**numbers)


def run_script(folder, text):
    script = folder / "script.py"
    script.write_text(text)
    paths = [str(Path(netwright.__path__[0]).parent), str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(tmp_path):
    process = run_script(
        tmp_path,
        "from netwright.errors import StudyError\n"
        "from netwright.study import ProcessExecutor\n"
        "from netwright.testing._executor import asking\n"
        "def evaluate(request, report):\n"
        "    return {}\n"
        "executor = ProcessExecutor(1)\n"
        "executor.open(evaluate, print)\n"
        "try:\n"
        "    executor.submit(asking(0, do='echo'))\n"
        "    executor.wait()\n"
        "except StudyError as error:\n"
        "    print(error)\n",
    )
    out, _ = process.communicate(timeout=60)
    assert "starts its search under `if __name__ == '__main__':`, but the worker ended with exit code 1." in out


@pytest.mark.slow
def test_a_script_without_a_guard_may_use_workers_for_what_can_be_imported(tmp_path):
    process = run_script(
        tmp_path,
        "from netwright.study import ProcessExecutor\n"
        "from netwright.testing._executor import act, asking\n"
        "print('once')\n"
        "executor = ProcessExecutor(1)\n"
        "executor.open(act, print)\n"
        "executor.submit(asking(0, do='echo'))\n"
        "print(executor.wait()[0].error)\n"
        "executor.close()\n",
    )
    out, err = process.communicate(timeout=60)
    assert out.split() == ["once", "None"]
    assert "Traceback" not in err


def test_an_evaluation_that_workers_cannot_find_is_explained(tmp_path):
    process = run_script(
        tmp_path,
        "from netwright.errors import StudyError\n"
        "from netwright.study import ProcessExecutor\n"
        "from netwright.testing._executor import asking\n"
        "if __name__ == '__main__':\n"
        "    def evaluate(request, report):\n"
        "        return {}\n"
        "    executor = ProcessExecutor(1)\n"
        "    executor.open(evaluate, print)\n"
        "    executor.submit(asking(0, do='echo'))\n"
        "    try:\n"
        "        executor.wait()\n"
        "    except StudyError as error:\n"
        "        print(error)\n"
        "    executor.close()\n",
    )
    out, err = process.communicate(timeout=60)
    assert out.startswith("the evaluation cannot be loaded in a worker process (AttributeError:")
    assert "Traceback" not in err


def test_workers_leave_when_the_study_is_killed(tmp_path):
    process = run_script(
        tmp_path,
        "from netwright.study import ProcessExecutor\n"
        "from netwright.testing._executor import act, asking\n"
        "if __name__ == '__main__':\n"
        "    executor = ProcessExecutor(1)\n"
        "    executor.open(act, print)\n"
        "    executor.submit(asking(0, do='echo'))\n"
        "    print(executor.wait()[0].worker, flush=True)\n"
        "    executor.submit(asking(1, do='sleep'))\n"
        "    executor.wait()\n",
    )
    worker = int(process.stdout.readline().removeprefix("pid "))
    os.kill(worker, 0)
    process.kill()
    process.communicate()
    ends = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < ends:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()


class TestFunctionEvaluation:
    def test_the_plain_contract_is_enough(self):
        def evaluate(network, budget, report):
            report(0, {"loss": 1.0})
            return {"accuracy": len(network) * budget}

        reports = []
        evaluation = FunctionEvaluation(evaluate)
        values = evaluation(Request(0, None, (1, 2), 9, 4.0), lambda step, values: reports.append((step, values)))
        assert values == {"accuracy": 8.0}
        assert reports == [(0, {"loss": 1.0})]

    def test_further_parameters_are_filled_by_name(self):
        def evaluate(network, budget, report, *, seed, recipe, design, checkpoint, extra=1):
            return {"sum": seed + recipe["rate"] + design["width"] + len(checkpoint) + extra}

        request = Request(0, {"width": 20}, None, 1, recipe={"rate": 300}, checkpoint="1234")
        assert FunctionEvaluation(evaluate)(request, print) == {"sum": 326}

    @pytest.mark.parametrize(
        "function", [lambda network, budget: {}, lambda network, budget, report, device: {}], ids=["less", "more"]
    )
    def test_another_signature_is_refused(self, function):
        with pytest.raises(EvaluationError, match=r"called as evaluate\(network, budget, report\)"):
            FunctionEvaluation(function)
