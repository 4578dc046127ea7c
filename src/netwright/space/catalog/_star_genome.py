"""Genomes of STAR: five numbers for each layer (Thomas et al. 2024; row 82).

They are the class of the operator, the group that shares the weights which make features, which of them are shared,
the group that shares features, and which of those are shared. What the numbers stand for is ours, in the order of
`CLASSES` and `SHARED`, since the paper prints no list; groups are counted from 1, and a layer may share with the last
group of its kind alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netwright.errors import DesignError
from netwright.space._design import Design, Value

__all__ = ["LESS", "OPERATORS", "PARTS", "STRUCTURES", "star_from_genome", "star_genome"]

STRUCTURES: dict[str, tuple[str, tuple[float, ...]]] = {
    # what decides the structure of an operator, and its values
    "attention": ("kv_heads", (1, 2, 3, 12)),
    "recurrence": ("heads", (6, 12)),
    "convolution": ("kernel", (3, 7)),
    "memory": ("expand", (2.0, 3.0, 4.0)),
}
LESS = "differential_"
OPERATORS = [name for kind in STRUCTURES for name in ((kind,) if kind == "memory" else (kind, LESS + kind))]
CLASSES = [(name, value) for name in OPERATORS for value in STRUCTURES[name.removeprefix(LESS)][1]]
PLACES = {
    "attention": "{}.share.kv_heads",
    "recurrence": "{}.work.residual_operator.inner.heads",
    "convolution": "{}.work.residual_operator.inner.kernel",
    "memory": "{}.expand",
}
"""Where a design says the structure of an operator."""
SHARES = dict.fromkeys(STRUCTURES, "{}.share") | {"memory": "{}.body.share"}
"""Where it says whether an operator shares weights or features."""
PARTS = ("keys", "values")
SHARED: list[tuple[str, ...]] = [(), ("keys",), ("values",), PARTS]
"""What a layer takes of its group: nothing, some of attention's two parts, all."""


def star_genome(design: Mapping[str, Value]) -> list[tuple[int, int, int, int, int]]:
    """The five numbers of each layer; the last two are 0 where an operator has no features to share.

    >>> star_genome(star_from_genome([(3, 1, 1, 1, 1), (3, 1, 2, 1, 3), (17, 1, 1, 0, 0), (17, 1, 4, 0, 0)]))
    [(3, 1, 1, 1, 1), (3, 1, 2, 1, 3), (17, 1, 1, 0, 0), (17, 1, 4, 0, 0)]
    """
    genome: list[tuple[int, int, int, int, int]] = []
    groups, features, heads = dict.fromkeys(STRUCTURES, 0), 0, 0.0
    for i in range(sum("." not in path for path in design)):
        layer, operator = f"layer{i}", str(design[f"layer{i}"])
        kind = operator.removeprefix(LESS)
        own = design[SHARES[kind].format(layer)] == "own"
        groups[kind] += own
        if kind != "attention":
            value = float(design[PLACES[kind].format(layer)])
            genome.append((CLASSES.index((operator, value)) + 1, groups[kind], 1 if own else len(SHARED), 0, 0))
            continue
        if not groups[kind]:
            raise DesignError(f"a layer must share with an earlier one of its kind, but {layer} has none.")
        how = {part: "own" if own else design[f"{layer}.share.{part}"] for part in PARTS}
        heads = float(design[PLACES[kind].format(layer)]) if own else heads
        weights, as_they_are = (
            SHARED.index(tuple(part for part in PARTS if how[part] == what)) + 1 for what in ("weights", "features")
        )
        features += "features" not in how.values()
        genome.append((CLASSES.index((operator, heads)) + 1, groups[kind], weights, features, as_they_are))
    return genome


def star_from_genome(genome: Sequence[Sequence[int]]) -> Design:
    """Design of a genome; raises DesignError for numbers that stand for nothing, and a group that is not the last.

    >>> star_from_genome([(1, 1, 1, 1, 1), (1, 1, 1, 1, 4)])["layer1.share.keys"]
    'features'
    """
    values: dict[str, Value] = {}
    for i, gene in enumerate(genome):
        values |= _layer(f"layer{i}", gene)
    design = Design(values)
    # Groups follow from all genes before, and so does the structure of what shares with them.
    for gene, told in zip(genome, star_genome(design), strict=True):
        if tuple(gene) != told:
            raise DesignError(f"a gene must name the last group of its kind, as {told} does, but got {tuple(gene)}.")
    return design


def _layer(layer: str, gene: Sequence[int]) -> dict[str, Value]:
    """Decisions of a layer, groups aside."""
    if len(gene) != 5 or not (0 < gene[0] <= len(CLASSES) and 0 < gene[2] <= len(SHARED) and gene[4] <= len(SHARED)):
        raise DesignError(f"a gene must be a class from 1 to {len(CLASSES)} and four more numbers, but got {gene}.")
    operator, value = CLASSES[gene[0] - 1]
    kind = operator.removeprefix(LESS)
    weights, features = SHARED[gene[2] - 1], SHARED[max(gene[4] - 1, 0)]
    own = not weights and not features
    found: dict[str, Value] = {layer: operator, SHARES[kind].format(layer): "own" if own else "shared"}
    if own or kind != "attention":
        return found | {PLACES[kind].format(layer): value}
    how = {part: "features" if part in features else "weights" if part in weights else "own" for part in PARTS}
    return found | {f"{layer}.share.{part}": what for part, what in how.items()}
