"""Published networks built from the blocks, to be compared with their published totals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netwright.blocks import (
    avg_pool,
    bottleneck,
    classifier,
    conv,
    convnext,
    depthwise_separable,
    downsample,
    fused_mbconv,
    global_pool,
    imagenet_stem,
    inception,
    inceptionnext,
    linear_block,
    lowformer,
    make_divisible,
    max_pool,
    mbconv,
    metaformer,
    mobilenet_head,
    patch_embedding,
    patchify_stem,
    pool_mixer,
    relu_conv_bn,
    residual_block,
    residual_reduction,
    resnext,
    series_activation,
    shufflenet_v2,
    skip,
    starnet,
    table_head,
    token_head,
    vanilla,
    vit_encoder,
    zero,
)
from netwright.graph import Graph, Tensor, image


def parameters(graph: Graph) -> int:
    """Trainable parameters."""
    return sum(p.size for p in graph.parameters.values() if p.trainable)


def macs(graph: Graph) -> int:
    return sum(node.op.macs(node) for node in graph.nodes)


def on_imagenet(body: Callable[[Tensor], Tensor]) -> Graph:
    x = image(3, 224, 224)
    return Graph([x], [body(x)])


def staged(
    x: Tensor,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    strides: tuple[int, ...],
    block: Callable[..., Tensor],
) -> Tensor:
    for width, depth, stride in zip(widths, depths, strides, strict=True):
        for i in range(depth):
            x = block(x, width, stride=stride if i == 0 else 1)
    return x


def resnet(block: Callable[..., Tensor], widths: tuple[int, ...], depths: tuple[int, ...]) -> Graph:
    return on_imagenet(lambda x: classifier(staged(imagenet_stem(x), widths, depths, (1, 2, 2, 2), block), 1000))


def resnet18() -> Graph:
    return resnet(residual_block, (64, 128, 256, 512), (2, 2, 2, 2))


def resnet50() -> Graph:
    return resnet(bottleneck, (256, 512, 1024, 2048), (3, 4, 6, 3))


def resnext50() -> Graph:
    return resnet(resnext, (256, 512, 1024, 2048), (3, 4, 6, 3))


def mobilenet_v1() -> Graph:
    widths = (64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)

    def body(x: Tensor) -> Tensor:
        y = conv(x, 32, stride=2)
        for width, stride in zip(widths, strides, strict=True):
            y = depthwise_separable(y, width, stride=stride)
        return classifier(y, 1000)

    return on_imagenet(body)


def mobilenet_v2() -> Graph:
    rows = (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    )  # fmt: skip

    def body(x: Tensor) -> Tensor:
        y = conv(x, 32, stride=2, activation="relu6")
        for expand, width, depth, stride in rows:
            for i in range(depth):
                y = mbconv(y, width, expand, stride=stride if i == 0 else 1)
        return classifier(conv(y, 1280, 1, activation="relu6"), 1000)

    return on_imagenet(body)


def mobilenet_v3_large() -> Graph:
    # kernel, expanded width, width, squeeze and excite, activation, stride: table 1 of the paper
    rows = (
        (3, 16, 16, 0, "relu", 1), (3, 64, 24, 0, "relu", 2), (3, 72, 24, 0, "relu", 1),
        (5, 72, 40, 0.25, "relu", 2), (5, 120, 40, 0.25, "relu", 1), (5, 120, 40, 0.25, "relu", 1),
        (3, 240, 80, 0, "hard_swish", 2), (3, 200, 80, 0, "hard_swish", 1), (3, 184, 80, 0, "hard_swish", 1),
        (3, 184, 80, 0, "hard_swish", 1), (3, 480, 112, 0.25, "hard_swish", 1), (3, 672, 112, 0.25, "hard_swish", 1),
        (5, 672, 160, 0.25, "hard_swish", 2), (5, 960, 160, 0.25, "hard_swish", 1),
        (5, 960, 160, 0.25, "hard_swish", 1),
    )  # fmt: skip

    def body(x: Tensor) -> Tensor:
        y = conv(x, 16, stride=2, activation="hard_swish")
        for kernel, hidden, width, se, activation, stride in rows:
            y = mbconv(y, width, hidden / y.shape[1], kernel, stride, se, activation=activation)
        return mobilenet_head(y, 1000, bias=True)

    return on_imagenet(body)


def efficientnet_b0() -> Graph:
    rows = (
        (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
        (6, 3, 320, 1, 1),
    )  # fmt: skip
    silu = {"activation": "silu", "se_activation": "silu", "se_gate": "sigmoid"}

    def body(x: Tensor) -> Tensor:
        y = conv(x, 32, stride=2, activation="silu")
        for expand, kernel, width, depth, stride in rows:
            for i in range(depth):
                y = mbconv(
                    y, width, expand, kernel, stride if i == 0 else 1, 0.25, se_base="input", se_divisor=1, **silu
                )
        return classifier(conv(y, 1280, 1, activation="silu"), 1000, dropout=0.2)

    return on_imagenet(body)


def shufflenet_v2_1x() -> Graph:
    def body(x: Tensor) -> Tensor:
        y = max_pool(conv(x, 24, stride=2), stride=2)
        y = staged(y, (116, 232, 464), (4, 8, 4), (2, 2, 2), shufflenet_v2)
        return classifier(conv(y, 1024, 1), 1000)

    return on_imagenet(body)


GOOGLENET = {
    "3a": (192, 28, 64, 96, 128, 16, 32, 32), "3b": (256, 28, 128, 128, 192, 32, 96, 64),
    "4a": (480, 14, 192, 96, 208, 16, 48, 64), "4b": (512, 14, 160, 112, 224, 24, 64, 64),
    "4c": (512, 14, 128, 128, 256, 24, 64, 64), "4d": (512, 14, 112, 144, 288, 32, 64, 64),
    "4e": (528, 14, 256, 160, 320, 32, 128, 128), "5a": (832, 7, 256, 160, 320, 32, 128, 128),
    "5b": (832, 7, 384, 192, 384, 48, 128, 128),
}  # fmt: skip


def inception_module(name: str) -> Graph:
    channels, size, *widths = GOOGLENET[name]
    x = image(channels, size, size)
    return Graph([x], [inception(x, *widths, norm="none")])


def googlenet() -> Graph:
    """Network of the paper: biases and no batch normalisation; local response normalisation has no parameters."""

    def body(x: Tensor) -> Tensor:
        y = max_pool(conv(x, 64, 7, stride=2, norm="none"), stride=2)
        y = conv(conv(y, 64, 1, norm="none"), 192, 3, norm="none")
        for name, row in GOOGLENET.items():
            y = max_pool(y, stride=2) if name in ("3a", "4a", "5a") else y
            y = inception(y, *row[2:], norm="none")
        return classifier(y, 1000)

    return on_imagenet(body)


def pyramid(
    x: Tensor,
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    down: Callable[..., Tensor],
    block: Callable[..., Tensor],
) -> Tensor:
    """Stages of blocks that keep the shape, with a down-sampling layer in front of each but the first."""
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        x = down(x, width) if stage else x
        for _ in range(depth):
            x = block(x, stage)
    return x


def convnext_tiny() -> Graph:
    def body(x: Tensor) -> Tensor:
        y = pyramid(patchify_stem(x, 96), (96, 192, 384, 768), (3, 3, 9, 3), downsample, lambda y, stage: convnext(y))
        return table_head(global_pool(y), 1000, norm="layer")

    return on_imagenet(body)


def inceptionnext_tiny() -> Graph:
    def body(x: Tensor) -> Tensor:
        y = pyramid(
            patchify_stem(x, 96, norm="batch"),
            (96, 192, 384, 768),
            (3, 3, 9, 3),
            lambda y, width: downsample(y, width, norm="batch"),
            lambda y, stage: inceptionnext(y, expand=3 if stage == 3 else 4),
        )
        y = linear_block(global_pool(y), 3 * 768, norm="none", activation="gelu")
        return table_head(y, 1000, norm="layer")

    return on_imagenet(body)


def vanillanet(widths: tuple[int, ...], strides: tuple[int, ...]) -> Graph:
    def body(x: Tensor) -> Tensor:
        y = series_activation(patchify_stem(x, 512, norm="none"))
        for width, stride in zip(widths, strides, strict=True):
            y = vanilla(y, width, stride)
        return classifier(y, 1000)

    return on_imagenet(body)


def starnet_s1() -> Graph:
    def body(x: Tensor) -> Tensor:
        y = conv(x, 32, stride=2, activation="relu6")
        for stage, depth in enumerate((2, 2, 8, 3)):
            y = conv(y, 24 * 2**stage, stride=2, activation="none")
            for _ in range(depth):
                y = starnet(y)
        return classifier(y, 1000, norm="batch")

    return on_imagenet(body)


def vit_tiny() -> Graph:
    def body(x: Tensor) -> Tensor:
        y = patch_embedding(x, 192, 16, class_token=True)
        for _ in range(12):
            y = vit_encoder(y, heads=3)
        return token_head(y, 1000)

    return on_imagenet(body)


def poolformer_s12() -> Graph:
    def body(x: Tensor) -> Tensor:
        y = pyramid(
            downsample(x, 64, kernel=7, stride=4, norm="none"),
            (64, 128, 320, 512),
            (2, 2, 6, 2),
            lambda y, width: downsample(y, width, kernel=3, norm="none"),
            lambda y, stage: metaformer(y, mixer=pool_mixer()),
        )
        return classifier(y, 1000, norm="group1")

    return on_imagenet(body)


def lowformer_b0() -> Graph:
    """Macro design of the paper: one fused block a stage at first, attention only in the last two stages."""

    def body(x: Tensor) -> Tensor:
        y = conv(x, 16, stride=2, activation="hard_swish")
        for width, depth, stride, fused in (
            (32, 0, 1, True),
            (64, 0, 1, True),
            (128, 3, 2, True),
            (256, 4, 1, False),
        ):
            y = fused_mbconv(y, width, stride=2, activation="hard_swish")
            for _ in range(depth):
                y = lowformer(y, stride=stride, fused=fused)
        y = global_pool(conv(y, 1536, 1, activation="hard_swish"))
        y = linear_block(y, 1600, norm="layer", activation="hard_swish")
        return table_head(y, 1000)

    return on_imagenet(body)


NASBENCH201 = {
    "skip": skip(),
    "none": zero(),
    "conv3x3": relu_conv_bn(kernel=3),
    "conv1x1": relu_conv_bn(kernel=1),
    "pool": avg_pool(),
}


def nasbench201(edges: tuple[str, ...]) -> Graph:
    """CIFAR-10 network of a cell, its edges in the order 0-1, 0-2, 0-3, 1-2, 1-3, 2-3."""

    def cell(x: Tensor) -> Tensor:
        operations: Iterator[str] = iter(edges)
        chosen = {(i, j): NASBENCH201[next(operations)] for i in range(3) for j in range(i + 1, 4)}
        nodes = [x]
        for j in range(1, 4):
            first, *rest = [chosen[i, j].apply(nodes[i]) for i in range(j)]
            for y in rest:
                first = first + y
            nodes.append(first)
        return nodes[-1]

    x = image(3, 32, 32)
    y = conv(x, 16, activation="none")
    for width in (16, 32, 64):
        y = y if width == 16 else residual_reduction(y, width)
        for _ in range(5):
            y = cell(y)
    return Graph([x], [classifier(y, 10, norm="batch", activation="relu")])


def once_for_all_largest() -> Graph:
    """Largest network of the Once-for-All MobileNetV3 space, width 1: depth 4, kernel 7, expansion 6."""
    stages = (
        (24, 2, "relu", 0.0), (40, 2, "relu", 0.25), (80, 2, "hard_swish", 0.0), (112, 1, "hard_swish", 0.25),
        (160, 2, "hard_swish", 0.25),
    )  # fmt: skip

    def body(x: Tensor) -> Tensor:
        y = conv(x, make_divisible(16), stride=2, activation="hard_swish")
        y = mbconv(y, 16, expand=1, activation="relu")
        for width, stride, activation, se in stages:
            for i in range(4):
                y = mbconv(y, width, 6, 7, stride if i == 0 else 1, se, activation=activation)
        return mobilenet_head(y, 1000)

    return on_imagenet(body)
