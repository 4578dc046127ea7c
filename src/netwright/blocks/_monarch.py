"""Monarch matrices and the Monarch mixer (Dao et al. 2022; Fu et al. 2023)."""

from __future__ import annotations

from math import gcd

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import chosen, divides, fits
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = ["monarch_linear", "monarch_mixer"]


def _balanced(width: int, features: int) -> int:
    """Number of blocks, a divisor of both widths, that costs least: features * (width / blocks + blocks)."""
    common = gcd(width, features)
    return min((a for a in range(1, common + 1) if common % a == 0), key=lambda a: width // a + a)


def _monarch(x: Tensor, features: int, blocks: int | None, name: str) -> Tensor:
    """(N, T, D) to (N, T, features) by two block-diagonal matrices with a transposition after each."""
    width = x.shape[2]
    a = chosen(blocks, _balanced(width, features))
    fits(
        divides(a, width, features),
        "monarch",
        "blocks must divide both widths",
        blocks=a,
        width=width,
        features=features,
    )
    b, c = width // a, features // a
    with scope(name):
        right = parameter("right", (a, b, c), Init("uniform", b**-0.5))
        left = parameter("left", (c, a, a), Init("uniform", a**-0.5))
        y = ops.transpose(ops.reshape(x, shape=(0, 0, a, b)), perm=(0, 2, 1, 3))
        y = ops.transpose(ops.matmul(y, right), perm=(0, 3, 2, 1))
        y = ops.transpose(ops.matmul(y, left), perm=(0, 2, 3, 1))
        z: Tensor = ops.reshape(y, shape=(0, 0, features))
    return z


@block
def monarch_linear(x: Tensor, features: int | None = None, blocks: int | None = None) -> Tensor:
    """Linear map by a Monarch matrix of the last axis: `(N, T, D)` or `(N, D)` to `features`.

    Two block-diagonal factors and two permutations (Dao et al. 2022, Monarch, definition 3.1): with a = `blocks`,
    features * (D / a + a) parameters in place of features * D. `blocks=None` costs least. Raises ShapeError.

    >>> from netwright.graph import vector
    >>> monarch_linear(vector(64)).shape
    (1, 64)
    """
    out = chosen(features, x.shape[-1])
    if x.rank == 2:
        y: Tensor = ops.squeeze(_monarch(ops.unsqueeze(x, axes=(1,)), out, blocks, "monarch"), axes=(1,))
        return y
    fits(x.rank == 3, "monarch_linear", "the input must be (N, T, D) or (N, D)", shape=x.shape)
    return _monarch(x, out, blocks, "monarch")


@block
def monarch_mixer(
    x: Tensor, expand: float = 4.0, blocks: int | None = None, activation: str = "gelu", norm: str = "layer"
) -> Tensor:
    """Monarch matrices along the tokens and then along the channels, both residual: `(N, T, D)` keeps its shape.

    Fu et al. 2023, Monarch Mixer: M2 (k * M1 x) over the tokens with a learned k for each channel and
    position, M4 f(M3 x) over the channels. `blocks` is that of the channels. Raises ShapeError.

    >>> from netwright.graph import image
    >>> from netwright.blocks import patch_embedding
    >>> monarch_mixer(patch_embedding(image(3, 32, 32), 64, patch=8)).shape
    (1, 16, 64)
    """
    fits(x.rank == 3, "monarch_mixer", "the input must be (N, T, D)", shape=x.shape)
    length, width = x.shape[1:]
    with scope("sequence"):
        y = ops.transpose(normalise(x, norm), perm=(0, 2, 1))
        y = _monarch(y, length, None, "enter") * parameter("kernel", (width, length), Init("ones"))
        x = x + ops.transpose(_monarch(y, length, None, "leave"), perm=(0, 2, 1))
    with scope("channels"):
        y = activate(_monarch(normalise(x, norm), round(width * expand), blocks, "enter"), activation)
        return x + _monarch(y, width, blocks, "leave")
