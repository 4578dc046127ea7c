"""ConvNeXt block (Liu et al. 2022)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import convolution, layer_scale, pointwise
from netwright.blocks._normalisation import normalise
from netwright.graph import Tensor

__all__ = ["convnext"]


@block
def convnext(
    x: Tensor,
    kernel: int = 7,
    expand: float = 4.0,
    norm: str = "layer",
    activation: str = "gelu",
    scale: float | None = 1e-6,
) -> Tensor:
    """Depthwise convolution, normalisation, MLP, layer scale, and the input: `(N, C, H, W)` keeps its shape.

    Liu et al. 2022, A ConvNet for the 2020s, figure 4. `scale` starts the layer scale; None leaves it out.

    >>> from netwright.graph import image
    >>> convnext(image(96, 56, 56)).shape
    (1, 96, 56, 56)
    """
    width = x.shape[1]
    y = normalise(convolution(x, width, kernel, groups=width, bias=True, name="depthwise"), norm)
    y = activate(pointwise(y, round(width * expand), name="expand"), activation)
    y = pointwise(y, width, name="project")
    return x + (y if scale is None else layer_scale(y, scale))
