"""Layered layout: ranks by longest path, order by barycentre, straight columns where one wire leads on.

After Sugiyama, Tagawa & Toda (1981); columns are aligned in the manner of Brandes & Köpf (2001), with one alignment
and a relaxation in place of their four.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, inf
from typing import Any

__all__ = ["Item", "Layout", "Wire", "arrange"]

_LANE = 14.0
_SEPARATION = 22.0
_SWEEPS = 12
_RELAXATIONS = 60
_SIDE_PULL = 0.05


@dataclass(eq=False)
class Item:
    """A thing of fixed size to place; `x` (its centre) and `y` (its top) are set by `arrange`.

    ins, outs: where on the top and bottom edge each value arrives and leaves, from the centre.
    first, last: stands above, below everything else. lane: a bend of a long wire, not a thing.
    """

    width: float
    height: float
    ins: dict[Hashable, float] = field(default_factory=dict)
    outs: dict[Hashable, float] = field(default_factory=dict)
    content: Any = None
    first: bool = False
    last: bool = False
    lane: bool = False
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Wire:
    """One value on its way to an item: vertical runs (x, y from, y to), to be joined by curves."""

    value: Hashable
    target: Item
    runs: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Layout:
    """Placed items and wires, from (0, 0) to (width, height)."""

    items: tuple[Item, ...]
    wires: tuple[Wire, ...]
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class _Link:
    source: Item
    target: Item
    value: Hashable

    @property
    def weight(self) -> float:
        """Pull on positions: long wires keep straight and go around the boxes, not the boxes around them."""
        if self.source.lane and self.target.lane:
            return 1.0
        return _SIDE_PULL if self.source.lane or self.target.lane else 1.0

    @property
    def shift(self) -> float:
        """How far the target's centre is from the source's where the wire is straight."""
        return self.source.outs[self.value] - self.target.ins[self.value]


def arrange(items: Sequence[Item], gap: float = 22.0, lane: Callable[[Hashable], float] | None = None) -> Layout:
    """Place items, given in an order of execution, in layers from top to bottom.

    lane: the width that a value's wire takes where it passes a layer; 14 pixels by default.

    >>> first, second = Item(40, 10, outs={"a": 0}), Item(60, 10, ins={"a": 0})
    >>> layout = arrange([first, second], gap=20)
    >>> layout.width, layout.height, first.x, second.y
    (60.0, 40.0, 30.0, 30.0)
    """
    rank = _ranks(items)
    layers, links = _layers(items, rank, lane or (lambda value: _LANE))
    as_given = [list(layer) for layer in layers]
    _shorter_right(layers, links)
    if _order(layers, links) > _order(as_given, links):
        layers = as_given
    _place(layers, links)
    ends = _stack(layers, gap)
    placed = [item for layer in layers for item in layer]
    left = min((item.x - item.width / 2 for item in placed), default=0.0)
    for item in placed:
        item.x = float(round(item.x - left))
    right = max((item.x + item.width / 2 for item in placed), default=0.0)
    bottom = max((end for _, end in ends), default=0.0)
    # An even width keeps the ports of a frame, which are counted from its centre, on whole pixels.
    return Layout(tuple(items), tuple(_wires(items, rank, links, ends)), 2.0 * ceil(right / 2), bottom)


# Ranks and layers ---------------------------------------------------------------------------------


def _ranks(items: Sequence[Item]) -> dict[Item, int]:
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


def _layers(
    items: Sequence[Item], rank: dict[Item, int], width: Callable[[Hashable], float]
) -> tuple[list[list[Item]], list[_Link]]:
    """Items by rank, long wires cut into one lane per layer that they pass; wires of one value share their lanes."""
    layers: list[list[Item]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for item in items:
        layers[rank[item]].append(item)
    maker = {value: item for item in items for value in item.outs}
    links: list[_Link] = []
    lanes: dict[tuple[Hashable, int], Item] = {}
    for item in items:
        for value in item.ins:
            if value in maker:
                source = maker[value]
                for level in range(rank[source] + 1, rank[item]):
                    if (value, level) not in lanes:
                        lane = lanes[value, level] = Item(width(value), 0, {value: 0.0}, {value: 0.0}, lane=True)
                        layers[level].append(lane)
                        links.append(_Link(source, lane, value))
                    source = lanes[value, level]
                links.append(_Link(source, item, value))
    return layers, links


def _shorter_right(layers: list[list[Item]], links: Sequence[_Link]) -> None:
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


def _order(layers: list[list[Item]], links: Sequence[_Link]) -> int:
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


# Columns ------------------------------------------------------------------------------------------


def _columns(layers: list[list[Item]], links: Sequence[_Link]) -> tuple[dict[Item, int], dict[Item, float]]:
    """Column of each item and its place within: an item shares the column of its only neighbour above."""
    outgoing: dict[Item, list[_Link]] = {}
    incoming: dict[Item, list[_Link]] = {}
    for link in links:
        outgoing.setdefault(link.source, []).append(link)
        incoming.setdefault(link.target, []).append(link)
    trunk = _trunk(layers, incoming)
    column: dict[Item, int] = {item: i for i, item in enumerate(layers[0])} if layers else {}
    within: dict[Item, float] = dict.fromkeys(column, 0.0)
    free = len(column)
    for layer, following in pairwise(layers):
        straight = _straight(layer, following, outgoing, incoming, trunk)
        for item in following:
            if item in straight:
                link = straight[item]
                column[item], within[item] = column[link.source], within[link.source] + link.shift
            else:
                column[item], within[item] = free, 0.0
                free += 1
    return column, within


def _trunk(layers: list[list[Item]], incoming: dict[Item, list[_Link]]) -> dict[Item, _Link]:
    """The longest way through the drawing, to be one straight column: for each item on it, the link from above."""
    trunk: dict[Item, _Link] = {}
    ends = [i for i in layers[-1] if any(not k.source.lane for k in incoming.get(i, ()))] if layers else []
    item = ends[(len(ends) - 1) // 2] if ends else None
    for layer in reversed(layers[:-1]):
        links = [] if item is None else [k for k in incoming.get(item, ()) if not k.source.lane]
        if item is None or not links:
            break
        links.sort(key=lambda link: layer.index(link.source))
        trunk[item] = links[(len(links) - 1) // 2]
        item = trunk[item].source
    return trunk


def _straight(
    layer: list[Item],
    following: list[Item],
    outgoing: dict[Item, list[_Link]],
    incoming: dict[Item, list[_Link]],
    trunk: dict[Item, _Link],
) -> dict[Item, _Link]:
    """Links that may be straight at once: each the main one at both of its ends, none crossing another."""
    position = {item: i for i, item in enumerate(layer)}
    candidates = []
    for j, item in enumerate(following):
        link = trunk.get(item) or _main([(k, k.source) for k in incoming.get(item, ())], item)
        if link and (item in trunk or _main([(k, k.target) for k in outgoing[link.source]], link.source) is link):
            order = 0 if item in trunk else 1 if link.source.lane and link.target.lane else 2
            candidates.append((order, position[link.source], j, link))
    chosen: list[tuple[int, int, _Link]] = []
    for _, i, j, link in sorted(candidates, key=lambda c: c[0]):
        if all((i - a) * (j - b) > 0 for a, b, _ in chosen):
            chosen.append((i, j, link))
    return {link.target: link for _, _, link in chosen}


def _main(ends: list[tuple[_Link, Item]], item: Item) -> _Link | None:
    """The one link that goes on from an item: to a lane from a lane, else to the only thing, else the only lane."""
    lanes = [link for link, end in ends if end.lane]
    things = [link for link, end in ends if not end.lane]
    for group in (lanes, things) if item.lane else (things, lanes):
        if group:
            return group[0] if len(group) == 1 else None
    return None


def _place(layers: list[list[Item]], links: Sequence[_Link]) -> None:
    """Set x: columns as far left as they go, then each towards the mean of its neighbours, without overlaps."""
    column, within = _columns(layers, links)
    bounds: dict[int, dict[int, float]] = {c: {} for c in column.values()}
    after: dict[int, dict[int, float]] = {c: {} for c in column.values()}
    for layer in layers:
        for left, right in pairwise(layer):
            a, b = column[left], column[right]
            space = (left.width + right.width) / 2 + (_LANE if left.lane or right.lane else _SEPARATION)
            distance = max(space + within[left] - within[right], bounds[b].get(a, -inf))
            bounds[b][a] = after[a][b] = distance
    x = _leftmost(bounds)
    pulls: dict[int, list[tuple[int, float, float]]] = {c: [] for c in x}
    for link in links:
        a, b = column[link.source], column[link.target]
        if a != b:
            distance = within[link.source] + link.shift - within[link.target]
            pulls[b].append((a, distance, link.weight))
            pulls[a].append((b, -distance, link.weight))
    for sweep in range(_RELAXATIONS):
        for c in sorted(x, key=lambda k: (x[k], k), reverse=sweep % 2 == 0):
            x[c] = _pulled(c, x, bounds[c], after[c], pulls[c])
    for layer in layers:
        for item in layer:
            item.x = x[column[item]] + within[item]


def _leftmost(bounds: dict[int, dict[int, float]]) -> dict[int, float]:
    x = dict.fromkeys(bounds, 0.0)
    for _ in range(len(bounds)):
        moved = False
        for c, limits in bounds.items():
            least = max((x[a] + distance for a, distance in limits.items()), default=0.0)
            if least > x[c] + 1e-9:
                x[c], moved = least, True
        if not moved:
            break
    return x


def _pulled(
    c: int,
    x: dict[int, float],
    bounds: dict[int, float],
    after: dict[int, float],
    pulls: Sequence[tuple[int, float, float]],
) -> float:
    total = sum(weight for _, _, weight in pulls)
    wanted = sum((x[other] + distance) * weight for other, distance, weight in pulls) / total if total else x[c]
    least = max((x[a] + distance for a, distance in bounds.items()), default=-inf)
    most = min((x[b] - distance for b, distance in after.items()), default=inf)
    return max(least, min(wanted, most))


# Rows and wires -----------------------------------------------------------------------------------


def _stack(layers: Sequence[Sequence[Item]], gap: float) -> list[tuple[float, float]]:
    """Set y, each item in the middle of its layer; top and bottom of every layer."""
    ends: list[tuple[float, float]] = []
    top = 0.0
    for layer in layers:
        height = max((item.height for item in layer), default=0.0)
        for item in layer:
            item.y = top + round((height - item.height) / 2)
        ends.append((top, top + height))
        top += height + gap
    if layers and all(item.last and not item.height for item in layers[-1]):
        # Ports at the lower edge of a frame need no room for an arrowhead above them.
        ends[-1] = (ends[-1][0] - gap / 2,) * 2
        for item in layers[-1]:
            item.y = ends[-1][0]
    return ends


def _wires(
    items: Sequence[Item], rank: dict[Item, int], links: Sequence[_Link], ends: Sequence[tuple[float, float]]
) -> list[Wire]:
    into = {(link.target, link.value): link.source for link in links}
    wires = []
    for item in items:
        for value in item.ins:
            if (item, value) not in into:
                continue
            runs = [(item.x + item.ins[value], ends[rank[item]][0], item.y)]
            source, level = into[item, value], rank[item] - 1
            while source.lane:
                runs.append((source.x, *ends[level]))
                source, level = into[source, value], level - 1
            runs.append((source.x + source.outs[value], source.y + source.height, ends[level][1]))
            wires.append(Wire(value, item, tuple(reversed(runs))))
    return wires
