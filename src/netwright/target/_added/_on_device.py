"""Measure the networks of this folder on this machine: python measure.py, which writes device.json.

Needs Python 3.8 or newer, numpy and onnxruntime, and nothing else. `networks.json` beside it says what to measure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import statistics
import sys
import time
from pathlib import Path
from typing import NoReturn

FORMAT, VERSION = "netwright-device", 1
TYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(int64)": "int64",
    "tensor(int32)": "int32", "tensor(int8)": "int8", "tensor(uint8)": "uint8", "tensor(bool)": "bool",
}  # fmt: skip
RESAMPLES = 300


def main() -> None:
    """Measure every network in several rounds, in an order drawn anew for each, and write one file."""
    here = Path(__file__).resolve().parent
    given = _arguments(here)
    check(given)
    asked = json.loads(content_of(here / "networks.json"))
    networks = asked["networks"]
    rounds: list[list[list[float]]] = [[] for _ in networks]
    for number in range(given.rounds):
        order = list(range(len(networks)))
        random.shuffle(order)
        for place, i in enumerate(order, 1):
            print(f"\rround {number + 1} of {given.rounds}, network {place} of {len(order)} ", end="", flush=True)
            rounds[i].append(measure(here / networks[i]["file"], networks[i]["sha256"], given))
    print()
    found = [summary(each) for each in rounds]
    rows = [{**kept(networks[i]), **found[i]} for i in range(len(networks))]
    write(given.out, document(given, asked, rows))
    shaky = [each for each in found if each["spread"] > 0.1]
    if shaky:
        print(f"{len(shaky)} of {len(rows)} networks varied by more than 10 % between rounds: was it busy or hot?")
    print(f"wrote {given.out}; where you have netwright: netwright targets add {Path(given.out).name}")


def _arguments(here: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default=platform.node() or "device", help="name of this device")
    parser.add_argument("--threads", type=whole, default=1, help="threads within an operator")
    parser.add_argument("--batch", type=whole, default=1, help="rows of the input")
    parser.add_argument("--rounds", type=whole, default=5, help="rounds over all networks")
    parser.add_argument("--seconds", type=positive, default=0.3, help="time for each network in each round")
    parser.add_argument("--provider", default="CPUExecutionProvider", help="execution provider of ONNX Runtime")
    parser.add_argument("--out", default=str(here / "device.json"), help="file to write")
    return parser.parse_args()


def whole(text: str) -> int:
    """Number of an option of which there is one at least."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be a whole number of 1 or more, but got {text!r}")
    return int(text)


def positive(text: str) -> float:
    """Number of an option that is above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"it must be a number above 0, but got {text!r}")
    return number


def fail(text: str) -> NoReturn:
    """End with one sentence."""
    print(f"\nerror: {text}", file=sys.stderr)
    sys.exit(2)


def check(given: argparse.Namespace) -> None:
    """End where measuring would be in vain."""
    try:
        import numpy  # noqa: F401
        import onnxruntime
    except ImportError as error:
        fail(f"this needs {error.name}, which is not installed: pip install numpy onnxruntime.")
    available = onnxruntime.get_available_providers()
    if given.provider not in available:
        fail(f"--provider must be one of {', '.join(available)} here, but got {given.provider}.")
    if not Path(given.out).resolve().parent.is_dir():
        fail(f"--out must be in a folder that exists, but got {given.out}.")


def content_of(file: Path) -> bytes:
    """What a file of the folder holds."""
    try:
        return file.read_bytes()
    except OSError as error:
        fail(f"{file.name} must be beside this script, but it is not read ({error.strerror}); copy the folder again.")


def measure(file: Path, sha256: str, given: argparse.Namespace) -> list[float]:
    """Milliseconds of each run of a network, after a warm-up of a quarter of the time."""
    import numpy as np
    import onnxruntime

    content = content_of(file)
    if hashlib.sha256(content).hexdigest() != sha256:
        fail(f"{file.name} is not the file that was written; copy the folder again.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = given.threads
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(content, sess_options=options, providers=[given.provider])
    except Exception as error:  # each version has its own errors, as for operators that it does not know yet
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        fail(f"ONNX Runtime {onnxruntime.__version__} must load the networks, but of {file.name} it says: {why}")
    # ONNX Runtime goes on with the processor where a provider does not start, as without its libraries.
    if session.get_providers()[0] != given.provider:
        fail(f"{given.provider} must start on this device, but ONNX Runtime took {session.get_providers()[0]}.")
    free = [entry for entry in session.get_inputs() if entry.shape and not isinstance(entry.shape[0], int)]
    if given.batch != 1 and not free:
        fail(f"--batch {given.batch} needs networks that take any batch, but {file.name} takes one alone.")
    generator = np.random.default_rng(0)
    feeds = {}
    for entry in session.get_inputs():
        shape = [given.batch if i == 0 and not isinstance(n, int) else n for i, n in enumerate(entry.shape)]
        kind = np.dtype(TYPES[entry.type])
        draw = generator.standard_normal(shape) if kind.kind == "f" else generator.integers(0, 2, shape)
        feeds[entry.name] = draw.astype(kind)
    times: list[float] = []
    end = time.perf_counter() + given.seconds * 0.25
    session.run(None, feeds)
    while time.perf_counter() < end:
        session.run(None, feeds)
    end = time.perf_counter() + given.seconds * 0.75
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feeds)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def kept(network: dict[str, object]) -> dict[str, object]:
    """What the answer says of a network beside its times."""
    return {key: network[key] for key in ("design", "network", "graph") if key in network}


def summary(rounds: list[list[float]]) -> dict[str, float]:
    """Median of the medians of the rounds, its 95 % interval, and how far they are spread."""
    generator = random.Random(0)
    medians = [statistics.median(times) for times in rounds]
    # Runs of one round share the clock that the machine had then, so whole rounds are resampled.
    resampled = sorted(statistics.median(generator.choices(medians, k=len(medians))) for _ in range(RESAMPLES))
    value = statistics.median(medians)
    return {
        "latency_ms": value,
        "low_ms": resampled[round(0.025 * (RESAMPLES - 1))],
        "high_ms": resampled[round(0.975 * (RESAMPLES - 1))],
        "runs": sum(len(times) for times in rounds),
        "spread": (max(medians) - min(medians)) / value,
    }


def document(given: argparse.Namespace, asked: dict[str, object], rows: list[dict[str, object]]) -> dict[str, object]:
    """Everything that the file says."""
    import onnxruntime

    content = {
        "format": FORMAT,
        "version": VERSION,
        "device": given.name,
        "runtime": {
            "name": "onnxruntime",
            "version": onnxruntime.__version__,
            "provider": given.provider,
            "threads": given.threads,
            "batch": given.batch,
        },
        "system": {
            "platform": platform.platform(),
            "machine": platform.machine(),
            "processor": platform.processor(),
            "python": platform.python_version(),
        },
        "protocol": {
            "statistic": "median of the medians of rounds",
            "interval": 0.95,
            "rounds": given.rounds,
            "seconds": given.seconds,
        },
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "unit": "ms",
        "space": asked["space"],
        "rows": rows,
    }
    return {**content, "sha256": digest(content)}


def digest(content: dict[str, object]) -> str:
    """Digest of a document without its own."""
    bare = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write(out: str, content: dict[str, object]) -> None:
    """Write the file whole or not at all, one row a line."""
    head = {key: value for key, value in content.items() if key != "rows"}
    rows = content["rows"]
    assert isinstance(rows, list)
    text = json.dumps(head, indent=1)[:-2] + ',\n "rows": [\n  ' + ",\n  ".join(map(json.dumps, rows)) + "\n ]\n}\n"
    draft = Path(out + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(out)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
