"""Stems: from an image to features."""

from __future__ import annotations

from netwright.blocks._base import block
from netwright.blocks._layers import conv_norm, convolution
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import chosen, divides, fits
from netwright.graph import Tensor, ops

__all__ = ["conv_stem", "downsample", "imagenet_stem", "patchify_stem"]


@block
def conv_stem(
    x: Tensor, channels: int = 16, stride: int = 1, kernel: int = 3, norm: str = "batch", activation: str = "relu"
) -> Tensor:
    """Convolutions of stride 2, their widths doubling: `(N, C, H, W)` to `(N, channels, H / stride, W / stride)`.

    A stride of 1 or 2 is a single convolution. Xiao et al. 2021, Early Convolutions Help Transformers See Better.
    Raises ShapeError unless the stride is a power of two that leaves every convolution a channel.

    >>> from netwright.graph import image
    >>> conv_stem(image(3, 32, 32), 32, stride=4).shape
    (1, 32, 8, 8)
    """
    fits(stride > 0 and stride & (stride - 1) == 0, "conv_stem", "stride must be a power of two", stride=stride)
    halvings = max(stride.bit_length() - 1, 1)
    fits(channels >> (halvings - 1) > 0, "conv_stem", "channels are too few", channels=channels, stride=stride)
    y = x
    for i in range(halvings):
        width = channels >> (halvings - 1 - i)
        y = conv_norm(y, width, kernel, stride=min(stride, 2), norm=norm, activation=activation)
    return y


@block
def imagenet_stem(x: Tensor, channels: int = 64, norm: str = "batch", activation: str = "relu") -> Tensor:
    """7x7 convolution of stride 2 and 3x3 maximum of stride 2: `(N, C, H, W)` to `(N, channels, H / 4, W / 4)`.

    He et al. 2016, Deep Residual Learning, table 1.

    >>> from netwright.graph import image
    >>> imagenet_stem(image(3, 224, 224)).shape
    (1, 64, 56, 56)
    """
    y = conv_norm(x, channels, 7, stride=2, norm=norm, activation=activation)
    pooled: Tensor = ops.max_pool(y, kernel_shape=3, strides=2, pads=1)
    return pooled


@block
def patchify_stem(x: Tensor, channels: int = 96, patch: int = 4, norm: str = "layer") -> Tensor:
    """Convolution over patches and normalisation: `(N, C, H, W)` to `(N, channels, H / patch, W / patch)`.

    Liu et al. 2022, ConvNeXt, section 2.2. Raises ShapeError where `patch` does not divide the image.

    >>> from netwright.graph import image
    >>> patchify_stem(image(3, 224, 224)).shape
    (1, 96, 56, 56)
    """
    fits(divides(patch, *x.shape[2:]), "patchify_stem", "patch must divide the image", patch=patch, image=x.shape[2:])
    return normalise(convolution(x, channels, patch, stride=patch, padding=0, bias=True), norm)


@block
def downsample(
    x: Tensor, channels: int | None = None, kernel: int = 2, stride: int = 2, norm: str = "layer"
) -> Tensor:
    """Normalisation and strided convolution between stages: `(N, C, *space)` to `(N, channels, *space / stride)`.

    Liu et al. 2022, ConvNeXt, section 2.6. An odd kernel rounds sizes up; an even one, like 2, rounds them down.

    >>> from netwright.graph import image
    >>> downsample(image(96, 56, 56), 192).shape
    (1, 192, 28, 28)
    """
    return convolution(normalise(x, norm), chosen(channels, x.shape[1]), kernel, stride=stride, bias=True)
