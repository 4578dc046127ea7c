"""`parallel`: copies of a part side by side, with the same decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwright.blocks import part
from netwright.errors import SpaceError
from netwright.graph import Tensor, scope
from netwright.space._compile import Compiler, Contexts, FlowType, Outcome, Outcomes, TensorType
from netwright.space._expression import Builder, Expression, as_expression
from netwright.space._forest import join_path
from netwright.space._join import compile_joined, decided_join
from netwright.space._joins import Join, joins_of
from netwright.space._spelling import Spelling

__all__ = ["Parallel", "parallel"]

EACH = "each"


class Parallel(Expression):
    """Copies of one part side by side, on the same input or on the equal parts of one axis, joined."""

    def __init__(self, body: Expression, times: int, join: Any, axis: int | None) -> None:
        super().__init__(body, times, join, axis, children=(body,))
        self.body = body
        self.times = times
        self.join = join
        self.axis = axis

    def compile(self, compiler: Compiler, contexts: Contexts) -> Outcomes:
        found = self._cut(compiler, contexts)
        if found is None:
            return {}
        types, cuts = found
        # All copies are alike: one derivation, each of its blocks so many times.
        inside = contexts._replace(types=types, times=tuple(n * self.times for n in contexts.times))
        bodies = compiler.compile_at(EACH, self.body, inside)
        return compile_joined(compiler, self.join, lambda join: self._joined(compiler, contexts, join, bodies, cuts))

    def recursion(self, inner: Sequence[float]) -> float:
        return max(inner)

    def _cut(self, compiler: Compiler, contexts: Contexts) -> tuple[tuple[FlowType, ...], int] | None:
        """Types that flow into each copy, and the leaf that cuts them out; None where the axis does not divide."""
        if self.axis is None:
            return contexts.types, compiler.forest.leaf()
        call = part(self.axis, 0, self.times)
        graphs = compiler.apply(call, call.apply, [(kind,) for kind in contexts.types])
        if graphs is None:
            return None
        counts = [n * self.times for n in contexts.times]
        types = tuple(map(TensorType.of, graphs))
        return types, compiler.forest.leaf(list(zip(graphs, counts, strict=True)))

    def _joined(self, compiler: Compiler, contexts: Contexts, join: Join, bodies: Outcomes, cuts: int) -> Outcomes:
        forest = compiler.forest
        found: dict[Outcome, list[tuple[None, int]]] = {}
        for outcome, node in bodies.items():
            if join.key(0, outcome.types) is None or join.key(0, outcome.types) != join.key(1, outcome.types):
                compiler.note_misfit(join.name, outcome.types, join.rule)
                continue
            graphs = compiler.apply(join, join, [(kind,) * self.times for kind in outcome.types])
            if graphs is not None:
                joined, leaf = compiler.leaf(graphs, contexts)
                around = forest.product(("", cuts), ("", leaf))
                new = outcome._replace(types=joined.types)
                found.setdefault(new, []).append((None, forest.product((EACH, node), ("", around))))
        return {outcome: forest.choice(None, nodes) for outcome, nodes in found.items()}

    def build(self, builder: Builder, x: Tensor, prefix: str) -> Tensor:
        join, ys = decided_join(builder, self.join, prefix), []
        for copy in range(self.times):
            with scope(str(copy)):
                one = x if self.axis is None else builder.apply(part(self.axis, copy, self.times), x)
                ys.append(self.body.build(builder, one, join_path(prefix, EACH)))
        return join(*ys)

    def spelled(self) -> Spelling:
        axis = {} if self.axis is None else {"axis": self.axis}
        return Spelling("parallel", (self.body, self.times), {"join": self.join, **axis})

    def __repr__(self) -> str:
        axis = "" if self.axis is None else f", axis={self.axis}"
        return f"parallel({self.body!r}, {self.times}, join={self.join!r}{axis})"


def parallel(body: Any, times: int, *, join: Any = "add", axis: int | None = None) -> Expression:
    """Copies of a part side by side that share their decisions, not their weights.

    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> space = Space(parallel(conv(4, kernel=oneof(1, 3)), 3, join=oneof("add", "concat")), input=image(4, 8, 8))
    >>> space.size(), space.design_at(3)
    (4, Design({'join': 'concat', 'each.kernel': 3}))

    The decisions stand once, under `each`.

    axis: the axis, counted from 1, whose equal parts the copies get, such as groups of channels; without it each
        copy gets the whole input. join: as for `branch`, but for dot and scaled_dot only two copies fit.

    Raises SpaceError for fewer than two copies, UnknownNameError for another join.
    """
    if isinstance(times, bool) or not isinstance(times, int) or times < 2:
        raise SpaceError(f"parallel needs a whole number of at least 2 copies, but got {times!r}.")
    joins_of(join)
    return Parallel(as_expression(body), times, join, axis)
