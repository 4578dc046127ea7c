"""The forest of a whole space: its expression compiled against every input that a design may pick."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from netwright.graph import Input
from netwright.space._compile import Compiler, Contexts, Outcome, Outcomes, TensorType, TooManyNodesError
from netwright.space._design import Value
from netwright.space._expression import Expression
from netwright.space._forest import Forest, check_names
from netwright.space._sequence import compose

__all__ = ["compiled", "compiled_if_small", "prefix_of"]

AT_ONCE = 5_000
"""Nodes of a forest up to which a space is compiled when it is made, and not at the first question."""


def compiled(
    expression: Expression, inputs: Mapping[str, Input], *, bound: int, largest: int | None = None
) -> Forest:
    """The forest of an expression over the inputs; where there are several, which one is a decision named `input`.

    bound: of the number of nodes. largest: most elements of any value.

    Raises EmptySpaceError when no design fits its shapes.
    """
    with _without_collection():
        return _compiled(Compiler(bound=bound, largest=largest), expression, inputs)


@contextmanager
def _without_collection() -> Iterator[None]:
    """No search for garbage: all that a forest is made of stays, and going through it again and again takes long."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def _compiled(compiler: Compiler, expression: Expression, inputs: Mapping[str, Input]) -> Forest:
    options: list[tuple[Value | None, Outcomes, float | None]] = []
    for label, tensor in inputs.items():
        contexts = Contexts((TensorType(tensor.shape, tensor.dtype),))
        nothing: Outcomes = {Outcome(contexts.types): compiler.forest.leaf()}
        outcomes = compose(compiler, nothing, expression, prefix_of(expression), contexts)
        options.append((label, compiler.resolve_all(outcomes, contexts), 1.0 / len(inputs)))
    if not any(outcomes for _, outcomes, _ in options):
        raise compiler.empty_error(expression, [TensorType(t.shape, t.dtype) for t in inputs.values()])
    if len(options) > 1:
        whole = compiler.gather("input", [(label, _merged(compiler, o), w) for label, o, w in options])
    else:
        whole = options[0][1]
    compiler.forest.root = compiler.forest.choice(None, [(None, node) for node in whole.values()])
    check_names(compiler.forest)
    return compiler.forest.trimmed()


def compiled_if_small(
    expression: Expression, inputs: Mapping[str, Input], *, bound: int, largest: int | None
) -> Forest | None:
    """The same where it has few nodes, else None."""
    try:
        return compiled(expression, inputs, bound=min(AT_ONCE, bound), largest=largest)
    except TooManyNodesError:
        return None


def prefix_of(expression: Expression) -> str:
    """Component of the whole network: its label where its first decision would have no path else."""
    return expression.label if expression.decides_here else ""


def _merged(compiler: Compiler, outcomes: Outcomes) -> Outcomes:
    """All derivations of one input as one outcome: what flows out no longer matters at the top."""
    if not outcomes:
        return {}
    return {Outcome(()): compiler.forest.choice(None, [(None, node) for node in outcomes.values()])}
