"""InceptionNeXt block (Yu et al. 2024)."""

from __future__ import annotations

from netwright.blocks._activation import activate
from netwright.blocks._base import block
from netwright.blocks._layers import convolution, layer_scale, pointwise
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import fits
from netwright.graph import Tensor, ops

__all__ = ["inception_mixer", "inceptionnext"]


def _mixed(x: Tensor, kernel: int, band: int, share: float) -> Tensor:
    width = x.shape[1]
    part = int(width * share)
    rest = width - 3 * part
    fits(part > 0 and rest > 0, "inception_mixer", "each branch must have channels", channels=width, share=share)
    passed, *parts = ops.split(x, split=(rest, part, part, part), axis=1)
    shapes = {"square": (kernel, kernel), "row": (1, band), "column": (band, 1)}
    convolved = [
        convolution(y, part, shape, groups=part, bias=True, name=name)
        for y, (name, shape) in zip(parts, shapes.items(), strict=True)
    ]
    y: Tensor = ops.concat(passed, *convolved, axis=1)
    return y


@block
def inception_mixer(x: Tensor, kernel: int = 3, band: int = 11, share: float = 0.125) -> Tensor:
    """Depthwise convolutions of a square, a row and a column, each on a share of the channels; the rest pass.

    `(N, C, H, W)` keeps its shape. Yu et al. 2024, InceptionNeXt. Raises ShapeError where a branch
    would have no channels.

    >>> from netwright.graph import image
    >>> inception_mixer(image(96, 56, 56)).shape
    (1, 96, 56, 56)
    """
    return _mixed(x, kernel, band, share)


@block
def inceptionnext(
    x: Tensor,
    expand: float = 4.0,
    kernel: int = 3,
    band: int = 11,
    share: float = 0.125,
    norm: str = "batch",
    activation: str = "gelu",
    scale: float | None = 1e-6,
) -> Tensor:
    """Inception mixer, normalisation, MLP, layer scale, and the input: `(N, C, H, W)` keeps its shape.

    Yu et al. 2024, InceptionNeXt. `scale` starts the layer scale; None leaves it out. Raises ShapeError.

    >>> from netwright.graph import image
    >>> inceptionnext(image(96, 56, 56)).shape
    (1, 96, 56, 56)
    """
    width = x.shape[1]
    y = normalise(_mixed(x, kernel, band, share), norm)
    y = activate(pointwise(y, round(width * expand), name="expand"), activation)
    y = pointwise(y, width, name="project")
    return x + (y if scale is None else layer_scale(y, scale))
