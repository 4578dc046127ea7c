"""ShuffleNetV2 unit (Ma et al. 2018)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.blocks._sizes import chosen, divides, fits
from netwright.graph import Tensor, ops

__all__ = ["channel_shuffle", "shufflenet_v2"]


@block
def channel_shuffle(x: Tensor, groups: int = 2) -> Tensor:
    """Interleave the channels of `groups` groups: `(N, C, *space)` keeps its shape (Zhang et al. 2018, figure 1).

    Raises ShapeError where `groups` does not divide the channels.

    >>> from netwright.graph import image
    >>> channel_shuffle(image(8, 4, 4)).shape
    (1, 8, 4, 4)
    """
    return _shuffled(x, groups)


def _shuffled(x: Tensor, groups: int) -> Tensor:
    channels, *space = x.shape[1:]
    fits(
        divides(groups, channels),
        "channel_shuffle",
        "groups must divide the channels",
        groups=groups,
        channels=channels,
    )
    apart = ops.reshape(x, shape=(0, groups, channels // groups, *space))
    swapped = ops.transpose(apart, perm=(0, 2, 1, *range(3, 3 + len(space))))
    y: Tensor = ops.reshape(swapped, shape=(0, channels, *space))
    return y


@block
def shufflenet_v2(
    x: Tensor,
    channels: int | None = None,
    stride: int = 1,
    kernel: int = 3,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Half of the channels pass, half are convolved, and all are shuffled: `(N, C, *space)` to `(N, channels, ...)`.

    Ma et al. 2018, ShuffleNet V2, figure 3c; where stride is above 1 or the width changes, both halves of the output
    are computed from all channels (figure 3d). Raises ShapeError for an odd width.

    >>> from netwright.graph import image
    >>> shufflenet_v2(image(24, 56, 56), 116, stride=2).shape
    (1, 116, 28, 28)
    """
    out = chosen(channels, x.shape[1])
    fits(out % 2 == 0, "shufflenet_v2", "channels must be even", channels=out)
    half = out // 2
    if stride == 1 and out == x.shape[1]:
        passed, convolved = ops.split(x, split=(half, half), axis=1)
    else:
        convolved = x
        y = conv_norm(x, x.shape[1], kernel, stride=stride, groups=x.shape[1], norm=norm, name="short_depthwise")
        passed = conv_norm(y, half, norm=norm, activation=activation, name="short_pointwise")
    y = conv_norm(convolved, half, norm=norm, activation=activation, name="pointwise1")
    y = conv_norm(y, half, kernel, stride=stride, groups=half, norm=norm, name="depthwise")
    y = conv_norm(y, half, norm=norm, activation=activation, name="pointwise2")
    return _shuffled(ops.concat(passed, y, axis=1), 2)
