"""A table of many designs is added in time that grows with its rows, and asked in a second whatever their number.

Designs of FBNet drawn at random, in a CSV file with a made-up latency: a sum over layers with noise of 1 %. Added:
seconds of `add_target`, which checks that the space has every design and fits the sum. One by one: how many times as
long `Space.contains` takes for 5,000 designs as `Space.contains_each` does. Asked: seconds of a new process that asks
the target for one design, and its peak memory; imports alone: those of one that only imports. Kept: size
of the file; as rows: that of the same designs as JSON objects.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _table import Spread, arguments, number, show

# isort: split
import numpy as np

from netwright.space import Design, Space
from netwright.space.catalog import get_space
from netwright.target import add_target
from netwright.target._folder import targets_folder

SIZES = (5_000, 50_000)
IMPORTS = "import resource; from netwright.target import get_target"
ASK = "import json, sys; get_target('large').latency(None, json.loads(sys.argv[1]))"
TELL = "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def different(space: Space, count: int) -> list[Design]:
    """So many designs of the space, each once."""
    rng, found = np.random.default_rng(0), dict[tuple[object, ...], Design]()
    while len(found) < count:
        found |= {tuple(design.items()): design for design in space.sample(rng, count)}
    return list(found.values())[:count]


def write(file: Path, designs: list[Design]) -> None:
    """The designs with latencies."""
    rng = np.random.default_rng(1)
    prices = {
        decision: rng.uniform(0.1, 1) for decision in dict.fromkeys(d for each in designs for d in each.items())
    }
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow([*designs[0], "latency_ms"])
        for design in designs:
            ms = sum(prices[decision] for decision in design.items()) * rng.normal(1, 0.01)
            rows.writerow([*design.values(), ms])


def process(code: str, design: Design) -> tuple[float, float]:
    """Seconds and peak MB of a new process."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(dict(design))], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, int(done.stdout) / 1024


def seconds(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def main() -> None:
    given = arguments(__doc__, ("designs", SIZES[-1], 300, "of the largest table"), ("repeats", 5, 1, "of each time"))
    space = get_space("fbnet")
    assert space.size()
    rows: list[list[str | float]] = []
    for count in sorted({min(size, given.designs) for size in SIZES}):
        designs = different(space, count)
        with tempfile.TemporaryDirectory() as folder:
            os.environ["NETWRIGHT_HOME"] = folder
            file = Path(folder) / "large.csv"
            write(file, designs)
            added = seconds(lambda file=file: add_target(file, space=space))
            some = designs[:5000]
            ratios = [
                seconds(lambda some=some: [space.contains(each) for each in some])
                / seconds(lambda some=some: space.contains_each(some))
                for _ in range(given.repeats)
            ]
            alone = [process("; ".join((IMPORTS, TELL)), designs[0]) for _ in range(given.repeats)]
            asked = [process("; ".join((IMPORTS, ASK, TELL)), designs[0]) for _ in range(given.repeats)]
            kept = next(targets_folder().glob("large.*")).stat().st_size
        as_rows = sum(len(json.dumps({"design": dict(each), "latency_ms": 1.2345678})) for each in designs)
        rows.append(
            [
                f"{count:,}",
                f"{added:.1f}",
                Spread(tuple(ratios)).text(),
                Spread(tuple(s for s, _ in alone)).text(),
                Spread(tuple(s for s, _ in asked)).text(),
                number(max(mb for _, mb in asked)),
                f"{kept / 1e6:.2f}",
                f"{as_rows / 1e6:.2f}",
            ]
        )
    header = [
        "designs",
        "added, s",
        "one by one",
        "imports alone, s",
        "asked, s",
        "peak MB",
        "kept, MB",
        "as rows, MB",
    ]
    show("Tables of FBNet", header, rows)


if __name__ == "__main__":
    main()
