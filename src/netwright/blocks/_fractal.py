"""Fractal of convolutions: columns of 1, 2, 4, ... layers that meet in means (Larsson et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Tensor, ops, scope

__all__ = ["fractal"]


def _mean(values: Sequence[Tensor]) -> Tensor:
    y: Tensor = values[0] if len(values) == 1 else ops.sum(*values) * (1 / len(values))
    return y


def _columns(x: Tensor, channels: int, columns: int, kernel: int) -> list[Tensor]:
    """Values that the last join takes the mean of, the shallowest column first."""
    short = conv_norm(x, channels, kernel, activation="relu", name=f"conv{columns}")
    if columns == 1:
        return [short]
    with scope("first"):
        middle = _mean(_columns(x, channels, columns - 1, kernel))
    with scope("second"):
        return [short, *_columns(middle, channels, columns - 1, kernel)]


@block
def fractal(
    x: Tensor, channels: int | None = None, columns: int = 3, column: int | None = None, kernel: int = 3
) -> Tensor:
    """Two fractals of one column less, beside one convolution, and the mean: `(N, C, ...)` to `(N, channels, ...)`.

    Larsson et al. 2017, FractalNet, section 2. `column` keeps only that one, of 2 ** (column - 1) convolutions: the
    networks of fixed depth that drop-path leaves, and that answer early. Raises ShapeError for a column that is not.

    >>> from netwright.graph import image
    >>> fractal(image(16, 8, 8), 32, columns=4).shape
    (1, 32, 8, 8)
    """
    fits(columns > 0, "fractal", "columns must be at least 1", columns=columns)
    out = chosen(channels, x.shape[1])
    if column is None:
        return _mean(_columns(x, out, columns, kernel))
    fits(0 < column <= columns, "fractal", "a column must be one of them", column=column, columns=columns)
    for i in range(1 << (column - 1)):
        x = conv_norm(x, out, kernel, activation="relu", name=f"conv{i}")
    return x
