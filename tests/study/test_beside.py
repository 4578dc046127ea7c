"""Work beside a search: its result, what cannot travel, and what becomes of it when the search is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from netwright.study._beside import Beside

PARENT = """
import time
from netwright.study._beside import Beside
if __name__ == "__main__":
    work = Beside(time.sleep, 60)
    print(work._process.pid, flush=True)
    time.sleep(60)
"""


def test_a_call_in_another_process_gives_its_result() -> None:
    work = Beside(max, 3, 4)
    assert work.result() == 4


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from netwright.study._beside import Beside\n"
        "print('once', flush=True)\n"
        "work = Beside(max, 3, 4)\n"
        "print(work.apart, work.result())\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["once", "True", "4"]
    assert not done.stderr


def test_what_cannot_travel_is_called_here_when_asked_for() -> None:
    calls: list[int] = []
    work = Beside(lambda: calls.append(1))
    assert not work.apart
    assert not calls
    work.result()
    assert calls == [1]


def test_a_process_that_dies_gives_nothing() -> None:
    work = Beside(os._exit, 3)
    assert work.result() is None


def numbers_slowly() -> Iterator[int]:
    yield 1
    yield 2
    time.sleep(600)
    yield 3


def test_what_came_in_time_is_kept_when_the_rest_is_late() -> None:
    work = Beside(numbers_slowly)
    found: list[int] = []
    while len(found) < 2:
        found += work.results(within=0.1)
    assert found == [1, 2]
    assert work.results(within=0.1) == []
    work.then(max, 3, 4)
    assert work.result() == 4


def test_a_second_call_is_made_in_the_same_process() -> None:
    work = Beside(os.getpid)
    first = work.result()
    work.then(os.getpid)
    assert work.result() == first != os.getpid()


def test_a_call_after_one_that_died_has_a_process_of_its_own() -> None:
    work = Beside(os._exit, 3)
    assert work.result() is None
    work.then(max, 3, 4)
    assert work.result() == 4


def test_items_of_a_call_in_this_process_all_count() -> None:
    assert Beside(iter, (1, 2), apart=False).results(within=0) == [1, 2]


def test_it_ends_with_a_parent_that_is_killed(tmp_path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(1.0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not _alive(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the work beside a killed search went on")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child nobody waits for stays as a zombie until init takes it.
    with open(f"/proc/{pid}/stat") as file:
        return file.read().split()[2] != "Z"
