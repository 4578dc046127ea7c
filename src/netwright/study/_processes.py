"""Worker processes on this machine: one evaluation at a time in each."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait

from netwright._count import counted
from netwright._spawn import start
from netwright.errors import StudyError
from netwright.study._evaluation import Evaluation, Request, Result, evaluate, reason
from netwright.study._executor import Executor, OnStep

__all__ = ["ProcessExecutor", "deaf_to_interrupts"]

_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# A worker's own children can hold its end of the pipe open after its death, so it is also looked at now and then.
_PATIENCE = 1.0
_FAREWELL = 5.0


class ProcessExecutor(Executor):
    """Runs evaluations in `workers` processes of this machine.

    >>> ProcessExecutor(2).workers
    2
    >>> ProcessExecutor(0)
    Traceback (most recent call last):
        ...
    netwright.errors.StudyError: workers and threads must be at least 1, but got workers=0, threads=1.

    Processes are spawned, so that they inherit neither threads nor locks, and each is kept for many trials. One that
    dies takes only its own trial with it and is replaced.

    threads: what each process computes with (OpenMP, MKL, OpenBLAS; torch follows them).

    Raises StudyError when workers or threads < 1, when the evaluation or a trial cannot be sent to a process, or when
    a process cannot start.
    """

    def __init__(self, workers: int, *, threads: int = 1) -> None:
        if workers < 1 or threads < 1:
            raise StudyError(f"workers and threads must be at least 1, but got workers={workers}, threads={threads}.")
        self.workers = workers
        self._threads = threads
        self._pool: list[_Worker] = []

    def open(self, evaluation: Evaluation, on_step: OnStep) -> None:
        super().open(evaluation, on_step)
        self._payload = _pickled(evaluation, "the evaluation")

    def submit(self, request: Request) -> None:
        payload = _pickled(request, f"trial {request.number}")
        for worker in [worker for worker in self._pool if not worker.busy and not worker.process.is_alive()]:
            self._pool.remove(worker)
        idle = next((worker for worker in self._pool if not worker.busy), None)
        if idle is None:
            if len(self._pool) >= self.workers:
                raise StudyError(
                    f"an executor of {counted(self.workers, 'worker')} runs as many trials at once, not more."
                )
            idle = _Worker(self._payload, self._threads)
            self._pool.append(idle)
        idle.give(request.number, payload)

    def wait(self, seconds: float | None = None) -> list[Result]:
        ends = math.inf if seconds is None else time.monotonic() + seconds
        while busy := {worker.pipe: worker for worker in self._pool if worker.busy}:
            left = max(0.0, ends - time.monotonic())
            wait(list(busy), min(left, _PATIENCE))
            results = [result for worker in busy.values() if (result := self._heard(worker)) is not None]
            if results or left == 0:
                return results
        return []

    def close(self) -> None:
        for worker in self._pool:
            worker.end()
        self._pool = []

    def _heard(self, worker: _Worker) -> Result | None:
        """Take what a worker has sent, answer its report, or notice its death."""
        try:
            if not worker.pipe.poll():
                return None if worker.process.is_alive() or worker.pipe.poll() else self._buried(worker)
            kind, content = worker.pipe.recv()
            if kind == "step":
                worker.pipe.send(self.on_step(worker.number, *content))
                return None
        except (EOFError, ConnectionError):
            return self._buried(worker)
        if kind == "unready":
            raise StudyError(
                f"the evaluation cannot be loaded in a worker process ({content}): define it at the top level of a "
                "module that can be imported, or use one worker."
            )
        if kind == "ready":
            worker.ready = True
            return None
        worker.busy = False
        result: Result = content
        return result

    def _buried(self, worker: _Worker) -> Result:
        self._pool.remove(worker)
        worker.process.join()
        ending = _ending(worker.process.exitcode or 0)
        if not worker.ready:
            raise StudyError(
                "a worker process must start before it can evaluate, and a script starts its search under "
                f"`if __name__ == '__main__':`, but the worker {ending}."
            )
        return Result(worker.number, None, f"worker {ending}", time.perf_counter() - worker.started, worker.name)


class _Worker:
    """One process, seen from the study."""

    def __init__(self, evaluation: bytes, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, evaluation))
        with _environment(dict.fromkeys(_THREADS, str(threads))), deaf_to_interrupts():
            start(self.process, evaluation)
        # Kept open here, this end would hide that the worker died.
        theirs.close()
        self.name = f"pid {self.process.pid}"
        self.busy = False
        self.ready = False
        self.number = -1
        self.started = 0.0

    def give(self, number: int, payload: bytes) -> None:
        self.number, self.busy, self.started = number, True, time.perf_counter()
        # A worker that died meanwhile is noticed by the next wait().
        with suppress(ConnectionError):
            self.pipe.send((number, payload))

    def end(self) -> None:
        if self.busy:
            self.process.kill()
        self.pipe.close()
        self.process.join(_FAREWELL)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(pipe: Connection, payload: bytes) -> None:
    """A worker process: evaluate trials until the study closes its end of the pipe."""
    threading.Thread(target=_leave_with_the_study, daemon=True).start()
    try:
        evaluation: Evaluation = pickle.loads(payload)
    except Exception as error:
        pipe.send(("unready", f"{type(error).__name__}: {error}"))
        return
    # The study went away or closed the pipe: there is nobody left to tell.
    with suppress(EOFError, ConnectionError):
        pipe.send(("ready", None))
        while True:
            number, request = pipe.recv()
            pipe.send(("result", _evaluated(evaluation, number, request, pipe)))


def _evaluated(evaluation: Evaluation, number: int, payload: bytes, pipe: Connection) -> Result:
    name = f"pid {os.getpid()}"

    def report(step: int, values: Mapping[str, float]) -> bool:
        pipe.send(("step", (step, values)))
        answer: bool = pipe.recv()
        return answer

    try:
        request: Request = pickle.loads(payload)
    except Exception as error:
        return Result(number, None, reason(error), 0.0, name)
    return evaluate(evaluation, request, report, name)


def _leave_with_the_study() -> None:
    # A study that was killed closes no pipe that an evaluation without reports would notice.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _pickled(value: object, name: str) -> bytes:
    try:
        return pickle.dumps(value)
    except Exception as error:
        raise StudyError(
            f"{name} must be picklable to be sent to worker processes ({type(error).__name__}: {error}): "
            "define functions and classes at the top level of a module, or use one worker."
        ) from None


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    if -code == signal.SIGKILL:
        return "died (signal 9): most likely out of memory"
    names = {number.value: number.name for number in signal.Signals}
    return f"died (signal {-code}): {names.get(-code, 'unknown')}"


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a process that starts within."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Ignore Ctrl-C within; processes that start within ignore it for good, and leave it to the study."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
