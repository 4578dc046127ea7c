"""Latency of microcontrollers beside the published results of MLPerf Tiny v1.0 (closed division).

The cycles by kind of operator were worked out from these: what is tested is that they add up for every network,
although those of two kinds were fitted to networks that mix them.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netwright.blocks import conv
from netwright.blocks._layers import linear
from netwright.graph import Graph, image, ops, parameter, vector
from netwright.target import get_target, read_device
from netwright.target._microcontroller._latency import amounts


def autoencoder() -> Graph:
    """Anomaly detection: 640 features through ten dense layers."""
    x = vector(640)
    y = x
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128, 640):
        y = linear(y, width)
    return Graph([x], [y])


def resnet8() -> Graph:
    """Image classification: three blocks of two convolutions on 32x32."""
    x = image(3, 32, 32)
    y = conv(x, 16)
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        z = conv(conv(y, width, stride=stride), width)
        y = ops.add(z, y if stride == 1 else conv(y, width, kernel=1, stride=stride))
    return Graph([x], [linear(ops.flatten(ops.global_average_pool(y)), 10)])


def ds_cnn() -> Graph:
    """Keyword spotting: a convolution of 10x4 on 49x10, and four depthwise separable ones."""
    x = image(1, 49, 10)
    y = ops.conv(x, parameter("weight", (64, 1, 10, 4)), parameter("bias", (64,)), strides=(2, 2), pads=(5, 1, 4, 1))
    for _ in range(4):
        y = conv(conv(y, 64, groups=64), 64, kernel=1)
    return Graph([x], [linear(ops.flatten(ops.global_average_pool(y)), 12)])


def mobilenet() -> Graph:
    """Visual wake words: MobileNet of width 0.25 on 96x96."""
    x = image(3, 96, 96)
    y = conv(x, 8, stride=2)
    for width, stride in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)):
        y = conv(conv(y, y.shape[1], stride=stride, groups=y.shape[1]), width, kernel=1)
    return Graph([x], [linear(ops.flatten(ops.global_average_pool(y)), 2)])


NETWORKS: dict[str, tuple[Callable[[], Graph], int]] = {
    "ad": (autoencoder, 264_192),
    "ic": (resnet8, 12_501_632),
    "kws": (ds_cnn, 2_656_768),
    "vww": (mobilenet, 7_489_664),
}
"""By the task: the network and its multiply-adds."""
PUBLISHED = {
    "stm32l4r5": {
        "Plumerai": {"ad": 179.448, "ic": 5.775, "kws": 13.955, "vww": 4.795},
        "X-CUBE-AI": {"ad": 131.950, "ic": 4.407, "kws": 13.323, "vww": 4.339},
        "CMSIS-NN": {"ad": 116.212, "ic": 2.567, "kws": 10.019, "vww": 3.320},
    },
    "nrf5340": {"CMSIS-NN": {"ad": 159.579, "ic": 3.163, "kws": 13.143, "vww": 4.310}},
    "stm32f746": {"Plumerai": {"ad": 435.741, "ic": 15.440, "kws": 52.288, "vww": 17.535}},
}
"""Inferences a second, by board and library."""


@pytest.mark.parametrize("task", NETWORKS)
def test_networks_have_the_multiply_adds_that_cycles_were_divided_by(task: str) -> None:
    make, macs = NETWORKS[task]
    found = amounts(make())
    assert sum(found[kind] for kind in ("conv", "pointwise", "depthwise", "linear")) == macs


@pytest.mark.parametrize("task", NETWORKS)
@pytest.mark.parametrize("board", PUBLISHED)
def test_published_latencies_lie_within_the_interval(board: str, task: str) -> None:
    estimate = get_target(board).latency(NETWORKS[task][0]())
    for library, results in PUBLISHED[board].items():
        measured = 1e3 / results[task]
        assert estimate.low <= measured <= estimate.high, library
        if library == "CMSIS-NN":
            assert estimate.value == pytest.approx(measured, rel=0.1)


def test_half_the_clock_takes_twice_as_long() -> None:
    fast, slow = (get_target(name).latency(ds_cnn()).value for name in ("stm32l4r5", "nrf52840"))
    assert slow / fast == pytest.approx(read_device("stm32l4r5").clock_mhz / read_device("nrf52840").clock_mhz)
