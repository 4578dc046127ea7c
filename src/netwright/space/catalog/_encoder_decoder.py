"""Decoder-only against encoder-decoder at one budget (Elfeki et al. 2025, Return of the Encoder; row 278).

Made for small language models: how many of the layers only read the source is a decision, none of them in a
decoder-only network, and a limit on parameters or operations is the budget. Both families have the same layers
(Vaswani et al. 2017), one table of words, and scores for the second half of the tokens, the target.
"""

from __future__ import annotations

from netwright.blocks import block, hat_decoder, hat_encoder, make_divisible, token_embedding, vocabulary_head
from netwright.graph import Input, Tensor, ops, tokens
from netwright.space._bundle import several, take
from netwright.space._choice import oneof
from netwright.space._expression import named
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["encoder_decoder"]

WIDTHS, DEPTHS, RATIOS = (256, 384, 512, 768), (6, 12, 18, 24), (2, 3, 4)
SHARES = {"1/2": 1 / 2, "2/3": 2 / 3, "5/6": 5 / 6}
"""Of the layers, those that are in the encoder, where there is one."""
HEAD = 64
"""Width of an attention head."""


@block
def _span(x: Tensor, start: int = 0, stop: int = 1) -> Tensor:
    """Tokens from start to stop: `(N, T, D)` to `(N, stop - start, D)`."""
    y: Tensor = ops.slice_(x, starts=(start,), ends=(stop,), axes=(1,))
    return y


def encoder_decoder(input: Input | None = None, classes: int = 32_768, *, scale: float = 1.0) -> Space:
    """Width, depth, width of the perceptrons, and the share of the encoder: 192 networks, 48 without one.

    >>> encoder_decoder().design_at(191)
    Design({'width': 768, 'depth': 24, 'expand': 4, 'body.layers': 'encoder-decoder', 'body.layers.encoder': '5/6'})

    input: numbers of tokens, the source in the first half and the target in the second. classes: words of the
    vocabulary. scale: multiplier of all widths.
    """
    length = (input or tokens(512)).shape[1]
    half = length // 2

    layer = {name: given(name) for name in ("heads", "hidden", "inner")}
    alone = repeat(hat_decoder(**layer), times=given("depth"))
    both = several(hat_decoder(cross_heads=given("heads"), **layer), take(1))
    source = seq(_span(0, half), repeat(hat_encoder(**layer), times=given("reading")))
    target = _span(half, length)
    read = seq(several(target=target, source=source), repeat(both, times=given("writing")), take(0))
    families = {
        "decoder-only": seq(alone, target=target),
        "encoder-decoder": let(read, shared_layers, encoder=oneof(*SHARES)),
    }
    layers = oneof(*(named(name, family) for name, family in families.items()))
    network = seq(embed=token_embedding(classes, given("inner")), layers=layers, head=vocabulary_head(classes))
    choices = {"width": oneof(*WIDTHS), "depth": oneof(*DEPTHS), "expand": oneof(*RATIOS)}
    return Space(let(network, layer_sizes, **choices, scale=scale), input=tokens(length), name="encoder-decoder")


@formula
def layer_sizes(width: int, expand: int, scale: float = 1.0) -> dict[str, int]:
    """Width of a layer, its heads and the width inside its perceptron."""
    inner = make_divisible(width * scale)
    return {"inner": inner, "heads": max(inner // HEAD, 1), "hidden": expand * inner}


@formula
def shared_layers(depth: int, encoder: str) -> dict[str, int]:
    """Layers that read the source, and those that write the target."""
    reading = round(depth * SHARES[encoder])
    return {"reading": reading, "writing": depth - reading}
