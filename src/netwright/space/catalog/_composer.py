"""Composer: language models of attention and perceptrons in any order and ratio (Acun et al. 2025; row 235).

Made for small searches whose result is scaled up: `composer_stretched` repeats each layer, `composer_stacked` the
whole order, so that a design of a few layers becomes one of many. Layers are those of Llama 3.2 (grouped queries,
gated perceptrons, RMS normalisation), whose 1 B model is the design that takes them in turn. Rotary positions have no
parameters and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netwright.blocks import grouped_query_attention, residual_branch, swiglu, token_embedding, vocabulary_head
from netwright.errors import SpaceError
from netwright.graph import Input, tokens
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._expression import named
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["composer", "composer_stacked", "composer_stretched"]

WIDTH, HEADS, SHARED, EXPAND = 2048, 32, 8, 4
"""Width, heads, heads of keys and values, and what the hidden width is multiplied by, in Llama 3.2 1B."""


def composer(input: Input | None = None, classes: int = 128_256, *, scale: float = 1.0, layers: int = 32) -> Space:
    """Attention or perceptron in each layer: 2 to the power of their number.

    >>> composer().size() == 2**32
    True

    input: numbers of tokens. classes: words of the vocabulary. scale: multiplier of the width. layers: few for the
    search, many for the network. Raises SpaceError without layers.
    """
    if layers < 1:
        raise SpaceError(f"a network needs at least one layer, but got layers={layers}.")
    width = HEADS * max(round(WIDTH * scale / HEADS), 1)
    attend = residual_branch(grouped_query_attention(HEADS, SHARED, bias=False, causal=True))
    options = oneof(named("attention", attend), named("mlp", residual_branch(swiglu(EXPAND))))
    network = seq(
        embed=token_embedding(classes, width, positions=False),
        **{f"layer{i}": options for i in range(layers)},
        head=vocabulary_head(classes, norm="rms"),
    )
    return Space(network, input=tokens((input or tokens(1024)).shape[1]), name="composer")


def composer_stacked(design: Mapping[str, Value], times: int) -> Design:
    """The order of all layers, one time after the other.

    >>> dict(composer_stacked({"layer0": "attention", "layer1": "mlp"}, 2))
    {'layer0': 'attention', 'layer1': 'mlp', 'layer2': 'attention', 'layer3': 'mlp'}
    """
    return _design(value for _ in range(times) for value in _order(design))


def composer_stretched(design: Mapping[str, Value], times: int) -> Design:
    """Each layer that many times in a row.

    >>> dict(composer_stretched({"layer0": "attention", "layer1": "mlp"}, 2))
    {'layer0': 'attention', 'layer1': 'attention', 'layer2': 'mlp', 'layer3': 'mlp'}
    """
    return _design(value for value in _order(design) for _ in range(times))


def _order(design: Mapping[str, Value]) -> list[Value]:
    return [design[f"layer{i}"] for i in range(sum(path.startswith("layer") for path in design))]


def _design(values: Iterable[Value]) -> Design:
    return Design({f"layer{i}": value for i, value in enumerate(values)})
