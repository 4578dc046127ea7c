"""Residual bottleneck whose inner convolution is attention, of the HyTra space (Li et al. 2021)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import as_image, as_tokens, conv_norm, convolution
from netwright.blocks._normalisation import normalise
from netwright.blocks._pools import mean_windows
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Tensor, ops, scope

__all__ = ["res_attention"]


def _attend(x: Tensor, heads: int) -> Tensor:
    width = x.shape[1]
    parts = ops.split(as_tokens(convolution(x, 3 * width, 1, name="qkv")), split=(width,) * 3, axis=2)
    y = heads_together(ops.attention(*(heads_apart(part, heads) for part in parts)))
    return as_image(y, x.shape[2:])


@block
def res_attention(
    x: Tensor, channels: int | None = None, heads: int = 4, each: int = 64, stride: int = 1, activation: str = "relu"
) -> Tensor:
    """1x1, depthwise 3x3 for the position, attention, 1x1, and the input: `(N, C, H, W)` to `(N, channels, ...)`.

    Li et al. 2021, BossNAS, as the authors' code has it: `heads` of width `each`; the depthwise convolution
    has the stride, the shortcut a mean over windows and a 1x1 convolution. Raises ShapeError for other than images.

    >>> from netwright.graph import image
    >>> res_attention(image(64, 16, 16), 128, heads=2, each=32, stride=2).shape
    (1, 128, 8, 8)
    """
    fits(x.rank == 4, "res_attention", "the input must be (N, C, H, W)", shape=x.shape)
    out, inner = chosen(channels, x.shape[1]), heads * each
    y = convolution(x, inner, 1, name="reduce")
    y = convolution(y, inner, 3, stride=stride, groups=inner, bias=True, name="position")
    y = _attend(activate(normalise(y, name="norm1"), activation), heads)
    y = conv_norm(activate(normalise(y, name="norm2"), activation), out, name="expand")
    if stride == 1 and out == x.shape[1]:
        return activate(y + x, activation)
    with scope("around"):
        means = x if stride == 1 else mean_windows(x, stride, stride)
        return activate(y + conv_norm(means, out, name="shortcut"), activation)
