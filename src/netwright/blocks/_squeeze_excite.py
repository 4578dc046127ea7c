"""Squeeze and excitation (Hu et al. 2018)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import convolution
from netwright.blocks._sizes import chosen, make_divisible
from netwright.graph import Tensor, ops

__all__ = ["squeeze_excite"]


@block
def squeeze_excite(
    x: Tensor,
    ratio: float = 0.25,
    divisor: int = 8,
    squeeze: int | None = None,
    activation: str = "relu",
    gate: str = "hard_sigmoid",
) -> Tensor:
    """Scale each channel by a gate computed from all channel means; `(N, C, *space)` keeps its shape.

    Hu et al. 2018, Squeeze-and-Excitation Networks, section 3. The squeezed width is `squeeze`, or the multiple of
    `divisor` near `ratio` times the width. The defaults are those of MobileNetV3 (Howard et al. 2019); the original
    is `ratio=1/16, divisor=1, gate="sigmoid"`.

    >>> from netwright.graph import image
    >>> squeeze_excite(image(64, 8, 8)).shape
    (1, 64, 8, 8)
    """
    width = x.shape[1]
    narrow = chosen(squeeze, make_divisible(width * ratio, divisor))
    y = ops.global_average_pool(x)
    y = activate(convolution(y, narrow, 1, bias=True, name="reduce"), activation)
    y = activate(convolution(y, width, 1, bias=True, name="expand"), gate)
    return x * y
