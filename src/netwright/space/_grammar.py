"""`grammar` and `rule`: recursion with a bound that shrinks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

from netwright.errors import SpaceError, UnknownNameError
from netwright.graph import Tensor
from netwright.space._compile import Compiler, Contexts, Outcomes
from netwright.space._expression import Builder, Expression, as_expression
from netwright.space._spelling import Spelling

__all__ = ["Grammar", "RuleUse", "grammar", "rule"]


@dataclass(frozen=True, eq=False)
class Rules:
    """Bodies of the rules by name, and how deep and how large a derivation may be."""

    bodies: Mapping[str, Expression]
    depth: int
    size: int | None = None
    _least: dict[Expression, float] = field(default_factory=dict)

    def endless(self, part: Expression, left: int) -> str | None:
        """Name of a rule in a part that cannot end with so much recursion left; None where the part can."""
        if part not in self._least:
            self._least[part] = _least(part, self._to_end)
        return next(_used(part), None) if self._least[part] > left else None

    @cached_property
    def _to_end(self) -> dict[str, float]:
        """Rules inside one another that the body of each needs at least."""
        found = dict.fromkeys(self.bodies, inf)
        for _ in self.bodies:
            found = {name: _least(body, found) for name, body in self.bodies.items()}
        return found

    @property
    def by_size(self) -> bool:
        """Whether sizes must be told apart."""
        return self.size is not None

    def over(self, size: int, left: int) -> bool:
        """Whether a part is too large where so much depth is left: each rule around it counts, too."""
        return self.size is not None and size > self.size - (self.depth - left)


class RuleUse(Expression):
    """The body of a rule, one level further down."""

    recursive = True
    decides_here = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    @property
    def label(self) -> str:
        return self.name

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        if contexts.grammar is None:
            raise SpaceError(f"rule({self.name!r}) must stand inside a grammar, but it does not.")
        if contexts.left == 0:
            compiler.note_endless(self.name)
            return {}
        body = _body(contexts.grammar, self.name)
        outcomes = compiler.compile(body, contexts._replace(left=contexts.left - 1))
        for outcome, node in outcomes.items():
            compiler.forest.kinds[node] = (self.name, contexts.types, contexts.times, outcome.types)
        if not contexts.grammar.by_size:
            return outcomes
        return {
            outcome._replace(size=outcome.size + 1): node
            for outcome, node in outcomes.items()
            if not contexts.grammar.over(outcome.size + 1, contexts.left)
        }

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        return _body(builder.grammar, self.name).build(builder, x, prefix)

    def spelled(self) -> Spelling:
        return Spelling("rule", (self.name,))

    def __repr__(self) -> str:
        return f"rule({self.name!r})"


def _body(rules: Rules, name: str) -> Expression:
    if name not in rules.bodies:
        raise UnknownNameError("rule", name, rules.bodies)
    return rules.bodies[name]


class Grammar(Expression):
    """Rules by name, the rule to start from, and the bound on their recursion."""

    decides_here = True

    def __init__(self, bodies: Mapping[str, Expression], start: str, depth: int | None, size: int | None) -> None:
        super().__init__(tuple(bodies.items()), start, depth, size, children=tuple(bodies.values()))
        self.recursive = False
        self.bounds = {name: bound for name, bound in (("depth", depth), ("size", size)) if bound is not None}
        # No derivation is deeper than it is large.
        self.rules = Rules(bodies, min(self.bounds.values()), size)
        self.start = start

    @property
    def label(self) -> str:
        return self.start

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        inner = contexts._replace(grammar=self.rules, left=self.rules.depth)
        outcomes = compiler.compile(RuleUse(self.start), inner)
        return compiler.gather(None, [(None, {o._replace(size=0): node}, None) for o, node in outcomes.items()])

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        outer, builder.grammar = builder.grammar, self.rules
        y = RuleUse(self.start).build(builder, x, prefix)
        builder.grammar = outer
        return y

    def spelled(self) -> Spelling:
        return Spelling("grammar", (self.start,), {**self.bounds, **self.rules.bodies})

    def __repr__(self) -> str:
        bodies = ", ".join(f"{name}={body!r}" for name, body in self.rules.bodies.items())
        bounds = ", ".join(f"{name}={bound}" for name, bound in self.bounds.items())
        return f"grammar(start={self.start!r}, {bounds}, {bodies})"


def _used(part: Expression) -> Iterator[str]:
    """Names of the rules that a part uses; a grammar inside it has rules of its own."""
    if isinstance(part, RuleUse):
        yield part.name
    elif not isinstance(part, Grammar):
        yield from (name for child in part.children for name in _used(child))


def _least(part: Expression, to_end: Mapping[str, float]) -> float:
    """Rules inside one another that a part needs at least, by what the body of each rule needs."""
    if isinstance(part, RuleUse):
        return 1 + to_end.get(part.name, 0)
    return part.recursion([_least(child, to_end) for child in part.children]) if part.recursive else 0


def rule(name: str) -> Expression:
    """Use of a grammar's rule: one of its derivations, with one less recursion left.

    >>> rule("block")
    rule('block')
    """
    return RuleUse(name)


def grammar(start: str, *, depth: int | None = None, size: int | None = None, **bodies: Any) -> Expression:
    """A context-free grammar of networks: rules that may use one another, down to a bound.

    >>> from netwright.blocks import conv
    >>> from netwright.space import oneof, seq
    >>> grammar("net", depth=3, net=oneof(conv(8), seq(rule("net"), rule("net"))))
    grammar(start='net', depth=3, net=oneof(conv(channels=8), seq(rule('net'), rule('net'))))

    depth: longest chain of rules inside one another. size: number of rules used in all. Derivations keep every bound
        that is given. The weights of a `oneof` make the grammar probabilistic.

    Raises SpaceError unless a bound is given and all are positive, UnknownNameError for a rule without a body.
    """
    bounds = [bound for bound in (depth, size) if bound is not None]
    if not bounds or min(bounds) < 1:
        raise SpaceError(f"a grammar needs a positive bound, but got depth={depth}, size={size}.")
    rules = {name: as_expression(body) for name, body in bodies.items()}
    for used in [start, *(name for body in rules.values() for name in _used(body))]:
        _body(Rules(rules, 1), used)
    return Grammar(rules, start, depth, size)
