"""Where published devices disagree about the same designs, and what a space reduced for one of them is worth there.

Spearman and Kendall: of the two latencies over the designs (Kendall over 2,000 of them). Suits: the options that
are surely friendlier to the first and to the second device, by value wherever they are, at most two each. The second
table is of NAS-Bench-201, whose accuracies on CIFAR-10 are known: hypervolume of error and latency on the device,
each as a share of its largest value, that so many designs drawn at random from the whole space, and from the one
without the option of each edge that is least friendly to the device, dominate; median over the seeds. Which options
are dropped is told from ranks alone, without accuracies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from _table import SHARED, arguments, show

# isort: split
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from netwright.space.catalog import read_design
from netwright.target import Leaning, RankComparison

Array = NDArray[np.float64]

PAIRS = {
    "nasbench201": [("1080ti_1", "1080ti_32"), ("gold_6226", "pixel2"), ("1080ti_1", "pixel2"), ("raspi4", "eyeriss"),
                    ("pixel2", "pixel3")],
    "fbnet": [("1080ti_1", "1080ti_32"), ("gold_6226", "pixel2"), ("1080ti_1", "raspi4"), ("raspi4", "eyeriss")],
}  # fmt: skip


def columns_of(space: str, most: int) -> dict[str, list[Any]]:
    """Published latencies by device; for NAS-Bench-201 also the number of the cell and its error in percent."""
    if space == "fbnet":
        return pq.read_table(SHARED / "device_latency" / "fbnet_ms.parquet").slice(0, most).to_pydict()
    tables = [SHARED / "device_latency" / "nb201_ms.parquet", SHARED / "hw_nas_bench" / "nb201.parquet"]
    cells = pq.read_table(SHARED / "nasbench201" / "accuracy.parquet").to_pydict()
    found = {"ops": cells["arch_str"], "error": [100 - each for each in cells["c10_test_200"]]}
    for file in tables:
        columns = pq.read_table(file).to_pydict()
        rows = {cell: row for row, cell in enumerate(columns.pop("arch_index"))}
        order = [rows[cell] for cell in cells["arch_index"]]
        columns.pop("dataset", None)
        found |= {name.removesuffix("_latency"): [values[i] for i in order] for name, values in columns.items()}
    # Neighbours in the table are alike; a part of it should not be.
    rng = np.random.default_rng(0)
    part = rng.permutation(len(cells["arch_index"]))[:most]
    return {name: [values[i] for i in part] for name, values in found.items()}


def said(leanings: Sequence[Leaning]) -> str:
    """Options that are sure, in a few words."""
    return ", ".join(str(each.option[1]) for each in leanings if each.sure) or "-"


def hypervolume(error: Array, latency: Array) -> float:
    """Share of the unit square that designs with these errors and latencies dominate."""
    order = np.lexsort((error, latency))
    best = np.minimum.accumulate(error[order])
    widths = np.diff(np.append(latency[order], 1.0))
    return float(np.sum(np.maximum(widths, 0) * (1 - best)))


def worth(found: RankComparison, error: Array, *, to_first: bool, draws: int, seeds: int) -> list[str | float]:
    """Size of the reduced space, and the hypervolumes from the whole and from the reduced one."""
    latency = np.asarray(found.a if to_first else found.b)
    dropped = {(path, value) for path, values in found.unfriendly(to_first=to_first).items() for value in values}
    left = np.array([i for i, design in enumerate(found.designs) if not dropped & set(design.items())])
    volumes: dict[str, list[float]] = {"whole": [], "reduced": []}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for name, pool in (("whole", np.arange(len(error))), ("reduced", left)):
            rows = rng.choice(pool, min(draws, len(pool)), replace=False)
            volumes[name].append(hypervolume(error[rows] / error.max(), latency[rows] / latency.max()))
    medians = [float(np.median(volumes[name])) for name in ("whole", "reduced")]
    better = float(np.mean(np.array(volumes["reduced"]) > np.array(volumes["whole"])))
    return [100 * len(left) / len(found.designs), *medians, better]


def main() -> None:
    given = arguments(__doc__, ("draws", 100, 20, "designs drawn"), ("seeds", 101, 3, "draws"),
                      ("designs", 15625, 400, "most designs of a space"))  # fmt: skip
    if not (SHARED / "device_latency").is_dir():
        show("No published tables beside the checkout", ["folder"], [["device_latency"]])
        return
    for space, pairs in PAIRS.items():
        columns = columns_of(space, given.designs)
        designs = [read_design(space, text) for text in columns["ops"]]
        rows, worths = [], []
        for first, second in pairs:
            found = RankComparison(first, second, tuple(designs), columns[first], columns[second])
            sample = RankComparison(
                first, second, tuple(designs[:2000]), columns[first][:2000], columns[second][:2000]
            )
            kinds = found.kinds()
            rows.append([f"{first}, {second}", found.spearman, sample.kendall, said(kinds[:-3:-1]), said(kinds[:2])])
            if space == "nasbench201":
                error = np.array(columns["error"])
                for device, to_first in ((first, True), (second, False)):
                    numbers = worth(found, error, to_first=to_first, draws=given.draws, seeds=given.seeds)
                    worths.append([f"{device} (against {second if to_first else first})", *numbers])
        head = ["devices", "Spearman", "Kendall", "suits the first", "suits the second"]
        show(f"{len(designs):,} designs of {space}", head, rows)
        if worths:
            head = ["reduced for", "% of designs", "whole", "reduced", "share better"]
            show(f"Hypervolume of {given.draws} designs drawn from {space}", head, worths)


if __name__ == "__main__":
    main()
