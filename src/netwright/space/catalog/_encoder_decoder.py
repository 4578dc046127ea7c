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
from netwright.space._computed import computed
from netwright.space._expression import Expression
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["encoder_decoder"]

WIDTHS, DEPTHS, RATIOS = (256, 384, 512, 768), (6, 12, 18, 24), (2, 3, 4)
SHARES = {"0": 0.0, "1/2": 1 / 2, "2/3": 2 / 3, "5/6": 5 / 6}
"""Of the layers, those that are in the encoder."""
HEAD = 64
"""Width of an attention head."""


@block
def _span(x: Tensor, start: int = 0, stop: int = 1) -> Tensor:
    """Tokens from start to stop: `(N, T, D)` to `(N, stop - start, D)`."""
    y: Tensor = ops.slice_(x, starts=(start,), ends=(stop,), axes=(1,))
    return y


def encoder_decoder(input: Input | None = None, classes: int = 32_768, *, scale: float = 1.0) -> Space:
    """Width, depth, width of the perceptrons, and the share of the encoder: 192 networks, 48 without one.

    >>> encoder_decoder().size() == 4 * 4 * 3 * 4
    True

    input: numbers of tokens, the source in the first half and the target in the second. classes: words of the
    vocabulary. scale: multiplier of all widths.
    """
    length = (input or tokens(512)).shape[1]
    half = length // 2

    def network(encoder: str, width: int, depth: int, expand: int) -> Expression:
        wide = make_divisible(width * scale)
        layer = {"heads": max(wide // HEAD, 1), "hidden": expand * wide, "inner": wide}
        reading = round(depth * SHARES[encoder])
        alone = hat_decoder(**layer)
        both = several(hat_decoder(cross_heads=layer["heads"], **layer), take(1))
        if not reading:
            body = seq(repeat(alone, times=depth), target=_span(half, length))
        else:
            source = seq(_span(0, half), repeat(hat_encoder(**layer), times=reading))
            body = seq(
                several(target=_span(half, length), source=source), repeat(both, times=depth - reading), take(0)
            )
        return seq(embed=token_embedding(classes, wide), body=body, head=vocabulary_head(classes))

    choices = {"encoder": oneof(*SHARES), "width": oneof(*WIDTHS), "depth": oneof(*DEPTHS), "expand": oneof(*RATIOS)}
    return Space(computed(network, **choices), input=tokens(length), name="encoder-decoder")
