"""A small language for what a value is made of: operators, constants by value, the same operand twice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isclose

from netwright.graph._patterns._network import Network, Operand
from netwright.graph._tensor import Node, Tensor

__all__ = ["Apply", "Match", "Number", "Pattern", "Rewrite", "Rule", "Value", "apply", "product", "total"]

CLOSE = 1e-6
"""Relative difference of constants that are one number, written down in single precision or to seven digits."""


@dataclass(frozen=True)
class Match:
    """What a pattern found: its named operands, and the nodes that it stands for."""

    found: Mapping[str, Operand] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()

    def tensor(self, name: str) -> Tensor:
        """Tensor of this name."""
        value = self.found[name]
        assert isinstance(value, Tensor)
        return value

    def number(self, name: str, default: float = 1.0) -> float:
        """Number of this name, or the default where the pattern that matched has none."""
        value = self.found.get(name, default)
        assert isinstance(value, float)
        return value

    def node(self, name: str) -> Node:
        """Node that an operator of this name is."""
        made = self.tensor(name).node
        assert made is not None
        return made

    def bound(self, name: str, value: Operand) -> Match | None:
        """This match with one name more; None where the name stands for something else already."""
        if not name:
            return self
        known = self.found.get(name)
        if known is not None:
            return self if known is value else None
        return Match({**self.found, name: value}, self.nodes)

    def through(self, node: Node) -> Match:
        """This match with one node more."""
        return Match(self.found, (*self.nodes, node))


class Pattern(ABC):
    """What an operand may be; `a | b` is either."""

    roots: frozenset[str] = frozenset()
    """Operators by which a value of this pattern is made; none where it may be made in any way."""

    @abstractmethod
    def search(self, operand: Operand, net: Network, match: Match) -> Iterator[Match]:
        """Every way in which the operand is this pattern, going on from what has been found so far."""

    def __or__(self, other: Pattern) -> Pattern:
        return Either(self, other)


class Value(Pattern):
    """Any tensor; the same one wherever the name stands."""

    def __init__(self, name: str) -> None:
        self.name = name

    def search(self, operand: Operand, net: Network, match: Match) -> Iterator[Match]:
        bound = match.bound(self.name, operand) if isinstance(operand, Tensor) else None
        if bound is not None:
            yield bound


class Number(Pattern):
    """A constant of one element: of this value, or of any under a name."""

    def __init__(self, value: float | None = None, name: str = "") -> None:
        self.value = value
        self.name = name

    def search(self, operand: Operand, net: Network, match: Match) -> Iterator[Match]:
        number = net.number(operand)
        if number is None or (self.value is not None and not isclose(number, self.value, rel_tol=CLOSE)):
            return
        bound = match.bound(self.name, number)
        if bound is not None:
            yield bound


class Apply(Pattern):
    """One of some operators on these operands, in any order where that does not matter.

    name: under which its output is found. more: whether further inputs may follow.
    """

    def __init__(self, names: str, operands: tuple[Pattern, ...], name: str, more: bool) -> None:
        self.roots = frozenset(names.split())
        self.operands = operands
        self.name = name
        self.more = more

    def search(self, operand: Operand, net: Network, match: Match) -> Iterator[Match]:
        node = net.maker(operand)
        if node is None or node.op.name not in self.roots or operand is not node.outputs[0]:
            return
        inputs = net.inputs(node)
        count = len(self.operands)
        if len(inputs) < count or (len(inputs) > count and not self.more):
            return
        bound = match.bound(self.name, node.outputs[0])
        if bound is None:
            return
        yield from self._among(inputs[:count], net, bound.through(node))
        if node.op.commutative and count == 2:
            yield from self._among((inputs[1], inputs[0]), net, bound.through(node))

    def _among(self, inputs: tuple[Tensor | None, ...], net: Network, match: Match, at: int = 0) -> Iterator[Match]:
        if at == len(self.operands):
            yield match
            return
        operand = inputs[at]
        if operand is not None:
            for found in self.operands[at].search(operand, net, match):
                yield from self._among(inputs, net, found, at + 1)


class Chain(Pattern):
    """A product or sum of these parts, however it is nested and ordered; x / 2 is x * 0.5, and x - 2 is x + -2."""

    def __init__(self, op: str, parts: tuple[Pattern, ...]) -> None:
        self.op = op
        self.roots = frozenset({"Mul": ("Mul", "Div"), "Add": ("Add", "Sub")}[op])
        self.parts = parts

    def search(self, operand: Operand, net: Network, match: Match) -> Iterator[Match]:
        yield from self._search(self.parts, operand, net, match)

    def _search(self, parts: tuple[Pattern, ...], operand: Operand, net: Network, match: Match) -> Iterator[Match]:
        if len(parts) == 1:
            yield from parts[0].search(operand, net, match)
            return
        node = net.maker(operand)
        pair = net.pair(node, self.op) if node is not None else None
        if node is None or pair is None:
            return
        for some, others in _halves(parts):
            if self._may_be(some, pair[0], net) and self._may_be(others, pair[1], net):
                for found in self._search(some, pair[0], net, match.through(node)):
                    yield from self._search(others, pair[1], net, found)

    def _may_be(self, parts: tuple[Pattern, ...], operand: Operand, net: Network) -> bool:
        """Whether an operand looks like these parts at first sight: most ways to share them out end here."""
        if len(parts) == 1 and isinstance(parts[0], Number):
            return net.number(operand) is not None
        roots = self.roots if len(parts) > 1 else parts[0].roots
        node = net.maker(operand) if roots else None
        return not roots or (node is not None and node.op.name in roots)


@lru_cache(maxsize=4096)
def _halves(parts: tuple[Pattern, ...]) -> tuple[tuple[tuple[Pattern, ...], tuple[Pattern, ...]], ...]:
    """Every way to share out some parts among two operands."""
    found = []
    for chosen in range(1, 2 ** len(parts) - 1):
        some = tuple(part for i, part in enumerate(parts) if chosen >> i & 1)
        others = tuple(part for i, part in enumerate(parts) if not chosen >> i & 1)
        found.append((some, others))
    return tuple(found)


class Either(Pattern):
    """One of two patterns, the first one first."""

    def __init__(self, first: Pattern, second: Pattern) -> None:
        self.roots = first.roots | second.roots if first.roots and second.roots else frozenset()
        self.options = (first, second)

    def search(self, operand: Operand, net: Network, match: Match) -> Iterator[Match]:
        for option in self.options:
            yield from option.search(operand, net, match)


Part = Pattern | str | float
"""A pattern; text stands for the value of this name, a number for the constant of this value."""


def _patterns(parts: tuple[Part, ...]) -> tuple[Pattern, ...]:
    return tuple(Value(p) if isinstance(p, str) else Number(p) if isinstance(p, (int, float)) else p for p in parts)


def apply(names: str, *operands: Part, name: str = "", more: bool = False) -> Pattern:
    """One of the operators in `names` on these operands."""
    return Apply(names, _patterns(operands), name, more)


def product(*parts: Part) -> Pattern:
    """Product of these parts."""
    return Chain("Mul", _patterns(parts))


def total(*parts: Part) -> Pattern:
    """Sum of these parts."""
    return Chain("Add", _patterns(parts))


Rewrite = Callable[[Match, Network], "Tensor | Mapping[Tensor, Tensor] | None"]
"""What a match is equal to: the new value, or new values by the old ones; None where it is not what it looks like."""

Rule = tuple[Pattern, Rewrite]
