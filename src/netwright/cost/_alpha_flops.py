"""alpha-FLOPs: operations corrected for how well a device with many processing units does them at once."""

from __future__ import annotations

import math
from math import prod

from netwright.cost._cost import Additive
from netwright.graph import Node

__all__ = ["AlphaFlops", "alpha"]

Constants = tuple[float, float]


def alpha(area: int, positions: int, beta: float, gamma: float) -> float:
    """Factor on the FLOPs of a convolution, ((S_K + beta (S - S_K)) / S) ** gamma with S_K = 1 + ln K.

    >>> round(alpha(1, 1, 0.02, 0.99), 3), round(alpha(1, 3136, 0.02, 0.99), 4)
    (1.0, 0.0211)

    area: K, the elements of the kernel in space. positions: S, the output positions, over which a device spreads the
    work almost for free; beta is the part of a further position that it still pays for, gamma how that adds up.

    Source: Asperti, Evangelista & Marzolla 2021, "Dissecting FLOPs along input dimensions for GreenAI cost
    estimations"; S_K as in the code that goes with it.
    """
    first = 1 + math.log(area)
    return float(((first + beta * (positions - first)) / positions) ** gamma)


class AlphaFlops(Additive):
    """Sum of alpha times the FLOPs of each layer, two a multiply-add, without biases.

    pointwise, wider: (beta, gamma) for kernels of one element and of more. These are constants of the device: those
    given here are what the authors fitted to their GPU. Matrix products count as convolutions of one element whose
    positions are their rows; attention, einsum and recurrent layers are not in the paper and keep their FLOPs.

    >>> from netwright.graph import Graph, image, ops, parameter
    >>> x = image(64, 56, 56)
    >>> y = ops.conv(x, parameter("weight", (64, 64, 3, 3)), pads=1)
    >>> AlphaFlops().of(Graph([x], [y])) < 231_211_008
    True
    """

    def __init__(self, pointwise: Constants = (0.02, 0.99), wider: Constants = (0.001, 0.56)) -> None:
        super().__init__("alpha_flops", "FLOPs", "FLOPs corrected for parallel hardware (alpha-FLOPs)", self._of_node)
        self._pointwise, self._wider = pointwise, wider

    def _of_node(self, node: Node) -> int:
        macs = node.op.macs(node)
        if not macs:
            return 0
        if node.op.name in ("Conv", "ConvTranspose"):
            area, positions = prod(node.attrs["kernel_shape"]), node.output.size // node.output.shape[1]
        elif node.op.name in ("Gemm", "MatMul"):
            area, positions = 1, node.output.size // node.output.shape[-1]
        else:
            return 2 * macs
        return round(alpha(area, positions, *(self._pointwise if area == 1 else self._wider)) * 2 * macs)
