"""Compiling: from an expression and input shapes to a forest.

Each expression is compiled once for the *contexts* it stands in: the vector of tensor types that flow into it (one,
unless it is tied) and how often each occurs. What comes out groups derivations by `Outcome`: the types that flow out,
the tied expressions used on the way and in which contexts, and the size spent in a size-bounded grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netwright.blocks import Call
from netwright.errors import EmptySpaceError, NetwrightError, ShapeError, SpaceError, UnknownNameError
from netwright.graph import Constant, Graph, Input, Shape, Tensor
from netwright.space._design import Value
from netwright.space._forest import Forest
from netwright.space._given import Given, merged

if TYPE_CHECKING:
    from netwright.space._expression import Expression
    from netwright.space._tie import Tied

__all__ = [
    "Bundle",
    "Compiler",
    "Contexts",
    "FlowType",
    "Outcome",
    "Outcomes",
    "TensorType",
    "TooManyNodesError",
    "Uses",
    "in_order",
    "merge_uses",
    "tensors_of",
    "too_large",
]


class TensorType(NamedTuple):
    """What is known of a tensor between two parts; fixed: whether it is made of weights and of no input."""

    shape: Shape
    dtype: str
    fixed: bool = False

    @classmethod
    def of(cls, graph: Graph) -> TensorType:
        """Type of what a graph makes."""
        made = graph.outputs[0]
        fixed = (made.node in graph.constant_nodes and bool(graph.parameters)) or isinstance(made, _Fixed)
        return cls(made.shape, made.dtype, fixed)

    def wide(self, channels: int) -> TensorType:
        """The same type with another number of channels."""
        return self._replace(shape=(self.shape[0], channels, *self.shape[2:]))

    def stand_in(self) -> Tensor:
        """A tensor of this type; the values of a fixed one take no memory."""
        if not self.fixed:
            return Input(self.shape, self.dtype)
        return _Fixed(np.broadcast_to(np.zeros((), self.dtype), self.shape), self.dtype)


class _Fixed(Constant):
    """Stands for weights that were made further up: neither counted again, nor an activation."""


class Bundle(tuple[TensorType, ...]):
    """Types of several tensors that flow together."""


FlowType = TensorType | Bundle
"""What flows at one place: one tensor, or several."""
Use = tuple[int, FlowType, FlowType, Given]
Uses = tuple[tuple[Use, int], ...]


class Contexts(NamedTuple):
    """Where an expression stands: types that flow in, times each occurs, rules in force, recursion left.

    given: what the parts around it give it, for each type; empty where they give nothing.
    """

    types: tuple[FlowType, ...]
    times: tuple[int, ...] = (1,)
    grammar: Any = None
    left: int = 0
    given: tuple[Given, ...] = ()

    def at(self, types: tuple[FlowType, ...]) -> Contexts:
        """The same contexts further down the network."""
        return self._replace(types=types)

    def endless(self, part: Expression) -> str | None:
        """Name of a rule in a part that cannot end with the recursion that is left; None where the part can."""
        name: str | None = None if self.grammar is None else self.grammar.endless(part, self.left)
        return name

    def single(self) -> tuple[TensorType, ...]:
        """Types where one tensor flows in each context; none at all where several do."""
        return tuple(t for t in self.types if not isinstance(t, Bundle)) if not _bundled(self.types) else ()

    def values(self) -> tuple[Given, ...]:
        """What is given in each context."""
        return self.given or ((),) * len(self.types)

    def giving(self, values: Given) -> Contexts:
        """The same contexts with further values given, in place of those of the same name."""
        return self._replace(given=tuple(merged(outer, values) for outer in self.values())) if values else self

    def reading(self, expression: Expression) -> Contexts:
        """The same contexts with no more given than an expression reads, so that it is compiled once for all others.

        What a rule of a grammar reads is not known where it is used.
        """
        if not self.given or expression.recursive:
            return self
        kept = tuple(tuple(item for item in values if item[0] in expression.free) for values in self.given)
        return self._replace(given=kept if any(kept) else ())


class Outcome(NamedTuple):
    """What a group of derivations has in common."""

    types: tuple[FlowType, ...]
    uses: Uses = ()
    size: int = 0


Outcomes = dict[Outcome, int]


class Misfit(NamedTuple):
    """Where something does not fit, by the components of its path (None where no place is to blame), and why."""

    place: tuple[str, ...] | None
    fault: str

    def below(self, depth: int) -> Misfit:
        """The same with a place that is counted from so deep on."""
        return self if self.place is None else self._replace(place=self.place[depth:])

    def under(self, place: Sequence[str]) -> Misfit:
        """The same below a place."""
        return self if self.place is None else self._replace(place=(*place, *self.place))

    def __str__(self) -> str:
        if self.place is None:
            return self.fault
        return f"{'.'.join(filter(None, self.place)) or 'the network'}, where {self.fault}"


class TooManyNodesError(SpaceError):
    """A forest passes the bound on its nodes."""


@dataclass
class Compiler:
    """Holds the forest under construction and what has been compiled already.

    bound: largest number of forest nodes; passing it raises SpaceError that names the expression. largest: most
    elements that a value of a network may have.
    """

    bound: int = 1_000_000
    largest: int | None = None
    forest: Forest = field(default_factory=Forest)
    ties: list[Tied] = field(default_factory=list)
    _memo: dict[tuple[Expression, Contexts], Outcomes] = field(default_factory=dict)
    _graphs: dict[tuple[Any, tuple[TensorType, ...]], Graph | NetwrightError] = field(default_factory=dict)
    _place: list[str] = field(default_factory=list)
    _misfit: Misfit | None = None
    _why_empty: dict[tuple[Expression, Contexts], Misfit | None] = field(default_factory=dict)

    def compile(self, expression: Expression | Call, contexts: Contexts) -> Outcomes:
        """Outcomes of an expression in its contexts; empty where nothing fits."""
        from netwright.space._expression import as_expression

        e = as_expression(expression)
        contexts = contexts.reading(e)
        key = (e, contexts if e.recursive else contexts._replace(grammar=None, left=0))
        known = self._memo.get(key)
        if known is None and e.recursive and (rule := contexts.endless(e)):
            # Whatever stands before the rule would be applied, and then be for nothing.
            self.note_endless(rule)
            known = self._memo[key] = {}
        if known is None:
            known = self._memo[key] = e.compile(self, contexts)
            if len(self.forest) > self.bound:
                raise TooManyNodesError(f"a forest must stay under {self.bound} nodes, but {e.label} passes that.")
            if not known and self._misfit is not None:
                self._why_empty[key] = self._misfit.below(len(self._place))
        elif not known and (misfit := self._why_empty.get(key)):
            # What was found empty elsewhere is empty here, too.
            self._misfit = misfit.under(self._place)
        return known

    def compile_at(self, component: str, expression: Expression | Call, contexts: Contexts) -> Outcomes:
        """The same for a part under a component of the path, which errors name."""
        self._place.append(component)
        outcomes = self.compile(expression, contexts)
        self._place.pop()
        return outcomes

    def note_misfit(self, what: str, types: Sequence[FlowType], fault: object) -> None:
        """Keep why something does not fit; what is noted last before a space comes out empty is what emptied it."""
        self._misfit = Misfit(tuple(self._place), f"{what} got {_written(types)}: {fault}")

    def note_endless(self, rule: str) -> None:
        """Keep that a rule does not end within its bound, unless something does not fit."""
        self._misfit = self._misfit or Misfit(None, f"rule {rule!r}, which does not end within its bound.")

    def apply(
        self, key: Any, build: Callable[..., Tensor], groups: Sequence[tuple[FlowType, ...]]
    ) -> list[Graph] | None:
        """Graph of a block for each group of input types, each built once; None where one does not fit."""
        graphs = []
        for flows in groups:
            types = tuple(t for flow in flows for t in tensors_of(flow))
            known = self._graphs.get((key, types))
            if known is None:
                known = self._graphs[key, types] = self._build(build, types)
            if isinstance(known, NetwrightError):
                self.note_misfit(repr(key), types, known)
                return None
            graphs.append(known)
        return graphs

    def _build(self, build: Callable[..., Tensor], types: tuple[TensorType, ...]) -> Graph | NetwrightError:
        given = [each.stand_in() for each in types]
        try:
            graph = Graph([tensor for tensor in given if isinstance(tensor, Input)], [build(*given)])
        except UnknownNameError:
            # A name that is unknown fits nowhere; left out in silence, a slip of the pen would be an option less.
            raise
        except NetwrightError as error:
            return error
        return too_large(graph, self.largest) or graph

    def leaf(self, graphs: Sequence[Graph], contexts: Contexts) -> tuple[Outcome, int]:
        """Leaf of one block applied in all contexts."""
        types = tuple(map(TensorType.of, graphs))
        return Outcome(types), self.forest.leaf(list(zip(graphs, contexts.times, strict=True)))

    def gather(self, name: str | None, options: Iterable[tuple[Value | None, Outcomes, float | None]]) -> Outcomes:
        """Union of alternatives, one node for each outcome that any of them has."""
        groups: dict[Outcome, list[tuple[Value | None, int, float | None]]] = {}
        for value, outcomes, weight in options:
            for outcome, node in outcomes.items():
                groups.setdefault(outcome, []).append((value, node, weight))
        return {
            outcome: self.forest.choice(
                name,
                [(value, node) for value, node, _ in group],
                None if any(w is None for *_, w in group) else [w for *_, w in group if w is not None],
            )
            for outcome, group in groups.items()
        }

    def tie_number(self, tied: Tied) -> int:
        """Number by which uses refer to a tied expression; raises SpaceError when another has its key."""
        tie = tied.decisions
        if tie not in self.ties:
            if not tie.local and any(known.key == tie.key for known in self.ties if not known.local):
                raise SpaceError(f"all parts tied under {tie.key!r} must be equal, but they are not.")
            self.ties.append(tie)
        return self.ties.index(tie)

    def consistent(self, uses: Uses, number: int, contexts: Contexts) -> bool:
        """Whether some decision of a tied expression gives all its uses so far the outputs that they state."""
        wanted = {(use[1], use[3]): use[2] for use, _ in uses if use[0] == number}
        if len(wanted) < sum(use[0] == number for use, _ in uses):
            return False
        given = tuple(values for _, values in wanted)
        into = contexts._replace(types=tuple(t for t, _ in wanted), times=(1,) * len(wanted))
        outcomes = self.compile(self.ties[number].body, into._replace(given=given if any(given) else ()))
        return any(outcome.types == tuple(wanted.values()) for outcome in outcomes)

    def resolve(self, outcomes: Outcomes, number: int, contexts: Contexts) -> Outcomes:
        """Attach the decisions of a tied expression, compiled once over all contexts in which it was used.

        A use states what flows in and out; only decisions that give every use its output are kept. Outcomes with
        different uses stay apart until here: this is what lifts the decisions that contexts depend on above the tie.
        """
        found: dict[Outcome, list[tuple[Value | None, int]]] = {}
        for outcome, node in outcomes.items():
            mine = [use for use in outcome.uses if use[0][0] == number]
            if not mine:
                found.setdefault(outcome, []).append((None, node))
                continue
            rest = tuple(use for use in outcome.uses if use[0][0] != number)
            types, wanted = tuple(use[1] for use, _ in mine), tuple(use[2] for use, _ in mine)
            given = tuple(use[3] for use, _ in mine)
            into = contexts._replace(types=types, times=tuple(n for _, n in mine), given=given if any(given) else ())
            for tied, decisions in self.compile(self.ties[number].body, into).items():
                if tied.types == wanted:
                    whole = Outcome(outcome.types, merge_uses(rest, tied.uses), outcome.size + tied.size)
                    pair = self.forest.product(("", node), (self.ties[number].key, decisions))
                    found.setdefault(whole, []).append((None, pair))
        return {outcome: self.forest.choice(None, nodes) for outcome, nodes in found.items()}

    def resolve_all(self, outcomes: Outcomes, contexts: Contexts) -> Outcomes:
        """Attach every tied expression that is still open, outer ones before those inside them."""
        while open_ties := {use[0] for outcome in outcomes for use, _ in outcome.uses}:
            inside = {tie for number in open_ties for tie in self.ties[number].body.ties()}
            outermost = [number for number in sorted(open_ties) if self.ties[number] not in inside]
            outcomes = self.resolve(outcomes, outermost[0], contexts)
        return outcomes

    def empty_error(self, expression: Expression, types: Sequence[TensorType]) -> EmptySpaceError:
        """The error of a space without designs, with the first place where nothing fits."""
        place = self._misfit or "a tie, no decision of which gives all its places the outputs they need."
        return EmptySpaceError(
            f"no design of {expression.label} fits input {_written(types)}; the first place where nothing fits is"
            f" {place}"
        )


def too_large(graph: Graph, largest: int | None) -> ShapeError | None:
    """The error of a graph with a value of more elements than there may be, None where all are small enough."""
    for tensor in (t for node in graph.nodes for t in node.outputs) if largest is not None else ():
        if tensor.size > (largest or 0):
            return ShapeError(f"a value must have at most {largest:,} elements, but one has shape {tensor.shape}.")
    return None


def _written(types: Sequence[FlowType]) -> str:
    return " and ".join("x".join(map(str, shape)) for flow in types for shape, *_ in tensors_of(flow))


def _bundled(types: Sequence[FlowType]) -> bool:
    return any(isinstance(t, Bundle) for t in types)


def tensors_of(flow: FlowType) -> tuple[TensorType, ...]:
    """Types of the tensors that flow at one place.

    >>> tensors_of(TensorType((1, 8), "float32"))
    (TensorType(shape=(1, 8), dtype='float32', fixed=False),)
    """
    return tuple(flow) if isinstance(flow, Bundle) else (flow,)


def merge_uses(a: Uses, b: Uses) -> Uses:
    """Sum of two counts of tied uses.

    >>> merge_uses((), ())
    ()
    """
    if not a or not b:
        return a or b
    total = dict(a)
    for use, count in b:
        total[use] = total.get(use, 0) + count
    return in_order(total)


def in_order(counts: Mapping[Use, int]) -> Uses:
    """Counts of tied uses in the one order that they have.

    >>> x = ((1, 8), "float32")
    >>> [use[3] for use, _ in in_order({(0, x, x, (("width", None),)): 1, (0, x, x, (("width", 8),)): 1})]
    [(('width', 8),), (('width', None),)]
    """
    # What is given may be of kinds that have no order of their own, such as None and 8.
    return tuple(sorted(counts.items(), key=lambda item: (*item[0][:3], repr(item[0][3]))))
