"""STAR: language models of linear input-varying operators, written as genomes (Thomas et al. 2024; row 82).

Made for evolution over quality, size and cache: every layer is one operator out of attention (dense scores), linear
recurrence (semi-separable), gated convolution (Toeplitz) and gated memory (diagonal), with a structure of its own, or
the differential one of the first three, which takes a second operator from the first. A layer may make its features
with the weights of an earlier layer of its kind, and attention may take keys and values of an earlier layer as they
are, which then fill the cache once.
"""

from __future__ import annotations

from typing import Any

from netwright.blocks import (
    Call,
    gated_convolution,
    gated_memory,
    gated_recurrence,
    token_embedding,
    vocabulary_head,
)
from netwright.blocks._shared_features import (
    feature_weights,
    features_of,
    head_weights,
    memory_weights,
    normalised,
    residual_attention,
    residual_operator,
    weights_of,
)
from netwright.graph import Input, tokens
from netwright.space._bundle import grow, put, several, take
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import seq
from netwright.space._space import Space
from netwright.space.catalog._star_genome import (
    LESS,
    OPERATORS,
    PARTS,
    STRUCTURES,
    star_from_genome,
    star_genome,
)

__all__ = ["star", "star_from_genome", "star_genome"]

WIDTH, HEADS = 768, 12
FLOW = ("x", "keys", "values", "key_weights", "value_weights", "recurrence", "convolution", "memory")
"""The tensors between two layers: the tokens, the last features of attention, and the last weights of each kind."""
NORMAL, WEIGHTS = "normal", {"keys": "key_weights", "values": "value_weights"}


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
        return _put(part, _of(NORMAL, WEIGHTS[part], part), features_of(how=how))

    own = [_put(WEIGHTS[part], _of("x"), head_weights(HEADS, kv_heads=given("kv_heads"))) for part in PARTS]
    again = [_put(WEIGHTS[part], _of("x", WEIGHTS[part]), weights_of(how=given(part))) for part in PARTS]
    alone = seq(*own, *(made(part, "own") for part in PARTS))
    shared = seq(*again, *(made(part, given(part)) for part in PARTS))
    how = {part: oneof("own", "weights", "features") for part in PARTS}
    return seq(
        enter=grow(seq(_of("x"), normalised())),
        share=oneof(
            named("own", let(alone, kv_heads=oneof(*STRUCTURES["attention"][1]))),
            named("shared", let(shared, shares_something, **how)),
        ),
        ask=_put("x", _of("x", NORMAL, *PARTS), residual_attention(HEADS, differential=differential)),
        leave=_of(*FLOW),
    )


def _alone(kind: str, weights: Any, inner: Call) -> Expression:
    """An operator that sees tokens alone, with weights of its own or those before."""
    own = _put(kind, _of("x"), weights)
    return seq(
        share=oneof(named("own", own), named("shared", seq())),
        work=_put("x", _of("x", kind), residual_operator(inner=inner)),
    )


def _operator(name: str, width: int) -> Expression:
    """What a layer does: one of `OPERATORS`."""
    kind, less = name.removeprefix(LESS), name.startswith(LESS)
    structure, values = STRUCTURES[kind]
    if kind == "attention":
        return _attention(less)
    if kind == "memory":
        # Here the structure is the width of the features, so that it comes before their weights.
        memory = _alone(kind, memory_weights(expand=given(structure)), gated_memory(expand=given(structure)))
        return let(memory, expand=oneof(*values))
    block = gated_recurrence if kind == "recurrence" else gated_convolution
    parts = 5 if name == LESS + "convolution" else 3
    return _alone(kind, feature_weights(parts * width), block(**{structure: oneof(*values), "differential": less}))


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
