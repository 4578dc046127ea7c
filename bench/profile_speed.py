"""A profile of an imported ResNet-50 takes under 20 ms, and five costs of a graph of 5,000 nodes under 50 ms.

ResNet-50 comes from timm through torch.export where both are installed, and else from this package's own blocks.
Each repeat asks a graph that was not asked anything before, since a graph keeps what it has worked out. The chain is
of a convolution, a ReLU and a sum, over and over. The garbage collector is off while a question is timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec

from _table import Spread, arguments, quiet, seconds, show, verdict
from _zoo import prepare

# isort: split
from netwright.blocks import bottleneck, classifier, imagenet_stem
from netwright.cost import compare, costs_of, memory_plan, profile
from netwright.graph import Graph, image, ops, parameter

NAMES = ("params", "macs", "flops", "traffic", "peak_memory")


def imported() -> Graph | None:
    """ResNet-50 of timm, where it can be imported."""
    if not find_spec("timm") or not find_spec("torch"):
        return None
    prepare()
    import timm

    from netwright.io import from_torch

    return from_torch(timm.create_model("resnet50").eval(), "1x3x224x224")


def own() -> Graph:
    """ResNet-50 of this package's blocks."""
    x = image(3, 224, 224)
    y = imagenet_stem(x, 64)
    for stage, (width, times) in enumerate(((256, 3), (512, 4), (1024, 6), (2048, 3))):
        for i in range(times):
            y = bottleneck(y, width, stride=2 if stage and not i else 1)
    return Graph([x], [classifier(y, 1000)])


def chain(nodes: int) -> Graph:
    """A convolution, a ReLU and a sum with what went in, over and over."""
    x = y = image(16, 8, 8)
    for _ in range(nodes // 3):
        y = ops.relu(ops.conv(y, parameter("weight", (16, 16, 3, 3)), pads=1)) + y
    return Graph([x], [y])


def anew(graph: Graph) -> Graph:
    """The same network with nothing worked out yet."""
    return Graph(graph.inputs, graph.outputs)


def timed(graph: Graph, run: Callable[[Graph], object], repeats: int) -> Spread:
    """Seconds of a question to a graph that was not asked anything before."""
    run(anew(graph))
    taken = []
    with quiet():
        for _ in range(repeats):
            fresh = anew(graph)
            taken.append(seconds(lambda fresh=fresh: run(fresh)))
    return Spread(tuple(taken))


def main() -> None:
    given = arguments(
        __doc__, ("repeats", 15, 2, "repeats of each"), ("nodes", 5_000, 5_000, "nodes of the long chain")
    )
    print(f"\nnetwright works without importing torch: {verdict('torch' not in sys.modules)}")
    graph, name = imported(), "timm"
    if graph is None:
        graph, name = own(), "own blocks"
    long = chain(given.nodes)
    rows, found = [], {}
    for what, network, run in (
        (f"profile, ResNet-50 of {name}", graph, profile),
        ("... and its JSON document", graph, lambda g: profile(g).to_json()),
        ("diff of ResNet-50 with itself", graph, lambda g: compare(profile(g), profile(g))),
        (f"5 costs, {len(long.nodes):,} nodes", long, lambda g: costs_of(g, NAMES)),
        (f"memory plan, {len(long.nodes):,} nodes", long, memory_plan),
        (f"profile, {len(long.nodes):,} nodes", long, profile),
    ):
        found[what] = timed(network, run, given.repeats)
        rows.append([what, f"{len(network.nodes):,}", found[what].text(1e3)])
    show("Questions to a graph", ["question", "nodes", "ms"], rows)
    first, _, _, costs, *_ = (spread.median * 1e3 for spread in found.values())
    print(f"\nprofile of ResNet-50 under 20 ms: {verdict(first < 20)}; costs under 50 ms: {verdict(costs < 50)}")


if __name__ == "__main__":
    main()
