"""How each operator is written in PyTorch: one expression per node."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.errors import ExportError
from netwright.graph import Node
from netwright.io._to_torch._base import Form, Scribe
from netwright.io._to_torch._code import Code
from netwright.io._to_torch._elementwise import CALLS, ELEMENTWISE, METHODS
from netwright.io._to_torch._indexing import INDEXING
from netwright.io._to_torch._linear import LINEAR, OPTIONAL_INPUTS
from netwright.io._to_torch._quantisation import QUANTISATION
from netwright.io._to_torch._recurrent import RECURRENT
from netwright.io._to_torch._reduction import REDUCTIONS
from netwright.io._to_torch._shape import SHAPES, following_batch
from netwright.io._to_torch._windows import average_pool, grid_sample, lp_pool, max_pool

__all__ = ["SCALAR_OPERANDS", "expression", "names_input_twice"]

SCALAR_OPERANDS = frozenset({
    "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual",
    "Where",
})  # fmt: skip
"""Operators in which a constant of one element is written as a number."""

FORMS: dict[str, Form] = {
    **ELEMENTWISE,
    **LINEAR,
    **REDUCTIONS,
    **INDEXING,
    **SHAPES,
    **QUANTISATION,
    "AveragePool": average_pool,
    "GridSample": grid_sample,
    "LpPool": lp_pool,
    "MaxPool": max_pool,
}
"""Operators whose form is a function of their present inputs."""


WITH_GAPS = OPTIONAL_INPUTS | RECURRENT
"""Operators some of whose inputs may be absent before others that are present."""


def names_input_twice(scribe: Scribe, node: Node) -> bool:
    """Whether the expression of a node may name its first input twice, so that it has to be a variable."""
    if node.op.name == "Reshape":
        return len(following_batch(scribe, node)) > 1
    if node.op.name == "Swish":
        return bool(node.attrs.get("alpha", 1.0) != 1.0)
    if node.op.name == "Shrink":
        return node.attrs["bias"] not in (0.0, node.attrs["lambd"])
    return node.op.name in ("PRelu", "Hardmax") or bool(node.attrs.get("exclusive"))


def expression(scribe: Scribe, node: Node, arguments: Sequence[Code | None]) -> Code:
    """PyTorch expression of one node on the expressions of its inputs.

    Raises ExportError for an operator without a form.
    """
    name = node.op.name
    size = 1 + sum(a.size for a in arguments if a is not None)
    if name in WITH_GAPS:
        text = WITH_GAPS[name](scribe, node, [None if a is None else a.text for a in arguments])
        return Code(text, size=size)
    given = [a for a in arguments if a is not None]
    if name in CALLS:
        return Code(CALLS[name].format(*(a.text for a in given)), size=size)
    if name in METHODS:
        return Code(given[0].atom + METHODS[name], size=size)
    if name not in FORMS:
        raise ExportError(f"{name} has no form in PyTorch.")
    made = FORMS[name](scribe, node, given)
    return Code(made.text, made.binds, size)
