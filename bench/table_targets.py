"""Published devices as sums over the decisions of a design: which are, and how well a sum ranks unseen designs.

Each device is fitted to all its designs, with five-fold cross-validation. Error: the median over held-out designs, as
a share of their value. Reach: the share within which nine of ten of them lie. Spearman: their rank correlation. The
columns with 200: the same fit to that many designs drawn at random, held against all others. Exact: no held-out error
above the rounding of the numbers. Least and most: of the sum over all designs, as the forest of the space has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from _table import SHARED, arguments, show

# isort: split
import numpy as np
import pyarrow.parquet as pq

from netwright.space.catalog import get_space, read_design
from netwright.target import AdditiveFit, TableTarget, rank_correlation

FEW = 200


def tables() -> Iterator[tuple[str, str, Sequence[Mapping[str, Any]], Mapping[str, Sequence[float]]]]:
    """Title, space, designs and columns of each published table."""
    cells = pq.read_table(SHARED / "nasbench201" / "accuracy.parquet").to_pydict()
    strings = dict(zip(cells["arch_index"], cells["arch_str"], strict=True))
    for title, space in (("hw_nas_bench/nb201", "nasbench201"), ("device_latency/nb201_ms", "nasbench201"),
                         ("device_latency/fbnet_ms", "fbnet")):  # fmt: skip
        columns = pq.read_table(SHARED / f"{title}.parquet").to_pydict()
        texts = columns.pop("ops") if space == "fbnet" else [strings[i] for i in columns["arch_index"]]
        kept = {name: values for name, values in columns.items() if name not in ("arch_index", "dataset")}
        yield title, space, [read_design(space, text) for text in texts], kept


def few(designs: Sequence[Mapping[str, Any]], values: Sequence[float]) -> tuple[float, float]:
    """Median error and rank correlation of a fit to few designs, on all others."""
    rows = np.random.default_rng(0).permutation(len(designs))
    fit = AdditiveFit.of([designs[i] for i in rows[:FEW]], [values[i] for i in rows[:FEW]])
    truth = np.array([values[i] for i in rows[FEW:]])
    guess = np.array([fit.value(designs[i]) for i in rows[FEW:]])
    return float(np.median(np.abs(guess - truth) / truth)), rank_correlation(guess, truth)


def main() -> None:
    given = arguments(__doc__, ("tables", 3, 1, "of the list, from its start"))
    for title, space_name, designs, columns in islice(tables(), given.tables):
        space, rows = get_space(space_name), []
        for name, values in columns.items():
            quantity = "energy_mj" if name.endswith("energy") else "latency_ms"
            target = TableTarget(name, designs, {quantity: values})
            fit = target.fit(quantity)
            held = space.with_costs(target.additive(quantity, space, f"{quantity}@{name}"))
            low, high = (value for value, _ in held.extremes(f"{quantity}@{name}"))
            error, rank = few(designs, values)
            said = "yes" if fit.exact else "no"
            rows.append([name, said, fit.error, fit.reach, fit.spearman, error, rank, low, high])
        head = ["device", "exact", "error", "reach", "Spearman", f"error {FEW}", f"Spearman {FEW}", "least", "most"]
        show(f"{title}: {len(designs):,} designs of {space_name}", head, rows)


if __name__ == "__main__":
    main()
