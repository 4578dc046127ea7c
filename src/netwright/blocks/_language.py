"""What language models have at both ends: rows of a table for tokens, and scores of all words."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import linear
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Init, Tensor, ops, parameter

__all__ = ["token_embedding", "vocabulary_head"]


@block
def token_embedding(
    x: Tensor,
    vocabulary: int = 1000,
    width: int = 64,
    start: int = 0,
    stop: int | None = None,
    positions: bool = True,
    norm: str = "none",
) -> Tensor:
    """Row of a table for each token from `start` to `stop`, and learned positions: `(N, T)` to `(N, ..., width)`.

    Vaswani et al. 2017, section 3.4; `norm="layer"` normalises the sum, as BERT does (Devlin et al. 2019). Raises
    ShapeError for anything but numbers of tokens.

    >>> from netwright.graph import tokens
    >>> token_embedding(tokens(60), 1000, 64, stop=30).shape
    (1, 30, 64)
    """
    fits(x.rank == 2, "token_embedding", "the input must be (N, T)", shape=x.shape)
    end = chosen(stop, x.shape[1])
    table = parameter("weight", (vocabulary, width), Init("normal", width**-0.5))
    part = x if (start, end) == (0, x.shape[1]) else ops.slice_(x, starts=(start,), ends=(end,), axes=(1,))
    y: Tensor = ops.gather(table, part, axis=0)
    if positions:
        y = y + parameter("positions", (1, end - start, width), Init("normal", 0.02))
    return normalise(y, norm)


@block
def vocabulary_head(x: Tensor, words: int = 1000, norm: str = "none") -> Tensor:
    """Scores of all words at each position: `(N, T, D)` to `(N, T, words)`, normalised first where asked.

    >>> from netwright.graph import Input
    >>> vocabulary_head(Input((1, 30, 64)), 1000).shape
    (1, 30, 1000)
    """
    return linear(normalise(x, norm), words, bias=False)
