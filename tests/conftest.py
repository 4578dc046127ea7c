"""What every test needs: Ctrl-C that is heard."""

from __future__ import annotations

import signal

# A command that a shell script runs in the background ignores Ctrl-C, and so does all that it starts in turn.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
