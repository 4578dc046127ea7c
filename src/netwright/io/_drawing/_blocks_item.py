"""What a layered layout places: things of fixed size, and links between them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LANE", "Item", "Link"]

LANE = 14.0
"""Width that a long wire takes where it passes a layer, in pixels."""
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


@dataclass(frozen=True, eq=False)
class Link:
    """A piece of a wire, from an item of one layer to an item of the next."""

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
