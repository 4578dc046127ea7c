"""Layers of an encoder-decoder transformer of any width inside (Wang et al. 2020, after Vaswani et al. 2017)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import linear
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import divides, fits
from netwright.graph import Tensor, ops, scope

__all__ = ["hat_decoder", "hat_encoder"]


def _attend(x: Tensor, memory: Tensor, heads: int, inner: int, *, causal: bool, name: str) -> Tensor:
    """Attention of x to a memory, whose width may be another, and the input, normalised."""
    fits(x.rank == memory.rank == 3, "hat", "inputs must be (N, T, D)", input=x.shape, memory=memory.shape)
    fits(divides(heads, inner), "hat", "heads must divide the inner width", heads=heads, inner=inner)
    with scope(name):
        q = heads_apart(linear(x, inner, name="q"), heads)
        k, v = (heads_apart(linear(memory, inner, name=part), heads) for part in ("k", "v"))
        y = linear(heads_together(ops.attention(q, k, v, is_causal=int(causal))), x.shape[2], name="out")
        return normalise(x + y, "layer")


def _feed(x: Tensor, hidden: int, activation: str) -> Tensor:
    with scope("feed"):
        y = linear(activate(linear(x, hidden, name="expand"), activation), x.shape[2], name="project")
        return normalise(x + y, "layer")


@block
def hat_encoder(x: Tensor, heads: int = 4, hidden: int = 2048, inner: int = 512, activation: str = "relu") -> Tensor:
    """Self-attention of width `inner`, then a perceptron of width `hidden`, each normalised after: `(N, T, D)` stays.

    Wang et al. 2020, HAT, section 3: width of the input, of attention and of the perceptron are independent. Raises
    ShapeError where `heads` does not divide `inner`.

    >>> from netwright.graph import Input
    >>> hat_encoder(Input((1, 30, 640)), heads=8, hidden=1024).shape
    (1, 30, 640)
    """
    y = _attend(x, x, heads, inner, causal=False, name="self")
    return _feed(y, hidden, activation)


@block
def hat_decoder(
    x: Tensor,
    *memory: Tensor,
    heads: int = 4,
    cross_heads: int = 4,
    hidden: int = 2048,
    inner: int = 512,
    activation: str = "relu",
) -> Tensor:
    """Causal self-attention, attention to the memory, perceptron, each normalised after: `(N, T, D)` stays.

    Wang et al. 2020, HAT, figure 3: the memory is one or several outputs `(N, S, E)` of encoder layers, one behind
    the other; without any this is a layer of a decoder-only network. Raises ShapeError.

    >>> from netwright.graph import Input
    >>> hat_decoder(Input((1, 30, 640)), Input((1, 25, 512)), Input((1, 25, 512))).shape
    (1, 30, 640)
    """
    y = _attend(x, x, heads, inner, causal=True, name="self")
    if memory:
        together = ops.concat(*memory, axis=1) if len(memory) > 1 else memory[0]
        y = _attend(y, together, cross_heads, inner, causal=False, name="cross")
    return _feed(y, hidden, activation)
