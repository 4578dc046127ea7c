"""Parts of a FlexiBERT encoder layer: heads of several operations, stacks of perceptrons (Tuli et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable
from math import pi

import numpy as np

from netwright.blocks._activation import activate
from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import linear
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import divides, fits
from netwright.errors import UnknownNameError
from netwright.graph import Constant, Init, Tensor, ops, parameter, scope

__all__ = ["bert_head", "flexibert_feed", "flexibert_mixer", "token_width"]


def _counted(length: int, column: bool) -> Tensor:
    """0, 1, ... as a row or as a column; counted, not stored, so that a graph stays small."""
    one = Constant(np.ones((1, 1), np.float32), "float32")
    ones = ops.expand(one, shape=(length, 1) if column else (1, length))
    y: Tensor = ops.cumsum(ones, axis=0 if column else 1) - 1.0
    return y


def _angles(rows: Tensor, columns: Tensor, period: int) -> Tensor:
    """Angles of products; these are whole numbers, so that their remainder is exact where the angle would not be."""
    whole = ops.mod(rows * columns, Constant(np.array(period, np.float32), "float32"), fmod=1)
    y: Tensor = whole * (2 * pi / period)
    return y


def _fourier(x: Tensor) -> Tensor:
    """Real part of the discrete Fourier transform over positions and features of `(..., T, d)`."""
    time, width = (_angles(_counted(n, True), _counted(n, False), n) for n in x.shape[-2:])
    y: Tensor = ops.cos(time) @ x @ ops.cos(width) - ops.sin(time) @ x @ ops.sin(width)
    return y


def _cosine(x: Tensor) -> Tensor:
    """Discrete cosine transform (the second kind) over positions and features."""
    time, width = x.shape[-2:]
    left = ops.cos(_angles(_counted(time, True), _counted(time, False) * 2.0 + 1.0, 4 * time))
    right = ops.cos(_angles(_counted(width, True) * 2.0 + 1.0, _counted(width, False), 4 * width))
    y: Tensor = left @ x @ right
    return y


def _attend(x: Tensor, heads: int, weighted: bool) -> Tensor:
    q, k, v = (heads_apart(linear(x, x.shape[2], name=name), heads) for name in "qkv")
    if weighted:
        q = q @ parameter("between", (q.shape[3], q.shape[3]), Init("xavier"))
    return heads_together(ops.attention(q, k, v))


def _span(x: Tensor, heads: int, kernel: int) -> Tensor:
    """Convolution whose kernel each head makes at each position from the query and a span of neighbours."""
    length, width = x.shape[1:]
    weight = parameter("depthwise", (width, 1, kernel))
    series = ops.transpose(x, perm=(0, 2, 1))
    near = ops.transpose(ops.conv(series, weight, group=width, pads=kernel // 2), perm=(0, 2, 1))
    query = linear(x, width, name="q") * linear(near, width, name="span")
    shares = ops.softmax(heads_apart(linear(query, heads * kernel, name="kernel"), heads), axis=-1)
    value = heads_apart(linear(x, width, name="v"), heads)
    wide = ops.pad(value, pads=(0, 0, kernel // 2, 0, 0, 0, kernel // 2, 0))
    total = None
    for i, share in enumerate(ops.split(shares, split=(1,) * kernel, axis=3)):
        part = ops.slice_(wide, starts=(i,), ends=(i + length,), axes=(2,)) * share
        total = part if total is None else total + part
    assert total is not None
    return heads_together(total)


OPERATIONS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "scaled": lambda x, heads: _attend(x, heads, False),
    "weighted": lambda x, heads: _attend(x, heads, True),
    "fourier": lambda x, heads: heads_together(_fourier(heads_apart(x, heads))),
    "cosine": lambda x, heads: heads_together(_cosine(heads_apart(x, heads))),
    "span5": lambda x, heads: _span(x, heads, 5),
    "span9": lambda x, heads: _span(x, heads, 9),
}


@block
def flexibert_mixer(x: Tensor, operation: str = "scaled", heads: int = 2) -> Tensor:
    """Heads of one operation, a linear layer, the input added, normalised: `(N, T, D)` keeps its shape.

    Tuli et al. 2023, FlexiBERT. `operation` is `scaled` or `weighted` (multiplicative, with one matrix
    between query and key) attention, the `fourier` or `cosine` transform, or `span5` or `span9`: dynamic convolution
    over spans (Jiang et al. 2020, ConvBERT). Raises ShapeError and UnknownNameError.

    >>> from netwright.graph import Input
    >>> flexibert_mixer(Input((1, 16, 32)), "span5", heads=4).shape
    (1, 16, 32)
    """
    if operation not in OPERATIONS:
        raise UnknownNameError("operation of a FlexiBERT head", operation, OPERATIONS)
    fits(x.rank == 3, "flexibert_mixer", "the input must be (N, T, D)", shape=x.shape)
    fits(divides(heads, x.shape[2]), "flexibert_mixer", "heads must divide the width", heads=heads, width=x.shape[2])
    with scope(operation):
        y = OPERATIONS[operation](x, heads)
    return normalise(x + linear(y, x.shape[2], name="out"), "layer")


@block
def flexibert_feed(x: Tensor, hidden: int = 512, activation: str = "gelu") -> Tensor:
    """Perceptron of width `hidden`, the input added, normalised: `(N, T, D)` keeps its shape (Tuli et al. 2023).

    >>> from netwright.graph import Input
    >>> flexibert_feed(Input((1, 16, 32)), 64).shape
    (1, 16, 32)
    """
    y = linear(activate(linear(x, hidden, name="expand"), activation), x.shape[2], name="project")
    return normalise(x + y, "layer")


@block
def token_width(x: Tensor, width: int = 64) -> Tensor:
    """Linear layer to another width; the input itself where it has that width: `(N, T, D)` to `(N, T, width)`.

    >>> from netwright.graph import Input
    >>> token_width(Input((1, 16, 32)), 64).shape
    (1, 16, 64)
    """
    return x if x.shape[2] == width else linear(x, width)


@block
def bert_head(x: Tensor, classes: int = 2) -> Tensor:
    """Linear layer and tanh on the first token, then the classifier: `(N, T, D)` to `(N, classes)`.

    Devlin et al. 2019, BERT, as the authors' code has it.

    >>> from netwright.graph import Input
    >>> bert_head(Input((1, 16, 32)), 2).shape
    (1, 2)
    """
    first = ops.squeeze(ops.slice_(x, starts=(0,), ends=(1,), axes=(1,)), axes=(1,))
    return linear(ops.tanh(linear(first, x.shape[2], name="pool")), classes, name="classify")
