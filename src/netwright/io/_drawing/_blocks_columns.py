"""Straight columns where one wire leads on.

In the manner of Brandes & Köpf (2001), with one alignment and a relaxation in place of their four.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from netwright.io._drawing._blocks_item import LANE, Item, Link

__all__ = ["place"]

_SEPARATION = 22.0

_RELAXATIONS = 60


def place(layers: list[list[Item]], links: Sequence[Link]) -> None:
    """Set x: columns as far left as they go, then each towards the mean of its neighbours, without overlaps."""
    column, within = _columns(layers, links)
    bounds: dict[int, dict[int, float]] = {c: {} for c in column.values()}
    after: dict[int, dict[int, float]] = {c: {} for c in column.values()}
    for layer in layers:
        for left, right in pairwise(layer):
            a, b = column[left], column[right]
            space = (left.width + right.width) / 2 + (LANE if left.lane or right.lane else _SEPARATION)
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


def _columns(layers: list[list[Item]], links: Sequence[Link]) -> tuple[dict[Item, int], dict[Item, float]]:
    """Column of each item and its place within: an item shares the column of its only neighbour above."""
    outgoing: dict[Item, list[Link]] = {}
    incoming: dict[Item, list[Link]] = {}
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


def _trunk(layers: list[list[Item]], incoming: dict[Item, list[Link]]) -> dict[Item, Link]:
    """The longest way through the drawing, to be one straight column: for each item on it, the link from above."""
    trunk: dict[Item, Link] = {}
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
    outgoing: dict[Item, list[Link]],
    incoming: dict[Item, list[Link]],
    trunk: dict[Item, Link],
) -> dict[Item, Link]:
    """Links that may be straight at once: each the main one at both of its ends, none crossing another."""
    position = {item: i for i, item in enumerate(layer)}
    candidates = []
    for j, item in enumerate(following):
        link = trunk.get(item) or _main([(k, k.source) for k in incoming.get(item, ())], item)
        if link and (item in trunk or _main([(k, k.target) for k in outgoing[link.source]], link.source) is link):
            order = 0 if item in trunk else 1 if link.source.lane and link.target.lane else 2
            candidates.append((order, position[link.source], j, link))
    chosen: list[tuple[int, int, Link]] = []
    for _, i, j, link in sorted(candidates, key=lambda c: c[0]):
        if all((i - a) * (j - b) > 0 for a, b, _ in chosen):
            chosen.append((i, j, link))
    return {link.target: link for _, _, link in chosen}


def _main(ends: list[tuple[Link, Item]], item: Item) -> Link | None:
    """The one link that goes on from an item: to a lane from a lane, else to the only thing, else the only lane."""
    lanes = [link for link, end in ends if end.lane]
    things = [link for link, end in ends if not end.lane]
    for group in (lanes, things) if item.lane else (things, lanes):
        if group:
            return group[0] if len(group) == 1 else None
    return None
