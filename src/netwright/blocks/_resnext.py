"""Aggregated residual bottleneck (Xie et al. 2017)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._bottleneck import narrow_residual
from netwright.blocks._sizes import chosen, divides, fits
from netwright.graph import Tensor

__all__ = ["resnext"]


@block
def resnext(
    x: Tensor,
    channels: int | None = None,
    stride: int = 1,
    kernel: int = 3,
    groups: int = 32,
    ratio: int = 2,
    norm: str = "batch",
    activation: str = "relu",
) -> Tensor:
    """Residual bottleneck with `groups` paths: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Xie et al. 2017, Aggregated Residual Transformations, figure 3c; `groups` is the cardinality, and 32 with
    `ratio=2` is the 32x4d of ResNeXt-50. Raises ShapeError where `groups * ratio` does not divide the width.

    >>> from netwright.graph import image
    >>> resnext(image(64, 32, 32), 128, stride=2).shape
    (1, 128, 16, 16)
    """
    out = chosen(channels, x.shape[1])
    fits(
        divides(ratio * groups, out),
        "resnext",
        "groups times ratio must divide the channels",
        groups=groups,
        ratio=ratio,
        channels=out,
    )
    return narrow_residual(x, out, stride, kernel, out // ratio, groups, norm, activation)
