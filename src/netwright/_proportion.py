"""How sure a share is that was seen on some examples."""

from __future__ import annotations

import math

__all__ = ["wilson"]

# Two-sided 95 % point of the normal distribution.
_Z = 1.959963984540054


def wilson(part: float, n: int) -> tuple[float, float]:
    """95 % interval of a proportion seen on n examples.

    >>> low, high = wilson(0.98, 359)
    >>> round(low, 4), round(high, 4)
    (0.9596, 0.9902)

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    middle = (part + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(part * (1 - part) / n + _Z**2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
