"""Operators whose features are made by weights of another layer, or are those of another layer themselves.

Thomas et al. 2024, STAR: weights flow between layers as tensors do, so that a later one may take them.
"""

from __future__ import annotations

from netwright.blocks._base import Call, block
from netwright.blocks._input_varying import gated_memory, key_value_attention
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import fits, make_divisible
from netwright.graph import Init, Tensor, ops, parameter

__all__ = [
    "feature_weights",
    "features_of",
    "head_weights",
    "memory_weights",
    "normalised",
    "residual_attention",
    "residual_operator",
    "weights_of",
]


@block
def normalised(x: Tensor) -> Tensor:
    """The input of an operator: `(N, T, D)` keeps its shape."""
    return normalise(x, "rms")


@block
def feature_weights(x: Tensor, features: int = 32) -> Tensor:
    """Weights that make so many features of a token, `(D, features)`, as a tensor that further layers may take.

    >>> from netwright.graph import Input
    >>> feature_weights(Input((1, 16, 64)), 96).shape
    (64, 96)
    """
    y: Tensor = ops.identity(parameter("weight", (x.shape[2], features), Init("xavier")))
    return y


@block
def head_weights(x: Tensor, heads: int = 12, kv_heads: int = 1) -> Tensor:
    """Weights that make keys, or values, of `kv_heads` of the heads.

    >>> from netwright.graph import Input
    >>> head_weights(Input((1, 16, 64)), heads=4, kv_heads=2).shape
    (64, 32)
    """
    y: Tensor = feature_weights(x, kv_heads * (x.shape[2] // heads))
    return y


@block
def memory_weights(x: Tensor, expand: float = 2.0) -> Tensor:
    """Weights of a `gated_memory` of this width.

    >>> from netwright.graph import Input
    >>> memory_weights(Input((1, 16, 64)), expand=3.0).shape
    (64, 384)
    """
    y: Tensor = feature_weights(x, 2 * make_divisible(x.shape[2] * expand))
    return y


@block
def weights_of(x: Tensor, weights: Tensor, how: str = "own") -> Tensor:
    """Weights of an earlier layer, or `own` ones of their shape.

    Raises ShapeError where tokens stand in their place, as they do ahead of the first ones.

    >>> from netwright.graph import Input
    >>> weights_of(Input((1, 16, 64)), Input((64, 32)), how="own").shape
    (64, 32)
    """
    fits(weights.rank == 2, "weights_of", "weights must be those of an earlier layer", shape=weights.shape)
    y: Tensor = feature_weights(x, weights.shape[1]) if how == "own" else weights
    return y


@block
def features_of(x: Tensor, weights: Tensor, features: Tensor, how: str = "own") -> Tensor:
    """Features of an earlier layer where `how` is `features`, else what weights make of the input.

    >>> from netwright.graph import Input
    >>> features_of(Input((1, 16, 64)), Input((64, 32)), Input((1, 16, 8)), how="weights").shape
    (1, 16, 32)
    """
    return features if how == "features" else x @ weights


@block
def residual_attention(
    x: Tensor, normal: Tensor, keys: Tensor, values: Tensor, heads: int = 12, differential: bool = False
) -> Tensor:
    """The tokens, and `key_value_attention` of the normalised ones, added: `(N, T, D)` keeps its shape."""
    y: Tensor = key_value_attention(normal, keys, values, heads, differential=differential)
    return x + y


@block
def residual_operator(x: Tensor, weights: Tensor, inner: Call | None = None) -> Tensor:
    """The tokens, and an operator of them by weights that were made before, added: `(N, T, D)` keeps its shape.

    `inner` is any block of tokens and weights, a gated memory where absent.

    >>> from netwright.graph import Input
    >>> residual_operator(Input((1, 16, 64)), Input((64, 256))).shape
    (1, 16, 64)
    """
    y: Tensor = (inner or gated_memory()).apply(normalise(x, "rms"), weights)
    return x + y
