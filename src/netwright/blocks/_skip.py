"""The connections of a search space that do not compute: skip and zero, and the reduction that skips need."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import convolution, shortcut
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import chosen, fits, sizes_fit
from netwright.graph import Tensor, ops

__all__ = ["factorized_reduction", "skip", "zero"]


def _factorized(x: Tensor, channels: int, stride: int, norm: str) -> Tensor:
    """Half of the channels from the pixels at 0, stride, ..., the other half from those one further."""
    holds = channels > 1 and stride > 0
    fits(holds, "factorized_reduction", "channels must be at least 2, stride 1", channels=channels, stride=stride)
    rank = x.rank - 2
    # The shifted half must have as many positions, which needs a row of zeros where its last one would be missing.
    ends = tuple(int((size - 1) % stride == 0) for size in x.shape[2:])
    y = ops.relu(x)
    wide = ops.pad(y, pads=(0,) * (4 + rank) + ends) if any(ends) else y
    shifted = ops.slice_(wide, starts=(1,) * rank, ends=wide.shape[2:], axes=tuple(range(2, x.rank)))
    halves = [
        convolution(part, width, 1, stride=stride, name=name)
        for part, width, name in ((y, channels // 2, "even"), (shifted, channels - channels // 2, "odd"))
    ]
    return normalise(ops.concat(*halves, axis=1), norm)


@block
def factorized_reduction(x: Tensor, channels: int | None = None, stride: int = 2, norm: str = "batch") -> Tensor:
    """Two 1x1 convolutions on pixels one apart, concatenated: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Loses no half of the pixels as one strided 1x1 convolution would (Zoph et al. 2018; Liu et al. 2019, DARTS).
    Raises ShapeError for fewer than two channels.

    >>> from netwright.graph import image
    >>> factorized_reduction(image(16, 33, 32), 32).shape
    (1, 32, 17, 16)
    """
    return _factorized(x, chosen(channels, x.shape[1]), stride, norm)


@block
def skip(x: Tensor, channels: int | None = None, stride: int = 1, norm: str = "batch") -> Tensor:
    """The input itself; factorised reduction where stride is above 1, 1x1 projection where only the width changes.

    >>> from netwright.graph import image
    >>> x = image(16, 32, 32)
    >>> skip(x) is x, skip(x, 24).shape, skip(x, 24, stride=2).shape
    (True, (1, 24, 32, 32), (1, 24, 16, 16))
    """
    if channels is None and stride == 1:
        return x
    out = chosen(channels, x.shape[1])
    return shortcut(x, out, 1, norm) if stride == 1 else _factorized(x, out, stride, norm)


@block
def zero(x: Tensor, channels: int | None = None, stride: int = 1) -> Tensor:
    """Zeros of the shape another block would give: the input, strided and cut or tiled to width, times 0.

    `none` of NAS-Bench-201 (Dong & Yang 2020): `(N, C, *space)` to `(N, channels, *space / stride)`.

    >>> from netwright.graph import image
    >>> zero(image(16, 33, 32), 24, stride=2).shape
    (1, 24, 17, 16)
    """
    out = chosen(channels, x.shape[1])
    sizes_fit("zero", channels=out, stride=stride)
    if stride > 1:
        axes = tuple(range(2, x.rank))
        x = ops.slice_(x, starts=(0,) * len(axes), ends=x.shape[2:], axes=axes, steps=(stride,) * len(axes))
    if out > x.shape[1]:
        x = ops.tile(x, repeats=(1, -(-out // x.shape[1]), *(1,) * (x.rank - 2)))
    if out < x.shape[1]:
        x = ops.slice_(x, starts=(0,), ends=(out,), axes=(1,))
    return x * 0.0
