"""Hourglass perceptrons: wide between the blocks, narrow inside (Chen et al. 2025; row 249)."""

from __future__ import annotations

from netwright.blocks import hourglass, random_projection, table_head
from netwright.graph import Input, vector
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["hourglass_mlp"]

WIDE = (256, 512, 1024, 2048)
NARROW = (16, 32, 64, 128, 192)


def hourglass_mlp(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Width of the skip connections, width inside all blocks, and depth, behind a fixed random projection.

    >>> hourglass_mlp().size()
    160

    scale: multiplier of both widths.
    """
    body = hourglass(oneof(*(max(round(width * scale), 1) for width in NARROW)))
    network = seq(
        lift=random_projection(oneof(*(max(round(width * scale), 2) for width in WIDE))),
        blocks=repeat(body, times=integer(1, 8), tied=True),
        head=table_head(classes, norm="layer"),
    )
    return Space(network, input=input or vector(784), name="hourglass-mlp")
