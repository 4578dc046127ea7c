"""Work beside the search, in a process of its own where that is possible and in this one afterwards where not."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

from netwright._spawn import start

__all__ = ["Beside"]


class Beside:
    """A call of a function, begun now in another process and asked for later; then others, one after the other.

    >>> Beside(max, 1, 2, apart=False).result()
    2

    With a single core, or with arguments that cannot be sent to another process, the call is made in this process
    when its result is asked for. apart: False asks for that in any case.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, apart: bool = True) -> None:
        self._call = (function, arguments)
        self._wanted = apart and (os.cpu_count() or 1) > 1
        self._process: Any = None
        self._idle = False
        self._begin()

    def then(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Make another call: in the same process where the last one is over, else it is ended for a new one."""
        self._call = (function, arguments)
        if self._process is not None and self._idle and _can_travel(self._call):
            with suppress(OSError):
                self._pipe.send(self._call)
                self._idle = False
                return
        self.stop()
        self._begin()

    def _begin(self) -> None:
        self._process = None
        if self._wanted and _can_travel(self._call):
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            self._process = context.Process(target=_answer, args=(other, *self._call), daemon=True)
            start(self._process, self._call)
            other.close()

    @property
    def apart(self) -> bool:
        """Whether the call runs in another process."""
        return self._process is not None

    def results(self, within: float = math.inf) -> list[Any]:
        """What the call gave: each item of an iterator, else one; those that came within so many seconds.

        A process that died, or was late, leaves what it had sent. A call in this process is not cut short.
        """
        if self._process is None:
            function, arguments = self._call
            return list(_items(function(*arguments)))
        found: list[Any] = []
        end = time.monotonic() + within
        with suppress(EOFError, OSError):
            while self._pipe.poll(None if math.isinf(end) else max(0.0, end - time.monotonic())):
                self._idle, item = self._pipe.recv()
                if self._idle:
                    break
                found.append(item)
        return found

    def result(self, within: float = math.inf) -> Any:
        """What the call gave; None when its process died, or did not end within so many seconds."""
        return next(iter(self.results(within)), None)

    def stop(self) -> None:
        """End the process, if it still runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.join()


def _can_travel(call: object) -> bool:
    try:
        pickle.dumps(call)
    except Exception:  # whatever an object of the user's own raises
        return False
    return True


def _answer(pipe: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Answer one call after the other: (False, item) for each item of an answer, (True, None) when it is over."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt, EOFError):
        while True:
            for item in _items(function(*arguments)):
                pipe.send((False, item))
            pipe.send((True, None))
            function, arguments = pipe.recv()


def _items(answer: Any) -> Iterator[Any]:
    """What is sent, one after the other: items of an iterator as they come, or the one answer."""
    return answer if isinstance(answer, Iterator) else iter([answer])


def _end_with_parent() -> None:
    """A search that is killed takes the work beside it along, or that would go on unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
