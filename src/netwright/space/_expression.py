"""What an expression of the space language is, and how anything becomes one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.blocks import Block, Call
from netwright.errors import DesignError, SpaceError
from netwright.graph import Graph, Input, Shape, Template, Tensor, scope
from netwright.space._compile import Compiler, Contexts, Outcomes
from netwright.space._design import Value
from netwright.space._forest import join_path
from netwright.space._given import Given, filled, merged
from netwright.space._spelling import Spelling

__all__ = ["Builder", "Expression", "Named", "as_expression", "given_inside", "label_of", "named", "unique_labels"]

TEMPLATES = 4096
"""Blocks, each on one input shape, that are kept for copying."""


class Expression(ABC):
    """A set of networks from one tensor to one tensor.

    To add a kind of expression, give `compile` (outcomes in its contexts, through the compiler) and `build` (the
    network of one design). Two expressions of one kind with equal parts are equal.
    """

    recursive = False
    """Whether the meaning depends on a grammar's rules in force around it."""
    decides_here = False
    """Whether its first decision may stand at its own path, with no component of its own."""

    def __init__(self, *key: Any, children: Sequence[Expression] = ()) -> None:
        self._key = key
        self._hash = hash((type(self).__name__, *key))
        self.children = tuple(children)
        self.recursive = self.recursive or any(child.recursive for child in self.children)
        self.free: frozenset[str] = frozenset().union(*(child.free for child in self.children))
        """Names of what it reads of what it is given; may hold more than these."""

    @property
    def label(self) -> str:
        """Name used for this part in paths where none is given."""
        return type(self).__name__.lower()

    @abstractmethod
    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        """Outcomes in these contexts."""

    @abstractmethod
    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        """Build the design that the builder holds."""

    def spelled(self) -> Spelling:
        """The call that makes this expression; raises SpaceError where there is none to write down."""
        raise SpaceError(f"a space is written down where all its parts have a spelling, but {self!r} has none.")

    def walk(self) -> Iterator[Expression]:
        """This expression and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def recursion(self, inner: Sequence[float]) -> float:
        """Rules inside one another that each of its designs needs at least, by those that its children need.

        Called by a grammar, which leaves out what cannot end; 0 where no child need stand in a design.
        """
        return 0

    def ties(self) -> set[Expression]:
        """Tied expressions at or below this one."""
        return set().union(*(child.ties() for child in self.children))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Expression)
            and type(self) is type(other)
            and self._hash == other._hash
            and self._key == other._key
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._key))})"


@dataclass
class Builder:
    """Builds the network of one design and notes which decisions it read."""

    decisions: Mapping[str, Value]
    grammar: Any = None
    given: Mapping[str, Any] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    templates: dict[tuple[Call, Shape, str], Template] = field(default_factory=dict)
    carries: bool = False
    """Whether weights are wanted of parts that have some already."""
    weights: dict[Tensor, NDArray[np.generic]] = field(default_factory=dict)

    def carry(self, weights: Callable[[], Mapping[Tensor, NDArray[np.generic]]]) -> None:
        """Take the weights that a part brings along, by parameter, where they are wanted."""
        if self.carries:
            self.weights.update(weights())

    def decide(self, path: str) -> Value:
        """Value of a decision; raises DesignError that names the path where it is missing."""
        if path not in self.decisions:
            raise DesignError(f"the design must decide {path!r}, but it does not.")
        self.read.add(path)
        return self.decisions[path]

    def with_weights(self, graph: Graph) -> Graph:
        """The graph with the weights that parts brought along, and initial ones for the others; else as it is."""
        if not self.weights:
            return graph
        # Laws of initial weights stand in a room beside this one.
        from netwright.io import initial_weights

        new = {name for name, p in graph.parameters.items() if p not in self.weights}
        drawn = initial_weights(graph, only=new)
        kept = {name: self.weights[p] for name, p in graph.parameters.items() if name not in new}
        return graph.with_weights({**kept, **drawn})

    @contextmanager
    def giving(self, values: Iterable[tuple[str, Any]]) -> Iterator[None]:
        """Build what stands inside with further values given."""
        outer, self.given = self.given, dict(merged(tuple(self.given.items()), values))
        yield
        self.given = outer

    def build(self, expression: Expression, x: Tensor, prefix: str, component: str) -> Tensor:
        """Build a part under a component of the path, and name its modules after it."""
        with scope(component) if component else nullcontext():
            return expression.build(self, x, join_path(prefix, component))

    def apply(self, call: Call, x: Tensor) -> Tensor:
        """Build a block; where it was built on this shape before, copy what it built then."""
        if isinstance(x, tuple):
            y: Tensor = call.block.function(*x, **call.hyperparameters)
            return y
        key = (call, x.shape, x.dtype)
        if key not in self.templates:
            if len(self.templates) >= TEMPLATES:
                self.templates.clear()
            source = Input(x.shape, x.dtype)
            self.templates[key] = Template([source], call.block.function(source, **call.hyperparameters))
        return self.templates[key].build(x)


class Applied(Expression):
    """A block with its hyperparameters; choices among them are decisions."""

    def __init__(self, call: Call) -> None:
        from netwright.space._domain import expansions, placeholders

        super().__init__(call)
        self.call = call
        self._expansions = expansions(call)
        self.free = placeholders(call)
        self.open = bool(self.free or self._expansions[0][0])
        """Whether anything about the block is still to be decided or given."""

    @property
    def label(self) -> str:
        return self.call.block.name

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        from netwright.space._domain import decide

        leaves = []
        for decisions, call in self._expansions:
            graphs = self._graphs(compiler, call, contexts)
            if graphs is not None:
                leaves.append((decisions, compiler.leaf(graphs, contexts)))
        return decide(compiler, leaves)

    def _graphs(self, compiler: Compiler, call: Call, contexts: Contexts) -> list[Graph] | None:
        if not self.free:
            return compiler.apply(call, call.apply, [(t,) for t in contexts.types])
        found: list[Graph] = []
        for t, given in zip(contexts.types, contexts.values(), strict=True):
            whole = filled(call, dict(given))
            graphs = compiler.apply(whole, whole.apply, [(t,)])
            if graphs is None:
                return None
            found += graphs
        return found

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        from netwright.space._domain import resolve

        fixed = len(self._expansions) == 1 and not self._expansions[0][0]
        call = self.call if fixed else resolve(self.call, builder, prefix)
        return builder.apply(filled(call, builder.given) if self.free else call, x)

    def spelled(self) -> Spelling:
        return Spelling(self.call.block, (), self.call.hyperparameters)

    def __repr__(self) -> str:
        return repr(self.call)


class Named(Expression):
    """An expression under a name of the user's choice."""

    def __init__(self, name: str, body: Expression) -> None:
        super().__init__(name, body, children=(body,))
        self.name = name
        self.body = body
        self.decides_here = body.decides_here

    @property
    def label(self) -> str:
        return self.name

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        return compiler.compile(self.body, contexts)

    def recursion(self, inner: Sequence[float]) -> float:
        return max(inner)

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        return self.body.build(builder, x, prefix)

    def spelled(self) -> Spelling:
        return Spelling("named", (self.name, self.body))

    def __repr__(self) -> str:
        return f"named({self.name!r}, {self.body!r})"


def as_expression(value: Any) -> Expression:
    """Expression of a block call, of a block without hyperparameters, or of an expression itself.

    >>> from netwright.blocks import conv
    >>> as_expression(conv(8))
    conv(channels=8)

    Raises SpaceError for anything else.
    """
    if isinstance(value, Expression):
        return value
    if isinstance(value, Block):
        value = value()
    if isinstance(value, Call):
        return Applied(value)
    raise SpaceError(f"a part of a network must be a block or an expression, but got {value!r}.")


def named(name: str, body: Any) -> Expression:
    """Give a part a name, which its decisions and modules then start with.

    >>> from netwright.blocks import conv
    >>> named("stem", conv(8))
    named('stem', conv(channels=8))
    """
    return Named(checked_name(name), as_expression(body))


def checked_name(name: str, what: str = "a dot", signs: str = ".") -> str:
    """The name; raises SpaceError for an empty one, and for one with signs that mean something in a path."""
    if not name or not isinstance(name, str) or any(sign in name for sign in signs):
        raise SpaceError(f"a name must not be empty or hold {what}, but got {name!r}.")
    return name


def given_inside(read: frozenset[str], *values: Given) -> frozenset[str]:
    """Names that a part reads of what stands around it, where it is given one of some values.

    >>> from netwright.space._given import given
    >>> sorted(given_inside(frozenset({"stride", "width"}), (("stride", 2), ("width", given("channels")))))
    ['channels']
    """
    from netwright.space._domain import placeholders

    everywhere = frozenset.intersection(*(frozenset(dict(each)) for each in values))
    return (read - everywhere) | placeholders(tuple(value for each in values for _, value in each))


def label_of(value: Any) -> str:
    """Label of an option: the name of a part, or the value written out."""
    return as_expression(value).label if isinstance(value, (Expression, Block, Call)) else str(value)


def unique_labels(parts: Sequence[Expression]) -> tuple[str, ...]:
    """Labels of parts side by side, numbered where they repeat.

    >>> from netwright.blocks import conv
    >>> unique_labels([as_expression(conv(8)), as_expression(conv(8))])
    ('conv', 'conv_1')
    """
    labels: list[str] = []
    for part in parts:
        label, number = part.label, 0
        while label in labels:
            number += 1
            label = f"{part.label}_{number}"
        labels.append(label)
    return tuple(labels)
