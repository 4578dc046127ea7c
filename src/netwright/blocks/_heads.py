"""Heads: from features to logits."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._dropout import dropped
from netwright.blocks._layers import conv_norm, convolution, linear
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import fits
from netwright.graph import Tensor, ops

__all__ = ["classifier", "mobilenet_head", "table_head", "token_head"]


@block
def classifier(
    x: Tensor, classes: int = 10, dropout: float = 0.0, norm: str = "none", activation: str = "none"
) -> Tensor:
    """Normalisation and activation if any, mean over all positions, linear layer: `(N, C, *space)` to `(N, classes)`.

    A vector `(N, C)` goes to the linear layer as it is.

    >>> from netwright.graph import image
    >>> classifier(image(64, 8, 8), 10).shape
    (1, 10)
    """
    y = activate(normalise(x, norm), activation)
    if y.rank > 2:
        y = ops.flatten(ops.global_average_pool(y), axis=1)
    return linear(dropped(y, dropout), classes)


@block
def mobilenet_head(
    x: Tensor,
    classes: int = 10,
    channels: int = 960,
    features: int = 1280,
    activation: str = "hard_swish",
    norm: str = "batch",
    bias: bool = False,
    dropout: float = 0.0,
) -> Tensor:
    """1x1 convolution, global mean, 1x1 convolution, linear layer: `(N, C, H, W)` to `(N, classes)`.

    Howard et al. 2019, MobileNetV3, section 5.1. The first convolution makes `channels` and is normalised;
    the second makes `features` and is not, with a bias where `bias`.

    >>> from netwright.graph import image
    >>> mobilenet_head(image(160, 7, 7), 1000).shape
    (1, 1000)
    """
    y = conv_norm(x, channels, norm=norm, activation=activation, name="conv")
    y = convolution(ops.global_average_pool(y), features, 1, bias=bias, name="features")
    y = ops.flatten(activate(y, activation), axis=1)
    return linear(dropped(y, dropout), classes)


@block
def token_head(
    x: Tensor, classes: int = 10, pool: str = "class", norm: str = "layer", dropout: float = 0.0
) -> Tensor:
    """Normalisation, the class token or the mean of all tokens, linear layer: `(N, T, D)` to `(N, classes)`.

    `pool` is "class" (Dosovitskiy et al. 2021, ViT; the first token) or "mean". Raises ShapeError.

    >>> from netwright.graph import image
    >>> from netwright.blocks import patch_embedding
    >>> token_head(patch_embedding(image(3, 32, 32), 64, patch=8, class_token=True), 10).shape
    (1, 10)
    """
    fits(x.rank == 3, "token_head", "the input must be (N, T, D)", shape=x.shape)
    fits(pool in ("class", "mean"), "token_head", "pool must be class or mean", pool=pool)
    if pool == "mean":
        y = ops.reduce_mean(normalise(x, norm), axes=(1,), keepdims=0)
    else:
        y = ops.squeeze(ops.slice_(normalise(x, norm), starts=(0,), ends=(1,), axes=(1,)), axes=(1,))
    return linear(dropped(y, dropout), classes)


@block
def table_head(
    x: Tensor, classes: int = 10, norm: str = "none", activation: str = "none", dropout: float = 0.0
) -> Tensor:
    """Normalisation, activation, linear layer: `(N, C)` to `(N, classes)`; raises ShapeError on other ranks.

    >>> from netwright.graph import vector
    >>> table_head(vector(13), 3).shape
    (1, 3)
    """
    fits(x.rank == 2, "table_head", "the input must be (N, C)", shape=x.shape)
    return linear(dropped(activate(normalise(x, norm), activation), dropout), classes)
