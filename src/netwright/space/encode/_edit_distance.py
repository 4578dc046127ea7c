"""How far apart two networks are: what it costs to edit the graph of one into that of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from netwright.graph import Graph, Node, Tensor
from netwright.space.encode._assignment import assignment
from netwright.space.encode._labels import data_inputs, label

__all__ = ["edit_distance"]

Matrix = NDArray[np.float64]

EDGE = 0.1
"""Cost of an edge that only one network has, where a node costs 1."""
OCTAVES = 4
"""How often a width doubles until it costs as much as another operator."""
ROUNDS = 3
"""How far around a node the pairing looks."""
TIE = 1e-6
"""Of the pairing, for each place that a node is further from the input or the output; too little to decide else."""


def edit_distance(a: Graph, b: Graph, *, weight: Callable[[Node], float] | None = None) -> float:
    """Cost of the edits that turn one network into the other, by a cheapest pairing of their nodes.

    A node that only one network has costs its weight; a pair of unlike operators the mean of both weights; a pair of
    equal ones up to as much, by the ratio of their widths; an edge without a counterpart 0.1. Edges weighted by their
    operation, and edited, are the distance of Heuillet et al. 2023 (D-DARTS) between designs of one space; theirs
    pairs paths, this one nodes. The exact distance is at most this one: the pairing is that of Riesen & Bunke 2009,
    which looks at the neighbours of a node, not at all edges at once.

    >>> from netwright.graph import Graph, image, ops
    >>> x = image(1, 4, 4)
    >>> one, two = Graph([x], [ops.relu(x)]), Graph([x], [ops.tanh(ops.relu(x))])
    >>> edit_distance(one, one), round(edit_distance(one, two), 9)
    (0.0, 1.3)

    weight: of a node, such as its cost on a device; 1 for each where absent.
    """
    weigh = weight or (lambda node: 1.0)
    # Two cheapest pairings may leave unequal edges: one order of the two makes the distance symmetric.
    return _edited(*sorted((_Drawn(a, weigh), _Drawn(b, weigh)), key=_Drawn.order))


class _Drawn:
    """A network as the pairing sees it: nodes with labels, widths and weights, and the edges between them."""

    def __init__(self, graph: Graph, weigh: Callable[[Node], float]) -> None:
        nodes = graph.nodes
        row: dict[Tensor, int] = dict.fromkeys(graph.inputs, -1) | {
            t: i for i, node in enumerate(nodes) for t in node.outputs
        }
        self.edges = {(row[t], i) for i, node in enumerate(nodes) for t in data_inputs(node) if t in row}
        self.edges |= {(row[t], len(nodes)) for t in graph.outputs if t in row}
        self.labels = [label(node) for node in nodes]
        self.widths = np.array([_width(node) for node in nodes], dtype=float)
        self.weights = np.array([float(weigh(node)) for node in nodes])
        into: list[list[int]] = [[] for _ in nodes]
        out: list[list[int]] = [[] for _ in nodes]
        for source, target in self.edges:
            if source >= 0 and target < len(nodes):
                into[target].append(source)
                out[source].append(target)
        self.colours = self._refined(into, out)
        self.places = _depths(into, range(len(nodes))), _depths(out, range(len(nodes) - 1, -1, -1))

    def order(self) -> tuple[object, ...]:
        """A key that is equal only for what the pairing sees as one network."""
        return len(self.labels), self.labels, self.widths.tolist(), sorted(self.edges), self.weights.tolist()

    def _refined(self, into: Sequence[Sequence[int]], out: Sequence[Sequence[int]]) -> list[list[object]]:
        """Labels of each round: a node with what stands around it, one step further each time."""
        rounds: list[list[object]] = [[*self.labels]]
        for _ in range(ROUNDS):
            last = rounds[-1]
            around = (
                (sorted(hash(last[i]) for i in before), sorted(hash(last[i]) for i in after))
                for before, after in zip(into, out, strict=True)
            )
            rounds.append([(colour, str(near)) for colour, near in zip(last, around, strict=True)])
        return rounds[1:]


def _width(node: Node) -> int:
    """Channels of an image, features of anything else; never less than 1."""
    shape = node.outputs[0].shape
    return max(shape[1] if len(shape) > 3 else shape[-1] if shape else 1, 1)


def _depths(before: Sequence[Sequence[int]], order: Sequence[int]) -> NDArray[np.float64]:
    """Longest way to each node."""
    depths = np.zeros(len(before))
    for node in order:
        depths[node] = max((depths[i] + 1 for i in before[node]), default=0)
    return depths


def _numbered(ours: Sequence[object], theirs: Sequence[object]) -> NDArray[np.bool_]:
    """Whether each of ours is each of theirs."""
    known = {label: i for i, label in enumerate(dict.fromkeys([*ours, *theirs]))}
    left, right = (np.array([known[label] for label in side], dtype=int) for side in (ours, theirs))
    equal: NDArray[np.bool_] = left[:, None] == right[None, :]
    return equal


def _unlike(a: _Drawn, b: _Drawn) -> Matrix:
    """Cost of making each node of one out of each node of the other."""
    means = (a.weights[:, None] + b.weights[None, :]) / 2
    wider = np.abs(np.log2(a.widths[:, None] / b.widths[None, :])) / OCTAVES
    costs: Matrix = means * np.where(_numbered(a.labels, b.labels), np.minimum(wider, 1.0), 1.0)
    return costs


def _edited(a: _Drawn, b: _Drawn) -> float:
    """Cost of the edits that one pairing stands for."""
    n, m = len(a.labels), len(b.labels)
    pairs, apart = _unlike(a, b), a.weights[:, None] + b.weights[None, :] + 2 * EDGE
    # What a pair saves over leaving one node out and putting the other in; where that is nothing, it is no pair.
    saved = np.zeros((max(n, m), max(n, m)))
    saved[:n, :m] = np.minimum(pairs + _around(a, b) - apart, 0.0)
    kept = {i: int(j) for i, j in enumerate(assignment(saved)) if saved[i, j] < 0}
    nodes = sum(pairs[i, j] for i, j in kept.items())
    gone = a.weights.sum() - a.weights[list(kept)].sum() + b.weights.sum() - b.weights[list(kept.values())].sum()
    ends = kept | {-1: -1, n: m}
    moved = {(ends.get(i), ends.get(j)) for i, j in a.edges}
    lost = sum(ends.get(i) is None or ends.get(j) is None for i, j in a.edges)
    whole = {pair for pair in moved if None not in pair}
    return float(nodes + gone + EDGE * (lost + len(whole - b.edges) + len(b.edges - whole)))


def _around(a: _Drawn, b: _Drawn) -> Matrix:
    """Cost of each pair for what stands around it: an edge for every round in which that differs."""
    total = np.zeros((len(a.labels), len(b.labels)))
    for ours, theirs in zip(a.colours, b.colours, strict=True):
        total += EDGE * ~_numbered(ours, theirs)
    for ours_at, theirs_at in zip(a.places, b.places, strict=True):
        total += TIE * np.abs(ours_at[:, None] - theirs_at[None, :])
    return total
