"""MicroNAS: classifiers of time series for microcontrollers (King et al. 2023; row 279).

Made for sensors on small machines. A series is a plane of sensors and time with one channel. Time-reduce cells halve
the time, each sensor for itself with the same filters; sensor-fusion cells then halve the sensors: a convolution over
all of them, any of three convolutions over time behind it, added, and a strided convolution around both. Kernels,
numbers of filters, and how many cells a series of this length and width has are those of the authors' code at its
defaults, filters one by one; what its paper reports them to be was not checked. Unlike it normalisation stands ahead
of the activation, where it can be merged into the convolution, and the scores of the classes have no activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from netwright.blocks import block, conv, global_pool, skip
from netwright.blocks._activation import activate
from netwright.blocks._normalisation import normalise
from netwright.blocks._sizes import chosen, fits
from netwright.graph import Input, Tensor, ops, parameter
from netwright.space._choice import oneof
from netwright.space._expression import Expression, named
from netwright.space._given import given
from netwright.space._join import branch
from netwright.space._let import let
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["micronas"]

KERNELS = (3, 5, 7)
TIME_FILTERS, FUSION_FILTERS = 8, 16
LEAST_TIME, LEAST_SENSORS = 16, 5
"""Time and sensors are halved while at least so many are left, and once in any case."""


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding in front and behind by which size / stride positions, rounded up, are left."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _convolve(x: Tensor, channels: int, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    fits(channels > 0, "micronas", "channels must be positive", channels=channels)
    weight = parameter("weight", (channels, x.shape[1], *kernel))
    first, last = zip(*map(_same, x.shape[2:], kernel, stride), strict=True)
    return activate(normalise(ops.conv(x, weight, strides=stride, pads=(*first, *last))), "relu")


@block
def _plane(x: Tensor) -> Tensor:
    """Series (N, C, L) as a plane of one channel (N, 1, C, L)."""
    y: Tensor = ops.unsqueeze(x, axes=(1,))
    return y


@block
def _over_time(x: Tensor, channels: int = 8, kernel: int = 3, stride: int = 1) -> Tensor:
    """Convolution along the time of each sensor, normalisation, ReLU."""
    return _convolve(x, channels, (1, kernel), (1, stride))


@block
def _over_sensors(x: Tensor, channels: int = 8, kernel: int | None = None, stride: int = 1) -> Tensor:
    """Convolution across the sensors at each time, of as many as there are by default, normalisation, ReLU."""
    return _convolve(x, channels, (chosen(kernel, x.shape[2]), 1), (stride, 1))


def micronas(input: Input | None = None, classes: int = 6, *, scale: float = 1.0, more: int = 0) -> Space:
    """Kernel and filters of each time-reduce cell; filters, convolutions and shortcut of each sensor-fusion cell.

    >>> micronas().size() == (8 * 3) ** 3 * (16 * (2 * 16 * 7 + 1))
    True

    input: `(channels, length)`, by default that of UCI-HAR, nine sensors and 128 steps. scale: multiplier of the
        largest numbers of filters. more: further fusion cells behind each, which halve nothing and may be skipped.
    """
    series = input or Input((1, 9, 128))
    sensors, length = series.shape[1:]
    narrow, wide = (range(1, max(round(most * scale), 1) + 1) for most in (TIME_FILTERS, FUSION_FILTERS))
    reduce = _over_time(oneof(*narrow), oneof(*KERNELS), stride=2)
    further = repeat(oneof(named("cell", _fusion(wide, 1)), skip()), times=more)
    fusion = seq(cell=_fusion(wide, 2), more=further)
    cells = {f"time{i + 1}": reduce for i in range(_halvings(length, LEAST_TIME))}
    cells |= {f"fusion{i + 1}": fusion for i in range(_halvings(sensors, LEAST_SENSORS))}
    head = seq(conv(classes, kernel=1, norm="none", activation="none"), global_pool())
    return Space(seq(_plane(), **cells, head=head), input=series, name="micronas")


def _halvings(size: int, least: int) -> int:
    """How often a size is halved, rounded up, until half of it would be below the least; once at least."""
    count = 0
    while (size := -(-size // 2)) >= least:
        count += 1
    return max(count, 1)


def _fusion(numbers: Sequence[int], stride: int) -> Expression:
    """A cell whose convolutions and shortcut have one number of filters, since they are added."""
    filters = given("filters")
    convolutions = (
        named("+".join(map(str, kernels)), branch(*(_over_time(filters, kernel) for kernel in kernels)))
        for count in range(1, len(KERNELS) + 1)
        for kernels in combinations(KERNELS, count)
    )
    main = seq(bottleneck=_over_sensors(oneof(*numbers), stride=stride), over_time=oneof(*convolutions))
    shortcut = _over_sensors(filters, stride, stride)
    parts = {"both": branch(main=main, shortcut=shortcut), "main": main, "shortcut": shortcut}
    return let(oneof(*(named(name, part) for name, part in parts.items())), filters=oneof(*numbers))
