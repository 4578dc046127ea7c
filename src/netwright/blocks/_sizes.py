"""Rules and arithmetic of the sizes of blocks."""

from __future__ import annotations

import numpy as np

from netwright.errors import ShapeError
from netwright.graph import Tensor

__all__ = ["chosen", "divides", "fits", "make_divisible", "same_padding", "sizes_fit", "width_of"]


def fits(holds: bool, block_name: str, rule: str, **values: object) -> None:
    """Raise ShapeError with the block, its rule and the values, unless the rule holds.

    >>> fits(5 % 2 == 0, "shuffle", "channels must be even", channels=5)
    Traceback (most recent call last):
    netwright.errors.ShapeError: shuffle: channels must be even, but got channels=5.
    """
    if not holds:
        raise ShapeError(f"{block_name}: {rule}, but got {', '.join(f'{k}={v}' for k, v in values.items())}.")


def sizes_fit(block_name: str, **sizes: int) -> None:
    """Raise ShapeError unless every size is a positive integer.

    >>> sizes_fit("pool", kernel=2, stride=0)
    Traceback (most recent call last):
    netwright.errors.ShapeError: pool: sizes must be positive integers, but got kernel=2, stride=0.
    """
    # Numbers of NumPy count, too; a text or a fraction would fail deep inside, or not at all.
    whole = all(isinstance(size, (int, np.integer)) and size > 0 for size in sizes.values())
    if not whole:
        shown = ", ".join(f"{name}={size!r}" for name, size in sizes.items())
        raise ShapeError(f"{block_name}: sizes must be positive integers, but got {shown}.")


def divides(divisor: int, *sizes: int) -> bool:
    """Whether a divisor is positive and divides every size.

    >>> divides(4, 8, 12), divides(0, 8)
    (True, False)
    """
    return divisor > 0 and all(size % divisor == 0 for size in sizes)


def chosen(value: int | None, otherwise: int) -> int:
    """A hyperparameter, or what it stands for when it is None.

    >>> chosen(None, 8), chosen(0, 8)
    (8, 0)
    """
    return otherwise if value is None else value


def make_divisible(value: float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor` that is not more than a tenth below `value` (Sandler et al. 2018, MobileNetV2).

    >>> make_divisible(11), make_divisible(100), make_divisible(18, 4)
    (16, 104, 20)
    """
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest if nearest >= 0.9 * value else nearest + divisor


def same_padding(kernel: int | tuple[int, ...], dilation: int = 1) -> tuple[int, ...]:
    """Padding on each side that keeps the size at stride 1 (odd kernels).

    >>> same_padding((3, 11))
    (1, 5)
    """
    sides = (kernel, kernel) if isinstance(kernel, int) else kernel
    return tuple(dilation * (side - 1) // 2 for side in sides)


def width_of(x: Tensor) -> int:
    """Number of channels: axis 1 of an image, the last axis of tokens and vectors.

    >>> from netwright.graph import image, vector
    >>> width_of(image(3, 8, 8)), width_of(vector(13))
    (3, 13)
    """
    return x.shape[1] if x.rank == 4 else x.shape[-1]
