"""What every test needs: Ctrl-C that is heard, and names that are the same in every process."""

from __future__ import annotations

import signal

import pytest

# A command that a shell script runs in the background ignores Ctrl-C, and so does all that it starts in turn.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """A test is not named after its bytes: gzip writes the second into them, and two workers then collect two."""
    return argname if isinstance(val, bytes) else None
