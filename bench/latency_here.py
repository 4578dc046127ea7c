"""A calibration of a few minutes predicts the latency of networks it never saw within 10 %, in the right order.

For each space: networks of it are measured and a model of kernels is learned from them (`netwright calibrate`); then
other designs of the space, drawn uniformly, are measured by the same protocol and compared with what was predicted of
them. ONNX Runtime, one thread, batch 1. Spearman: rank correlation of predicted and measured latency; beside it that
of MACs alone. Within 10 %: share of the networks. Error: median. Bias: median of predicted over measured, less 1.
Drift: the same of networks of the calibration that are measured again after the unseen ones: how much faster the
machine has become since. In the interval: share inside of the 90 % interval. Sum over blocks: median error of the
additive form that a forest holds as a budget.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from _table import arguments, number, show, verdict

# isort: split
import numpy as np

from netwright.cost import cost
from netwright.graph import simplify
from netwright.space import Space
from netwright.space.catalog import get_space
from netwright.target import Calibrated, Calibration, Setup, calibrate, rank_correlation, time_graphs
from netwright.target._calibrate._networks import networks_to_measure

SPACES = {
    "mobilenet-tiny": (3, 32, 32),
    "nasbench201": None,
    "vit-tiny": (3, 32, 32),
    "ofa-mobilenetv3": None,
    "autoformer": None,
}
TOGETHER = 5
AGAIN = 20
"""Networks of the calibration to measure once more."""
SEED = 2024


def measured(space: Space, count: int, target: Calibrated, seen: set[str]) -> np.ndarray:
    """Measured, predicted, lowest, highest, summed ms and MACs: a row for each design that was not calibrated on."""
    additive = target.additive("latency_ms", space, "ms")
    assert additive is not None
    drawn = space.sample(np.random.default_rng(SEED), 2 * count)
    fresh = [each for each in drawn if f"{space.name}: {', '.join(map(str, each.values()))}" not in seen][:count]
    nominal, rows = target.calibration.reference_ms / 1e3, []
    for start in range(0, len(fresh), TOGETHER):
        plain = [space.network(design) for design in fresh[start : start + TOGETHER]]
        graphs = [simplify(graph) for graph in plain]
        timings = time_graphs(graphs, Setup(), seconds=0.5, nominal=nominal)
        for graph, whole, timing in zip(graphs, plain, timings, strict=True):
            told = target.latency(graph)
            macs = cost("macs").of(graph)
            rows.append([timing.median_ms, told.value, told.low, told.high, additive.of(whole), macs])
    return np.array(rows)


def drift(space: Space, count: int, found: Calibration) -> float:
    """What networks of the calibration took then over what they take now, less 1."""
    known = {each.what: each.ms for each in found.measured}
    again = [each for each in networks_to_measure([space], count) if each.whole and each.what in known][:AGAIN]
    ratios: list[float] = []
    for start in range(0, len(again), TOGETHER):
        part = again[start : start + TOGETHER]
        timings = time_graphs([e.graph for e in part], Setup(), seconds=0.5, nominal=found.reference_ms / 1e3)
        ratios += [known[e.what] / timing.median_ms for e, timing in zip(part, timings, strict=True)]
    return float(np.median(ratios)) - 1


def main() -> None:
    given = arguments(
        __doc__,
        ("networks", 120, 12, "networks of a space to calibrate on"),
        ("unseen", 100, 4, "networks to predict"),
        ("minutes", 4, 1, "at most, for the calibration on a space"),
        ("spaces", len(SPACES), 1, "of the list, from its start"),
    )
    rows, held = [], {}
    for name, shape in list(SPACES.items())[: given.spaces]:
        space, started = get_space(name, shape), time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            found = calibrate(
                name, [space], minutes=given.minutes, networks=given.networks, journal=Path(folder) / "measured.jsonl"
            )
        minutes = (time.perf_counter() - started) / 60
        seen = {each.what for each in found.measured}
        ms, told, low, high, summed, macs = measured(space, given.unseen, Calibrated(found), seen).T
        rank, near = rank_correlation(told, ms), np.mean(np.abs(told / ms - 1) < 0.1)
        held[name] = (rank, near)
        rows.append(
            [
                name,
                f"{len(found.measured)} in {minutes:.1f} min",
                f"{number(ms.min())} to {number(ms.max())}",
                f"{rank:.4f}",
                f"{rank_correlation(macs, ms):.4f}",
                f"{near:.0%}",
                f"{np.median(np.abs(told / ms - 1)):.1%}",
                f"{np.median(told / ms) - 1:+.1%}",
                f"{drift(space, given.networks, found):+.1%}",
                f"{np.mean((low <= ms) & (ms <= high)):.0%}",
                f"{np.median(np.abs(summed / ms - 1)):.1%}",
            ]
        )
        print(f"{name}: {minutes:.1f} minutes", file=sys.stderr, flush=True)
    header = [
        "",
        "measured",
        "ms",
        "Spearman",
        "of MACs",
        "within 10 %",
        "error",
        "bias",
        "drift",
        "in the interval",
        "sum over blocks",
    ]
    show(f"{given.unseen} unseen networks of each space", header, rows)
    print()
    for name, (rank, near) in held.items():
        print(f"{name}: Spearman >= 0.98: {verdict(rank >= 0.98)}; 80 % within 10 %: {verdict(near >= 0.8)}")


if __name__ == "__main__":
    main()
