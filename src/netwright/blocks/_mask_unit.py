"""Mask unit attention and Q-pooling, of which Hiera and TurboViT are made (Ryali et al. 2023)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import pointwise
from netwright.blocks._normalisation import normalise
from netwright.blocks._pools import max_windows
from netwright.blocks._sizes import chosen, divides, fits
from netwright.graph import Init, Tensor, ops, parameter, scope

__all__ = ["image_positions", "mask_unit", "units_apart", "units_together", "window_attention"]

Unit = tuple[int, int]


def units_apart(x: Tensor, unit: Unit, heads: int) -> Tensor:
    """Image (N, C, H, W) as heads of all its units: (N, units * heads, pixels of a unit, C / heads).

    >>> from netwright.graph import image
    >>> units_apart(image(32, 8, 8), (4, 4), heads=2).shape
    (1, 8, 16, 16)
    """
    each, high, wide = x.shape[1] // heads, x.shape[2] // unit[0], x.shape[3] // unit[1]
    y = ops.reshape(x, shape=(0, heads, each, high, unit[0], wide, unit[1]))
    y = ops.transpose(y, perm=(0, 3, 5, 1, 4, 6, 2))
    z: Tensor = ops.reshape(y, shape=(0, high * wide * heads, unit[0] * unit[1], each))
    return z


def units_together(x: Tensor, unit: Unit, heads: int, space: Unit) -> Tensor:
    """Heads of all units as an image of the size `space`.

    >>> from netwright.graph import image
    >>> units_together(units_apart(image(32, 8, 8), (4, 4), heads=2), (4, 4), 2, (8, 8)).shape
    (1, 32, 8, 8)
    """
    shape = (0, space[0] // unit[0], space[1] // unit[1], heads, *unit, x.shape[3])
    y = ops.transpose(ops.reshape(x, shape=shape), perm=(0, 3, 6, 1, 4, 2, 5))
    z: Tensor = ops.reshape(y, shape=(0, heads * x.shape[3], *space))
    return z


def _attend(x: Tensor, width: int, heads: int, unit: Unit, pool: int) -> Tensor:
    """Attention inside each unit; queries, and with them the image, are pooled by `pool`."""
    q, k, v = ops.split(pointwise(x, 3 * width, name="qkv"), split=(width,) * 3, axis=1)
    q = max_windows(q, pool, pool) if pool > 1 else q
    asking = (unit[0] // pool, unit[1] // pool)
    parts = (units_apart(q, asking, heads), units_apart(k, unit, heads), units_apart(v, unit, heads))
    y = units_together(ops.attention(*parts), asking, heads, (q.shape[2], q.shape[3]))
    return pointwise(y, width, name="out")


@block
def window_attention(x: Tensor, unit: int | None = 7, heads: int = 2) -> Tensor:
    """Self-attention inside windows of `unit` by `unit` pixels, or of the whole image: `(N, C, H, W)` stays.

    Liu et al. 2021, Swin, section 3.2, without shift and relative positions. Raises ShapeError where the windows do
    not divide the image, or the heads the width.

    >>> from netwright.graph import image
    >>> window_attention(image(32, 8, 8), 4, heads=4).shape
    (1, 32, 8, 8)
    """
    sides = _sides(x, "window_attention", x.shape[1], heads, unit, 1)
    return _attend(x, x.shape[1], heads, sides, 1)


def _sides(x: Tensor, name: str, width: int, heads: int, unit: int | None, pool: int) -> Unit:
    """Sides of a unit, once all rules hold."""
    fits(x.rank == 4, name, "the input must be (N, C, H, W)", shape=x.shape)
    fits(divides(heads, width), name, "heads must divide the width", heads=heads, width=width)
    sides = (x.shape[2], x.shape[3]) if unit is None else (unit, unit)
    fits(unit is None or divides(unit, *x.shape[2:]), name, "units must divide the image", unit=unit, image=x.shape)
    fits(divides(pool, *sides), name, "pool must divide the unit", pool=pool, unit=sides)
    return sides


@block
def mask_unit(
    x: Tensor,
    channels: int | None = None,
    heads: int = 1,
    unit: int | None = 8,
    pool: int = 1,
    expand: float = 4.0,
) -> Tensor:
    """Attention inside units, then MLP, pre-normalised: `(N, C, H, W)` to `(N, channels, H / pool, W / pool)`.

    Ryali et al. 2023, Hiera: attention stays in units of `unit` by `unit` pixels, or is global where that
    is None; with `pool` queries and shortcut are pooled by maximum, and the width may change. Raises ShapeError.

    >>> from netwright.graph import image
    >>> mask_unit(image(32, 16, 16), 64, heads=2, pool=2).shape
    (1, 64, 8, 8)
    """
    width = chosen(channels, x.shape[1])
    sides = _sides(x, "mask_unit", width, heads, unit, pool)
    with scope("mix"):
        y = normalise(x, "layer")
        around = x if (width, pool) == (x.shape[1], 1) else pointwise(y, width, name="shortcut")
        around = max_windows(around, pool, pool) if pool > 1 else around
        y = around + _attend(y, width, heads, sides, pool)
    with scope("feed"):
        z = activate(pointwise(normalise(y, "layer"), round(width * expand), name="expand"), "gelu")
        return y + pointwise(z, width, name="project")


@block
def image_positions(x: Tensor) -> Tensor:
    """A learned number added to each channel of each pixel: `(N, C, H, W)` keeps its shape.

    >>> from netwright.graph import image
    >>> image_positions(image(32, 8, 8)).shape
    (1, 32, 8, 8)
    """
    return x + parameter("positions", (1, *x.shape[1:]), Init("normal", 0.02))
