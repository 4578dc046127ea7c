"""Building and costing a graph takes microseconds a node, needs no torch, and grows linearly with the nodes.

A chain of convolution, ReLU and sum of 300, 3,000 and 30,000 nodes, step by step; then the networks of
NAS-Bench-201. Python's garbage collector looks through all objects now and then, so steps are timed without it; the
last row but one has it on. Peer, where installed: the chain built in torch on the meta device and traced by torch.fx.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec

from _table import Spread, arguments, interleaved, number, quiet, ratio, seconds, show, verdict

# isort: split
import numpy as np

from netwright.cost import costs_of
from netwright.graph import Graph, Tensor, canonical_hash, image, ops, parameter, verify
from netwright.space.catalog import nasbench201

NAMES = ("params", "macs", "flops", "traffic", "peak_memory")


def chain(nodes: int) -> tuple[Tensor, Tensor]:
    """A convolution, a ReLU and a sum with what went in, over and over."""
    x = y = image(16, 8, 8)
    for _ in range(nodes // 3):
        y = ops.relu(ops.conv(y, parameter("weight", (16, 16, 3, 3)), pads=1)) + y
    return x, y


def steps(nodes: int) -> dict[str, Callable[[], object]]:
    """What is timed, by name; each step goes on from the one before."""
    made: dict[str, object] = {}
    return {
        "build": lambda: made.update(ends=chain(nodes)),
        "order": lambda: made.update(graph=Graph([made["ends"][0]], [made["ends"][1]])),
        "5 costs": lambda: costs_of(made["graph"], NAMES),
        "names": lambda: made["graph"].names,
        "verify": lambda: verify(made["graph"]),
        "canonical hash": lambda: canonical_hash(made["graph"]),
    }


def by_torch(nodes: int) -> object:
    """The chain as modules on the meta device, traced into a graph."""
    import torch
    from torch import fx, nn

    class Step(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(16, 16, 3, padding=1, bias=False)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return torch.relu(self.conv(x)) + x

    with torch.device("meta"):
        return fx.symbolic_trace(nn.Sequential(*(Step() for _ in range(nodes // 3))))


def growth(sizes: list[int], repeats: int) -> None:
    columns, collected = {}, []
    for nodes in sizes:
        interleaved(steps(nodes), 1)  # warm-up
        with quiet():
            columns[nodes] = interleaved(steps(nodes), repeats)
        collected.append(sum(spread.median for spread in interleaved(steps(nodes), repeats).values()) / nodes * 1e6)
    rows = []
    for name in columns[sizes[0]]:
        each = [columns[nodes][name].median / nodes * 1e6 for nodes in sizes]
        rows.append([name, *map(number, each), number(each[-1] / each[0])])
    total = [sum(spread.median for spread in columns[nodes].values()) / nodes * 1e6 for nodes in sizes]
    rows.append(["all of these", *map(number, total), number(total[-1] / total[0])])
    rows.append(["... with the collector on", *map(number, collected), number(collected[-1] / collected[0])])
    if find_spec("torch"):
        by_torch(sizes[0])
        traced = [seconds(lambda nodes=nodes: by_torch(nodes)) / nodes * 1e6 for nodes in sizes[:2]]
        rows.append(["torch.fx: build and trace", *map(number, traced), *[""] * (len(sizes) - 1)])
    header = ["step", *(f"{n:,} nodes" for n in sizes), f"x at {sizes[-1] // sizes[0]}x"]
    show("Chain: microseconds a node", header, rows)
    if find_spec("torch"):
        ours = sum(columns[sizes[1]][name].median for name in ("build", "order")) / sizes[1] * 1e6
        print(f"\nbuild and order, {sizes[1]:,} nodes: {ratio(traced[1], ours)} as fast as torch.fx")
    longest, middle = columns[sizes[-1]], columns[sizes[-2]]
    worst, name = max((longest[name].median / middle[name].median, name) for name in longest)
    times = sizes[-1] / sizes[-2]
    linear = verdict(worst < 1.8 * times)
    print(f"{number(times)}x the nodes take at most {number(worst)}x as long ({name}); linear: {linear}")


def networks(count: int) -> None:
    space = nasbench201()
    numbers = np.random.default_rng(0).choice(15625, count, replace=False)
    designs = [space.design_at(int(n)) for n in numbers]
    space.network(designs[0])
    build, cost, hashing, nodes = [], [], [], []
    for design in designs:
        made: dict[str, Graph] = {}
        taken = interleaved(
            {
                "build": lambda made=made, design=design: made.update(graph=space.network(design)),
                "cost": lambda made=made: costs_of(made["graph"], ("params", "macs", "traffic")),
                "hash": lambda made=made: canonical_hash(made["graph"]),
            },
            1,
        )
        nodes.append(len(made["graph"].nodes))
        build.append(taken["build"].median)
        cost.append(taken["cost"].median)
        hashing.append(taken["hash"].median)
    size = float(np.mean(nodes))
    rows = []
    for name, values in (("design to graph", build), ("params, macs, traffic", cost), ("canonical hash", hashing)):
        spread = Spread(tuple(values))
        rows.append([name, spread.text(1e3), number(spread.median / size * 1e6), number(1 / spread.median)])
    title = f"NAS-Bench-201 (C=16, N=5): {number(size)} nodes on average, {count} networks"
    show(title, ["step", "ms", "us a node", "networks/s"], rows)


def main() -> None:
    given = arguments(
        __doc__,
        ("largest", 30_000, 3_000, "nodes of the longest chain"),
        ("repeats", 5, 1, "repeats"),
        ("networks", 300, 10, "NAS-Bench-201 networks"),
    )
    print(f"\nnetwright works without importing torch: {verdict('torch' not in sys.modules)}")
    growth([given.largest // 100, given.largest // 10, given.largest], given.repeats)
    networks(given.networks)


if __name__ == "__main__":
    main()
