"""HyTra: sixteen layers that convolve or attend, with searchable down-sampling (Li et al., ICCV 2021; row 21).

Made for BossNAS, which trains its parts without labels. A fabric of convolutional and transformer blocks: where the
image is halved is a decision, and layers may attend only where it is small. BossNet-T0 is in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netwright.blocks import block, classifier, imagenet_stem, res_attention, resnet_d
from netwright.blocks._layers import conv_norm
from netwright.blocks._sizes import make_divisible
from netwright.errors import DesignError, ShapeError
from netwright.graph import Input, Tensor, image
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._expression import named
from netwright.space._sequence import seq
from netwright.space._space import Space

__all__ = ["hytra", "hytra_encoding", "hytra_from_encoding"]

LAYERS = 16
SCALES = (4, 8, 16, 32)
ATTENDED = (16, 32)
"""What the image is divided by where a layer may attend."""


@block
def _layer(x: Tensor, scale: int = 4, attends: bool = False, width: int = 64, first: bool = False) -> Tensor:
    """One layer at a scale, which must be that of the layer before or the next smaller image.

    The first layer may be at any; a stage left out before it is a 3x3 convolution with stride 2, as behind the last.
    """
    at = SCALES.index(scale)
    if first:
        for i in range(1, at):
            x = conv_norm(x, 4 * width << i, 3, stride=2, activation="relu", name=f"skip{i}")
        before = max(at - 1, 0)
    else:
        before = [4 * width << i for i in range(len(SCALES))].index(x.shape[1])
    if at - before not in (0, 1):
        raise ShapeError(f"a layer must halve the image once or not at all, but got {SCALES[before]} and {scale}.")
    channels, stride = 4 * width << at, 1 + at - before
    y: Tensor = (
        res_attention(x, channels, 1 << at, width, stride) if attends else resnet_d(x, channels, stride=stride)
    )
    return y


@block
def _rest(x: Tensor, width: int = 64) -> Tensor:
    """3x3 convolutions with stride 2 in place of the stages that no layer is in."""
    for i in range(1, len(SCALES)):
        if x.shape[1] < 4 * width << i:
            x = conv_norm(x, 4 * width << i, 3, stride=2, activation="relu", name=f"skip{i}")
    return x


def hytra(input: Input | None = None, classes: int = 1000, *, scale: float = 1.0) -> Space:
    """Scale and kind of each layer: 2,818,103 networks, as the authors' code lists them.

    >>> hytra().size()
    2818103

    scale: multiplier of all widths.
    """
    width = make_divisible(64 * scale)
    kinds = [(f"conv{at}", at, False) for at in SCALES] + [(f"attention{at}", at, True) for at in ATTENDED]
    layers = {
        f"layer{i}": oneof(*(named(name, _layer(at, attends, width, i == 1)) for name, at, attends in kinds))
        for i in range(1, LAYERS + 1)
    }
    network = seq(stem=imagenet_stem(width), **layers, rest=_rest(width), head=classifier(classes))
    return Space(network, input=input or image(3, 224, 224), name="hytra")


def hytra_from_encoding(encoding: Sequence[Sequence[int]]) -> Design:
    """Design of an authors' encoding: for each of four stages the kind of its layers, 1 a convolution, 0 attention.

    >>> hytra_from_encoding([[1], [1], [1, 1, 1, 0, 1], [0, 0, 0, 1, 0, 0, 0, 0, 0]]) in hytra()
    True

    Raises DesignError unless there are sixteen layers in four stages, none of which attends in the first two.
    """
    flat = [kind for stage in encoding for kind in stage]
    attends = any(0 in stage for stage in encoding[:2])
    if len(encoding) != len(SCALES) or len(flat) != LAYERS or not set(flat) <= {0, 1} or attends:
        raise DesignError(
            f"an encoding must be sixteen of 0 and 1, 0 in the last two of four stages, but got {encoding}."
        )
    kinds = [(("attention", "conv")[kind], at) for at, stage in zip(SCALES, encoding, strict=True) for kind in stage]
    return Design({f"layer{i}": f"{kind}{at}" for i, (kind, at) in enumerate(kinds, start=1)})


def hytra_encoding(design: Mapping[str, Value]) -> list[list[int]]:
    """The authors' encoding of a design; a stage that no layer is in is empty.

    >>> hytra_encoding(hytra_from_encoding([[1, 1], [1] * 4, [1, 0] * 4, [0, 1]]))[2]
    [1, 0, 1, 0, 1, 0, 1, 0]
    """
    layers = [str(design[f"layer{i}"]) for i in range(1, LAYERS + 1)]
    return [[int(kind == f"conv{at}") for kind in layers if kind in (f"conv{at}", f"attention{at}")] for at in SCALES]
