"""Normalisation of arrays with the statistics of the part they were fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netwright.quality.data._base import Array

# Statistics are summed over blocks of about this many values, so that uint8 images are never held as
# float64 as a whole.
_BLOCK = 1 << 22


@dataclass(frozen=True, eq=False)
class Scaler:
    """Subtracts the mean and divides by the standard deviation of each channel (axis 1).

    >>> x = np.array([[1, 10], [3, 10]], np.uint8)
    >>> Scaler.fit("table", x).encode(x).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]

    A channel that never changes becomes 0.
    """

    kind: str
    mean: Array
    std: Array

    @classmethod
    def fit(cls, kind: str, x: Array) -> Scaler:
        """The scaler with the statistics of `x`, `(N, channels, ...)`."""
        axes = (0, *range(2, x.ndim))
        count = x.size // x.shape[1]
        first = next(_blocks(x))
        # Sums of squares around a value near the mean lose no digits to a large offset.
        shift = first.mean(axis=axes, keepdims=True, dtype=np.float64)
        total, squares = np.zeros_like(shift), np.zeros_like(shift)
        for block in _blocks(x):
            centred = block - shift
            total += centred.sum(axis=axes, keepdims=True)
            squares += np.square(centred).sum(axis=axes, keepdims=True)
        offset = total / count
        std = np.sqrt(np.maximum(squares / count - offset**2, 0.0))
        mean = shift + offset
        # Rounding leaves a constant channel with a tiny deviation, which would blow its noise up to one.
        constant = std <= 1e-12 * np.maximum(1.0, np.abs(mean))
        return cls(kind, mean, np.where(constant, 1.0, std))

    def refit(self, x: Array) -> Scaler:
        """The scaler with the statistics of `x`."""
        return Scaler.fit(self.kind, x)

    def encode(self, x: Array) -> Array:
        """`x` normalised, float32, in the same shape."""
        encoded = np.empty(x.shape, np.float32)
        start = 0
        for block in _blocks(x):
            encoded[start : start + len(block)] = (block - self.mean) / self.std
            start += len(block)
        return encoded

    def describe(self) -> dict[str, Any]:
        """Mean and standard deviation by channel, in the units of the file."""
        return {"kind": self.kind, "mean": self.mean.ravel().tolist(), "std": self.std.ravel().tolist()}


def _blocks(x: Array) -> Any:
    rows = max(1, _BLOCK // max(1, x[0].size))
    return (x[start : start + rows] for start in range(0, len(x), rows))
