"""Two networks side by side: what changed from one to the other, block by block, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.cost._amounts import Amounts
from netwright.cost._blocks import Block, block_trees
from netwright.cost._profile import Profile

__all__ = ["Change", "Comparison", "compare"]

_EQUAL, _NAMED, _ALIKE = 8, 4, 1
"""What it is worth to pair two blocks: equal ones, ones of a name, ones that do the same."""


@dataclass(frozen=True)
class Change:
    """A block that is not the same in both networks.

    >>> from netwright.blocks import conv
    >>> from netwright.cost import profile
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> before, after = (profile(Graph([x], [conv(x, width)])) for width in (8, 16))
    >>> change = compare(before, after).changes[0]
    >>> change.kind, change.name, change.what
    ('changed', 'conv', ('output 1x8x8x8 → 1x16x8x8',))
    >>> change.b.amounts.macs - change.a.amounts.macs
    13824

    kind: changed, added or removed. a, b: the block in the first and in the second network. what: what changed, where
    both have it: copies, output, attributes, shapes of weights. depth: of the block in the tree.
    """

    kind: str
    depth: int
    a: Block | None
    b: Block | None
    what: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the block, both where it has two."""
        names = dict.fromkeys(block.name for block in (self.a, self.b) if block is not None)
        return " → ".join(names)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "change": self.kind,
            "depth": self.depth,
            "path_a": None if self.a is None else self.a.path,
            "path_b": None if self.b is None else self.b.path,
            "what": list(self.what),
            "a": None if self.a is None else self.a.amounts.to_json(),
            "b": None if self.b is None else self.b.amounts.to_json(),
        }


@dataclass(frozen=True)
class Comparison:
    """Two profiles, the blocks that differ, and the number of blocks that do not.

    >>> from netwright.blocks import conv
    >>> from netwright.cost import profile
    >>> from netwright.graph import Graph, image
    >>> x = image(3, 8, 8)
    >>> before, after = (profile(Graph([x], [conv(x, width)])) for width in (8, 16))
    >>> compare(before, after).to_json()["totals"]["params"]
    {'a': 232, 'b': 464}
    """

    a: Profile
    b: Profile
    changes: tuple[Change, ...]
    same: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "totals": {
                name: {"a": self.a.totals[name], "b": self.b.totals[name]}
                for name in (*Amounts().to_json(), "alpha_flops", "nodes", "peak_memory")
            },
            "changes": [change.to_json() for change in self.changes],
            "same": self.same,
        }


def compare(a: Profile, b: Profile) -> Comparison:
    """What changed from one network to another.

    >>> from netwright.blocks import conv
    >>> from netwright.cost import profile
    >>> from netwright.graph import Graph, image
    >>> def net(width):
    ...     x = image(3, 8, 8)
    ...     return profile(Graph([x], [conv(conv(x, 8), width)]))
    >>> found = compare(net(8), net(16))
    >>> [(change.kind, change.name, change.what) for change in found.changes][:2]
    [('changed', 'conv_1', ('output 1x8x8x8 → 1x16x8x8',)), ('changed', 'conv', ())]

    Blocks are paired in order: equal ones first of all, then those of one name, then nodes of one operator, so that
    as much as possible is paired (Needleman & Wunsch 1970). A block that is in one network only is told as a whole.
    """
    first, second = block_trees([a.nodes, b.nodes])
    changes, same = [], 0
    for change in _changes(first, second, 0):
        if change is None:
            same += 1
        else:
            changes.append(change)
    return Comparison(a, b, tuple(changes), same)


def _changes(a: Block, b: Block, depth: int) -> Iterator[Change | None]:
    """Changes inside two blocks; None for each pair of equal ones."""
    for one, other in _paired(a.blocks, b.blocks):
        if one is None or other is None:
            yield Change("added" if one is None else "removed", depth, one, other)
        elif one.signature == other.signature and one.count == other.count:
            yield None
        else:
            yield Change("changed", depth, one, other, tuple(_what(one, other, depth)))
            if one.signature != other.signature:
                yield from _changes(one, other, depth + 1)


def _paired(a: Sequence[Block], b: Sequence[Block]) -> list[tuple[Block | None, Block | None]]:
    """Blocks of both sides in order, with the pairing of the largest worth."""
    best = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in range(len(a) - 1, -1, -1):
        for j in range(len(b) - 1, -1, -1):
            worth = _worth(a[i], b[j])
            paired = best[i + 1][j + 1] + worth if worth else 0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[Block | None, Block | None]] = []
    i = j = 0
    while i < len(a) and j < len(b):
        worth = _worth(a[i], b[j])
        if worth and best[i][j] == best[i + 1][j + 1] + worth:
            pairs.append((a[i], b[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append((a[i], None))
            i += 1
        else:
            pairs.append((None, b[j]))
            j += 1
    return [*pairs, *((block, None) for block in a[i:]), *((None, block) for block in b[j:])]


def _worth(a: Block, b: Block) -> int:
    named = _NAMED if a.name.partition(" … ")[0] == b.name.partition(" … ")[0] else 0
    if a.signature == b.signature:
        return _EQUAL + named
    if bool(a.blocks) != bool(b.blocks):
        return 0
    if a.blocks:
        return named + _ALIKE
    return named + _ALIKE if a.kind == b.kind else 0


def _what(a: Block, b: Block, depth: int) -> Iterator[str]:
    """Copies, attributes and weights; the output of an outermost block, or where nothing else says what changed."""
    if a.count != b.count:
        yield f"copies {a.count} → {b.count}"
    before, after = dict(a.facts), dict(b.facts)
    facts = [fact for fact in dict.fromkeys([*before, *after]) if before.get(fact) != after.get(fact)]
    for fact in facts:
        yield f"{fact} {before.get(fact, 'none')} → {after.get(fact, 'none')}"
    if a.shape != b.shape and not facts and (depth == 0 or not a.blocks):
        yield f"output {_shape(a.shape)} → {_shape(b.shape)}"


def _shape(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
