"""Spatial token mixers of the unified architecture: depthwise, reduced and halo attention (Hu et al. 2025)."""

from __future__ import annotations

from netwright.blocks._attention import heads_apart, heads_together
from netwright.blocks._base import block
from netwright.blocks._layers import as_image, as_tokens, convolution, linear, pointwise
from netwright.blocks._mask_unit import units_apart, units_together
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import divides, fits
from netwright.graph import Tensor, ops

__all__ = ["halo_attention", "projected_depthwise", "reduced_attention"]


@block
def projected_depthwise(x: Tensor, kernel: int = 7) -> Tensor:
    """Depthwise convolution between two 1x1 convolutions: `(N, C, H, W)` keeps its shape.

    Hu et al. 2025, Demystify Transformers & Convolutions: the convolution of ConvNeXt with the projections
    that attention has.

    >>> from netwright.graph import image
    >>> projected_depthwise(image(32, 8, 8)).shape
    (1, 32, 8, 8)
    """
    width = x.shape[1]
    y = convolution(x, width, 1, bias=True, name="in")
    y = convolution(y, width, kernel, groups=width, bias=True, name="depthwise")
    return convolution(y, width, 1, bias=True, name="out")


@block
def reduced_attention(x: Tensor, heads: int = 4, reduction: int = 2) -> Tensor:
    """Attention to keys and values of a smaller image, which a strided convolution makes: `(N, C, H, W)` stays.

    Wang et al. 2021, Pyramid Vision Transformer. Raises ShapeError where `heads` does not divide the
    width or `reduction` the image.

    >>> from netwright.graph import image
    >>> reduced_attention(image(32, 8, 8)).shape
    (1, 32, 8, 8)
    """
    fits(x.rank == 4, "reduced_attention", "the input must be (N, C, H, W)", shape=x.shape)
    width, space = x.shape[1], x.shape[2:]
    fits(divides(heads, width), "reduced_attention", "heads must divide the width", heads=heads, width=width)
    holds = divides(reduction, *space)
    fits(holds, "reduced_attention", "reduction must divide the image", reduction=reduction, image=space)
    small = as_tokens(x)
    if reduction > 1:
        made = convolution(x, width, reduction, stride=reduction, padding=0, bias=True, name="reduce")
        small = normalise(as_tokens(made), "layer")
    q = heads_apart(linear(as_tokens(x), width, name="q"), heads)
    k, v = (heads_apart(y, heads) for y in ops.split(linear(small, 2 * width, name="kv"), split=(width,) * 2, axis=2))
    return as_image(linear(heads_together(ops.attention(q, k, v)), width, name="out"), space)


def _with_halo(x: Tensor, axis: int, halo: int) -> Tensor:
    """Blocks along an axis, each with `halo` of its neighbours on both sides; the first and last block are dropped.

    `axis` counts the blocks, the one behind it what is inside a block.
    """
    blocks, side = x.shape[axis], x.shape[axis + 1]
    parts = []
    for first, inside in ((0, (side - halo, side)), (1, (0, side)), (2, (0, halo))):
        starts, ends = (first, inside[0]), (first + blocks - 2, inside[1])
        parts.append(ops.slice_(x, starts=starts, ends=ends, axes=(axis, axis + 1)))
    y: Tensor = ops.concat(*parts, axis=axis + 1)
    return y


def _neighbourhoods(x: Tensor, side: int, halo: int, heads: int) -> Tensor:
    """Image as heads of its blocks with their halos: (N, blocks * heads, pixels, C / heads)."""
    high, wide, wider = x.shape[2] // side, x.shape[3] // side, side + 2 * halo
    if halo:
        y = ops.pad(x, pads=(0, 0, side, side, 0, 0, side, side))
        y = ops.reshape(y, shape=(0, 0, high + 2, side, wide + 2, side))
        y = _with_halo(_with_halo(y, 2, halo), 4, halo)
        x = ops.reshape(y, shape=(0, 0, high * wider, wide * wider))
    return units_apart(x, (wider, wider), heads)


@block
def halo_attention(x: Tensor, side: int = 7, halo: int = 3, heads: int = 4) -> Tensor:
    """Attention of each block of pixels to itself and a halo around it: `(N, C, H, W)` keeps its shape.

    Vaswani et al. 2021, HaloNet, without relative positions; beyond the image are zeros. Raises
    ShapeError where blocks do not divide the image, heads the width, or the halo is wider than a block.

    >>> from netwright.graph import image
    >>> halo_attention(image(32, 8, 8), 4, 2).shape
    (1, 32, 8, 8)
    """
    fits(x.rank == 4, "halo_attention", "the input must be (N, C, H, W)", shape=x.shape)
    width, space = x.shape[1], x.shape[2:]
    fits(divides(heads, width), "halo_attention", "heads must divide the width", heads=heads, width=width)
    fits(divides(side, *space), "halo_attention", "blocks must divide the image", side=side, image=space)
    fits(0 <= halo <= side, "halo_attention", "the halo must be at most a block wide", halo=halo, side=side)
    q, k, v = ops.split(pointwise(x, 3 * width, name="qkv"), split=(width,) * 3, axis=1)
    near = (_neighbourhoods(y, side, halo, heads) for y in (k, v))
    y = ops.attention(_neighbourhoods(q, side, 0, heads), *near)
    y = units_together(y, (side, side), heads, (space[0], space[1]))
    return pointwise(y, width, name="out")
