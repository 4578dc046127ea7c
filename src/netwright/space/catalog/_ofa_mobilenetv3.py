"""Once-for-All over MobileNetV3 (Cai et al., ICLR 2020; rows 16 and 112)."""

from __future__ import annotations

from netwright.blocks import conv, make_divisible, mbconv, mobilenet_head
from netwright.graph import Input, image
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import Expression
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["ofa_mobilenetv3"]

STAGES = (
    # width, stride, activation, squeeze and excitation (Howard et al. 2019, table 1)
    (24, 2, "relu", 0.0),
    (40, 2, "relu", 0.25),
    (80, 2, "hard_swish", 0.0),
    (112, 1, "hard_swish", 0.25),
    (160, 2, "hard_swish", 0.25),
)
RESOLUTIONS = tuple(range(128, 225, 4))


def ofa_mobilenetv3(
    input: Input | None = None, classes: int = 1000, *, width: float = 1.0, resolutions: tuple[int, ...] = RESOLUTIONS
) -> Space:
    """Elastic depth 2-4, kernel 3/5/7 and expansion 3/4/6 in five stages: 7,371 ** 5 networks at each resolution.

    >>> ofa_mobilenetv3().size() == 25 * 7371**5
    True

    input: a single resolution in place of `resolutions`. width: multiplier of all widths.
    """
    network = seq(
        stem=conv(make_divisible(16 * width), stride=2, activation="hard_swish"),
        first=mbconv(make_divisible(16 * width), expand=1, kernel=3, activation="relu"),
        **{f"stage{i}": _stage(*stage, width) for i, stage in enumerate(STAGES, start=1)},
        head=mobilenet_head(classes, make_divisible(960 * width), make_divisible(1280 * width)),
    )
    inputs = [image(3, side, side) for side in resolutions] if input is None else input
    return Space(network, input=inputs, name="ofa-mobilenetv3")


def _stage(channels: int, stride: int, activation: str, se: float, width: float) -> Expression:
    def block(stride: int) -> object:
        return mbconv(
            make_divisible(channels * width),
            expand=oneof(3, 4, 6),
            kernel=oneof(3, 5, 7),
            stride=stride,
            activation=activation,
            se=se,
        )

    return seq(down=block(stride), more=repeat(block(1), times=integer(1, 3)))
