"""The main job ends within 5 minutes on 2 cores, with a winner of at least 98 % on the digits test part.

The command of `make search`, once for each seed, into a temporary folder. What it leaves is then used as a user
would: a fresh process that cannot import netwright runs best/model.py with its weights and compares it with
best/model.onnx in ONNX Runtime on random inputs; the difference is relative to the largest output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import mean
from typing import Any

from _table import arguments, number, show, verdict

COMMAND = (
    "search",
    *("--task", "digits", "--space", "mobilenet-tiny"),
    *("--limit", "params<=50k", "--limit", "latency_ms@here<=0.5"),
)
FRESH = """
import json, sys
sys.modules["netwright"] = None  # importing it fails from here on
import numpy as np, onnxruntime, torch
from safetensors.torch import load_file
sys.path.insert(0, sys.argv[1])
from model import Model
network = Model()
network.load_state_dict(load_file(sys.argv[1] + "/model.safetensors"))
network.eval()
session = onnxruntime.InferenceSession(sys.argv[1] + "/model.onnx", providers=["CPUExecutionProvider"])
given = np.random.default_rng(0).standard_normal((64, 1, 8, 8)).astype("float32")
with torch.no_grad():
    mine = network(torch.from_numpy(given)).numpy()
other = session.run(None, {session.get_inputs()[0].name: given})[0]
assert np.isfinite(mine).all()
print(json.dumps({"difference": float(abs(mine - other).max() / abs(mine).max())}))
"""


def searched(folder: Path, seed: int, minutes: str, extra: list[str]) -> dict[str, Any]:
    """Result of one main job, and what its export does in a fresh process."""
    command = [sys.executable, "-m", "netwright", *COMMAND, "--budget", minutes, "--out", str(folder)]
    started = time.perf_counter()
    done = subprocess.run([*command, "--seed", str(seed), "--json", *extra], capture_output=True, text=True)
    wall = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"the main job failed with seed {seed}:\n{done.stdout}{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    best = str(folder / "best")
    fresh = subprocess.run(
        [sys.executable, "-I", "-c", FRESH, best], capture_output=True, text=True, env=alone, cwd=folder
    )
    if fresh.returncode:
        raise SystemExit(f"the export of seed {seed} does not run without netwright:\n{fresh.stderr}")
    return result | {"wall": wall} | json.loads(fresh.stdout)


def row(seed: int, result: Mapping[str, Any]) -> list[str | float]:
    """Line of the table."""
    winner = result["winner"]
    return [
        f"seed {seed}",
        number(result["wall"]),
        result["trials"]["total"],
        winner["epochs"],
        f"{winner['metrics']['test']['accuracy']:.2%}",
        f"{winner['metrics']['valid']['accuracy']:.2%}",
        f"{winner['costs']['params']:,.0f}",
        number(winner["latency"]["median_ms"]),
        verdict(all(entry["holds"] for entry in winner["limits"])),
        f"{result['difference']:.1e}",
    ]


def main() -> None:
    given = arguments(
        __doc__,
        ("seeds", 3, 1, "main jobs, one after the other"),
        ("seconds", 180, 2, "budget of the search itself; the end comes on top"),
    )
    extra = ["--epochs", "1", "--final-epochs", "1", "--no-compare"] if given.quick else []
    results = []
    for seed in range(given.seeds):
        with tempfile.TemporaryDirectory() as folder:
            results.append(searched(Path(folder) / "run", seed, f"{given.seconds}s", extra))
    header = [
        "",
        "seconds",
        "trials",
        "epochs",
        "test",
        "validation",
        "params",
        "latency, ms",
        "limits hold",
        "torch - ONNX",
    ]
    show("netwright " + " ".join(COMMAND), header, [row(seed, result) for seed, result in enumerate(results)])
    others: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        for entry in result["baselines"]:
            others.setdefault(entry["name"], []).append(entry)
    accuracies = [result["winner"]["metrics"]["test"]["accuracy"] for result in results]
    rows: list[list[str | float]] = [["winner", len(results), f"{mean(accuracies):.2%}"]]
    for name, entries in others.items():
        rows.append([name, len(entries), f"{mean(entry['metrics']['accuracy'] for entry in entries):.2%}"])
    # On a slow machine a baseline may not fit into the time of the end.
    show("Test accuracy, mean over seeds", ["", "seeds", "test"], rows)
    seconds = [result["wall"] for result in results]
    print(f"\nwithin 5 minutes: {verdict(max(seconds) <= 300)}")
    print(f"at least 98 % on the test part, every seed: {verdict(min(accuracies) >= 0.98)}")
    print(
        f"model.py without netwright equals the ONNX to 1e-5: {verdict(max(r['difference'] for r in results) < 1e-5)}"
    )


if __name__ == "__main__":
    main()
