"""Colours that tell the vertices of a directed acyclic graph apart as far as its structure does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

__all__ = ["Links", "certificate", "digest", "refine"]

Vertex = Hashable
Edges = dict[Vertex, list[tuple[bytes, Vertex]]]
EFFORT = 2_000_000


def digest(data: bytes) -> bytes:
    """128 bits that are the same in every process and Python version."""
    return blake2b(data, digest_size=16).digest()


@dataclass
class Links:
    """Labelled edges in both directions; at most one edge of a label between two vertices."""

    below: Edges = field(default_factory=dict)
    above: Edges = field(default_factory=dict)

    def add(self, lower: Vertex, label: bytes, upper: Vertex) -> None:
        """Let `upper` read `lower`."""
        self.below.setdefault(upper, []).append((label, lower))
        self.above.setdefault(lower, []).append((label, upper))


def refine(order: Sequence[Vertex], colours: dict[Vertex, bytes], links: Links) -> None:
    """Sharpen the colours until vertices of one colour have neighbours of the same colours, both ways.

    Colour refinement (Weisfeiler and Leman 1968), but a whole sweep along the topological `order` at a time: colours
    travel through the full depth in one sweep instead of one layer a round. Only neighbours that have a colour count.
    """
    directions = ((order, links.below), (order[::-1], links.above))
    classes, still, step = len(set(colours.values())), 0, 0
    # Where all differ, one more sweep is needed still: it puts the edges between them into the colours.
    while still < (1 if classes == len(order) else 2):
        along, edges = directions[step % 2]
        for v in along:
            near = [label + colours[u] for label, u in edges.get(v, ()) if u in colours]
            if near:
                near.sort()
                colours[v] = digest(colours[v] + b"".join(near))
        found = len(set(colours.values()))
        still = still + 1 if found == classes else 0
        classes, step = found, step + 1


def certificate(
    order: Sequence[Vertex], colours: Mapping[Vertex, bytes], links: Links, effort: int = EFFORT
) -> bytes:
    """Digest of the structure among refined vertices: equal exactly for isomorphic ones, as far as `effort` reaches.

    Colours settle everything about a vertex that is alone with its colour. What remains falls into components, each
    told in the same way. A component in which no vertex is alone is refined once for each member of its smallest
    class, with that member marked (individualisation), and the results are told as a set. Where that would visit more
    than `effort` vertices only the colours count: large structures in which every vertex looks like every other
    may then share a certificate.
    """
    own = b"".join(sorted(colours[v] for v in order))
    sizes = Counter(colours[v] for v in order)
    rest = [v for v in order if sizes[colours[v]] > 1]
    if not rest:
        return digest(own)
    parts = _components(rest, colours, links, sizes)
    if len(parts[0]) < len(order):
        return digest(own + b"".join(sorted(certificate(part, colours, links, effort) for part in parts)))
    members, rarest = min((size, colour) for colour, size in sizes.items())
    effort //= members
    if effort < len(order) ** 2:  # a refinement may take as many sweeps as there are vertices
        return digest(own)
    told = []
    for marked in order:
        if colours[marked] == rarest:
            trial = {v: colours[v] for v in order}
            trial[marked] = digest(b"marked" + rarest)
            refine(order, trial, links)
            told.append(certificate(order, trial, links, effort))
    return digest(own + b"".join(sorted(told)))


def _components(
    vertices: Sequence[Vertex], colours: Mapping[Vertex, bytes], links: Links, sizes: Mapping[bytes, int]
) -> list[list[Vertex]]:
    """Parts that no telling edge joins, each in the order of the vertices.

    Edges from every vertex of one colour to every vertex of another say nothing about which belongs to which.
    """
    inside = set(vertices)
    edges = [(v, label, u) for v in vertices for label, u in links.below.get(v, ()) if u in inside]
    count = Counter((colours[v], label, colours[u]) for v, label, u in edges)
    root = {v: v for v in vertices}

    def find(v: Vertex) -> Vertex:
        while root[v] is not v:
            root[v] = root[root[v]]
            v = root[v]
        return v

    for v, label, u in edges:
        if count[colours[v], label, colours[u]] < sizes[colours[v]] * sizes[colours[u]]:
            root[find(v)] = find(u)
    parts: dict[Vertex, list[Vertex]] = {}
    for v in vertices:
        parts.setdefault(find(v), []).append(v)
    return list(parts.values())
