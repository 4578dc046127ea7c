"""Work beside the search, in a process of its own where that is possible and in this one afterwards where not."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

__all__ = ["Beside"]


class Beside:
    """One call of a function, begun now in another process and asked for later.

    >>> Beside(max, 1, 2, apart=False).result()
    2

    With a single core, or with arguments that cannot be sent to another process, the call is made in this process
    when its result is asked for. apart: False asks for that in any case.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, apart: bool = True) -> None:
        self._call = (function, arguments)
        self._process: Any = None
        if apart and (os.cpu_count() or 1) > 1 and _can_travel(self._call):
            context = multiprocessing.get_context("spawn")
            self._receiver, sender = context.Pipe(duplex=False)
            self._process = context.Process(target=_send, args=(sender, function, arguments), daemon=True)
            self._process.start()
            sender.close()

    @property
    def apart(self) -> bool:
        """Whether the call runs in another process."""
        return self._process is not None

    def result(self) -> Any:
        """What the call gave; None when its process died."""
        if self._process is None:
            function, arguments = self._call
            return function(*arguments)
        answer = None
        with suppress(EOFError):
            answer = self._receiver.recv()
        self._process.join()
        return answer

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


def _send(sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        sender.send(function(*arguments))


def _end_with_parent() -> None:
    """A search that is killed takes the work beside it along, or that would go on unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
