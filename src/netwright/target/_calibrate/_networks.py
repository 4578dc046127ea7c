"""Which networks to measure: designs of the spaces in which every kernel is seen, whole and cut short.

The stages of a space often go together: where all cells are alike, no number of whole networks tells what one stage
takes. Networks that end somewhere inside do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from netwright.graph import Graph, Input, simplify
from netwright.space import Design, Space
from netwright.space._design import Value
from netwright.target._calibrate._kernels import Kernel, kernels_of

__all__ = ["GENERAL", "Network", "networks_to_measure"]

GENERAL: tuple[tuple[str, tuple[int, ...] | None], ...] = (
    ("mobilenet-tiny", (3, 32, 32)),
    ("ofa-mobilenetv3", None),
    # ReLU6, and convolutions in groups: no other here has them.
    ("proxylessnas", None),
    ("fbnet", None),
    ("nasbench201", None),
    ("convnet-tiny", (3, 32, 32)),
    ("vit-tiny", (3, 32, 32)),
    ("metaformer", None),
    ("shufflenet-v2", None),
    ("series-tiny", None),
    ("mlp-tabular", None),
)
"""Catalogued spaces, with the input shape, whose designs are a general set of networks."""

POOL = 4
"""Designs drawn for each that is measured."""
ENOUGH = 3
"""Networks in which a kernel is seen often enough to be left to chance."""


@dataclass(frozen=True)
class Network:
    """A network to measure: what it is, its graph, its kernels, and the nodes of the design as it stands.

    whole: whether it is a network of the space, rather than one that ends inside of it.
    """

    what: str
    graph: Graph
    kernels: Counter[Kernel]
    nodes: Counter[Kernel]
    whole: bool = True


def networks_to_measure(spaces: Sequence[Space], count: int, seed: int = 0) -> list[Network]:
    """So many networks of the spaces in turn, every other one cut short; first those whose kernels were hardly seen.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import oneof, seq
    >>> space = Space(seq(conv(oneof(4, 8)), conv(oneof(8, 16))), input=image(3, 8, 8))
    >>> [network.what for network in networks_to_measure([space], 2)]
    ['space: 8, 16', 'space: 4, 8 up to node 2']

    The order is that of measuring: whatever is measured until something stops it is spread over all spaces.
    """
    shares = [count // len(spaces) + (place < count % len(spaces)) for place in range(len(spaces))]
    lists = [list(_chosen(space, share, seed)) for space, share in zip(spaces, shares, strict=True)]
    return [each[turn] for turn in range(max(shares)) for each in lists if turn < len(each)]


def _chosen(space: Space, count: int, seed: int) -> Iterator[Network]:
    if not count:
        return
    rng = np.random.default_rng(seed)
    drawn = dict.fromkeys(map(_frozen, space.sample(rng, count * POOL)))
    pool = [(design := Design.trusted(dict(items)), _network(space, design)) for items in drawn]
    seen: Counter[Kernel] = Counter()
    everything, told = list(pool), set()
    for turn in range(count):
        # A space with few designs has many networks that end inside of them.
        place = max(range(len(pool)), key=lambda i: (_worth(pool[i][1], seen), -i), default=None)
        design, network = everything[rng.integers(len(everything))] if place is None else pool.pop(place)
        found = network if place is not None and turn % 2 == 0 else _cut(space, design, network.what, rng)
        if found.what not in told:
            seen.update(found.kernels.keys())
            told.add(found.what)
            yield found


def _worth(network: Network, seen: Counter[Kernel]) -> int:
    """How much more would be known: kernels by how often they are still to be seen."""
    return sum(max(ENOUGH - seen[kernel], 0) for kernel in network.kernels)


def _network(space: Space, design: Design) -> Network:
    graph = space.network(design)
    simple = simplify(graph)
    words = ", ".join(map(str, design.values()))
    return Network(f"{space.name}: {words}", simple, kernels_of(simple), kernels_of(graph, fused=False))


def _cut(space: Space, design: Design, what: str, rng: np.random.Generator) -> Network:
    """A network that ends at a node inside of a design's, drawn at random."""
    graph = space.network(design)
    inside = [
        place for place, node in enumerate(graph.nodes) if len(node.outputs) == 1 and node not in graph.constant_nodes
    ]
    place = int(rng.choice(inside))
    end = graph.nodes[place].output
    short = Graph([t for t in Graph(graph.inputs, [end]).leaves if isinstance(t, Input)], [end])
    simple = simplify(short)
    return Network(
        f"{what} up to node {place}", simple, kernels_of(simple), kernels_of(short, fused=False), whole=False
    )


def _frozen(design: Design) -> tuple[tuple[str, Value], ...]:
    return tuple(design.items())
