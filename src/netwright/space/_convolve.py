"""Products of polynomials with non-negative coefficients: distributions of sums of costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["convolve"]

Floats = NDArray[np.float64]


def convolve(x: Floats, y: Floats) -> Floats:
    """Product of two polynomials with non-negative coefficients.

    Directly where that is affordable: every term is positive, so even coefficients 1e-200 of the largest come out to
    full precision. Else by FFT, after which what lies below its rounding noise is nothing.
    """
    if min(len(x), len(y)) <= SHORT or len(x) * len(y) <= DIRECT:
        return np.convolve(x, y)
    size = len(x) + len(y) - 1
    if np.count_nonzero(x) > np.count_nonzero(y):
        x, y = y, x
    few = np.flatnonzero(x)
    if len(few) * len(y) <= DIRECT:
        z = np.zeros(size)
        for i in few:
            z[i : i + len(y)] += x[i] * y
        return z
    padded = _smooth(size)
    z = np.fft.irfft(np.fft.rfft(x, padded) * np.fft.rfft(y, padded), padded)[:size]
    noise = np.finfo(np.float64).eps * np.log2(padded) * float(np.linalg.norm(x) * np.linalg.norm(y))
    z[z < noise] = 0.0
    return z


SHORT = 64
"""Length up to which a polynomial is multiplied directly."""
DIRECT = 1 << 24
"""Multiplications up to which a product of polynomials is direct."""


def _smooth(size: int) -> int:
    """Smallest 2 ** a * {1, 3, 5, 9} at or above size: lengths for which an FFT is fast."""
    return min(f << max((-(-size // f) - 1).bit_length(), 0) for f in (1, 3, 5, 9))
