"""A new device from 10 or 20 measurements and the tables of other devices: rank correlation over all other designs.

Each device in turn is the new one, and the tables of the others are known. Beside it, in the same run: a linear model
on the principal components of the other devices (the best number of components chosen by what the new device turns
out to be, in the peer's favour), and a Gaussian process on the decisions alone.

Ceiling: what noise leaves to be known. The best of five models and their mean, each of which learns from four fifths
of all designs of the new device and foretells the rest: sums over the decisions, with and without the other devices'
latencies, of the latency and of its logarithm, and boosted trees. Which is best is told by the answers, in the
ceiling's favour. Due is the aim or, where that is less, the mean ceiling; reached compares with what is due, and says
where only the ceiling makes it less than the aim. Drawn 200: this model with ten times as many measurements as the
larger budget, drawn, to tell what more of them would bring. Rounding: the rank correlation of any order without
ties with the source's values, which are whole milliseconds on the phones; this is exact, for only the ties matter.
Twins: cells of NAS-Bench-201 that are one network, its two inner nodes exchanged, were measured apart, so that the
square root of their rank correlation is what one who knows every latency without its noise would reach; no model is
in it.

Without noise: ours over the larger of ceiling and twins, device by device, which is the rank correlation of ours with
the latency without its noise (correction for attenuation; Spearman, 1904) as far as that ceiling is exact. Twins are;
models may leave it too low, and the quotient too high then. It reads the aims so that what the noise of the source
makes impossible does not count; due and reached are the stricter reading.

Tried and not kept, for it gained next to nothing: what each layer costs on the other devices as one more term, a
covariance that is smooth in the costs of blocks, costs from data sheets as further devices, variances fitted again to
the new device's measurements, variances that foretell best from ten measurements instead of being likeliest, designs
to measure chosen for rank alone or exchanged until nothing gains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from _table import SHARED, arguments, number, show, verdict

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
AIMS = {"nb201": (0.97, 0.98), "fbnet": (0.93, 0.95), "ofa": (0.90, 0.95)}
"""Mean rank correlations to reach with so many measurements."""
MANY = 200
"""Measurements that show what a larger budget would bring."""
COVERED = (0.85, 0.95)
"""Share of the designs that 90 % intervals are to hold."""
FOLDS = 5
NONE = "op1"
"""Operator of NAS-Bench-201 that gives nothing. Operators are names, not sizes."""


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
    return [{f"{edge}.op": f"op{op}" for edge, op in zip(edges, cell, strict=True)} for cell in cells_in_order]


def fbnet(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [{f"layer{i}.op": f"op{op}" for i, op in enumerate(numbers(row))} for row in columns["ops"]]


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


def ridge(known: Array, values: Array, unknown: Array) -> Array:
    centre = known.mean(axis=0)
    centred = known - centre
    square = centred.T @ centred + np.eye(known.shape[1])
    result: Array = values.mean() + (unknown - centre) @ np.linalg.solve(square, centred.T @ (values - values.mean()))
    return result


def trees(known: Array, values: Array, unknown: Array) -> Array:
    result: Array = HistGradientBoostingRegressor(random_state=0).fit(known, values).predict(unknown)
    return result


def unseen(model: Callable[[Array, Array, Array], Array], columns: Array, values: Array) -> Array:
    """Each value, standardised, as a model has it that learned from the four fifths where it is not."""
    fold = np.random.default_rng(0).integers(0, FOLDS, len(values))
    guess = np.empty(len(values))
    for part in range(FOLDS):
        guess[fold == part] = model(columns[fold != part], values[fold != part], columns[fold == part])
    return (guess - guess.mean()) / guess.std()


def ceiling(decisions: Array, others: Array, latency: Array) -> float:
    """Rank correlation of the best of several models that know nearly all designs."""
    both = np.hstack([decisions, (others - others.mean(axis=0)) / others.std(axis=0)])
    guesses = [unseen(ridge, columns, v) for columns in (decisions, both) for v in (latency, np.log(latency))]
    guesses.append(unseen(trees, both, latency))
    return max(rank(guess, latency) for guess in [*guesses, np.mean(guesses, axis=0)])


def rounding(latency: Array) -> float:
    """Rank correlation of the values with any order without ties that agrees with them.

    Its ranks average to the shared ranks of the ties, so that the two deviations are all that is in it.
    """
    ties, count = np.unique(latency, return_counts=True)[1].astype(float), float(len(latency))
    return float(np.sqrt(1 - (ties**3 - ties).sum() / (count**3 - count)))


def twins(designs: list[dict[str, Any]], latency: Array) -> float:
    """Rank correlation with the latency of cells without noise, from pairs of cells that are one network."""
    edges = ("0-1.op", "0-2.op", "0-3.op", "1-2.op", "1-3.op", "2-3.op")
    places = {tuple(design[edge] for edge in edges): i for i, design in enumerate(designs)}
    exchanged = {cell: (cell[1], cell[0], cell[2], cell[3], cell[5], cell[4]) for cell in places if cell[3] == NONE}
    pairs = [(places[a], places[b]) for a, b in exchanged.items() if a != b and b in places]
    first, second = np.array(pairs).T
    return float(np.sqrt(max(rank(latency[first], latency[second]), 0.0)))


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
    many = np.random.default_rng(0).choice(len(designs), min(MANY, len(designs) // 2), replace=False)
    unmeasured = np.setdiff1d(np.arange(len(designs)), many)
    row["many"] = rank(transfer.predict(many, latency[many]).median_ms[unmeasured], latency[unmeasured])
    row["ceiling"] = ceiling(transfer.features.decisions, logs, latency)
    row["rounding"] = rounding(latency)
    return row


def aims(name: str, results: Mapping[str, dict[str, Any]]) -> list[list[str | float]]:
    """For each budget the mean rank correlation and coverage, and whether they are what they should be."""
    most, many = (float(np.mean([row[key] for row in results.values()])) for key in ("ceiling", "many"))
    rows: list[list[str | float]] = []
    for budget, aim in zip(BUDGETS, AIMS[name], strict=True):
        ours, cover = ([row[str(budget)][key] for row in results.values()] for key in ("ours", "cover"))
        mean, covered, due = float(np.mean(ours)), float(np.mean(cover)), min(aim, most)
        true = float(np.mean([ours_of / row["most"] for ours_of, row in zip(ours, results.values(), strict=True)]))
        reached = verdict(mean >= due) + (" (ceiling)" if due < aim and mean < aim else "")
        reach = f"{number(min(cover))} to {number(max(cover))}"
        within = verdict(COVERED[0] <= covered <= COVERED[1])
        rows.append(
            [
                f"{name} {budget}",
                aim,
                most,
                due,
                mean,
                due - mean,
                reached,
                true,
                verdict(true >= aim),
                many,
                covered,
                reach,
                within,
            ]
        )
    return rows


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
    verdicts: list[list[str | float]] = []
    for name in READERS:
        designs, tables = table(name)
        again = {device: twins(designs, latency) for device, latency in tables.items()} if name == "nb201" else {}
        designs = designs[: given.designs]
        tables = {device: tables[device][: given.designs] for device in list(tables)[: given.devices]}
        results = {device: one_device(device, designs, tables, given.repeats) for device in tables}
        keys = ("ours", "drawn", "components", "decisions", "cover")
        header = ["device", *(f"{key} {k}" for k in BUDGETS for key in keys), f"drawn {MANY}", "ceiling", "rounding"]
        rows = [
            [
                device,
                *(row[str(k)][key] for k in BUDGETS for key in keys),
                *(row[key] for key in ("many", "ceiling", "rounding")),
            ]
            for device, row in results.items()
        ]
        if again:
            header.append("twins")
            rows = [[*row, again[str(row[0])]] for row in rows]
        for device, row in results.items():
            row["most"] = max(row["ceiling"], again.get(device, 0.0))
        verdicts += aims(name, results)
        means = [float(np.mean([row[i] for row in rows])) for i in range(1, len(header))]
        show(f"{name}: Spearman with each device as the new one", header, [*rows, ["mean", *means]])
    header = [
        "space, measured",
        "aim",
        "ceiling",
        "due",
        "ours",
        "short by",
        "reached",
        "without noise",
        "reaches",
        f"drawn {MANY}",
        "cover",
        "by device",
        "85 to 95 %",
    ]
    show("Means over the devices of each space, and 90 % intervals", header, verdicts)


if __name__ == "__main__":
    main()
