"""DARTOpti: networks made by hand, with the operation on each of their edges open (Heuillet et al. 2023; row 135).

Made for improving ResNet and Xception instead of starting from nothing: the graph of each cell stays as it was made,
every cell decides for itself, and the network that was the start is a design of the space. As in the authors' code
the nodes of a cell are concatenated and brought to the width of the next by a 1x1 convolution; a cell there may read
the one before last, here it reads the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwright.blocks import (
    avg_pool,
    classifier,
    conv,
    dil_conv,
    factored_conv,
    max_pool,
    relu_conv_bn,
    sep_conv,
    skip,
)
from netwright.errors import UnknownNameError
from netwright.graph import Input, image
from netwright.space._bundle import grow, take
from netwright.space._choice import oneof
from netwright.space._design import Design
from netwright.space._expression import Expression, named
from netwright.space._join import branch
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["dartopti", "dartopti_start"]

OPERATIONS = (
    "conv_3x1_1x3", "conv_7x1_1x7", "max_pool_3x3", "avg_pool_3x3", "skip_connect", "simple_conv_1x1",
    "simple_conv_3x3", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5", "bottleneck_1x3x1",
)  # fmt: skip

Edge = tuple[int, int, str]


def _cell(*blocks: tuple[Sequence[str], str]) -> list[Edge]:
    """Edges of blocks in a row: operations one after the other, and one around them all where there is one."""
    edges, node = [], 0
    for operations, around in blocks:
        start = node
        for operation in operations:
            edges.append((node, node + 1, operation))
            node += 1
        edges += [(start, node, around)] if around else []
    return edges


BASIC, NARROW = (("simple_conv_3x3",) * 2, "skip_connect"), (("bottleneck_1x3x1",), "skip_connect")
ENTRY, EXIT = (("sep_conv_3x3",) * 2 + ("max_pool_3x3",), "simple_conv_1x1"), (("sep_conv_3x3",) * 2, "")
MIDDLE = ("sep_conv_3x3",) * 3, "skip_connect"
NETWORKS: dict[str, tuple[list[list[Edge]], tuple[int, ...]]] = {
    # cells, and which of them halve the image
    "resnet18": ([_cell(BASIC, BASIC)] * 4, (1, 2, 3)),
    "resnet50": ([_cell(*[NARROW] * n) for n in (3, 4, 6, 3)], (1, 2, 3)),
    "xception": ([_cell(ENTRY)] * 3 + [_cell(MIDDLE)] * 8 + [_cell(ENTRY), _cell(EXIT)], (1, 2, 11)),
}


def dartopti(
    input: Input | None = None, classes: int = 10, *, scale: float = 1.0, network: str = "resnet18"
) -> Space:
    """Twelve operations on each edge of a network made by hand; of ResNet-18 there are 24 edges.

    >>> dartopti().size() == 12**24
    True

    scale: of the 36 channels of the first cell, which double where the image is halved. network: resnet18, resnet50
    or xception. Raises UnknownNameError.
    """
    cells, halves = _known(network)
    width, steps = 2 * max(round(18 * scale), 1), {}
    stem = conv(width)
    for place, edges in enumerate(cells):
        width *= 1 + (place in halves)
        steps[f"cell{place}"] = seq(relu_conv_bn(width, 1), _opened(edges, width, 1 + (place in halves)))
    return Space(seq(stem=stem, **steps, head=classifier(classes)), input=input or image(3, 32, 32), name="dartopti")


def dartopti_start(network: str = "resnet18") -> Design:
    """The network that was made by hand; raises UnknownNameError.

    >>> dartopti_start() in dartopti()
    True
    """
    cells, _ = _known(network)
    places = (
        (f"cell{i}.{_name(edges, k)}.op", edge[2]) for i, edges in enumerate(cells) for k, edge in enumerate(edges)
    )
    return Design(dict(places))


def _known(network: str) -> tuple[list[list[Edge]], tuple[int, ...]]:
    if network not in NETWORKS:
        raise UnknownNameError("network to start from", network, NETWORKS)
    return NETWORKS[network]


def _name(edges: Sequence[Edge], number: int) -> str:
    """Node that an edge enters, the one it leaves, and which of the parallel ones it is."""
    source, target, _ = edges[number]
    return f"{target}.from{source}_{sum(edge[:2] == (source, target) for edge in edges[:number])}"


def _opened(edges: Sequence[Edge], width: int, stride: int) -> Expression:
    """Nodes one after the other, each the sum of what its edges make, concatenated."""
    nodes: dict[str, dict[str, Any]] = {}
    for number, (source, _, _) in enumerate(edges):
        target, name = _name(edges, number).split(".")
        options = (named(label, _operation(label, width, 1 if source else stride)) for label in OPERATIONS)
        nodes.setdefault(target, {})[name] = seq(take(source), op=oneof(*options))
    grown = {target: grow(branch(**entering)) for target, entering in nodes.items()}
    return seq(**grown, out=branch(*(take(int(target)) for target in nodes), join="concat"))


def _operation(name: str, width: int, stride: int) -> Any:
    kind, _, window = name.rpartition("_")
    size = int(window[0]) if window[0].isdigit() else 1
    parts = {
        "conv_3x1": factored_conv(3, stride),
        "conv_7x1": factored_conv(7, stride),
        "max_pool": max_pool(size, stride),
        "avg_pool": avg_pool(size, stride),
        "skip": skip(stride=stride),
        "simple_conv": relu_conv_bn(None, size, stride),
        "sep_conv": sep_conv(size, stride),
        "dil_conv": dil_conv(size, stride),
        "bottleneck": seq(relu_conv_bn(max(width // 4, 1), 1), relu_conv_bn(None, 3, stride), relu_conv_bn(width, 1)),
    }
    return parts[kind]
