"""A study that is killed at any moment and resumed is, bit for bit, the study that was not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import study_toys
from study_toys import log

import netwright
from netwright.study import Store, start

HERE = Path(__file__).parent


def python(*arguments):
    paths = [str(Path(netwright.__path__[0]).parent), str(HERE), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "study"
    study = start(folder, study_toys.spec(), study_toys.parts(keep_going=study_toys.keep_going), progress=False)
    assert {trial.state for trial in study.trials} == {"complete", "infeasible", "failed", "pruned", "duplicate"}
    with Store.open(folder) as store:
        return log(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="sessions are forks")
@pytest.mark.parametrize("how", ["clock", "commit"])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_twenty_kills_leave_no_trace(tmp_path, undisturbed, how, seed):
    process = python(HERE / "kill_sessions.py", tmp_path / "study", how, seed)
    out, err = process.communicate(timeout=120)
    assert (out, err) == ("20 0\n", "")
    with Store.open(tmp_path / "study") as store:
        trials, steps = log(store)
    assert trials == undisturbed[0]
    assert steps == undisturbed[1]


SCRIPT = """
import sys
import study_toys
from netwright.errors import NetwrightError
from netwright.study import InlineExecutor, ProcessExecutor, resume, start

if __name__ == "__main__":
    _, folder, workers, what = sys.argv
    executor = ProcessExecutor(int(workers)) if int(workers) else InlineExecutor()
    parts = study_toys.parts(seconds=0.0 if what == "resume" else 0.2)
    try:
        if what == "start":
            start(folder, study_toys.spec(), parts, executor=executor)
        else:
            resume(folder, lambda spec: parts, executor=executor)
    except NetwrightError as error:
        print(error)
        sys.exit(2)
"""


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_search_that_is_stopped_leaves_no_process_and_goes_on(tmp_path, workers, how):
    script, folder = tmp_path / "script.py", tmp_path / "study"
    script.write_text(SCRIPT)
    process = python(script, folder, workers, "start")
    wait_until(lambda: len(_trials(folder)) >= 5)
    children = _children(process.pid)
    # As a terminal does: Ctrl-C reaches every process in the foreground. A kill reaches one.
    for pid in [process.pid, *(children if how == signal.SIGINT else [])]:
        os.kill(pid, how)
    out, err = process.communicate(timeout=60)
    if how == signal.SIGINT:
        assert out == f"the search was interrupted; go on with: netwright resume {folder}.\n"
        assert "Traceback" not in err
        assert process.returncode == 2
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    resumed = python(script, folder, workers, "resume")
    _, err = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, err
    trials = _trials(folder)
    assert [trial.number for trial in trials] == list(range(60))
    assert sorted(trial.told for trial in trials) == list(range(60))


def wait_until(holds):
    ends = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.05)


def _trials(folder):
    if not (folder / "study.db").exists():
        return []
    with Store.open(folder) as store:
        return store.trials()


def _children(pid):
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in tasks.read_text().split()] if tasks.exists() else []
