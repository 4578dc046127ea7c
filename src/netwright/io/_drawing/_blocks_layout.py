"""Layered layout: ranks by longest path, order by barycentre, straight columns where one wire leads on.

After Sugiyama, Tagawa & Toda (1981); columns are aligned in the manner of Brandes & Köpf (2001), with one alignment
and a relaxation in place of their four.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from math import ceil

from netwright.io._drawing._blocks_columns import place
from netwright.io._drawing._blocks_item import LANE, Item, Link
from netwright.io._drawing._blocks_layers import layers_of, order, ranks_of, shorter_right

__all__ = ["Layout", "Wire", "arrange"]


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


def arrange(items: Sequence[Item], gap: float = 22.0, lane: Callable[[Hashable], float] | None = None) -> Layout:
    """Place items, given in an order of execution, in layers from top to bottom.

    lane: the width that a value's wire takes where it passes a layer; 14 pixels by default.

    >>> first, second = Item(40, 10, outs={"a": 0}), Item(60, 10, ins={"a": 0})
    >>> layout = arrange([first, second], gap=20)
    >>> layout.width, layout.height, first.x, second.y
    (60.0, 40.0, 30.0, 30.0)
    """
    rank = ranks_of(items)
    layers, links = layers_of(items, rank, lane or (lambda value: LANE))
    as_given = [list(layer) for layer in layers]
    shorter_right(layers, links)
    if order(layers, links) > order(as_given, links):
        layers = as_given
    place(layers, links)
    ends = _stack(layers, gap)
    placed = [item for layer in layers for item in layer]
    left = min((item.x - item.width / 2 for item in placed), default=0.0)
    for item in placed:
        item.x = float(round(item.x - left))
    right = max((item.x + item.width / 2 for item in placed), default=0.0)
    bottom = max((end for _, end in ends), default=0.0)
    # An even width keeps the ports of a frame, which are counted from its centre, on whole pixels.
    return Layout(tuple(items), tuple(_wires(items, rank, links, ends)), 2.0 * ceil(right / 2), bottom)


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
    items: Sequence[Item], rank: dict[Item, int], links: Sequence[Link], ends: Sequence[tuple[float, float]]
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
