"""DARTS: a normal and a reduction cell of four nodes, each reading two values (Liu et al., ICLR 2019; row 173)."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from netwright.blocks import avg_pool, classifier, conv, dil_conv, max_pool, relu_conv_bn, sep_conv, skip
from netwright.blocks import factorized_reduction as reduction
from netwright.errors import DesignError
from netwright.graph import Input, image
from netwright.space._bundle import grow, several, take
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._expression import Expression, named
from netwright.space._join import branch
from netwright.space._sequence import seq
from netwright.space._space import Space
from netwright.space._tie import tied

__all__ = ["darts", "darts_from_genotype", "darts_genotype"]

NODES = range(2, 6)
"""Nodes that are decided; 0 and 1 are the outputs of the two cells before."""
OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)


def darts(input: Input | None = None, classes: int = 10, *, scale: float = 1.0, cells: int = 20) -> Space:
    """Pairs of cells: 180 choices of sources times 7 ** 8 of operations each, 1,037,664,180 ** 2 or 10 ** 18 in all.

    >>> darts().size() == (1 * 3 * 6 * 10 * 7**8) ** 2
    True

    This is how the paper counts (section 3.1): without `none`, and two sources of a node are different. Each kind
    of cell is tied over all its places; the reductions stand at a third and two thirds of the depth.

    scale: of the 36 channels of the first cells. cells: 20 for CIFAR-10 in the paper.
    """
    halves = (cells // 3, 2 * cells // 3)
    kinds = {reduces: tied("reduce" if reduces else "normal", darts_cell(reduces)) for reduces in (False, True)}
    network = chained([(kinds[place in halves], place in halves) for place in range(cells)], classes, scale)
    return Space(network, input=input or image(3, 32, 32), name="darts")


def chained(cells: Sequence[tuple[Expression, bool]], classes: int, scale: float) -> Expression:
    """Network of cells that each read the two before, brought to one width; where a cell halves, the width doubles.

    cells: each with whether it halves the image.
    """
    width, before, steps = 2 * max(round(18 * scale), 1), False, {}
    stem = conv(3 * width, activation="none")
    for place, (cell, reduces) in enumerate(cells):
        width *= 2 if reduces else 1
        older = reduction(width) if before else relu_conv_bn(width, kernel=1)
        inputs = several(seq(take(0), older), seq(take(1), relu_conv_bn(width, kernel=1)))
        steps[f"at{place}"] = several(seq(take(1)), seq(inputs, cell))
        before = reduces
    return seq(stem=stem, start=several(seq(), seq()), cells=seq(**steps), last=take(1), head=classifier(classes))


def darts_cell(reduces: bool) -> Expression:
    """Four nodes on two inputs, concatenated."""
    nodes = {str(node): grow(_node(node, 2 if reduces else 1)) for node in NODES}
    return seq(**nodes, out=branch(*map(take, NODES), join="concat"))


def _node(node: int, stride: int) -> Expression:
    """Two earlier values, an operation on each, and their sum; in a reduction cell the inputs are halved."""

    def edge(source: int) -> Expression:
        return seq(take(source), op=_operation(stride if source < 2 else 1))

    pairs = combinations(range(node), 2)
    found: Expression = oneof(*(named(f"{i}+{j}", branch(first=edge(i), second=edge(j))) for i, j in pairs))
    return found


def _operation(stride: int) -> Any:
    parts = (max_pool(3, stride), avg_pool(3, stride), skip(stride=stride), sep_conv(3, stride), sep_conv(5, stride),
             dil_conv(3, stride), dil_conv(5, stride))  # fmt: skip
    return oneof(*map(named, OPERATIONS, parts))


def darts_genotype(design: Mapping[str, Value]) -> str:
    """The authors' genotype of a design.

    >>> darts_genotype(darts().design_at(0))[:70]
    "Genotype(normal=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('max_pool_"
    """
    cells = {kind: [e for node in NODES for e in _edges(design, f"{kind}.{node}")] for kind in ("normal", "reduce")}
    written = (f"{kind}={edges}, {kind}_concat={[*NODES]}" for kind, edges in cells.items())
    return f"Genotype({', '.join(written)})"


def _edges(design: Mapping[str, Value], path: str) -> list[tuple[str, int]]:
    sources = map(int, str(design[path]).split("+"))
    return [(str(design[f"{path}.{place}.op"]), i) for place, i in zip(("first", "second"), sources, strict=True)]


def darts_from_genotype(text: str) -> Design:
    """Design of an authors' genotype; the two edges into a node may come in either order.

    >>> design = darts().design_at(10**17)
    >>> darts_from_genotype(darts_genotype(design)) == design
    True

    Raises DesignError where the text is no genotype of two cells of four nodes with two different sources each.
    """
    values: dict[str, Value] = {}
    for kind, cell in _cells(text).items():
        for node in NODES:
            edges = sorted(cell[2 * node - 4 : 2 * node - 2], key=lambda edge: edge[1])
            sources = [source for _, source in edges]
            if len(set(sources)) < 2 or not set(sources) <= set(range(node)):
                raise DesignError(f"a node {node} must read two different ones before it, but got {sources}.")
            values[f"{kind}.{node}"] = "+".join(map(str, sources))
            for place, (name, _) in zip(("first", "second"), edges, strict=True):
                values[f"{kind}.{node}.{place}.op"] = name
    return Design(values)


def _cells(text: str) -> dict[str, list[tuple[str, int]]]:
    """Edges of both cells; the text is parsed, never run."""
    fault = DesignError(f"a genotype must be Genotype(normal=[...], ..., reduce=[...], ...), but got {text!r}.")
    try:
        call = ast.parse(text.strip(), mode="eval").body
        given = {k.arg: k.value for k in call.keywords} if isinstance(call, ast.Call) else {}
        cells = {kind: ast.literal_eval(given[kind]) for kind in ("normal", "reduce")}
        concats = [ast.unparse(given[f"{kind}_concat"]) for kind in cells if f"{kind}_concat" in given]
    except (SyntaxError, ValueError, KeyError) as error:
        raise fault from error
    for edges in cells.values():
        if len(edges) != 8 or not all(name in OPERATIONS and type(i) is int for name, i in edges):
            raise fault
    if not set(concats) <= {"range(2, 6)", "[2, 3, 4, 5]"}:
        raise DesignError(f"all four nodes must be concatenated, but a genotype has {concats}.")
    return cells
