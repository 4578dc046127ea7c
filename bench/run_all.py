"""Run every benchmark and write BENCHMARKS.md: command, machine, date and the printed tables.

`python bench/run_all.py [NAME ...]` runs the named ones, or all, and keeps the quoted tables of the others.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "BENCHMARKS.md"
ORDER = (
    "exact_results",
    "spaces",
    "spaces_against_others",
    "distinct_networks",
    "count_nasbench201",
    "histogram_ofa",
    "sample_window",
    "graph_build",
    "profile_speed",
    "startup",
    "study_overhead",
    "latency_here",
    "buffer_plans",
    "microcontrollers",
    "timing_protocol",
    "importance",
    "evolve_space",
    "new_device",
    "new_device_elsewhere",
    "table_targets",
    "large_tables",
    "device_ranks",
    "data_sheets",
    "energy",
    "transformer_latency",
    "starts",
    "main_job",
    "import",
    "cost_against_others",
)
HEAD = """# Benchmarks

Every number below is printed by a script in `bench/`, one file a claim; the command stands above each table. All run
on one core, peers in the same run. `a ± b` is the median of the repeats and the median absolute deviation from it.
A load above 0.5 when a script started says that neighbours were busy then, and that its times are upper bounds.
`python bench/run_all.py` writes this page; peers come with `pip install netwright[bench]`.
"""


def sections() -> dict[str, str]:
    """Sections of the page as it is, by the name of the benchmark."""
    if not PAGE.is_file():
        return {}
    parts = re.split(r"^## (\w+)\n", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def section(name: str) -> str:
    """Claim, command and what the script prints."""
    print(f"{name} ...", flush=True)
    done = subprocess.run([sys.executable, str(HERE / f"{name}.py")], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout}{done.stderr}")
    claim, machine, *rest = done.stdout.rstrip().splitlines()
    table = "\n".join(rest).strip("\n")
    return f"{claim}\n\n`python bench/{name}.py`, on {machine}:\n\n```text\n{table}\n```"


def main() -> None:
    wanted = sys.argv[1:] or list(ORDER)
    unknown = [name for name in wanted if name not in ORDER]
    if unknown:
        raise SystemExit(f"benchmarks are {', '.join(ORDER)}, but got {', '.join(unknown)}.")
    for name in wanted:
        found = {**sections(), name: section(name)}
        body = "\n\n".join(f"## {name}\n\n{found[name]}" for name in ORDER if name in found)
        PAGE.write_text(f"{HEAD}\n{body}\n")


if __name__ == "__main__":
    main()
