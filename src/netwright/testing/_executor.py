"""What every executor must do, as a suite to subclass."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from netwright.space import Design
from netwright.study import Executor, Report, Request, Result

__all__ = ["ExecutorConformance", "act", "asking", "collected"]

Steps = list[tuple[int, int, Mapping[str, float]]]


def act(request: Request, report: Report) -> Mapping[str, float]:
    """An evaluation that does what the request's recipe says; a plain function, so it can be sent anywhere.

    >>> act(asking(0, do="echo"), lambda step, values: True)
    {'number': 0, 'seed': 100, 'budget': 3.0, 'third': 0.3333333333333333}
    """
    return _ACTIONS[str(request.recipe["do"])](request, report)  # type: ignore[return-value]  # some are wrong on purpose


def asking(number: int, *, do: str) -> Request:
    """Request for a trial that does one of the things that `act` can do."""
    network: object = ("any", "network")
    return Request(number, Design({"width": number}), network, 100 + number, 3.0, {"do": do})  # type: ignore[arg-type]


class ExecutorConformance:
    """Checks that an executor keeps the contract of `netwright.study.Executor`.

    >>> import pytest
    >>> from netwright.study import InlineExecutor
    >>> class TestInline(ExecutorConformance):
    ...     @pytest.fixture
    ...     def executor(self):
    ...         return InlineExecutor()

    executor: a fixture with a new executor, not open yet.
    """

    @pytest.fixture
    def executor(self) -> Executor:
        """Executor under test; override this."""
        raise NotImplementedError("override the fixture `executor` of ExecutorConformance.")

    @pytest.fixture
    def opened(self, executor: Executor) -> Iterator[Executor]:
        """The executor, open for `act`, with reports that are always answered by True."""
        executor.open(act, lambda number, step, values: True)
        with executor:
            yield executor

    def test_waiting_for_nothing_gives_nothing(self, opened: Executor) -> None:
        assert opened.workers >= 1
        assert opened.wait() == []
        assert opened.wait(0.0) == []

    def test_the_request_arrives_whole_and_values_come_back_exactly(self, opened: Executor) -> None:
        opened.submit(asking(7, do="echo"))
        (result,) = collected(opened, 1)
        assert result.values == {"number": 7.0, "seed": 107.0, "budget": 3.0, "third": 1 / 3}
        assert (result.number, result.error) == (7, None)
        assert result.seconds >= 0
        assert result.worker

    def test_every_trial_gives_one_result(self, opened: Executor) -> None:
        results = {}
        for number in range(20):
            opened.submit(asking(number, do="echo"))
            if (number + 1) % opened.workers == 0 or number == 19:
                busy = number % opened.workers + 1
                results.update({result.number: result for result in collected(opened, busy)})
        assert sorted(results) == list(range(20))
        assert all(result.values and result.values["number"] == number for number, result in results.items())

    def test_a_trial_that_raises_gives_its_reason_and_the_next_one_runs(self, opened: Executor) -> None:
        opened.submit(asking(0, do="raise"))
        (failed,) = collected(opened, 1)
        assert failed.values is None
        assert failed.error is not None
        assert failed.error.startswith("ValueError: bad luck on two lines (")
        assert failed.error.endswith('raise ValueError("bad luck\\non two lines"))')
        opened.submit(asking(1, do="echo"))
        (result,) = collected(opened, 1)
        assert result.error is None

    @pytest.mark.parametrize(
        ("do", "error"),
        [
            ("exit", "SystemExit: 3"),
            ("memory", "MemoryError"),
            ("return none", "EvaluationError: an evaluation gives a mapping of names to numbers, but got NoneType."),
            ("return text", "EvaluationError: the value of 'accuracy' must be a number, but got 'high'."),
            ("report text", "EvaluationError: the value of 'loss' must be a number, but got 'low'."),
            ("report half a step", "EvaluationError: a report's step is an integer, but got 0.5."),
        ],
    )
    def test_what_breaks_the_contract_is_a_failed_trial(self, opened: Executor, do: str, error: str) -> None:
        opened.submit(asking(0, do=do))
        (result,) = collected(opened, 1)
        assert result.values is None
        assert result.error is not None
        assert result.error.startswith(error)

    def test_reports_come_in_order_in_the_waiting_thread(self, executor: Executor) -> None:
        steps: Steps = []
        threads = set()

        def on_step(number: int, step: int, values: Mapping[str, float]) -> bool:
            steps.append((number, step, dict(values)))
            threads.add(threading.get_ident())
            return True

        executor.open(act, on_step)
        with executor:
            executor.submit(asking(4, do="report"))
            (result,) = collected(executor, 1)
        assert steps == [(4, step, {"loss": 1 / (step + 1)}) for step in range(5)]
        assert threads == {threading.get_ident()}
        assert result.values == {"steps": 5.0}

    def test_a_trial_is_stopped_by_the_answer_to_its_report(self, executor: Executor) -> None:
        executor.open(act, lambda number, step, values: step < 2)
        with executor:
            executor.submit(asking(0, do="report"))
            (result,) = collected(executor, 1)
        assert result.values == {"steps": 3.0}

    def test_an_error_while_recording_a_report_is_the_studys(self, executor: Executor) -> None:
        def on_step(number: int, step: int, values: Mapping[str, float]) -> bool:
            raise OSError("the disk is full")

        executor.open(act, on_step)
        with executor:
            executor.submit(asking(0, do="report"))
            with pytest.raises(OSError, match="the disk is full"):
                collected(executor, 1)

    def test_as_many_trials_run_at_once_as_there_are_workers(self, opened: Executor) -> None:
        for number in range(opened.workers):
            opened.submit(asking(number, do="report"))
        assert {result.number for result in collected(opened, opened.workers)} == set(range(opened.workers))

    def test_closing_does_not_wait_for_trials(self, opened: Executor) -> None:
        opened.submit(asking(0, do="sleep"))
        started = time.monotonic()
        opened.close()
        opened.close()
        assert time.monotonic() - started < 30


def collected(executor: Executor, count: int) -> list[Result]:
    """Wait for so many results."""
    results: list[Result] = []
    while len(results) < count:
        results += executor.wait()
    assert len(results) == count
    return results


def _echo(request: Request, report: Report) -> Mapping[str, float]:
    return {"number": request.number, "seed": request.seed, "budget": request.budget, "third": 1 / 3}


def _raise(request: Request, report: Report) -> Mapping[str, float]:
    raise ValueError("bad luck\non two lines")


def _memory(request: Request, report: Report) -> Mapping[str, float]:
    raise MemoryError


def _report(request: Request, report: Report) -> Mapping[str, float]:
    steps = 0
    for step in range(5):
        steps += 1
        if not report(step, {"loss": 1 / (step + 1)}):
            break
    return {"steps": steps}


def _report_text(request: Request, report: Report) -> Mapping[str, float]:
    report(0, {"loss": "low"})  # type: ignore[dict-item]
    return {}


def _report_half(request: Request, report: Report) -> Mapping[str, float]:
    report(0.5, {"loss": 1.0})  # type: ignore[arg-type]
    return {}


def _die(request: Request, report: Report) -> Mapping[str, float]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def _exit(request: Request, report: Report) -> Mapping[str, float]:
    raise SystemExit(3)


def _sleep(request: Request, report: Report) -> Mapping[str, float]:
    time.sleep(600)
    return {}


def _threads(request: Request, report: Report) -> Mapping[str, float]:
    return {"threads": int(os.environ["OMP_NUM_THREADS"])}


_ACTIONS: Mapping[str, Callable[[Request, Report], object]] = {
    "echo": _echo,
    "raise": _raise,
    "memory": _memory,
    "exit": _exit,
    "report": _report,
    "report text": _report_text,
    "report half a step": _report_half,
    "return none": lambda request, report: None,
    "return text": lambda request, report: {"accuracy": "high"},
    "sleep": _sleep,
    "die": _die,
    "leave": lambda request, report: os._exit(3),
    "threads": _threads,
}
