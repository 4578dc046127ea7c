"""How many distinct networks a space has: designs counted up to equality of what they compute."""

from __future__ import annotations

import time
from collections.abc import Iterator

from netwright.graph import Graph, canonical_hash
from netwright.space._forest import Leaf
from netwright.space._space import Space

__all__ = ["block_graphs", "distinct_networks"]


def distinct_networks(space: Space, *, seconds: float | None = None) -> int | None:
    """Number of distinct networks under the canonical form; None when `seconds` are not enough to enumerate them.

    >>> from netwright.blocks import conv, skip
    >>> from netwright.graph import image
    >>> from netwright.space import oneof, seq
    >>> layer = oneof(conv(4), skip())
    >>> space = Space(seq(conv(4), layer, layer), input=image(3, 8, 8))
    >>> space.size(), distinct_networks(space)
    (4, 3)

    The first networks tell how long all will take, so that a large space is given up at once.
    """
    total, started = space.size(), time.perf_counter()
    found: set[str] = set()
    for done, key in enumerate(_keys(space), start=1):
        found.add(key)
        if seconds is not None and done % 32 == 0:
            spent = time.perf_counter() - started
            if spent > seconds or (done >= 64 and spent / done * total > 2 * seconds):
                return None
    return len(found)


def block_graphs(space: Space) -> list[Graph]:
    """Graphs of all blocks of a space, each with the input shape that it meets there.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import oneof, seq
    >>> len(block_graphs(Space(seq(conv(4), conv(oneof(4, 8))), input=image(3, 8, 8))))
    3
    """
    leaves = (node for node in space.forest.nodes if isinstance(node, Leaf))
    return list(dict.fromkeys(graph for leaf in leaves for graph, _ in leaf.graphs))


def _keys(space: Space) -> Iterator[str]:
    return (canonical_hash(space.network(design)) for design in space.enumerate())
