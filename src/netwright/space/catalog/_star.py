"""STAR: language models of linear input-varying operators, written as genomes (Thomas et al. 2024; row 82).

Made for evolution over quality, size and cache: every layer is one operator out of attention (dense scores), linear
recurrence (semi-separable), gated convolution (Toeplitz) and gated memory (diagonal), with a structure of its own, or
the differential one of the first three, which takes a second operator from the first. A layer may make its features
with the weights of an earlier layer of its kind, and attention may take keys and values of an earlier layer as they
are, which then fill the cache once.

A genome has the paper's five numbers for each layer: the class of the operator, the group that shares the weights
which make features, which of them are shared, the group that shares features, and which of those are shared. What
the numbers stand for is ours, in the order of `CLASSES` and `SHARED`, since the paper prints no list; groups are
counted from 1, and a layer may share with the last group of its kind alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.blocks import (
    Call,
    block,
    gated_convolution,
    gated_memory,
    gated_recurrence,
    key_value_attention,
    make_divisible,
    token_embedding,
    vocabulary_head,
)
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import fits
from netwright.errors import DesignError
from netwright.graph import Init, Input, Tensor, ops, parameter, tokens
from netwright.space._bundle import grow, put, several, take
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._expression import Expression, named
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["star", "star_from_genome", "star_genome"]

WIDTH, HEADS = 768, 12
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
    "recurrence": "{}.work._work.inner.heads",
    "convolution": "{}.work._work.inner.kernel",
    "memory": "{}.expand",
}
"""Where a design says the structure of an operator."""
SHARES = dict.fromkeys(STRUCTURES, "{}.share") | {"memory": "{}.body.share"}
"""Where it says whether an operator shares weights or features."""
PARTS = ("keys", "values")
SHARED: list[tuple[str, ...]] = [(), ("keys",), ("values",), PARTS]
"""What a layer takes of its group: nothing, some of attention's two parts, all."""
FLOW = ("x", "keys", "values", "key_weights", "value_weights", "recurrence", "convolution", "memory")
"""The tensors between two layers: the tokens, the last features of attention, and the last weights of each kind."""
NORMAL, WEIGHTS = "normal", {"keys": "key_weights", "values": "value_weights"}


@block
def _normalised(x: Tensor) -> Tensor:
    """The input of an operator."""
    return normalise(x, "rms")


@block
def _weights(x: Tensor, features: int = 32) -> Tensor:
    """Weights that make so many features of a token, as a tensor, so that further layers may take them."""
    y: Tensor = ops.identity(parameter("weight", (x.shape[2], features), Init("xavier")))
    return y


@block
def _head_weights(x: Tensor, kv_heads: int = 1) -> Tensor:
    """Weights that make keys, or values, of so many heads."""
    y: Tensor = _weights(x, kv_heads * (x.shape[2] // HEADS))
    return y


@block
def _weights_of(x: Tensor, weights: Tensor, how: str = "own") -> Tensor:
    """Weights of those before, or their like: ahead of the first ones stand tokens in their place."""
    fits(weights.rank == 2, "star", "a layer shares weights of an earlier one", weights=weights.shape)
    y: Tensor = _weights(x, weights.shape[1]) if how == "own" else weights
    return y


@block
def _memory_weights(x: Tensor, expand: float = 2.0) -> Tensor:
    """Weights of a gated memory of some width."""
    y: Tensor = _weights(x, 2 * make_divisible(x.shape[2] * expand))
    return y


@block
def _features_of(x: Tensor, weights: Tensor, features: Tensor, how: str = "own") -> Tensor:
    """Features of those before, or what weights make of the input."""
    return features if how == "features" else x @ weights


@block
def _ask(x: Tensor, normal: Tensor, keys: Tensor, values: Tensor, differential: bool = False) -> Tensor:
    """The tokens, and their attention to keys and values, added."""
    y: Tensor = key_value_attention(normal, keys, values, HEADS, differential=differential)
    return x + y


@block
def _work(x: Tensor, weights: Tensor, inner: Call | None = None) -> Tensor:
    """The tokens, and an operator of them by weights that were made before, added."""
    assert inner is not None
    y: Tensor = inner.apply(normalise(x, "rms"), weights)
    return x + y


@formula
def shares_something(keys: str, values: str) -> dict[str, Any] | None:
    """Whether not both parts are a layer's own."""
    return None if keys == values == "own" else {}


def _put(part: str, *steps: Any) -> Expression:
    """Make one of the tensors that flow anew."""
    return put(FLOW.index(part), seq(*steps))


def _of(*parts: str) -> Expression:
    """Some of what flows; the normalised tokens stand behind all else."""
    return take(*([*FLOW, NORMAL].index(part) for part in parts))


def _attention(differential: bool) -> Expression:
    def made(part: str, how: Any) -> Expression:
        return _put(part, _of(NORMAL, WEIGHTS[part], part), _features_of(how=how))

    own = [_put(WEIGHTS[part], _of("x"), _head_weights(kv_heads=given("kv_heads"))) for part in PARTS]
    again = [_put(WEIGHTS[part], _of("x", WEIGHTS[part]), _weights_of(how=given(part))) for part in PARTS]
    alone = seq(*own, *(made(part, "own") for part in PARTS))
    shared = seq(*again, *(made(part, given(part)) for part in PARTS))
    how = {part: oneof("own", "weights", "features") for part in PARTS}
    return seq(
        enter=grow(seq(_of("x"), _normalised())),
        share=oneof(
            named("own", let(alone, kv_heads=oneof(*STRUCTURES["attention"][1]))),
            named("shared", let(shared, shares_something, **how)),
        ),
        ask=_put("x", _of("x", NORMAL, *PARTS), _ask(differential=differential)),
        leave=_of(*FLOW),
    )


def _alone(kind: str, weights: Any, inner: Call) -> Expression:
    """An operator that sees tokens alone, with weights of its own or those before."""
    own = _put(kind, _of("x"), weights)
    return seq(
        share=oneof(named("own", own), named("shared", seq())), work=_put("x", _of("x", kind), _work(inner=inner))
    )


def _operator(name: str, width: int) -> Expression:
    """What a layer does: one of `OPERATORS`."""
    kind, less = name.removeprefix(LESS), name.startswith(LESS)
    structure, values = STRUCTURES[kind]
    if kind == "attention":
        return _attention(less)
    if kind == "memory":
        # Here the structure is the width of the features, so that it comes before their weights.
        memory = _alone(kind, _memory_weights(expand=given(structure)), gated_memory(expand=given(structure)))
        return let(memory, expand=oneof(*values))
    block = gated_recurrence if kind == "recurrence" else gated_convolution
    parts = 5 if name == LESS + "convolution" else 3
    return _alone(kind, _weights(parts * width), block(**{structure: oneof(*values), "differential": less}))


def star(input: Input | None = None, classes: int = 50_304, *, scale: float = 1.0, layers: int = 24) -> Space:
    """Operator and structure of each layer, and what it shares: 19 classes, and further options behind each kind.

    >>> star(layers=2).size() == 19**2 + 8 * 16 + 4 * 4 + 4 * 2 + 3
    True

    input: numbers of tokens. classes: words of the vocabulary. scale: multiplier of the width.
    """
    width = HEADS * max(round(WIDTH * scale / HEADS), 1)
    layer = oneof(*(named(name, _operator(name, width)) for name in OPERATORS))
    network = seq(
        embed=token_embedding(classes, width, positions=False),
        start=several(*(seq() for _ in FLOW)),
        **{f"layer{i}": layer for i in range(layers)},
        head=seq(take(0), vocabulary_head(classes, norm="rms")),
    )
    return Space(network, input=tokens((input or tokens(1024)).shape[1]), name="star")


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
