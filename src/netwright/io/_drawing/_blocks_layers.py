"""Ranks by longest path, layers with lanes for long wires, and their order by barycentre."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise

from netwright.io._drawing._blocks_item import Item, Link

__all__ = ["layers_of", "order", "ranks_of", "shorter_right"]

_SWEEPS = 12


def ranks_of(items: Sequence[Item]) -> dict[Item, int]:
    """Layer of each item: below all that it reads."""
    maker = {value: item for item in items for value in item.outs}
    rank: dict[Item, int] = {}
    for item in items:
        rank[item] = max((rank[maker[v]] + 1 for v in item.ins if v in maker), default=0)
    # What reads nothing stands just above its first reader, not at the top with a long wire.
    for item in reversed(items):
        if not item.ins and item.outs and not item.first:
            readers = [rank[i] for i in items if any(v in item.outs for v in i.ins)]
            rank[item] = max(0, min(readers, default=1) - 1)
    deepest = max((rank[i] for i in items if not i.last), default=0)
    for item in items:
        if item.last:
            rank[item] = deepest + 1
    return rank


def layers_of(
    items: Sequence[Item], rank: dict[Item, int], width: Callable[[Hashable], float]
) -> tuple[list[list[Item]], list[Link]]:
    """Items by rank, long wires cut into one lane per layer that they pass; wires of one value share their lanes."""
    layers: list[list[Item]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for item in items:
        layers[rank[item]].append(item)
    maker = {value: item for item in items for value in item.outs}
    links: list[Link] = []
    lanes: dict[tuple[Hashable, int], Item] = {}
    for item in items:
        for value in item.ins:
            if value in maker:
                source = maker[value]
                for level in range(rank[source] + 1, rank[item]):
                    if (value, level) not in lanes:
                        lane = lanes[value, level] = Item(width(value), 0, {value: 0.0}, {value: 0.0}, lane=True)
                        layers[level].append(lane)
                        links.append(Link(source, lane, value))
                    source = lanes[value, level]
                links.append(Link(source, item, value))
    return layers, links


def shorter_right(layers: list[list[Item]], links: Sequence[Link]) -> None:
    """Where two things stand side by side, put the one on the shorter way to the right, where skips are."""
    below: dict[Item, list[Item]] = {}
    for link in links:
        below.setdefault(link.source, []).append(link.target)
    ahead: dict[Item, int] = {}
    for layer in reversed(layers):
        for item in layer:
            ahead[item] = max((ahead[i] + (not i.lane) for i in below.get(item, ())), default=0)
    for layer in layers:
        things = [item for item in layer if not item.lane]
        if len(things) == 2 and not any(item.first or item.last for item in things):
            layer.sort(key=lambda item: (item.lane, -ahead[item]))


def order(layers: list[list[Item]], links: Sequence[Link]) -> int:
    """Sort each layer by the mean position of its neighbours, down and up; keep and count the fewest crossings."""
    above: dict[Item, list[Item]] = {}
    below: dict[Item, list[Item]] = {}
    for link in links:
        above.setdefault(link.target, []).append(link.source)
        below.setdefault(link.source, []).append(link.target)
    best = (_crossings(layers, below), [list(layer) for layer in layers])
    for sweep in range(_SWEEPS):
        if best[0] == 0:
            break
        neighbours = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _sort_layer(layer, neighbours, layers)
        crossings = _crossings(layers, below)
        if crossings < best[0]:
            best = (crossings, [list(layer) for layer in layers])
    for layer, kept in zip(layers, best[1], strict=True):
        layer[:] = kept
    return best[0]


def _sort_layer(layer: list[Item], neighbours: dict[Item, list[Item]], layers: list[list[Item]]) -> None:
    position = {
        item: i / max(len(level) - 1, 1) if len(level) > 1 else 0.5
        for level in layers
        for i, item in enumerate(level)
    }
    key = {item: _mean([position[n] for n in neighbours.get(item, ())], position[item]) for item in layer}
    layer.sort(key=lambda item: key[item])


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _crossings(layers: Sequence[Sequence[Item]], below: dict[Item, list[Item]]) -> int:
    count = 0
    for layer, following in pairwise(layers):
        position = {item: i for i, item in enumerate(following)}
        ends = [(i, position[t]) for i, item in enumerate(layer) for t in below.get(item, ())]
        count += sum(a < c and b > d for a, b in ends for c, d in ends)
    return count
