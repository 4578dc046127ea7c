"""What the benchmarks share: one thread, interleaved repeats, median and spread, a plain table."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

# Claims are about one core, and this must be set before NumPy or torch is imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

__all__ = [
    "SHARED",
    "Spread",
    "arguments",
    "interleaved",
    "machine",
    "number",
    "quiet",
    "ratio",
    "repeated",
    "seconds",
    "show",
    "verdict",
]

SHARED = Path(__file__).parents[2] / "shared" / "data"
"""Published tables, where they stand beside the checkout."""


@dataclass(frozen=True)
class Spread:
    """Median of repeats, and the median absolute deviation from it."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def mad(self) -> float:
        return median(abs(value - self.median) for value in self.values)

    def text(self, factor: float = 1.0, digits: int = 3) -> str:
        """`median ± MAD`, times a factor."""
        return f"{number(self.median * factor, digits)} ± {number(self.mad * factor, 2)}"

    def rate(self, count: float, digits: int = 3) -> str:
        """`count` things a repeat, as things a second, with the spread of the seconds carried over."""
        per_second = count / self.median
        return f"{number(per_second, digits)} ± {number(per_second * self.mad / self.median, 2)}"


def seconds(run: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@contextmanager
def quiet() -> Iterator[None]:
    """Without the garbage collector, whose full collections cost more the more objects there are."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def repeated(run: Callable[[], object], repeats: int) -> Spread:
    """Seconds of several calls."""
    return Spread(tuple(seconds(run) for _ in range(repeats)))


def interleaved(runs: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Spread]:
    """Seconds of several contestants, one call of each in turn, so that a busy moment meets all of them."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            taken[name].append(seconds(run))
    return {name: Spread(tuple(values)) for name, values in taken.items()}


def number(value: float, digits: int = 3) -> str:
    """A number with so many digits that matter, without an exponent where that is readable.

    >>> number(15625.4), number(0.012345), number(3.0), number(2.5e-10)
    ('15,625', '0.0123', '3', '2.5e-10')
    """
    if value == 0 or not 1e-5 <= abs(value) < 1e10:
        return f"{value:.{digits}g}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    decimals = max(digits - 1 - int(f"{value:e}".split("e")[1]), 0)
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"


def ratio(slow: float, fast: float) -> str:
    """How many times: `412x`."""
    return f"{number(slow / fast)}x"


def verdict(holds: bool) -> str:
    """Whether a claim holds in this run."""
    return "yes" if holds else "NO"


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[str | float]]) -> None:
    """Print a table: text to the left, numbers to the right."""
    cells = [list(header), *([c if isinstance(c, str) else number(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    print(f"\n{title}")
    for place, row in enumerate(cells):
        right = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *right]).rstrip())
        if place == 0:
            print("  ".join("-" * width for width in widths))


def arguments(
    doc: str, *options: tuple[str, int, int, str], flags: Mapping[str, str] | None = None
) -> argparse.Namespace:
    """Command line of a benchmark, and one line on the machine it runs on.

    options: name, default, value with --quick, meaning; all are whole numbers. flags: name and meaning.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a smoke test: too few repeats for numbers to quote")
    for name, default, quick, meaning in options:
        parser.add_argument(f"--{name}", type=int, default=None, help=f"{meaning} ({default}; {quick} with --quick)")
    for name, meaning in (flags or {}).items():
        parser.add_argument(f"--{name}", action="store_true", help=meaning)
    given = parser.parse_args()
    for name, default, quick, _ in options:
        if getattr(given, name) is None:
            setattr(given, name, quick if given.quick else default)
    print(f"{doc.strip().splitlines()[0]}\n{machine()}", flush=True)
    if given.quick:
        print("--quick: a smoke test, none of these numbers is to be quoted")
    return given


def machine() -> str:
    """Processor, versions, date and how busy the machine was at the start."""
    import numpy as np

    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return (
        f"{processor()}, {os.cpu_count()} cores, one thread; Python {platform.python_version()},"
        f" NumPy {np.__version__}, {sys.platform}; {time.strftime('%Y-%m-%d')}; load when started {load}"
    )


def processor() -> str:
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
