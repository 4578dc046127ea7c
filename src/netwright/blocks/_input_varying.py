"""Linear operators that the input varies: gated convolution and recurrence, attention to features made elsewhere.

All of these, and attention, are one family: a linear map of the sequence whose weights are
features of it (Thomas et al. 2024, STAR).
"""

from __future__ import annotations

from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import linear
from netwright.blocks._sizes import divides, fits
from netwright.graph import Tensor, ops, parameter

__all__ = ["gated_convolution", "gated_recurrence", "key_value", "key_value_attention"]


@block
def gated_convolution(x: Tensor, kernel: int = 3, causal: bool = True) -> Tensor:
    """Gate times depthwise convolution over time of another gate times the input: `(N, T, D)` keeps its shape.

    Poli et al. 2023, Hyena, with an explicit kernel; a Toeplitz operator whose scales vary with the input. Raises
    ShapeError for anything but tokens, and for an even kernel that is not causal.

    >>> from netwright.graph import Input
    >>> gated_convolution(Input((1, 16, 32)), 7).shape
    (1, 16, 32)
    """
    fits(x.rank == 3, "gated_convolution", "the input must be (N, T, D)", shape=x.shape)
    fits(causal or kernel % 2 == 1, "gated_convolution", "kernel must be odd where it is not causal", kernel=kernel)
    width = x.shape[2]
    enter, leave, value = ops.split(linear(x, 3 * width, bias=False, name="in"), split=(width,) * 3, axis=2)
    series = ops.transpose(enter * value, perm=(0, 2, 1))
    pads = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)
    y = ops.conv(series, parameter("kernel", (width, 1, kernel)), group=width, pads=pads)
    return linear(ops.transpose(y, perm=(0, 2, 1)) * leave, width, bias=False, name="out")


@block
def gated_recurrence(x: Tensor, heads: int = 4) -> Tensor:
    """Linear recurrence of outer products that a gate lets decay, in its parallel form: `(N, T, D)` keeps its shape.

    Yang et al. 2024, Gated Linear Attention, with one gate for each head and token (as in Dao & Gu 2024, Mamba-2): a
    causal, semi-separable operator. Raises ShapeError where `heads` does not divide the width.

    >>> from netwright.graph import Input
    >>> gated_recurrence(Input((1, 16, 32)), heads=4).shape
    (1, 16, 32)
    """
    fits(x.rank == 3, "gated_recurrence", "the input must be (N, T, D)", shape=x.shape)
    width = x.shape[2]
    fits(divides(heads, width), "gated_recurrence", "heads must divide the width", heads=heads, width=width)
    parts = ops.split(linear(x, 3 * width, bias=False, name="qkv"), split=(width,) * 3, axis=2)
    q, k, v = (heads_apart(part, heads) for part in parts)
    # Logarithms of the gates, summed up to each token; differences of the sums are what is left after a while.
    kept = ops.cumsum(ops.neg(ops.softplus(heads_apart(linear(x, heads, name="gate"), heads))), axis=2)
    decays = ops.exp(ops.minimum(kept - ops.transpose(kept, perm=(0, 1, 3, 2)), 0.0))
    scores = (q @ ops.transpose(k, perm=(0, 1, 3, 2))) * decays * (width // heads) ** -0.5
    y = heads_together(ops.trilu(scores, upper=0) @ v)
    return linear(y * ops.silu(linear(x, width, bias=False, name="open")), width, bias=False, name="out")


@block
def key_value(x: Tensor, heads: int = 4, kv_heads: int = 4) -> Tensor:
    """Keys and values of `kv_heads` heads, side by side: `(N, T, D)` to `(N, T, 2 kv_heads D / heads)`.

    What attention keeps in its cache, made once for the layers that share it. Raises ShapeError.

    >>> from netwright.graph import Input
    >>> key_value(Input((1, 16, 32)), 8, 2).shape
    (1, 16, 16)
    """
    fits(x.rank == 3, "key_value", "the input must be (N, T, D)", shape=x.shape)
    fits(divides(heads, x.shape[2]), "key_value", "heads must divide the width", heads=heads, width=x.shape[2])
    return linear(x, 2 * kv_heads * (x.shape[2] // heads), bias=False)


@block
def key_value_attention(x: Tensor, memory: Tensor | None = None, heads: int = 4, causal: bool = True) -> Tensor:
    """Attention of x to keys and values that `key_value` made, maybe in another layer: `(N, T, D)` keeps its shape.

    Brandon et al. 2024, Cross-Layer Attention; without a memory, to keys and values of x from all heads. Raises
    ShapeError where the memory is not one of heads of this width.

    >>> from netwright.graph import Input
    >>> x = Input((1, 16, 32))
    >>> key_value_attention(x, key_value(x, 8, 2), heads=8).shape
    (1, 16, 32)
    """
    memory = key_value(x, heads, heads) if memory is None else memory
    fits(
        x.rank == memory.rank == 3, "key_value_attention", "inputs must be (N, T, D)", x=x.shape, memory=memory.shape
    )
    width = x.shape[2]
    fits(divides(heads, width), "key_value_attention", "heads must divide the width", heads=heads, width=width)
    each = width // heads
    shared = memory.shape[2] // (2 * each)
    holds = memory.shape[2] == 2 * shared * each and divides(shared, heads)
    fits(holds, "key_value_attention", "heads of the memory must divide the others", memory=memory.shape, each=each)
    k, v = (heads_apart(y, shared) for y in ops.split(memory, split=(shared * each,) * 2, axis=2))
    q = heads_apart(linear(x, width, bias=False, name="q"), heads)
    return linear(heads_together(ops.attention(q, k, v, is_causal=int(causal))), width, bias=False, name="out")
