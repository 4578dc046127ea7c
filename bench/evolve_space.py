"""A space evolved for a device: half of the cell of NAS-Bench-201 decided, for the best designs under its latency.

A subspace makes three of the six decisions of the cell. Quality is what a random forest says that saw 200 trained
designs; latency is the sum over decisions fitted to the device's table. The subspace with the best Q-T score under
three limits (the tenth, quarter and half of the latencies) is then judged by the table itself: the mean CIFAR-100
accuracy of the best fifth of its designs that are truly under each limit, mean of the three. Beside it the whole
space, the mean of 20 random subspaces, and the share of all subspaces of this kind that are worse (1 is the best).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from _table import SHARED, arguments, show

# isort: split
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from netwright.space import Design, Space
from netwright.space.catalog import get_space, nasbench201_from_string
from netwright.space.encode import one_hot
from netwright.study import Subspaces, evolve_space
from netwright.target import TableTarget

TRAINED = 200
EDGES = ("cell.0-1", "cell.0-3", "cell.2-3")
Floats = NDArray[np.float64]


def truly(
    designs: Sequence[Design], chosen: Mapping[str, Any], worth: Floats, latency: Floats, limits: Floats
) -> float:
    """Mean accuracy of the best fifth under each limit; 0 where a limit is held by no design."""
    inside = np.array([all(design[path] == value for path, value in chosen.items()) for design in designs])
    found = []
    for limit in limits:
        values = np.sort(worth[inside & (latency <= limit)])
        found.append(values[-max(len(values) // 5, 1) :].mean() if len(values) else 0.0)
    return float(np.mean(found))


def one_device(
    space: Space, designs: Sequence[Design], worth: Floats, name: str, latency: Floats, rounds: int
) -> list[str | float]:
    rng = np.random.default_rng(0)
    seen = rng.choice(len(designs), TRAINED, replace=False)
    model = RandomForestRegressor(100, random_state=0)
    model.fit(one_hot(space, [designs[i] for i in seen]), worth[seen])
    cost = f"latency_ms@{name}"
    held = space.with_costs(
        TableTarget(name, designs, {"latency_ms": list(latency)}).additive("latency_ms", space, cost)
    )
    limits = np.quantile(latency, (0.1, 0.25, 0.5))
    family = Subspaces(held, EDGES)
    evolved = evolve_space(
        family, lambda drawn: model.predict(one_hot(space, drawn)), [f"{cost} <= {limit}" for limit in limits],
        rounds=rounds,
    )  # fmt: skip
    ours = truly(designs, evolved.decisions, worth, latency, limits)
    every = [{}]
    for path, values in family.values.items():
        every = [{**chosen, path: value} for chosen in every for value in values]
    others = np.array([truly(designs, chosen, worth, latency, limits) for chosen in every])
    whole = truly(designs, {}, worth, latency, limits)
    return [
        name,
        f"{whole:.2f}",
        f"{others.mean():.2f}",
        f"{ours:.2f}",
        f"{others.max():.2f}",
        float((others < ours).mean()),
    ]


def main() -> None:
    given = arguments(__doc__, ("rounds", 100, 10, "subspaces that are scored"), ("devices", 3, 1, "devices"))
    if not SHARED.is_dir():
        show("No published tables beside the checkout", ["folder"], [[SHARED.name]])
        return
    cells = pq.read_table(SHARED / "nasbench201" / "accuracy.parquet").to_pydict()
    strings = dict(zip(cells["arch_index"], cells["arch_str"], strict=True))
    accuracy = dict(zip(cells["arch_index"], cells["c100_test_200"], strict=True))
    table = pq.read_table(SHARED / "hw_nas_bench" / "nb201.parquet").to_pydict()
    designs = [nasbench201_from_string(strings[i]) for i in table["arch_index"]]
    worth = np.array([accuracy[i] for i in table["arch_index"]])
    space = get_space("nasbench201")
    names = [name for name in table if name.endswith("_latency")][: given.devices]
    rows = [
        one_device(space, designs, worth, name.removesuffix("_latency"), np.asarray(table[name], float), given.rounds)
        for name in names
    ]
    head = ["device", "whole space", "all subspaces, mean", "evolved", "all subspaces, best", "share worse"]
    show(f"Accuracy of the best fifth under the limits, %, {given.rounds} of 125 subspaces scored", head, rows)


if __name__ == "__main__":
    main()
