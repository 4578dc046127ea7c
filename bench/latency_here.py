"""The latency protocol repeats within a few per cent over processes, where a naive mean of 10 does not.

One network of about 15 MFLOPs in ONNX Runtime, one thread; each process measures it naively (mean of the first 10
runs) and by the protocol (warm-up until steady, median of many). Once as the machine is, once with a neighbour that
keeps one core busy. Spread: (largest - smallest) / median over the processes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _table import Spread, arguments, number, ratio, show, verdict

# isort: split
import numpy as np

from netwright.cost import cost
from netwright.io import save_onnx
from netwright.space.catalog import get_space

MEASURE = """
import sys, time
import numpy as np
import onnxruntime
from netwright.target import latency_here

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], sess_options=options, providers=["CPUExecutionProvider"])
feed = {session.get_inputs()[0].name: np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype("float32")}
start = time.perf_counter()
for _ in range(10):
    session.run(None, feed)
naive = (time.perf_counter() - start) / 10 * 1e3
timing = latency_here(sys.argv[1])
print(naive, timing.median_ms, timing.mad_ms, timing.runs)
"""
BUSY = "while True: sum(range(10000))"


@contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Processes that keep a core busy each."""
    running = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def measured(path: Path, processes: int) -> np.ndarray:
    """Naive ms, protocol's ms, its MAD, its runs: a row for each process."""
    rows = []
    for _ in range(processes):
        done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
        rows.append([float(text) for text in done.stdout.split()])
    return np.array(rows)


def main() -> None:
    given = arguments(__doc__, ("processes", 9, 2, "fresh processes of each"))
    space = get_space("mobilenet-tiny", (3, 32, 32))
    design = space.sample(np.random.default_rng(0), 1, "7M <= macs <= 8M")[0]
    graph = space.network(design)
    rows, spreads = [], {}
    with tempfile.TemporaryDirectory() as folder:
        path = save_onnx(graph, Path(folder) / "model.onnx")
        measured(path, 1)  # bytecode and disk cache
        for busy in (0, 1):
            with neighbours(busy):
                found = measured(path, given.processes)
            for name, column in (("naive mean of 10", found[:, 0]), ("protocol", found[:, 1])):
                spread = (column.max() - column.min()) / np.median(column)
                spreads[busy, name] = spread
                whose = "one busy neighbour" if busy else "as it is"
                rows.append([f"{name}, {whose}", Spread(tuple(column)).text(), f"{spread:.1%}"])
            rows[-1].append(f"{np.median(found[:, 2] / found[:, 1]):.1%}")
            rows[-2].append("")
    show(
        f"{number(2 * cost('macs').of(graph) / 1e6)} MFLOPs, {given.processes} processes",
        ["", "ms", "spread over processes", "MAD within"],
        rows,
    )
    print()
    for busy, whose in ((0, "as it is"), (1, "one busy neighbour")):
        ours, naive = spreads[busy, "protocol"], spreads[busy, "naive mean of 10"]
        print(
            f"protocol within 5 %, {whose}: {verdict(ours < 0.05)}; naive spread / its spread: {ratio(naive, ours)}"
        )


if __name__ == "__main__":
    main()
