"""Networks that others have measured on microcontrollers in 8 bits, and what they measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from netwright.blocks import conv
from netwright.blocks._layers import linear
from netwright.graph import Graph, Tensor, image, ops, parameter, vector

__all__ = ["FAMILY", "KERNELS", "MEMORY", "NETWORKS", "SERIES", "Series", "network"]


def classified(y: Tensor, classes: int) -> Tensor:
    """Mean over the positions and one linear layer."""
    return linear(ops.flatten(ops.global_average_pool(y)), classes)


def separable(y: Tensor, width: int, stride: int) -> Tensor:
    """A depthwise convolution and a pointwise one."""
    return conv(conv(y, y.shape[1], stride=stride, groups=y.shape[1]), width, kernel=1)


def autoencoder() -> Graph:
    """Anomaly detection of MLPerf Tiny: 640 features through ten dense layers."""
    x = vector(640)
    y = x
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128, 640):
        y = linear(y, width)
    return Graph([x], [y])


def resnet(blocks: int, classes: int) -> Graph:
    """ResNet on 32x32 with three stages of so many blocks; with one it is image classification of MLPerf Tiny."""
    x = image(3, 32, 32)
    y = conv(x, 16)
    for stage, width in enumerate((16, 32, 64)):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            z = conv(conv(y, width, stride=stride), width, activation="none")
            y = ops.relu(ops.add(z, y if stride == 1 else conv(y, width, kernel=1, stride=2, activation="none")))
    return Graph([x], [classified(y, classes)])


def ds_cnn() -> Graph:
    """Keyword spotting of MLPerf Tiny: a convolution of 10x4 on 49x10, and four depthwise separable ones."""
    x = image(1, 49, 10)
    y = ops.conv(x, parameter("weight", (64, 1, 10, 4)), parameter("bias", (64,)), strides=(2, 2), pads=(5, 1, 4, 1))
    for _ in range(4):
        y = separable(y, 64, 1)
    return Graph([x], [classified(y, 12)])


V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Width and stride of the blocks of MobileNet (Howard et al. 2017, table 1)."""
FD = ((64, 2), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 4, (1024, 1))
"""The same of FD-MobileNet (Qin et al. 2018)."""
ST_FD = (0.5, 0.75, 0.625, 0.5, 0.375, *[0.25] * 7)
"""Width of each layer of ST's own FD-MobileNet, as a share."""


def mobilenet(
    side: int, widths: Sequence[float], classes: int, blocks: Sequence[tuple[int, int]] = V1, colours: int = 3
) -> Graph:
    """MobileNet with a share of its width for each layer; of 0.25 on 96x96 it is MLPerf Tiny's visual wake words."""
    x = image(colours, side, side)
    y = conv(x, int(32 * widths[0]), stride=2)
    for (width, stride), share in zip(blocks, widths[1:], strict=True):
        y = separable(y, int(width * share), stride)
    return Graph([x], [classified(y, classes)])


V2 = ((16, 1, 1, 1), (24, 2, 2, 6), (32, 3, 2, 6), (64, 4, 2, 6), (96, 3, 1, 6), (160, 3, 2, 6), (320, 1, 1, 6))
"""Width, blocks, stride and expansion of each stage of MobileNetV2 (Sandler et al. 2018, table 2)."""


def eighths(width: float) -> int:
    """The nearest multiple of 8, but no less than nine tenths."""
    near = max(8, int(width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * width else near


def mobilenet_v2(side: int, classes: int, share: float = 0.35) -> Graph:
    """MobileNetV2 of a width."""
    x = image(3, side, side)
    y = conv(x, eighths(32 * share), stride=2)
    for wanted, blocks, first, expand in V2:
        for block in range(blocks):
            stride = first if block == 0 else 1
            z = conv(y, y.shape[1] * expand, kernel=1) if expand > 1 else y
            z = conv(z, z.shape[1], stride=stride, groups=z.shape[1])
            z = conv(z, eighths(wanted * share), kernel=1, activation="none")
            y = ops.add(y, z) if stride == 1 and y.shape == z.shape else z
    return Graph([x], [classified(conv(y, 1280, kernel=1), classes)])


def plain(y: Tensor, width: int, kernel: int = 1, stride: int = 1, pad: int = 0) -> Tensor:
    """A convolution without a normalisation, and a ReLU."""
    weight = parameter("weight", (width, y.shape[1], kernel, kernel))
    return ops.relu(ops.conv(y, weight, parameter("bias", (width,)), strides=(stride, stride), pads=(pad,) * 4))


def squeezenet(side: int) -> Graph:
    """SqueezeNet 1.1 (Iandola et al. 2016) with five classes."""
    x = image(3, side, side)
    y = plain(x, 64, 3, 2)
    for i, (squeeze, expand) in enumerate(zip((16, 32, 48, 64), (64, 128, 192, 256), strict=True)):
        if i < 3:
            y = ops.max_pool(y, kernel_shape=(3, 3), strides=2, pads=(0, 0, 0, 0))
        for _ in range(2):
            z = plain(y, squeeze)
            y = ops.concat(plain(z, expand), plain(z, expand, 3, pad=1), axis=1)
    return Graph([x], [ops.flatten(ops.global_average_pool(plain(y, 5)))])


def st_mnist() -> Graph:
    """ST's own network for characters of 28x28."""
    x = image(1, 28, 28)
    y = conv(conv(x, 16, stride=2), 16, groups=16)
    y = conv(conv(y, 32), 32, stride=2, groups=32)
    return Graph([x], [classified(conv(y, 64, kernel=1), 36)])


def yamnet() -> Graph:
    """The first five blocks of YAMNet, which is MobileNet on 96 frames of 64 mels."""
    x = image(1, 96, 64)
    y = conv(x, 32, stride=2)
    for width, stride in V1[:5]:
        y = separable(y, width, stride)
    return Graph([x], [classified(y, 10)])


def normalised(y: Tensor) -> Tensor:
    """A normalisation and a ReLU that no layer comes before."""
    return ops.relu(ops.batch_normalization(y, *(parameter(name, (y.shape[1],)) for name in ("s", "b", "m", "v"))))


def miniresnet(stacks: int) -> Graph:
    """ST's own ResNetV2 on 64 mels of 50 frames, with so many stacks of two blocks."""
    x = image(1, 64, 50)
    y = ops.conv(x, parameter("weight", (64, 1, 7, 7)), parameter("bias", (64,)), strides=(2, 2), pads=(3, 3, 3, 3))
    y = ops.max_pool(y, kernel_shape=(3, 3), strides=2, pads=(1, 1, 1, 1))
    bare = {"norm": "none", "activation": "none"}
    for stack in range(stacks):
        width = 64 * 2**stack
        for stride in (1, 2):
            before = normalised(y)
            past = (
                conv(before, width, kernel=1, **bare)
                if stride == 1
                else ops.max_pool(y, kernel_shape=(1, 1), strides=2)
            )
            y = ops.add(past, conv(conv(before, width, kernel=1), width, stride=stride, **bare))
    return Graph([x], [linear(ops.flatten(normalised(y)), 10)])


def lai_2018() -> Graph:
    """The network for CIFAR-10 of Lai, Suda & Chandra 2018, table 1."""
    x = image(3, 32, 32)
    y = x
    for width in (32, 32, 64):
        y = conv(y, width, kernel=5, norm="none")
        y = ops.max_pool(y, kernel_shape=(3, 3), strides=2, pads=(0, 0, 1, 1))
    return Graph([x], [linear(ops.flatten(y), 10)])


def narrow(side: int, share: float, classes: int, colours: int = 3) -> Graph:
    """MobileNet with one share for all layers."""
    return mobilenet(side, (share,) * 14, classes, colours=colours)


NETWORKS: Mapping[str, tuple[str, Callable[[], Graph]]] = {
    "ad": ("autoencoder", autoencoder),
    "ic": ("ResNet", lambda: resnet(1, 10)),
    "kws": ("DS-CNN", ds_cnn),
    "vww": ("MobileNet", lambda: narrow(96, 0.25, 2)),
    "MobileNet 0.25, 224": ("MobileNet", lambda: narrow(224, 0.25, 5)),
    "MobileNet 0.5, 224": ("MobileNet", lambda: narrow(224, 0.5, 5)),
    "MobileNet 0.25, 96": ("MobileNet", lambda: narrow(96, 0.25, 5)),
    "MobileNet 0.25, 96, grey": ("MobileNet", lambda: narrow(96, 0.25, 5, 1)),
    "MobileNet 0.25, 224, 1000": ("MobileNet", lambda: narrow(224, 0.25, 1000)),
    "MobileNet 0.5, 224, 1000": ("MobileNet", lambda: narrow(224, 0.5, 1000)),
    "person detection": ("MobileNet", lambda: narrow(96, 0.25, 2, 1)),
    "MobileNetV2 0.35, 128": ("MobileNetV2", lambda: mobilenet_v2(128, 5)),
    "MobileNetV2 0.35, 224": ("MobileNetV2", lambda: mobilenet_v2(224, 5)),
    "MobileNetV2 0.35, 128, 1000": ("MobileNetV2", lambda: mobilenet_v2(128, 1000)),
    "MobileNetV2 0.35, 224, 1000": ("MobileNetV2", lambda: mobilenet_v2(224, 1000)),
    "FD-MobileNet 0.25, 224": ("FD-MobileNet", lambda: mobilenet(224, (0.25,) * 12, 5, FD)),
    "FD-MobileNet 0.25, 128": ("FD-MobileNet", lambda: mobilenet(128, (0.25,) * 12, 5, FD)),
    "ST FD-MobileNet, 224": ("FD-MobileNet", lambda: mobilenet(224, ST_FD, 5, FD)),
    "ST FD-MobileNet, 128": ("FD-MobileNet", lambda: mobilenet(128, ST_FD, 5, FD)),
    "SqueezeNet 1.1, 128": ("SqueezeNet", lambda: squeezenet(128)),
    "SqueezeNet 1.1, 224": ("SqueezeNet", lambda: squeezenet(224)),
    "ResNet-8, 32": ("ResNet", lambda: resnet(1, 10)),
    "ResNet-32, 32": ("ResNet", lambda: resnet(5, 100)),
    "ST MNIST, 28": ("ST MNIST", st_mnist),
    "YAMNet-256": ("YAMNet", yamnet),
    "MiniResNetV2, 1 stack": ("MiniResNetV2", lambda: miniresnet(1)),
    "MiniResNetV2, 2 stacks": ("MiniResNetV2", lambda: miniresnet(2)),
    "Lai et al. 2018": ("Lai et al. 2018", lai_2018),
}
"""Family of each network, of which all are left out at once, and how it is made."""
FAMILY: Mapping[str, str] = {name: family for name, (family, _) in NETWORKS.items()}


@cache
def network(name: str) -> Graph:
    """A network by its name."""
    return NETWORKS[name][1]()


@dataclass(frozen=True)
class Series:
    """What one library was measured to take on one board: ms by network, and the power in mW where it was, too."""

    board: str
    core: str
    clock_mhz: float
    library: str
    source: str
    ms: Mapping[str, float]
    mw: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Board and library."""
        return f"{self.board} {self.library}"


MLPERF = "MLPerf Tiny v1.0"
ZOO = "STM32 model zoo"


def mlperf(ad: float, ic: float, kws: float, vww: float) -> dict[str, float]:
    """Milliseconds of inferences a second."""
    return {name: 1e3 / each for name, each in zip(("ad", "ic", "kws", "vww"), (ad, ic, kws, vww), strict=True)}


def power(ad: float, ic: float, kws: float, vww: float) -> dict[str, float]:
    """Milliwatts by network."""
    return {"ad": ad, "ic": ic, "kws": kws, "vww": vww}


SERIES: tuple[Series, ...] = (
    Series(
        "stm32l4r5", "M4", 120, "cmsis-nn", MLPERF, mlperf(116.212, 2.567, 10.019, 3.320),
        power(51.50, 51.93, 52.28, 51.98),
    ),
    Series(
        "stm32l4r5", "M4", 120, "x-cube-ai", MLPERF, mlperf(131.950, 4.407, 13.323, 4.339),
        power(42.65, 47.10, 44.89, 44.58),
    ),
    Series("stm32l4r5", "M4", 120, "plumerai", MLPERF, mlperf(179.448, 5.775, 13.955, 4.795)),
    Series("psoc62", "M4", 150, "plumerai", MLPERF, mlperf(150.120, 5.178, 16.287, 5.196)),
    Series("nrf5340", "M33", 128, "cmsis-nn", MLPERF, mlperf(159.579, 3.163, 13.143, 4.310)),
    Series(
        "stm32u575", "M33", 160, "x-cube-ai", MLPERF, mlperf(206.211, 7.158, 22.608, 7.496),
        power(24.70, 26.22, 25.84, 25.32),
    ),
    Series("stm32u585", "M33", 160, "plumerai", MLPERF, mlperf(206.129, 9.341, 28.219, 9.342)),
    Series(
        "stm32u585", "M33", 160, "x-cube-ai", ZOO,
        {"YAMNet-256": 281.95, "MiniResNetV2, 1 stack": 188.36, "MiniResNetV2, 2 stacks": 308.81},
    ),
    Series("stm32f746", "M7", 216, "plumerai", MLPERF, mlperf(435.741, 15.440, 52.288, 17.535)),
    Series(
        "stm32h7a3", "M7", 280, "x-cube-ai", MLPERF, mlperf(547.705, 18.401, 59.667, 19.722),
        power(146.21, 160.57, 162.73, 157.57),
    ),
    Series(
        "stm32f769", "M7", 216, "x-cube-ai", ZOO, {"ST FD-MobileNet, 224": 176.5, "ST FD-MobileNet, 128": 59.29}
    ),
    Series(
        "stm32h743", "M7", 400, "x-cube-ai", ZOO,
        {
            "MobileNet 0.25, 224": 163.78, "MobileNet 0.5, 224": 485.79, "MobileNet 0.25, 96": 29.94,
            "MobileNet 0.25, 96, grey": 28.34, "MobileNet 0.25, 224, 1000": 166.75,
            "MobileNet 0.5, 224, 1000": 504.37, "MobileNetV2 0.35, 128": 94.34, "MobileNetV2 0.35, 224": 290.75,
            "MobileNetV2 0.35, 128, 1000": 116.13, "MobileNetV2 0.35, 224, 1000": 313.92,
            "FD-MobileNet 0.25, 224": 53.52, "FD-MobileNet 0.25, 128": 17.73, "ST FD-MobileNet, 224": 102.0,
            "ST FD-MobileNet, 128": 32.14, "SqueezeNet 1.1, 128": 216.67, "SqueezeNet 1.1, 224": 693.3,
            "ResNet-8, 32": 28.67, "ResNet-32, 32": 177.7, "ST MNIST, 28": 3.41,
        },
    ),
    Series("stm32f746", "M7", 216, "cmsis-nn", "Lai et al. 2018", {"Lai et al. 2018": 99.1}),
    Series("esp32s3", "LX7", 240, "esp-nn", "esp-tflite-micro", {"person detection": 54}),
)  # fmt: skip
"""MLPerf Tiny: closed division, github.com/mlcommons/tiny_results_v1.0. STM32 model zoo: X-CUBE-AI 10.0,
github.com/STMicroelectronics/stm32ai-modelzoo, commit 6f10965, networks whose weights fit into flash; its STM32H747
is an STM32H743 with a second core, at 400 MHz. Lai et al.: arXiv 1801.06601, table 1. esp-tflite-micro:
github.com/espressif/esp-tflite-micro, README, commit 01a78d0."""

KERNELS: Mapping[str, tuple[int, int, int, int]] = {
    "pointwise, 64 to 64": (409_600, 6_400, 4_096, 461_398),
    "pointwise, 16 to 16": (16_384, 1_024, 256, 43_578),
    "3x3 on three channels": (110_592, 4_096, 1_728, 643_689),
    "depthwise, 3x3": (36_864, 4_096, 144, 191_931),
    "depthwise, 5x5": (80_000, 3_200, 800, 366_102),
    "linear, 265 to 3": (795, 3, 795, 4_439),
}
"""Multiply-adds, outputs, weights and ticks of kernels of ESP-NN on the ESP32-S3, README, commit 0798b58."""

MEMORY: Mapping[str, tuple[float, float]] = {
    "MobileNet 0.25, 224": (272.96, 214.69), "MobileNet 0.5, 224": (449.58, 812.61),
    "MobileNet 0.25, 96": (66.96, 214.69), "MobileNet 0.25, 96, grey": (52.8, 214.55),
    "MobileNet 0.25, 224, 1000": (272.96, 467.33), "MobileNetV2 0.35, 128": (237.32, 406.86),
    "MobileNetV2 0.35, 224": (832.64, 406.86), "MobileNetV2 0.35, 128, 1000": (237.32, 1654.5),
    "FD-MobileNet 0.25, 224": (157.03, 128.32), "FD-MobileNet 0.25, 128": (56.16, 128.32),
    "ST FD-MobileNet, 224": (211.64, 144.93), "ST FD-MobileNet, 128": (74.23, 144.93),
    "SqueezeNet 1.1, 128": (271.84, 716.71), "SqueezeNet 1.1, 224": (816.86, 716.71), "ResNet-8, 32": (62.51, 76.9),
    "ResNet-32, 32": (45.41, 464.38), "ST MNIST, 28": (17.21, 10.08), "YAMNet-256": (109.57, 135.91),
    "MiniResNetV2, 1 stack": (59.89, 123.98), "MiniResNetV2, 2 stacks": (59.89, 431.98),
}  # fmt: skip
"""KiB of activations and of weights that X-CUBE-AI 10.0 takes, from the same tables."""
