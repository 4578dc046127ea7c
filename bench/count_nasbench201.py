"""Parameters, MACs and memory traffic of all 15,625 NAS-Bench-201 networks in under 1 s, 400 times the best peer.

Three ways: `Space.all_costs`, from the expression to the numbers in a fresh process, compilation included; netwright
network by network, each built and counted; and the peers network by network, each building the torch network (written
out below) and counting it. Peers count MACs and parameters only, none counts memory traffic.
(On torch's meta device, which computes no values, flop_counter is slower still.)
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping

from _table import Spread, arguments, interleaved, number, ratio, show, verdict
from _zoo import prepare

# isort: split
import numpy as np

from netwright.cost import costs_of
from netwright.space.catalog import nasbench201

NAMES = ("params", "macs", "traffic")
FRESH = """
import time
from netwright.space.catalog import nasbench201
import numpy
start = time.perf_counter()
costs = nasbench201().all_costs(["params", "macs", "traffic"])
print(time.perf_counter() - start, len(costs))
"""


def torch_network(design: Mapping[str, object]) -> object:
    """The network of a design in plain torch, as its authors wrote it (C=16, N=5)."""
    from torch import nn

    def triple(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Module:
        layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        return nn.Sequential(nn.ReLU(), layer, nn.BatchNorm2d(outputs))

    class Zero(nn.Module):
        def forward(self, x):  # type: ignore[no-untyped-def]
            return x * 0.0

    def edge(name: object, channels: int) -> nn.Module:
        if name == "none":
            return Zero()
        if name == "skip_connect":
            return nn.Identity()
        if name == "avg_pool_3x3":
            return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        return triple(channels, channels, 3 if name == "nor_conv_3x3" else 1)

    class Cell(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            ends = [(i, j) for j in (1, 2, 3) for i in range(j)]
            self.edges = nn.ModuleDict({f"{i}-{j}": edge(design[f"cell.{i}-{j}"], channels) for i, j in ends})

        def forward(self, x):  # type: ignore[no-untyped-def]
            values = [x]
            for j in (1, 2, 3):
                values.append(sum(self.edges[f"{i}-{j}"](values[i]) for i in range(j)))
            return values[3]

    class Reduction(nn.Module):
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.body = nn.Sequential(triple(inputs, outputs, 3, 2), triple(outputs, outputs, 3))
            self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False))

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.body(x) + self.shortcut(x)

    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)]
    for width in (16, 32, 64):
        layers += [] if width == 16 else [Reduction(width // 2, width)]
        layers += [Cell(width) for _ in range(5)]
    layers += [nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*layers).eval()


def by_flop_counter(design: Mapping[str, object]) -> tuple[int, float]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    network = torch_network(design)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))  # type: ignore[operator]
    return parameters(network), counter.get_total_flops() / 2


def by_fvcore(design: Mapping[str, object]) -> tuple[int, float]:
    import torch
    from fvcore.nn import FlopCountAnalysis

    network = torch_network(design)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        found = FlopCountAnalysis(network, torch.zeros(1, 3, 32, 32))  # type: ignore[arg-type]
        total = found.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()
    return parameters(network), total


def by_ptflops(design: Mapping[str, object]) -> tuple[int, float]:
    from ptflops import get_model_complexity_info

    network = torch_network(design)
    options = {"print_per_layer_stat": False, "as_strings": False, "verbose": False, "backend": "pytorch"}
    macs, params = get_model_complexity_info(network, (3, 32, 32), **options)
    return params, macs


def by_calflops(design: Mapping[str, object]) -> tuple[int, float]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from calflops import calculate_flops

        network = torch_network(design)
        options = {"print_results": False, "print_detailed": False, "output_as_string": False}
        _, macs, params = calculate_flops(model=network, input_shape=(1, 3, 32, 32), **options)
    return params, macs


def parameters(network: object) -> int:
    return sum(p.numel() for p in network.parameters())  # type: ignore[attr-defined]


PEERS: dict[str, Callable[[Mapping[str, object]], tuple[int, float]]] = {
    "torch flop_counter": by_flop_counter,
    "fvcore": by_fvcore,
    "ptflops": by_ptflops,
    "calflops": by_calflops,
}


def available() -> list[str]:
    """Peers that can be imported."""
    found = []
    prepare()
    for name in PEERS:
        module = name.split()[0]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                __import__(module)
        except ImportError as error:
            print(f"{name} is left out: {error}")
            continue
        found.append(name)
    return found


def in_fresh_processes(repeats: int) -> Spread:
    """Seconds from the expression to all numbers, the first time in a process."""
    found = []
    for _ in range(repeats):
        done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
        found.append(float(done.stdout.split()[0]))
    return Spread(tuple(found))


def main() -> None:
    given = arguments(
        __doc__,
        ("processes", 11, 2, "fresh processes for the forest"),
        ("sample", 500, 20, "networks that netwright builds one by one"),
        ("networks", 7, 1, "networks that each peer counts"),
    )
    space = nasbench201()
    numbers = np.random.default_rng(0).choice(15625, max(given.sample, given.networks), replace=False)
    designs = [space.design_at(int(n)) for n in numbers]
    forest = in_fresh_processes(given.processes)
    ours, theirs, disagree = [], {}, 0
    peers = available()
    for name in peers:
        PEERS[name](designs[0])  # imports and caches of its own
    costs_of(space.network(designs[0]), NAMES)
    chunk = len(designs) // given.networks
    for turn in range(given.networks):
        mine = designs[turn * chunk : (turn + 1) * chunk]
        runs = {"ours": lambda mine=mine: [costs_of(space.network(d), NAMES) for d in mine]}
        runs |= {name: lambda name=name, d=mine[0]: PEERS[name](d) for name in peers}
        taken = interleaved(runs, 1)
        ours.append(taken.pop("ours").median / len(mine))
        for name, spread in taken.items():
            theirs.setdefault(name, []).append(spread.median)
        if "torch flop_counter" in peers:
            found = costs_of(space.network(mine[0]), NAMES)
            disagree += (found["params"], found["macs"]) != by_flop_counter(mine[0])
    rates = {name: 1 / Spread(tuple(values)).median for name, values in theirs.items()}
    best = max(rates.values(), default=float("nan"))
    graphs, at_once = Spread(tuple(ours)), 15625 / forest.median
    rows = [
        ["netwright, all 15,625 at once", forest.text(1e3), number(at_once), ratio(at_once, best)],
        ["netwright, graph by graph", graphs.text(1e3), number(1 / graphs.median), ratio(1 / graphs.median, best)],
    ]
    for name, rate in rates.items():
        rows.append([f"{name} (1 network)", Spread(tuple(theirs[name])).text(1e3), number(rate), ratio(rate, best)])
    show("Counting NAS-Bench-201 networks, building included", ["", "ms", "networks/s", "of best peer"], rows)
    print(f"\nall 15,625 in under 1 s: {verdict(forest.median < 1)} ({forest.median * 1e3:.1f} ms)")
    print(f"400 times the best peer: {verdict(at_once >= 400 * best)}")
    if "torch flop_counter" in peers:
        print(f"networks on which params or MACs differ from torch flop_counter: {disagree} of {given.networks}")


if __name__ == "__main__":
    main()
