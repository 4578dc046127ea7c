"""Spaces shrunk by a few evaluated designs, and a design built without a search, on tables of published results.

From each table a number of designs is drawn; options are judged by them alone. Of the twentieth of the space that is
left, the median and the best of the designs that the table has; beside it the whole table, and the best of as many
designs drawn at random from the rest (what another round of random search gives). Built: the design with the best sum
of effects, and the share of the table that is better than it, where the table has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from _table import SHARED, arguments, show

# isort: split
import numpy as np
import pyarrow.parquet as pq

from netwright.quality.importance import METHODS, effects, shrink
from netwright.space import Design, Space
from netwright.space.catalog import (
    accel_nasbench_from_row,
    get_space,
    nasbench201_from_string,
    transnas101_from_string,
)

SHARE = 0.05
Row = Mapping[str, Any]


def nasbench201(metric: str) -> Callable[[], tuple[Space, list[Design], list[float]]]:
    def read() -> tuple[Space, list[Design], list[float]]:
        table = pq.read_table(SHARED / "nasbench201" / "accuracy.parquet").to_pydict()
        return get_space("nasbench201"), [nasbench201_from_string(arch) for arch in table["arch_str"]], table[metric]

    return read


def transnas() -> tuple[Space, list[Design], list[float]]:
    rows = pq.read_table(SHARED / "transnas_bench101" / "micro_two_tasks.parquet").to_pylist()
    task = rows[0]["task"]
    kept = [row for row in rows if row["task"] == task]
    return (
        get_space("transnas101-micro"),
        [transnas101_from_string("64-41414-" + _edges(row["arch"])) for row in kept],
        [row["val_accuracy"] for row in kept],
    )


def _edges(arch: str) -> str:
    digits = "".join(filter(str.isdigit, arch))
    return f"{digits[0]}_{digits[1:3]}_{digits[3:]}"


def accel() -> tuple[Space, list[Design], list[float]]:
    rows = pq.read_table(SHARED / "accel_nasbench" / "anb.parquet").to_pylist()
    return get_space("accel-nasbench"), [accel_nasbench_from_row(row) for row in rows], [r["val_top1"] for r in rows]


TABLES: dict[str, Callable[[], tuple[Space, list[Design], list[float]]]] = {
    "NAS-Bench-201, CIFAR-10": nasbench201("c10_test_200"),
    "NAS-Bench-201, CIFAR-100": nasbench201("c100_test_200"),
    "TransNAS-Bench-101 micro": transnas,
    "Accel-NASBench": accel,
}


def results(
    space: Space, designs: Sequence[Design], values: Sequence[float], drawn: int, repeats: int
) -> Iterator[list[str | float]]:
    worth = np.asarray(values, dtype=float)
    known = {frozenset(design.items()): value for design, value in zip(designs, worth, strict=True)}
    for method in METHODS:
        rows = []
        for seed in range(repeats):
            rng = np.random.default_rng(seed)
            chosen = rng.choice(len(designs), drawn, replace=False)
            found = effects(space, [designs[i] for i in chosen], worth[chosen], method=method, seed=seed)
            smaller = shrink(space, found, SHARE)
            left = np.array([value for design, value in zip(designs, worth, strict=True) if smaller.contains(design)])
            built = known.get(frozenset(space.with_costs(found.cost()).extremes("demerit")[0][1].items()))
            again = worth[rng.choice(len(designs), min(len(left), drawn), replace=False)]
            inside = rng.permutation(left)[: len(again)]
            better = np.nan if built is None else float((worth > built).mean())
            rows.append((np.median(left), left.max(), inside.max(), again.max(), better, found.fit))
        mean = np.mean(rows, axis=0)
        yield [
            method,
            f"{100 * SHARE:g} %",
            *map(two, (np.median(worth), mean[0], worth.max(), mean[1], mean[3], mean[2])),
            percent(mean[4]),
            mean[5],
        ]


def two(value: float) -> str:
    return f"{value:.2f}"


def percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{100 * share:.1f} %"


def main() -> None:
    given = arguments(__doc__, ("repeats", 10, 1, "draws of the designs"), ("designs", 100, 40, "that are evaluated"))
    if not SHARED.is_dir():
        show("No published tables beside the checkout", ["folder"], [[SHARED.name]])
        return
    header = [
        "method", "left of the space", "median, whole", "median, left", "best, whole", "best, left", "again, whole",
        "again, left", "better than built", "fit",
    ]  # fmt: skip
    for name, read in list(TABLES.items())[: 1 if given.quick else None]:
        space, designs, values = read()
        title = f"{name}: {len(designs):,} designs, {given.designs} evaluated, mean of {given.repeats} draws"
        show(title, header, list(results(space, designs, values, given.designs, given.repeats)))


if __name__ == "__main__":
    main()
