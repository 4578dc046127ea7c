"""Residual block of pre-activated convolutions (Dong & Yang 2020; Duan et al. 2021, TransNAS-Bench-101)."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import convolution, shortcut
from netwright.blocks._normalisation import normalise
from netwright.graph import Tensor, ops, scope

__all__ = ["preactivated"]


@block
def preactivated(x: Tensor, widen: int = 1, stride: int = 1, kernel: int = 3) -> Tensor:
    """Two triples of ReLU, convolution and normalisation, and the input: `(N, C, *space)` to `(N, widen C, ...)`.

    Duan et al. 2021, TransNAS-Bench-101, the residual block of its macro space; the input is projected where width or
    size change. `widen` multiplies the width, whatever it is.

    >>> from netwright.graph import image
    >>> preactivated(image(16, 32, 32), widen=2, stride=2).shape
    (1, 32, 16, 16)
    """
    out, y = widen * x.shape[1], x
    for name, step in (("conv1", stride), ("conv2", 1)):
        with scope(name):
            y = normalise(convolution(ops.relu(y), out, kernel, stride=step))
    return y + shortcut(x, out, stride)
