"""`python -c "import netwright"` under 0.3 s and `netwright --help` under 0.5 s, in fresh processes.

Beside them, in turns: an empty program, NumPy, and torch where it is installed.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from _table import arguments, interleaved, ratio, show, verdict

COMMAND = Path(sys.executable).with_name("netwright")
LIMITS = {'python -c "import netwright"': 0.3, "netwright --help": 0.5}


def contestants() -> dict[str, list[str]]:
    """Command lines by name."""
    codes = ("pass", "import netwright", "import numpy")
    lines = {f'python -c "{code}"': [sys.executable, "-c", code] for code in codes}
    lines["netwright --help"] = [str(COMMAND), "--help"]
    if find_spec("torch"):
        lines['python -c "import torch"'] = [sys.executable, "-c", "import torch"]
    return lines


def main() -> None:
    given = arguments(__doc__, ("repeats", 10, 2, "fresh processes of each"))
    runs = {}
    for name, line in contestants().items():
        # The first run writes bytecode and fills the disk cache.
        if not Path(line[0]).exists() or subprocess.run(line, capture_output=True).returncode:
            print(f"{name} does not run here")
            continue
        runs[name] = lambda line=line: subprocess.run(line, capture_output=True, check=True)
    taken = interleaved(runs, given.repeats)
    empty = taken['python -c "pass"'].median
    rows = [[name, spread.text(), ratio(spread.median, empty)] for name, spread in taken.items()]
    show("From start to end of the process", ["command", "seconds", "of an empty program"], rows)
    print()
    for name, limit in LIMITS.items():
        if name in taken:
            print(f"{name} under {limit} s: {verdict(taken[name].median < limit)}")


if __name__ == "__main__":
    main()
