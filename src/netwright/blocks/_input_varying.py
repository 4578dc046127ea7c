"""Linear operators that the input varies: gated convolution and recurrence, attention to features made elsewhere.

All of these, and attention, are one family: a linear map of the sequence whose weights are
features of it (Thomas et al. 2024, STAR).
"""

from __future__ import annotations

from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import linear
from netwright.blocks._sizes import divides, fits, make_divisible
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = ["gated_convolution", "gated_memory", "gated_recurrence", "key_value_attention"]


def _featured(x: Tensor, weights: Tensor | None, features: int, name: str) -> Tensor:
    """Features of tokens by weights of their own, or by those that are given."""
    fits(x.rank == 3, name, "the input must be (N, T, D)", shape=x.shape)
    if weights is None:
        return linear(x, features, bias=False, name="features")
    shape = (x.shape[2], features)
    fits(weights.shape == shape, name, f"weights of features must be {shape}", weights=weights.shape)
    return x @ weights


@block
def gated_convolution(
    x: Tensor, weights: Tensor | None = None, kernel: int = 3, causal: bool = True, differential: bool = False
) -> Tensor:
    """Gate times depthwise convolution over time of another gate times the input: `(N, T, D)` keeps its shape.

    Poli et al. 2023, Hyena, with an explicit kernel; a Toeplitz operator whose scales vary with the input. Weights
    are those of the input and both gates, `(D, 3 D)`; `differential` takes from it what second gates and a second
    kernel make of the same input, with weights `(D, 5 D)`. Raises ShapeError for anything but tokens and such
    weights, and for an even kernel that is not causal.

    >>> from netwright.graph import Input
    >>> gated_convolution(Input((1, 16, 32)), kernel=7).shape
    (1, 16, 32)
    """
    fits(causal or kernel % 2 == 1, "gated_convolution", "kernel must be odd where it is not causal", kernel=kernel)
    width, parts = x.shape[-1], 5 if differential else 3
    value, *gates = ops.split(
        _featured(x, weights, parts * width, "gated_convolution"), split=(width,) * parts, axis=2
    )
    pads = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)

    def mixed(name: str, enter: Tensor, leave: Tensor) -> Tensor:
        series = ops.transpose(enter * value, perm=(0, 2, 1))
        y = ops.conv(series, parameter(name, (width, 1, kernel)), group=width, pads=pads)
        made: Tensor = ops.transpose(y, perm=(0, 2, 1)) * leave
        return made

    y = mixed("kernel", *gates[:2])
    y = y - _share(width) * mixed("less", *gates[2:]) if differential else y
    return linear(y, width, bias=False, name="out")


@block
def gated_recurrence(x: Tensor, weights: Tensor | None = None, heads: int = 4, differential: bool = False) -> Tensor:
    """Linear recurrence of outer products that a gate lets decay, in its parallel form: `(N, T, D)` keeps its shape.

    Yang et al. 2024, Gated Linear Attention, with one gate for each head and token (as in Dao & Gu 2024, Mamba-2): a
    causal, semi-separable operator. Weights are those of queries, keys and values, `(D, 3 D)`. `differential` takes
    the second half of each head's queries and keys, which decays by a gate of its own, from the first. Raises
    ShapeError for anything but tokens and such weights, and where heads, or their halves, do not divide the width.

    >>> from netwright.graph import Input
    >>> gated_recurrence(Input((1, 16, 32)), heads=4).shape
    (1, 16, 32)
    """
    features = _featured(x, weights, 3 * x.shape[-1], "gated_recurrence")
    width, halves = x.shape[2], 2 if differential else 1
    fits(divides(halves * heads, width), "gated_recurrence", "heads must divide the width", heads=heads, width=width)
    q, k, v = (heads_apart(part, heads) for part in ops.split(features, split=(width,) * 3, axis=2))
    # A gate is a head of one number for each half.
    gates = _halves(heads_apart(linear(x, halves * heads, name="gate"), heads), halves)
    pairs = zip(_halves(q, halves), _halves(k, halves), gates, strict=True)
    scores = [_decayed(*each) for each in pairs]
    both = scores[0] - _share(heads, 1, 1) * scores[1] if differential else scores[0]
    y = heads_together(ops.trilu(both, upper=0) @ v)
    return linear(y * ops.silu(linear(x, width, bias=False, name="open")), width, bias=False, name="out")


def _decayed(q: Tensor, k: Tensor, gate: Tensor) -> Tensor:
    """Products of queries and keys, less what gates let decay in between."""
    # Logarithms of the gates, summed up to each token; differences of the sums are what is left after a while.
    kept = ops.cumsum(ops.neg(ops.softplus(gate)), axis=2)
    decays = ops.exp(ops.minimum(kept - ops.transpose(kept, perm=(0, 1, 3, 2)), 0.0))
    y: Tensor = (q @ ops.transpose(k, perm=(0, 1, 3, 2))) * decays * q.shape[3] ** -0.5
    return y


def _halves(x: Tensor, halves: int) -> tuple[Tensor, ...]:
    """Halves of each head, or the whole."""
    return tuple(ops.split(x, split=(x.shape[3] // 2,) * 2, axis=3)) if halves == 2 else (x,)


def _share(*shape: int) -> Tensor:
    """How much of the second operator is taken from the first, learned: of each head or channel."""
    return parameter("share", shape, Init("constant", 0.5))


@block
def gated_memory(x: Tensor, weights: Tensor | None = None, expand: float = 2.0) -> Tensor:
    """A gated perceptron, which sees one token at a time: `(N, T, D)` keeps its shape.

    Shazeer 2020, SwiGLU: a diagonal operator. Weights are those of the gate and of what it scales, `(D, 2 hidden)`
    with `hidden` the multiple of 8 near `expand` times D. Raises ShapeError for anything but tokens and such weights.

    >>> from netwright.graph import Input
    >>> gated_memory(Input((1, 16, 32)), expand=3.0).shape
    (1, 16, 32)
    """
    hidden = make_divisible(x.shape[-1] * expand)
    gate, value = ops.split(_featured(x, weights, 2 * hidden, "gated_memory"), split=(hidden,) * 2, axis=2)
    return linear(ops.silu(gate) * value, x.shape[2], bias=False, name="out")


@block
def key_value_attention(
    x: Tensor,
    keys: Tensor | None = None,
    values: Tensor | None = None,
    heads: int = 4,
    causal: bool = True,
    differential: bool = False,
) -> Tensor:
    """Attention of x to keys and values, maybe of another layer: `(N, T, D)` keeps its shape.

    Brandon et al. 2024, Cross-Layer Attention; where none are given, to keys and values of x of all heads. Of
    `differential` (Ye et al. 2024, Differential Transformer, without the normalisation of each head) each score is
    that of the first half of a head less a learned share of that of the second. Raises ShapeError where keys and
    values are not heads of this width.

    >>> from netwright.graph import Input
    >>> key_value_attention(Input((1, 16, 32)), Input((1, 16, 8)), Input((1, 16, 8)), heads=8).shape
    (1, 16, 32)
    """
    width = x.shape[-1]
    q = _featured(x, None, width, "key_value_attention")
    with scope("keys"):
        keys = _featured(x, None, width, "key_value_attention") if keys is None else keys
    with scope("values"):
        values = _featured(x, None, width, "key_value_attention") if values is None else values
    each, shape = width // heads, keys.shape
    holds = divides(2 * heads if differential else heads, width) and keys.rank == 3 and shape == values.shape
    fits(holds, "key_value_attention", "heads must divide the width, and keys be as values", heads=heads, keys=shape)
    shared = shape[2] // each
    holds = shape[2] == shared * each and shared > 0 and divides(shared, heads)
    fits(holds, "key_value_attention", "heads of keys must divide the others", keys=shape, each=each)
    halves = 2 if differential else 1
    asks, answers = _halves(heads_apart(q, heads), halves), _halves(heads_apart(keys, shared), halves)
    v = heads_apart(values, shared)
    seen = [ops.attention(a, k, v, is_causal=int(causal)) for a, k in zip(asks, answers, strict=True)]
    both = seen[0] - _share(heads, 1, 1) * seen[1] if differential else seen[0]
    return linear(heads_together(both), width, bias=False, name="out")
