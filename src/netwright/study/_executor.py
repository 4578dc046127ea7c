"""Where evaluations run: the extension point, and the executor that runs them in this process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from netwright.study._evaluation import Evaluation, Request, Result, evaluate

__all__ = ["Executor", "InlineExecutor", "OnStep"]

OnStep = Callable[[int, int, Mapping[str, float]], bool]
"""on_step(trial number, step, values), called in the study's own thread; False stops that trial."""


class Executor(ABC):
    """Runs evaluations for the loop of a study.

    >>> class AtOnce(Executor):
    ...     def submit(self, request):
    ...         report = lambda step, values: self.on_step(request.number, step, values)
    ...         self.result = Result(request.number, self.evaluation(request, report), None, 0.0, "here")
    ...
    ...     def wait(self, seconds=None):
    ...         return [self.result]
    >>> with AtOnce() as executor:
    ...     executor.open(lambda request, report: {"accuracy": 0.5}, on_step=lambda number, step, values: True)
    ...     executor.submit(Request(0, design=None, network=None, seed=0))
    ...     executor.wait()[0].values
    {'accuracy': 0.5}

    The loop calls `open` once, then `submit` while fewer than `workers` trials are running, and `wait` for results.
    Each report of an evaluation reaches `on_step` in the thread that calls `wait`, and its answer is what the report
    returns. `close` ends what still runs.
    """

    workers: int = 1

    def open(self, evaluation: Evaluation, on_step: OnStep) -> None:
        """Get ready to run this evaluation; a subclass extends it to start what it needs."""
        self.evaluation = evaluation
        self.on_step = on_step

    @abstractmethod
    def submit(self, request: Request) -> None:
        """Take a trial to evaluate; returns at once."""

    @abstractmethod
    def wait(self, seconds: float | None = None) -> list[Result]:
        """Results that are there, waiting for one at most `seconds` (None: without end); passes reports on."""

    def close(self) -> None:  # noqa: B027  (a hook: most executors hold nothing)
        """End what still runs, without waiting for it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


class InlineExecutor(Executor):
    """Runs each evaluation in this process, one after another; closures and notebooks work.

    >>> executor = InlineExecutor()
    >>> executor.open(lambda request, report: {"accuracy": 0.5}, on_step=lambda number, step, values: True)
    >>> executor.submit(Request(0, design=None, network=None, seed=0))
    >>> executor.wait()[0].values
    {'accuracy': 0.5}
    """

    def __init__(self) -> None:
        self._queue: deque[Request] = deque()

    def submit(self, request: Request) -> None:
        self._queue.append(request)

    def wait(self, seconds: float | None = None) -> list[Result]:
        if not self._queue:
            return []
        request = self._queue.popleft()
        errors: list[Exception] = []

        def report(step: int, values: Mapping[str, float]) -> bool:
            try:
                return self.on_step(request.number, step, values)
            except Exception as error:
                errors.append(error)
                raise

        result = evaluate(self.evaluation, request, report, "inline")
        if errors:
            # The study could not record the report, which is no fault of the trial.
            raise errors[0]
        return [result]

    def close(self) -> None:
        self._queue.clear()
