"""The attention family: MHA, MQA, GQA and SQA are one function of three numbers of heads."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import as_image, as_tokens, linear
from netwright.blocks._sizes import chosen, divides, fits
from netwright.errors import ShapeError
from netwright.graph import Tensor, ops

__all__ = [
    "attention",
    "grouped_query_attention",
    "heads_apart",
    "heads_together",
    "multi_head_attention",
    "multi_query_attention",
    "sparse_query_attention",
]


def heads_apart(x: Tensor, heads: int) -> Tensor:
    """Tokens (N, T, H d) as (N, H, T, d).

    >>> from netwright.graph import Input
    >>> heads_apart(Input((1, 16, 32)), 4).shape
    (1, 4, 16, 8)
    """
    y: Tensor = ops.transpose(ops.reshape(x, shape=(0, 0, heads, x.shape[2] // heads)), perm=(0, 2, 1, 3))
    return y


def heads_together(x: Tensor) -> Tensor:
    """Heads (N, H, T, d) as tokens (N, T, H d).

    >>> from netwright.graph import Input
    >>> heads_together(Input((1, 4, 16, 8))).shape
    (1, 16, 32)
    """
    y: Tensor = ops.reshape(ops.transpose(x, perm=(0, 2, 1, 3)), shape=(0, 0, x.shape[1] * x.shape[3]))
    return y


def _attend(x: Tensor, heads: int, queries: int, keys: int, bias: bool, causal: bool) -> Tensor:
    if x.rank == 4:
        return as_image(_attend(as_tokens(x), heads, queries, keys, bias, causal), x.shape[2:])
    fits(x.rank == 3, "attention", "the input must be (N, T, D) or (N, C, H, W)", shape=x.shape)
    width = x.shape[2]
    fits(divides(heads, width), "attention", "heads must divide the width", heads=heads, width=width)
    if not (keys <= queries <= heads and divides(keys, queries)):
        raise ShapeError(
            "attention: kv_heads must divide query_heads, and query_heads be at most heads, but got"
            f" kv_heads={keys}, query_heads={queries}, heads={heads}."
        )
    each = width // heads
    sizes = (queries * each, keys * each, keys * each)
    q, k, v = ops.split(linear(x, sum(sizes), bias=bias, name="qkv"), split=sizes, axis=2)
    y = ops.attention(heads_apart(q, queries), heads_apart(k, keys), heads_apart(v, keys), is_causal=int(causal))
    return linear(heads_together(y), width, bias=bias, name="out")


@block
def attention(
    x: Tensor,
    heads: int = 4,
    query_heads: int | None = None,
    kv_heads: int | None = None,
    bias: bool = True,
    causal: bool = False,
) -> Tensor:
    """Self-attention whose heads have width `D / heads`: `(N, T, D)` or `(N, C, H, W)` keeps its shape.

    `query_heads` of the `heads` ask (default: all) and share `kv_heads` keys and values (default: one each). All
    equal is MHA (Vaswani et al. 2017), `kv_heads=1` MQA (Shazeer 2019), fewer keys than queries GQA (Ainslie et al.
    2023), fewer queries than heads SQA (Filipek 2025). Raises ShapeError where a number does not divide.

    >>> from netwright.graph import image
    >>> attention(image(32, 8, 8), heads=8, query_heads=4, kv_heads=2).shape
    (1, 32, 8, 8)
    """
    queries = chosen(query_heads, heads)
    return _attend(x, heads, queries, chosen(kv_heads, queries), bias, causal)


@block
def multi_head_attention(x: Tensor, heads: int = 4, bias: bool = True, causal: bool = False) -> Tensor:
    """Every head asks and has keys and values of its own (Vaswani et al. 2017, section 3.2.2); shape as `attention`.

    >>> from netwright.graph import image
    >>> multi_head_attention(image(32, 8, 8)).shape
    (1, 32, 8, 8)
    """
    return _attend(x, heads, heads, heads, bias, causal)


@block
def grouped_query_attention(
    x: Tensor, heads: int = 4, kv_heads: int = 2, bias: bool = True, causal: bool = False
) -> Tensor:
    """Groups of heads share keys and values (Ainslie et al. 2023, GQA); shape and errors as `attention`.

    >>> from netwright.graph import image
    >>> grouped_query_attention(image(32, 8, 8)).shape
    (1, 32, 8, 8)
    """
    return _attend(x, heads, heads, kv_heads, bias, causal)


@block
def multi_query_attention(x: Tensor, heads: int = 4, bias: bool = True, causal: bool = False) -> Tensor:
    """All heads share one head of keys and values (Shazeer 2019, MQA); shape and errors as `attention`.

    >>> from netwright.graph import image
    >>> multi_query_attention(image(32, 8, 8)).shape
    (1, 32, 8, 8)
    """
    return _attend(x, heads, heads, 1, bias, causal)


@block
def sparse_query_attention(
    x: Tensor,
    heads: int = 4,
    query_heads: int = 2,
    kv_heads: int | None = None,
    bias: bool = True,
    causal: bool = False,
) -> Tensor:
    """Fewer heads ask than the width holds, so that scores cost `query_heads / heads` of those of MHA.

    Filipek 2025, Sparse Query Attention. Shape and errors as `attention`; `kv_heads=None` is the
    symmetric variant with as many as `query_heads`.

    >>> from netwright.graph import image
    >>> sparse_query_attention(image(32, 8, 8)).shape
    (1, 32, 8, 8)
    """
    return _attend(x, heads, query_heads, chosen(kv_heads, query_heads), bias, causal)
