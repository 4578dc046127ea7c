"""Every benchmark runs, prints its claim, its machine and a table."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
SCRIPTS = sorted(p.stem for p in BENCH.glob("*.py") if p.stem != "run_all" and not p.stem.startswith("_"))
NEEDS = {
    "cost_against_others": ("timm", "transformers", "fvcore", "calflops", "ptflops"),
    "count_nasbench201": ("torch",),
    "import": ("timm",),
    "latency_here": ("onnxruntime",),
    "importance": ("torch",),
    "main_job": ("onnxruntime",),
    "timing_protocol": ("onnxruntime",),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_runs(name: str) -> None:
    missing = [package for package in NEEDS.get(name, ()) if find_spec(package) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    done = subprocess.run([sys.executable, BENCH / f"{name}.py", "--quick"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    claim, machine, *rest = done.stdout.splitlines()
    assert claim.endswith(".")
    assert "cores, one thread; Python" in machine
    assert any(re.fullmatch(r"-+(  -+)+", line) for line in rest)


def test_the_page_quotes_every_benchmark() -> None:
    sys.path.insert(0, str(BENCH))
    try:
        import run_all
    finally:
        sys.path.remove(str(BENCH))
    assert sorted(run_all.ORDER) == SCRIPTS


def test_a_number_keeps_the_digits_that_matter() -> None:
    sys.path.insert(0, str(BENCH))
    try:
        from _table import Spread, number
    finally:
        sys.path.remove(str(BENCH))
    assert [number(x) for x in (15625.4, 0.012345, 3.0, 2.5e-10, 0, 99.96)] == [
        "15,625", "0.0123", "3", "2.5e-10", "0", "100",
    ]  # fmt: skip
    spread = Spread((1.0, 2.0, 4.0, 2.0))
    assert (spread.median, spread.mad, spread.rate(10)) == (2.0, 0.5, "5 ± 1.2")
