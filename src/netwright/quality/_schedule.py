"""The learning rate over the steps of a training."""

from __future__ import annotations

import math

__all__ = ["warmup_cosine"]


def warmup_cosine(step: int, total: int, warmup: int) -> float:
    """Factor on the learning rate at one step: a linear rise, then half a cosine wave down to 0.

    >>> [round(warmup_cosine(step, total=6, warmup=2), 3) for step in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]

    step: 0 for the first step. total: steps of the whole training. warmup: steps of the rise.

    The cosine is that of Loshchilov and Hutter (2017), equation 5, without restarts and with a minimum of 0.
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
