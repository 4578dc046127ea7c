"""A latency told by the protocol repeats within 1 % over processes, and within 2 % and 4 % of it under load.

One network of about 15 MFLOPs in ONNX Runtime, one thread, batch 1. Each process measures it naively (mean of the
first 10 runs), by the median of 50 runs after a warm-up, and by the protocol of the target `here` in a second: bursts
between bursts of a reference network. With 0, 1, 2 and 3 neighbours that keep a core busy each, which this script
starts. MAD: median absolute deviation over the processes, of their median. Bias: their median over that of the same
measure on the machine as it is, minus 1; of the naive mean over the median of 50.

A network compared with itself: how often the two are called different, loaded once each, and loaded several times as
`Here.compare` does it. Most apart: the largest difference of the two. Reported alone: share of the intervals of a
latency measured in a second, half as many times, that hold the median of these.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _table import Spread, arguments, number, show, verdict

# isort: split
import numpy as np

from netwright.blocks import classifier, conv
from netwright.cost import cost
from netwright.graph import Graph, image
from netwright.io import save_onnx
from netwright.space.catalog import get_space
from netwright.target import Estimate, Here, Setup, differ, time_graphs

MEASURE = """
import sys, time
import numpy as np
from netwright.io import from_onnx
from netwright.target import Here, Setup

graph = from_onnx(sys.argv[1])
run = Setup().runner(graph)

def once():
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3

naive = np.mean([once() for _ in range(10)])
for _ in range(50):
    run()
middle = np.median([once() for _ in range(50)])
told = Here().careful().latency(graph)
print(naive, middle, told.value, told.low, told.high)
"""
BUSY = "while True: sum(range(10000))"
NAMES = ("naive mean of 10", "median of 50", "protocol")


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
    """Naive, middle and told ms with its interval: a row for each process."""
    rows = []
    for _ in range(processes):
        done = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
        rows.append([float(text) for text in done.stdout.split()])
    return np.array(rows)


def loaded_once(graph: Graph) -> list[Estimate]:
    """Twice the same network, in turns."""
    timings = time_graphs([graph, graph], Setup(), seconds=Here().seconds)
    return [Estimate(each.median_ms, each.low_ms, each.high_ms, "ms", "measured") for each in timings]


def of_one_convolution(size: int) -> Graph:
    """A network of microseconds."""
    x = image(3, size, size)
    return Graph([x], [classifier(conv(x, 16), 10)])


def itself(graph: Graph, pairs: int) -> list[str | float]:
    """How often it is called different and how far apart at most, of either way, and how often its intervals hold."""
    row: list[str | float] = [f"{Here().latency(graph).value:.3g}"]
    for way in (loaded_once, lambda each: Here().compare([each, each])):
        found = [way(graph) for _ in range(pairs)]
        most = max(abs(a.value / b.value - 1) for a, b in found)
        row += [f"{sum(differ(a, b) for a, b in found)} of {pairs}", f"{most:.1%}"]
    alone = [Here().careful().latency(graph) for _ in range((pairs + 1) // 2)]
    middle = np.median([each.value for each in alone])
    return [*row, f"{np.mean([each.low <= middle <= each.high for each in alone]):.0%}"]


def main() -> None:
    given = arguments(
        __doc__,
        ("processes", 10, 2, "fresh processes of each"),
        ("neighbours", 3, 1, "at most"),
        ("pairs", 20, 2, "of a network with itself"),
    )
    space = get_space("mobilenet-tiny", (3, 32, 32))
    graph = space.network(space.sample(np.random.default_rng(0), 1, "7M <= macs <= 8M")[0])
    rows, held = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = save_onnx(graph, Path(folder) / "model.onnx")
        measured(path, 1)  # bytecode and disk cache
        base: dict[str, float] = {}
        pairs: list[list[str | float]] = []
        small = {f"one convolution, {n}x{n}": of_one_convolution(n) for n in (8, 16, 32)}
        for busy in range(given.neighbours + 1):
            with neighbours(busy):
                found = measured(path, given.processes)
                for name, each in {**small, space.name: graph}.items():
                    pairs.append([f"{busy} busy: {name}", *itself(each, given.pairs)])
            spreads = {name: Spread(tuple(found[:, place])) for place, name in enumerate(NAMES)}
            base = base or {name: spread.median for name, spread in spreads.items()}
            base[NAMES[0]] = base[NAMES[1]]
            for name, spread in spreads.items():
                mad, bias = spread.mad / spread.median, spread.median / base[name] - 1
                rows.append([f"{busy} busy: {name}", spread.text(), f"{mad:.1%}", f"{bias:+.1%}"])
                if name == NAMES[-1]:
                    held.append(mad < (0.02 if busy else 0.01) and abs(bias) < 0.04)
                    inside = np.mean((found[:, 3] <= spread.median) & (spread.median <= found[:, 4]))
                    rows[-1].append(f"{inside:.0%}")
                else:
                    rows[-1].append("")
    show(
        f"{number(2 * cost('macs').of(graph) / 1e6)} MFLOPs, {given.processes} processes of each",
        ["", "ms", "MAD", "bias", "intervals that hold the median"],
        rows,
    )
    show(
        "A network compared with itself",
        ["", "ms", "loaded once: different", "most apart", "compared: different", "most apart", "reported alone"],
        pairs,
    )
    print()
    for busy, holds in enumerate(held):
        aim = "MAD < 2 % and bias < 4 %" if busy else "MAD < 1 %"
        print(f"protocol, {busy} busy neighbours: {aim}: {verdict(holds)}")


if __name__ == "__main__":
    main()
