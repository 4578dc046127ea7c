"""Patches of an image as tokens (Dosovitskiy et al. 2021)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import as_tokens, convolution
from netwright.blocks._sizes import divides, fits
from netwright.graph import Init, Tensor, ops, parameter

__all__ = ["patch_embedding"]


@block
def patch_embedding(
    x: Tensor, width: int = 192, patch: int = 16, class_token: bool = False, positions: bool = True
) -> Tensor:
    """Linear map of each patch, learned positions, optional class token in front: `(N, C, H, W)` to `(N, T, width)`.

    A series `(N, C, L)` works the same. Dosovitskiy et al. 2021, ViT, equation 1. Raises ShapeError where `patch`
    does not divide the input.

    >>> from netwright.graph import image
    >>> patch_embedding(image(3, 224, 224), class_token=True).shape
    (1, 197, 192)
    """
    fits(
        divides(patch, *x.shape[2:]), "patch_embedding", "patch must divide the input", patch=patch, input=x.shape[2:]
    )
    y = as_tokens(convolution(x, width, patch, stride=patch, padding=0, bias=True, name="patches"))
    length, small = y.shape[1], Init("normal", 0.02)
    if not (class_token or positions):
        return y
    shift = parameter("positions", (1, length + class_token, width), small) if positions else None
    if class_token:
        # Added to a row of zeros, not concatenated: the token has a batch of one and would not join a larger batch.
        token = ops.pad(parameter("class_token", (1, 1, width), small), pads=(0, 0, 0, 0, length, 0))
        y = ops.pad(y, pads=(0, 1, 0, 0, 0, 0))
        shift = token if shift is None else shift + token
    assert shift is not None
    return y + shift
