"""Spatial token mixers in one unified architecture (Hu et al., TPAMI 2025, Demystify; row 228).

Made for comparing what mixes the positions while everything around it stays: stem, stages, blocks and head are those
of the paper's unified architecture, in its four sizes, each with the depths that the authors' code gives to networks
of convolutions and to those of attention in windows or halos. Deformable convolution is left out, and so are the
widths and MLP ratios of its own that spatial-reduction attention has there; windows are not shifted, and attention
has no relative positions, which have few parameters. A window, or a block with a halo, that does not divide the image
becomes the whole image.
"""

from __future__ import annotations

from typing import Any

from netwright.blocks import (
    block,
    classifier,
    conv,
    halo_attention,
    make_divisible,
    metaformer,
    projected_depthwise,
    reduced_attention,
    window_attention,
)
from netwright.blocks._layers import convolution
from netwright.blocks._normalisation import normalise
from netwright.graph import Input, Tensor, image, ops
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._formula import formula
from netwright.space._given import given
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["spatial_mixers"]

SIZES = {
    "micro": (32, (3, 3, 8, 3)),
    "tiny": (96, (2, 2, 9, 2)),
    "small": (96, (2, 2, 24, 2)),
    "base": (128, (2, 2, 24, 2)),
    "micro_attention": (32, (2, 2, 9, 2)),
    "tiny_attention": (96, (2, 2, 6, 2)),
    "small_attention": (96, (2, 2, 18, 2)),
    "base_attention": (128, (2, 2, 18, 2)),
}
"""Width of the first stage, which doubles from stage to stage, and blocks of each."""
STAGES = 4
WINDOW, HALO, HEAD = 7, 3, 32


@block
def _stem(x: Tensor, width: int = 32) -> Tensor:
    """Two 3x3 convolutions with stride 2, normalised."""
    y = ops.gelu(normalise(convolution(x, width // 2, stride=2, bias=True, name="first"), "layer", name="norm1"))
    return normalise(convolution(y, width, stride=2, bias=True, name="second"), "layer", name="norm2")


@block
def _norm(x: Tensor) -> Tensor:
    """Normalisation behind a stage."""
    return normalise(x, "layer")


def spatial_mixers(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Size, and the mixer of each of four stages: the paper's networks have one mixer in all of them.

    >>> spatial_mixers().size() == 8 * 4**4
    True

    scale: multiplier of all widths.
    """
    picture = input or image(3, 224, 224)
    stages = {f"stage{i + 1}": _stage(i, picture.shape[2:]) for i in range(STAGES)}
    transform = conv(given("last"), kernel=1, activation="gelu")
    network = seq(**stages, transform=transform, head=classifier(classes))
    return Space(let(network, sizes_of_stages, size=oneof(*SIZES), scale=scale), input=picture, name="spatial-mixers")


@formula
def sizes_of_stages(size: str, scale: float = 1.0) -> dict[str, Any]:
    """Widths, depths and heads of the stages, and the width behind them."""
    width, depths = SIZES[size]
    narrow = make_divisible(width * scale)
    widths = [narrow << i for i in range(STAGES)]
    return {
        "widths": widths,
        "depths": depths,
        "heads": [max(wide // HEAD, 1) for wide in widths],
        "last": 12 * narrow,
    }


def _stage(place: int, picture: tuple[int, ...]) -> Expression:
    width = given("widths", place)
    enter = conv(width, stride=2, norm="layer", activation="none") if place else _stem(width)
    blocks = _blocks(place, [-(-size // (4 << place)) for size in picture])
    return seq(enter, blocks=repeat(blocks, times=given("depths", place), tied=True), norm=_norm())


def _blocks(place: int, sides: list[int]) -> Expression:
    heads = given("heads", place)
    split = all(size % WINDOW == 0 and size > WINDOW for size in sides)
    reduction = max(r for r in (8 >> place, 1) if all(size % r == 0 for size in sides))
    mixers = {
        "depthwise": projected_depthwise(7),
        "window": window_attention(WINDOW if split else None, heads),
        "halo": halo_attention(WINDOW, HALO, heads) if split else window_attention(None, heads),
        "reduced": reduced_attention(heads, reduction),
    }
    options: Expression = oneof(
        *(named(name, metaformer(mixer=mixer, norm="layer", scale=1e-6)) for name, mixer in mixers.items())
    )
    return options
