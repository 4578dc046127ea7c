"""The verifier: a list of rules that every finished graph must keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netwright.errors import NetwrightError, VerifyError
from netwright.graph._graph import Graph
from netwright.graph._operator import OPERATORS
from netwright.graph._tensor import DTYPE_BYTES, Node, Parameter

__all__ = ["RULES", "Violation", "verify", "violations"]


@dataclass(frozen=True)
class Violation:
    """One broken rule: where, and what was found.

    >>> from netwright.graph import image, ops
    >>> x = image(1, 4, 4)
    >>> y = ops.relu(x)
    >>> y.shape = (1, 1, 2, 2)
    >>> [(violation.position, violation.rule) for violation in violations(Graph([x], [y]))]
    [(0, 'shapes must follow from the inputs')]
    """

    rule: str
    position: int
    node: Node
    found: str

    def __str__(self) -> str:
        shapes = ", ".join("absent" if t is None else str(t.shape) for t in self.node.inputs)
        return f"node {self.position} {self.node.op.name}({shapes}): {self.rule}, but {self.found}."


Rule = Callable[[Graph, Node], str | None]


def _known_operator(graph: Graph, node: Node) -> str | None:
    return None if OPERATORS.get(node.op.name) is node.op else f"{node.op.name} is not in the vocabulary"


def _shapes_follow(graph: Graph, node: Node) -> str | None:
    try:
        types = node.op.infer(node.inputs, dict(node.attrs))
    except NetwrightError as error:
        return str(error).rstrip(".")
    stated = tuple((t.shape, t.dtype) for t in node.outputs)
    return None if tuple(types) == stated else f"the rule gives {tuple(types)} and the node states {stated}"


def _sizes_positive(graph: Graph, node: Node) -> str | None:
    wrong = [t.shape for t in node.outputs if not all(size > 0 for size in t.shape)]
    return f"it makes {wrong[0]}" if wrong else None


def _known_dtype(graph: Graph, node: Node) -> str | None:
    wrong = [t.dtype for t in (*node.inputs, *node.outputs) if t is not None and t.dtype not in DTYPE_BYTES]
    return f"{wrong[0]} is not one" if wrong else None


def _outputs_its_own(graph: Graph, node: Node) -> str | None:
    wrong = [i for i, t in enumerate(node.outputs) if t.node is not node or t.index != i]
    return f"output {wrong[0]} does not point back to its node" if wrong else None


def _one_use_of_buffers(graph: Graph, node: Node) -> str | None:
    if node.op.name != "BatchNormalization":
        return None
    trained = [t for t in node.inputs[3:5] if isinstance(t, Parameter) and t.trainable]
    return "one of them is trainable" if trained else None


RULES: dict[str, Rule] = {
    "the operator must be known": _known_operator,
    "shapes must follow from the inputs": _shapes_follow,
    "sizes must be positive": _sizes_positive,
    "dtypes must be known": _known_dtype,
    "outputs must belong to their node": _outputs_its_own,
    "running statistics must be buffers": _one_use_of_buffers,
}
"""Rule by its sentence; a rule returns what it found where it is broken."""


def violations(graph: Graph) -> Iterator[Violation]:
    """Every rule that the graph breaks, node by node.

    >>> from netwright.graph import image, ops
    >>> x = image(1, 4, 4)
    >>> list(violations(Graph([x], [ops.relu(x)])))
    []
    """
    for position, node in enumerate(graph.nodes):
        for rule, check in RULES.items():
            found = check(graph, node)
            if found:
                yield Violation(rule, position, node, found)


def verify(graph: Graph) -> Graph:
    """Return the graph, or raise VerifyError with the first broken rules.

    >>> from netwright.graph import image, ops
    >>> x = image(1, 4, 4)
    >>> verify(Graph([x], [ops.relu(x)]))
    <Graph 1x1x4x4 -> 1x1x4x4, 1 node, 0 parameters>
    """
    broken = list(violations(graph))
    if broken:
        more = f" ({len(broken) - 3} more)" if len(broken) > 3 else ""
        raise VerifyError(" ".join(str(violation) for violation in broken[:3]) + more)
    return graph
