"""STAR: language models of linear input-varying operators, written as genomes (Thomas et al. 2024; row 82).

Made for evolution over quality, size and cache: every layer is one operator out of attention (dense scores), linear
recurrence (semi-separable), gated convolution (Toeplitz) and gated memory (diagonal), with a structure of its own,
and attention may ask the keys and values of an earlier layer, which then fill the cache once.

A genome here has three numbers for each layer: the operator, its structure, and the group of its features. Those of
the paper have five: they also say which layers share the weights that make the features, which this space has not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netwright.blocks import (
    block,
    gated_convolution,
    gated_recurrence,
    key_value,
    key_value_attention,
    residual_branch,
    swiglu,
    token_embedding,
    vocabulary_head,
)
from netwright.blocks._normalisation import normalise
from netwright.errors import DesignError, ShapeError
from netwright.graph import Input, Tensor, tokens
from netwright.space._bundle import several, take
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._expression import named
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["star", "star_from_genome", "star_genome"]

WIDTH, HEADS = 768, 12
OPERATORS: dict[str, tuple[str, tuple[float, ...]]] = {
    # what decides the structure of the operator, and its values
    "attention": ("kv_heads", (1, 2, 3, 12)),
    "shared": ("", ()),
    "recurrence": ("heads", (6, 12)),
    "convolution": ("kernel", (3, 7)),
    "memory": ("expand", (2.0, 3.0, 4.0)),
}
PATHS = {"attention": "layer{}.keep.features.kv_heads"} | {
    operator: f"layer{{}}.work.branch.inner.{structure}"
    for operator, (structure, _) in OPERATORS.items()
    if operator not in ("attention", "shared")
}
"""Where a design says the structure of an operator."""


@block
def _remember(x: Tensor, memory: Tensor, kv_heads: int = 1) -> Tensor:
    """Keys and values of the normalised input, in place of those of before."""
    y: Tensor = key_value(normalise(x, "rms"), HEADS, kv_heads)
    return y


@block
def _ask(x: Tensor, memory: Tensor) -> Tensor:
    """The input, and its attention to keys and values, added; ahead of the first ones the memory is the input."""
    if memory.shape == x.shape:
        raise ShapeError(f"attention can share what an earlier one made, but got the input itself, {x.shape}.")
    y: Tensor = key_value_attention(normalise(x, "rms"), memory, HEADS)
    return x + y


def star(input: Input | None = None, classes: int = 50_304, *, scale: float = 1.0, layers: int = 24) -> Space:
    """Operator and structure of each layer: 7 and 12 options before and behind the first attention.

    >>> star(layers=3).size() == 7**3 + 4 * (12**2 + 7 * 12 + 7**2)
    True

    input: numbers of tokens. classes: words of the vocabulary. scale: multiplier of the width.
    """

    def alone(operator: object) -> object:
        return several(work=seq(take(0), branch=residual_branch(operator)), rest=take(1))

    def structure(operator: str) -> object:
        return oneof(*OPERATORS[operator][1])

    asks = several(_ask(), take(1))
    keep = several(take(0), features=_remember(kv_heads=structure("attention")))
    options = oneof(
        named("attention", seq(keep=keep, ask=asks)),
        named("shared", asks),
        named("recurrence", alone(gated_recurrence(structure("recurrence")))),
        named("convolution", alone(gated_convolution(structure("convolution")))),
        named("memory", alone(swiglu(structure("memory")))),
    )
    network = seq(
        embed=token_embedding(classes, HEADS * max(round(WIDTH * scale / HEADS), 1), positions=False),
        start=several(seq(), seq()),
        **{f"layer{i}": options for i in range(layers)},
        head=seq(take(0), vocabulary_head(classes, norm="rms")),
    )
    return Space(network, input=tokens((input or tokens(1024)).shape[1]), name="star")


def star_genome(design: Mapping[str, Value]) -> list[tuple[int, int, int]]:
    """Operator, structure and group of features of each layer, counted from 1; 0 where there is none.

    >>> design = star_from_genome([(3, 2, 0), (1, 4, 1), (5, 1, 0), (2, 0, 1)])
    >>> star_genome(design)
    [(3, 2, 0), (1, 4, 1), (5, 1, 0), (2, 0, 1)]
    """
    names, genome, group = list(OPERATORS), [], 0
    for i in range(sum(path.count(".") == 0 for path in design)):
        operator = str(design[f"layer{i}"])
        values = OPERATORS[operator][1]
        group += operator == "attention"
        found = values.index(float(design[PATHS[operator].format(i)])) + 1 if values else 0
        genome.append((names.index(operator) + 1, found, group if operator in ("attention", "shared") else 0))
    return genome


def star_from_genome(genome: Sequence[Sequence[int]]) -> Design:
    """Design of a genome; raises DesignError for numbers that no operator has, and for a group that is not the last.

    >>> star_from_genome([(1, 1, 1), (2, 0, 1)])["layer1"]
    'shared'
    """
    names, group = list(OPERATORS), 0
    values: dict[str, Value] = {}
    for i, (kind, option, features) in enumerate(genome):
        options = OPERATORS[names[kind - 1]][1] if 0 < kind <= len(names) else None
        if options is None or not ((options == () and option == 0) or 0 < option <= len(options)):
            raise DesignError(
                f"a gene must be an operator from 1 to 5 and one of its structures, but got {genome[i]}."
            )
        operator = names[kind - 1]
        group += operator == "attention"
        if features != (group if operator in ("attention", "shared") else 0) or (operator == "shared" and not group):
            raise DesignError(f"a gene's group must be that of the last attention, {group}, but got {genome[i]}.")
        values[f"layer{i}"] = operator
        if options:
            values[PATHS[operator].format(i)] = options[option - 1]
    return Design(values)
