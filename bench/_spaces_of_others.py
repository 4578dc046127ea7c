"""Three spaces in the languages of PyGlove and NePS: their decisions alone, as neither of them knows shapes."""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib.util import find_spec
from itertools import combinations
from typing import Any

from netwright.space.catalog import _darts, _einspace, _nasbench201

__all__ = ["DRAWS", "LANGUAGES"]

LANGUAGES = {"PyGlove": "pyglove", "NePS": "neps"}
"""Name of each language and of its package."""
BRANCHES = ("clone2", "group2_1", "group2_2", "group2_3")
ALIKE = tuple(f"{kind}{n}{axis}" for n in (4, 8) for kind, axis in
              (("clone", ""), ("group", "_1"), ("group", "_2"), ("group", "_3")))  # fmt: skip
PERMUTED = tuple(f"permute{order}" for order in _einspace.ORDERS)
BEFORE, AFTER = (*PERMUTED, *(f"im2col{window}" for window in _einspace.WINDOWS)), (*PERMUTED, "col2im")
COMPUTE = ("norm", "leaky_relu", "softmax", "positions", *(f"linear{width}" for width in _einspace.WIDTHS))
JOINS, PAIR_JOINS = _einspace.JOINS, (*_einspace.JOINS, *_einspace.PRODUCTS)


def pyglove_nasbench201(pg: Any) -> Any:
    return pg.Dict(edges=[pg.oneof(_nasbench201.OPERATIONS) for _ in _nasbench201.EDGES])


def pyglove_darts(pg: Any) -> Any:
    def node(number: int) -> Any:
        sources = pg.manyof(2, list(range(number)), distinct=True, sorted=True)
        return pg.Dict(sources=sources, operations=[pg.oneof(_darts.OPERATIONS) for _ in range(2)])

    return pg.Dict({kind: [node(number) for number in _darts.NODES] for kind in ("normal", "reduce")})


def pyglove_einspace(pg: Any, depth: int = 3) -> Any:
    computation = pg.Dict(compute=pg.oneof(["identity", *COMPUTE]))
    if depth == 1:
        return computation
    inner = [pyglove_einspace(pg, depth - 1) for _ in range(2)]
    modules = [
        pg.Dict(first=inner[0], second=inner[1]),
        pg.Dict(branch=pg.oneof(BRANCHES), first=inner[0], second=inner[1], join=pg.oneof(PAIR_JOINS)),
        pg.Dict(branch=pg.oneof(ALIKE), each=inner[0], join=pg.oneof(JOINS)),
        pg.Dict(before=pg.oneof(["identity", *BEFORE]), inner=inner[0], after=pg.oneof(["identity", *AFTER])),
    ]
    return pg.oneof(modules if depth == 3 else [*modules, computation])


def neps_nasbench201(neps: Any) -> Any:
    operation = neps.Categorical(choices=_nasbench201.OPERATIONS)
    cell = neps.Operation("cell", args=tuple(operation.resample() for _ in _nasbench201.EDGES))
    return type("Cell", (neps.PipelineSpace,), {"operation": operation, "cell": cell})()


def neps_darts(neps: Any) -> Any:
    operation = neps.Categorical(choices=_darts.OPERATIONS)
    sources = {n: neps.Categorical(choices=tuple(combinations(range(n), 2))) for n in _darts.NODES}

    def cell() -> Any:
        nodes = [(sources[n].resample(), operation.resample(), operation.resample()) for n in _darts.NODES]
        return neps.Operation("cell", args=tuple(neps.Operation("node", args=node) for node in nodes))

    parts = {"operation": operation, **{f"sources{n}": each for n, each in sources.items()}}
    return type("Cells", (neps.PipelineSpace,), {**parts, "normal": cell(), "reduce": cell()})()


def neps_einspace(neps: Any, depth: int = 3) -> Any:
    def among(*names: str) -> Any:
        return neps.Categorical(choices=names)

    compute = neps.Operation("compute", args=(among("identity", *COMPUTE),))
    module: Any = compute
    for level in range(2, depth + 1):
        inner = (neps.Resample(module), neps.Resample(module))
        options = (
            neps.Operation("sequential", args=inner),
            neps.Operation("branch", args=(among(*BRANCHES), *inner, among(*PAIR_JOINS))),
            neps.Operation("alike", args=(among(*ALIKE), inner[0], among(*JOINS))),
            neps.Operation("routing", args=(among("identity", *BEFORE), inner[0], among("identity", *AFTER))),
        )
        module = neps.Categorical(choices=options if level == depth else (*options, compute))
    return type("Modules", (neps.PipelineSpace,), {"module": module})()


DEFINITIONS: dict[tuple[str, str], Callable[..., Any]] = {
    ("PyGlove", "nasbench201"): pyglove_nasbench201,
    ("PyGlove", "darts"): pyglove_darts,
    ("PyGlove", "einspace"): pyglove_einspace,
    ("NePS", "nasbench201"): neps_nasbench201,
    ("NePS", "darts"): neps_darts,
    ("NePS", "einspace"): neps_einspace,
}


def pyglove_draw(space: Any, count: int) -> int:
    """Draw so many designs, as the decisions alone: copies of the space with them filled in would take longer."""
    import pyglove as pg

    generator, decisions = random.Random(0), pg.dna_spec(space)
    return sum(1 for _ in range(count) if pg.random_dna(decisions, generator) is not None)


def neps_draw(space: Any, count: int) -> int:
    """Draw so many designs."""
    from neps.space.neps_spaces.neps_space import resolve

    return sum(1 for _ in range(count) if resolve(space))


DRAWS: dict[str, Callable[[Any, int], int]] = {"PyGlove": pyglove_draw, "NePS": neps_draw}


def installed(language: str) -> bool:
    """Whether the package of a language is there."""
    return find_spec(LANGUAGES[language]) is not None
