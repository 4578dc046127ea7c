"""LowFormer block and its lightweight attention (Nottebaum et al. 2025)."""

from __future__ import annotations

from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import as_image, as_tokens, branch, conv_norm, convolution
from netwright.blocks._mbconv import fused_mbconv, mbconv
from netwright.blocks._mlp import mlp
from netwright.blocks._sizes import divides, fits
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = ["lowformer", "lowformer_attention"]


def _enlarged(x: Tensor, channels: int, stride: int) -> Tensor:
    """Transposed convolution with bias that multiplies the size by the stride."""
    side, pad = (2 * stride, stride // 2) if stride > 1 else (3, 1)
    with scope("enlarge"):
        weight = parameter("weight", (x.shape[1], channels, side, side))
        bias = parameter("bias", (channels,), Init("zeros"))
        y: Tensor = ops.conv_transpose(x, weight, bias, strides=stride, pads=pad)
    return y


@block
def lowformer_attention(x: Tensor, heads: int = 4, stride: int = 2, norm: str = "batch") -> Tensor:
    """Attention at 1 / `stride` of the resolution and half of the width: `(N, C, H, W)` keeps its shape.

    Depthwise convolution down, 1x1 convolution to queries, keys and values, attention, transposed convolution up
    (Nottebaum et al. 2025, LowFormer). Raises ShapeError unless the stride is 1 or even and divides the
    image, and the heads divide half of the width.

    >>> from netwright.graph import image
    >>> lowformer_attention(image(128, 14, 14)).shape
    (1, 128, 14, 14)
    """
    fits(x.rank == 4 and x.shape[1] % 2 == 0, "lowformer", "the input must be (N, even C, H, W)", shape=x.shape)
    width, *space = x.shape[1:]
    half = width // 2
    whole = divides(stride, *space) and (stride == 1 or stride % 2 == 0)
    fits(whole, "lowformer", "stride must be 1 or even, and divide the image", stride=stride, image=tuple(space))
    fits(divides(heads, half), "lowformer", "heads must divide half of the width", heads=heads, half=half)
    y = conv_norm(x, width, 2 * stride + 1, stride=stride, groups=width, norm=norm, name="reduce")
    small = y.shape[2:]
    parts = ops.split(as_tokens(convolution(y, 3 * half, 1, name="qkv")), split=(half, half, half), axis=2)
    y = heads_together(ops.attention(*(heads_apart(part, heads) for part in parts)))
    return _enlarged(as_image(y, small), width, stride)


@block
def lowformer(
    x: Tensor,
    heads: int = 4,
    stride: int = 2,
    expand: float = 4.0,
    kernel: int = 3,
    fused: bool = True,
    norm: str = "group1",
    activation: str = "hard_swish",
) -> Tensor:
    """Lightweight attention, MLP and inverted residual: `(N, C, H, W)` keeps its shape.

    Nottebaum et al. 2025, LowFormer: attention and MLP are pre-normalised residual branches; the inverted
    residual is fused in the stages of high resolution and not in the last. Raises ShapeError.

    >>> from netwright.graph import image
    >>> lowformer(image(128, 14, 14)).shape
    (1, 128, 14, 14)
    """
    y = branch(x, lowformer_attention(heads, stride), norm=norm, name="mix")
    y = branch(y, mlp(expand), norm=norm, name="feed")
    inverted = fused_mbconv if fused else mbconv
    z: Tensor = inverted(y, expand=expand, kernel=kernel, activation=activation)
    return z
