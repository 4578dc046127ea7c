"""FlexiBERT: text encoders whose every layer has its own width, operation and perceptrons (Tuli et al., JAIR 2023).

Row 139. Made for searching over heterogeneous transformers; BERT-Tiny and BERT-Mini are the homogeneous ones in it.
How a layer meets one of another width is not in the abstract: here a linear layer stands between them.
"""

from __future__ import annotations

from netwright.blocks import bert_head, flexibert_feed, flexibert_mixer, token_embedding, token_width
from netwright.blocks._flexibert import OPERATIONS
from netwright.graph import Input, tokens
from netwright.space._choice import oneof
from netwright.space._expression import named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["flexibert"]

WIDTHS, HEADS, HIDDEN = (128, 256), (2, 4), (512, 1024)


def flexibert(input: Input | None = None, classes: int = 2, *, scale: float = 1.0, vocabulary: int = 30522) -> Space:
    """Two or four layers of 2 widths, 6 operations of 2 numbers of heads, and 1 or 3 perceptrons of 2 widths.

    >>> flexibert().size() == (2 * 6 * 2 * (2 + 2**3)) ** 2 + (2 * 6 * 2 * (2 + 2**3)) ** 4 == 3_317_817_600
    True

    input: numbers of tokens. scale: multiplier of all widths. vocabulary: that of BERT.
    """

    def wide(widths: tuple[int, ...]) -> object:
        return oneof(*(4 * max(round(width * scale / 4), 1) for width in widths))

    mixers = oneof(*(named(name, flexibert_mixer(name, heads=oneof(*HEADS))) for name in OPERATIONS))
    layer = {"mix": mixers, "feed": repeat(flexibert_feed(wide(HIDDEN)), times=oneof(1, 3))}
    network = seq(
        embed=token_embedding(vocabulary, wide(WIDTHS), norm="layer"),
        first=seq(**layer),
        more=repeat(seq(enter=token_width(wide(WIDTHS)), **layer), times=oneof(1, 3)),
        head=bert_head(classes),
    )
    return Space(network, input=tokens((input or tokens(512)).shape[1]), name="flexibert")
