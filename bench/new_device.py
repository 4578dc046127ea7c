"""A new device from 10 or 20 measurements and the tables of other devices: rank correlation over all other designs.

Each device in turn is the new one, and the tables of the others are known. Beside it, in the same run: a linear model
on the principal components of the other devices (the best number of components chosen by what the new device turns
out to be, in the peer's favour), and a Gaussian process on the decisions alone. Rounding: the rank correlation of a
fine latency with itself rounded as the source rounds. All known: that of gradient-boosted trees trained on four
fifths of all designs of the new device and tested on the rest; what few measurements can hardly beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from _table import SHARED, arguments, show

# isort: split
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingRegressor

from netwright.target import DeviceTransfer

Array = NDArray[np.float64]
FOLDER = SHARED / "device_latency"
BUDGETS = (10, 20)


def table(name: str) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Designs and the latency of each on every device, in ms."""
    columns = pq.read_table(FOLDER / f"{name}_ms.parquet").to_pydict()
    designs = READERS[name](columns)
    known = {"arch_index", "ops", "ks", "e", "d", "r"}
    return designs, {key: np.asarray(values, float) for key, values in columns.items() if key not in known}


def nb201(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    cells = pq.read_table(SHARED / "nasbench201" / "accuracy.parquet").to_pydict()
    index = next(key for key in ("arch_index", "index") if key in cells)
    ops = dict(zip(cells[index], cells["op_tuple"], strict=True))
    edges = ("0-1", "0-2", "0-3", "1-2", "1-3", "2-3")
    cells_in_order = [numbers(ops[i]) for i in columns["arch_index"]]
    return [{f"{edge}.op": op for edge, op in zip(edges, cell, strict=True)} for cell in cells_in_order]


def fbnet(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [{f"layer{i}.op": op for i, op in enumerate(numbers(row))} for row in columns["ops"]]


def ofa(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    designs = []
    for ks, e, d, r in zip(*(columns[key] for key in ("ks", "e", "d", "r")), strict=True):
        kernels, expansions = numbers(ks), numbers(e)
        design: dict[str, Any] = {"input": r}
        for stage, depth in enumerate(numbers(d)):
            design[f"stage{stage}.depth"] = depth
            for block in range(depth):
                place = f"stage{stage}.{block}"
                design[f"{place}.kernel"] = kernels[4 * stage + block]
                design[f"{place}.expand"] = expansions[4 * stage + block]
        designs.append(design)
    return designs


READERS = {"nb201": nb201, "fbnet": fbnet, "ofa": ofa}


def numbers(text: Any) -> list[int]:
    return [int(word) for word in str(text).translate(str.maketrans("(),", "   ")).split()]


def rank(a: Array, b: Array) -> float:
    return float(spearmanr(a, b).statistic)


def components(others: Array, rows: NDArray[np.int64], logs: Array) -> list[Array]:
    """Linear model on the first 1, 2 and 3 principal components of the other devices' logarithms."""
    centred = (others - others.mean(axis=0)) / others.std(axis=0)
    scores = np.linalg.svd(centred, full_matrices=False)[0] * np.sqrt(len(others))
    found = []
    for count in range(1, min(3, others.shape[1]) + 1):
        columns = np.column_stack([scores[:, :count], np.ones(len(scores))])
        found.append(columns @ np.linalg.lstsq(columns[rows], logs, rcond=None)[0])
    return found


def everything(decisions: Array, latency: Array) -> tuple[float, Array]:
    """Rank correlation of a model that saw four fifths of the designs, and its predictions of all of them."""
    fold = np.random.default_rng(0).integers(0, 5, len(latency))
    trees = HistGradientBoostingRegressor(random_state=0)
    guess = np.empty(len(latency))
    for part in range(5):
        guess[fold == part] = trees.fit(decisions[fold != part], latency[fold != part]).predict(
            decisions[fold == part]
        )
    return rank(guess, latency), guess


def rounding(latency: Array, guess: Array) -> float:
    """What rounding leaves: a fine latency, and the same in whole milliseconds where the source has no others."""
    whole = bool((latency == np.round(latency)).all())
    return rank(guess, np.round(guess)) if whole else 1.0


def one_device(name: str, designs: list[dict[str, Any]], tables: dict[str, Array], repeats: int) -> dict[str, Any]:
    """Mean results with one device as the new one."""
    latency = tables[name]
    others = {key: values for key, values in tables.items() if key != name}
    logs = np.log(np.column_stack(list(others.values())))
    row: dict[str, Any] = {}
    for budget in BUDGETS:
        found: dict[str, list[float]] = {"ours": [], "drawn": [], "components": [], "decisions": [], "cover": []}
        peers: list[list[float]] = []
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            transfer = DeviceTransfer(designs, others, seed=seed)
            alone = DeviceTransfer(designs, {}, seed=seed)
            drawn = rng.choice(len(designs), budget, replace=False)
            chosen = transfer.choose(budget)
            rest = np.setdiff1d(np.arange(len(designs)), chosen)
            guess = transfer.predict(chosen, latency[chosen])
            inside = (guess.low_ms <= latency) & (latency <= guess.high_ms)
            found["ours"].append(rank(guess.median_ms[rest], latency[rest]))
            found["cover"].append(float(inside[rest].mean()))
            found["drawn"].append(rank(transfer.predict(drawn, latency[drawn]).median_ms, latency))
            own = alone.choose(budget)
            found["decisions"].append(rank(alone.predict(own, latency[own]).median_ms, latency))
            peers.append([rank(p, latency) for p in components(logs, drawn, np.log(latency[drawn]))])
        found["components"] = [float(np.max(np.mean(peers, axis=0)))]
        row[str(budget)] = {key: float(np.mean(values)) for key, values in found.items()}
    row["all"], guess_all = everything(transfer.features.decisions, latency)
    row["rounding"] = rounding(latency, guess_all)
    return row


def main() -> None:
    given = arguments(
        __doc__,
        ("repeats", 5, 1, "seeds"),
        ("designs", 15625, 300, "most designs of a space"),
        ("devices", 27, 3, "most devices of a space"),
    )
    if not FOLDER.is_dir():
        show("No published tables beside the checkout", ["folder"], [[str(FOLDER.parent.name)]])
        return
    for name in READERS:
        designs, tables = table(name)
        designs = designs[: given.designs]
        tables = {device: tables[device][: given.designs] for device in list(tables)[: given.devices]}
        results = {device: one_device(device, designs, tables, given.repeats) for device in tables}
        keys = ("ours", "drawn", "components", "decisions", "cover")
        header = ["device", *(f"{key} {k}" for k in BUDGETS for key in keys), "all known", "rounding"]
        rows = [
            [device, *(row[str(k)][key] for k in BUDGETS for key in keys), row["all"], row["rounding"]]
            for device, row in results.items()
        ]
        means = [float(np.mean([row[i] for row in rows])) for i in range(1, len(header))]
        show(f"{name}: Spearman with each device as the new one", header, [*rows, ["mean", *means]])


if __name__ == "__main__":
    main()
