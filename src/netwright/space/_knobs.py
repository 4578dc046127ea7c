"""Widths of a given network that are decided together, and the sizes that each may have."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from math import prod

import numpy as np

from netwright.graph import Dependencies, Tensor, WidthGroup
from netwright.space._cut import Part
from netwright.space._design import Value
from netwright.space._domain import Choice

__all__ = ["Knob", "Knobs"]

STEPS = 4
"""A width stays a multiple of the largest of 8, 4 and 2 that it holds so often."""


@dataclass(frozen=True, eq=False)
class Knob:
    """Width groups that one decision sizes.

    counts: at each level the units of each group; level 0 is the network as given. choice: level by its label, the
    number of channels or heads, or the ratio where groups are tied.
    """

    name: str
    groups: tuple[WidthGroup, ...]
    counts: tuple[tuple[int, ...], ...]
    choice: Choice

    @classmethod
    def of(cls, name: str, groups: Sequence[WidthGroup], ratios: Sequence[float]) -> Knob:
        """Knob with a level for each ratio that gives other numbers of units than those before it."""
        levels: dict[tuple[int, ...], float] = {}
        for ratio in ratios:
            levels.setdefault(tuple(_count(group, ratio) for group in groups), ratio)
        single = groups[0] if len(groups) == 1 else None
        labels: list[Value] = [_label(single, counts[0]) if single else ratio for counts, ratio in levels.items()]
        shares = (1 / len(levels),) * len(levels)
        return cls(name, tuple(groups), tuple(levels), Choice(tuple(range(len(levels))), tuple(labels), shares))

    @property
    def open(self) -> bool:
        """Whether there is anything to decide."""
        return len(self.counts) > 1


def _count(group: WidthGroup, ratio: float) -> int:
    """Units to keep: a multiple of 8, 4 or 2 channels where the group is large enough for that."""
    step = 1
    if group.kind == "width" and group.each == 1:
        step = next((s for s in (8, 4, 2) if group.size % s == 0 and group.size >= s * STEPS), 1)
    return max(step, int(group.size * ratio / step + 0.5) * step)


def _label(group: WidthGroup, count: int) -> Value:
    return count if group.kind == "heads" else count * group.each


class Knobs:
    """The knobs of a network cut into parts.

    Groups that stand side by side on a value between two parts are decided together: its shape then tells the next
    part all about them. bound: ways to decide the widths within a part above which these get one ratio for all.
    """

    def __init__(self, found: Dependencies, parts: Sequence[Part], ratios: Sequence[float], bound: int) -> None:
        self._found = found
        self._ratios = ratios
        self._group_of = np.full(found.count, -1)
        for number, group in enumerate(found.groups):
            self._group_of[group.units] = number
        between = [self.standing([part.out]) for part in parts]
        self._root = _united(len(found.groups), between)
        crossing = set().union(*between)
        self.into: list[Knob | None] = []
        self.decided: list[tuple[Knob, ...]] = []
        """Knobs that each part decides, the width of what leaves it first."""
        known: dict[int, Knob] = {}
        for part, leaving in zip(parts, between, strict=True):
            entering = {self._root[n] for n in self.standing([part.into])}
            self.into.append(known[entering.pop()] if entering else None)
            here = sorted(self.standing(_tensors(part)))
            decided: list[Knob] = []
            for root in dict.fromkeys(self._root[n] for n in here if n in crossing):
                if root not in known:
                    members = [n for n in range(len(self._root)) if self._root[n] == root]
                    name = "width" if root in {self._root[n] for n in leaving} else ""
                    known[root] = self._knob(name, members, part, decided)
                    decided.append(known[root])
            inner = self._inner([n for n in here if n not in crossing], part, bound, decided)
            self.decided.append(tuple(knob for knob in (*decided, *inner) if knob.open))

    def standing(self, tensors: Iterable[Tensor]) -> set[int]:
        """Numbers of the groups on any axis of these tensors."""
        axes = [self._group_of[self._found.roots(axis)] for t in tensors for axis in self._found.axes[t]]
        return set(np.concatenate(axes).tolist()) - {-1} if axes else set()

    def on(self, tensor: Tensor) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each axis the groups on it and how many positions each has."""
        result = []
        for axis in self._found.axes[tensor]:
            numbers, counts = np.unique(self._group_of[self._found.roots(axis)], return_counts=True)
            result.append(tuple((n, c) for n, c in zip(numbers.tolist(), counts.tolist(), strict=True) if n >= 0))
        return tuple(result)

    def shapes(self, knob: Knob, tensor: Tensor) -> list[tuple[int | None, ...]]:
        """Shape of a tensor at each level of the knob that stands on it; None for axes that no width changes."""
        found = []
        for counts in knob.counts:
            gone = {g.name: (g.size - n, g.size) for g, n in zip(knob.groups, counts, strict=True)}
            sizes: list[int | None] = []
            for size, standing in zip(tensor.shape, self.on(tensor), strict=True):
                less = ((gone[self._found.groups[n].name], positions) for n, positions in standing)
                left = size - sum(positions * removed // total for (removed, total), positions in less)
                sizes.append(left if standing else None)
            found.append(tuple(sizes))
        return found

    def _knob(self, name: str, members: Sequence[int], part: Part, others: Sequence[Knob]) -> Knob:
        """Knob of these groups, under a name that none of the others has."""
        groups = [self._found.groups[n] for n in members]
        wanted = name or _within(part, groups[0])
        return Knob.of(_apart(wanted, {knob.name for knob in others}), groups, self._ratios)

    def _inner(self, members: Sequence[int], part: Part, bound: int, others: Sequence[Knob]) -> list[Knob]:
        knobs: list[Knob] = []
        for n in members:
            knobs.append(self._knob("", [n], part, [*others, *knobs]))
        if prod(len(knob.counts) for knob in (*knobs, *others)) <= bound:
            return knobs
        heads = [n for n in members if self._found.groups[n].kind == "heads"]
        tied = {"ratio": [n for n in members if n not in heads], "heads": heads}
        return [self._knob(name, numbers, part, others) for name, numbers in tied.items() if numbers]


def _tensors(part: Part) -> Iterator[Tensor]:
    for node in part.nodes:
        yield from (t for t in (*node.inputs, *node.outputs) if t is not None)


def _united(size: int, together: Iterable[set[int]]) -> list[int]:
    """Smallest number that each number is with, directly or through others."""
    root = list(range(size))
    for numbers in together:
        roots = {root[n] for n in numbers}
        root = [min(roots) if r in roots else r for r in root]
    return root


def _within(part: Part, group: WidthGroup) -> str:
    """Name of a decision about a group, without the path of the part."""
    path, layer = ".".join(part.path), group.name
    inside = layer[len(path) :].lstrip(".") if layer == path or layer.startswith(path + ".") or not path else layer
    return f"{inside}.{group.kind}" if inside else group.kind


def _apart(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken."""
    numbered = (f"{name}_{number}" for number in count(1))
    return next(each for each in chain([name], numbered) if each not in taken)
