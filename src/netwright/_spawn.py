"""Other processes that do not run the user's script a second time where nothing in it is needed."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["start"]


def start(process: Any, *sent: object) -> None:
    """Start a process of the "spawn" method.

    Such a process imports the script that starts it, which would begin the search again where the script has no
    `if __name__ == "__main__":`. Only objects that are defined in the script need that.

    sent: what the process gets, now and later; each an object that can be pickled, or the bytes of one.
    """
    written = (each if isinstance(each, bytes) else pickle.dumps(each) for each in sent)
    if any(b"__main__" in each for each in written):
        process.start()
        return
    with _without_script():
        process.start()


@contextmanager
def _without_script() -> Iterator[None]:
    """Spawn finds the script by the file and the specification of the main module: one that has neither, within."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
