"""Small spaces for small machines and small data: networks that train in seconds on one core."""

from __future__ import annotations

from netwright.blocks import (
    avg_pool,
    classifier,
    conv,
    conv1d,
    convnext,
    depthwise_separable,
    linear_block,
    max_pool,
    mbconv,
    patch_embedding,
    residual1d,
    residual_block,
    separable1d,
    skip,
    table_head,
    tabm,
    tabm_head,
    token_head,
    vit_encoder,
)
from netwright.graph import Input, image, vector
from netwright.space._choice import oneof
from netwright.space._domain import integer
from netwright.space._expression import named
from netwright.space._grammar import grammar, rule
from netwright.space._join import branch, residual
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["convnet_tiny", "grammar_tiny", "mlp_tabular", "mobilenet_tiny", "series_tiny", "vit_tiny"]


def _strides(input: Input, places: int) -> list[int]:
    """Stride at each place: halve the image while at least 4 pixels remain, late, but large images at once as well.

    Late halvings keep small images detailed; from 24 pixels on, the first layers would take most of the time.

    >>> _strides(image(1, 8, 8), 4), _strides(image(1, 28, 28), 4), _strides(image(3, 32, 32), 4)
    ([1, 1, 1, 2], [2, 1, 1, 2], [2, 1, 2, 2])
    """
    side = min(input.shape[2:])
    halvings = min(max(side.bit_length() - 3, 0), places)
    early = int(side >= 24 and halvings < places and halvings > 0)
    late = halvings - early
    return [2] * early + [1] * (places - halvings) + [2] * late


def mobilenet_tiny(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Inverted residuals (Sandler et al. 2018) at widths for 8x8 to 32x32 images, a few thousand to 500k parameters.

    >>> mobilenet_tiny().size()
    512096256
    """
    given = input or image(1, 8, 8)
    first, *strides = _strides(given, 4)
    widths = [[round(w * scale) for w in stage] for stage in ((16, 24), (24, 32, 48), (40, 56, 80))]

    def block(channels: object, stride: int) -> object:
        return mbconv(channels, expand=oneof(2, 3, 4), kernel=oneof(3, 5), stride=stride, se=oneof(0.0, 0.25),
                      activation="hard_swish")  # fmt: skip

    stages = {
        f"stage{i}": seq(
            down=block(oneof(*width), stride), more=repeat(oneof(block(None, 1), skip()), times=oneof(0, 1))
        )
        for i, (width, stride) in enumerate(zip(widths, strides, strict=True), start=1)
    }
    network = seq(
        stem=conv(oneof(8, 16, 24), stride=first, activation="hard_swish"),
        **stages,
        head=seq(conv(oneof(64, 128), kernel=1, activation="hard_swish"), classifier(classes)),
    )
    return Space(network, input=given, name="mobilenet-tiny")


def convnet_tiny(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Plain, residual, separable and ConvNeXt blocks side by side in three stages.

    >>> convnet_tiny().size()
    804357
    """
    given = input or image(1, 8, 8)
    widths = [[round(w * scale) for w in stage] for stage in ((16, 24, 32), (24, 32, 48), (32, 48, 64))]
    body = oneof(
        conv(None, kernel=oneof(3, 5)), residual_block(), depthwise_separable(), convnext(kernel=5, expand=2)
    )
    stages = {
        f"stage{i}": seq(down=conv(oneof(*width), stride=stride), blocks=repeat(body, times=integer(0, 2)))
        for i, (width, stride) in enumerate(zip(widths, _strides(given, 3), strict=True), start=1)
    }
    return Space(seq(**stages, head=classifier(classes)), input=given, name="convnet-tiny")


def vit_tiny(input: Input | None = None, classes: int = 10, *, scale: float = 1.0) -> Space:
    """Vision transformers (Dosovitskiy et al. 2021) with a searched width, patch, depth, heads and MLP ratio.

    >>> vit_tiny().size() > 10**3
    True
    """
    given = input or image(1, 8, 8)
    side = min(given.shape[2:])
    patches = [p for p in (1, 2, 4, 7, 8, 16) if all(s % p == 0 for s in given.shape[2:]) and 4 <= side // p <= 8]
    widths = [8 * round(w * scale / 8) for w in (32, 48, 64)]
    encoder = vit_encoder(heads=oneof(2, 4), expand=oneof(1, 2, 4))
    network = seq(
        embed=patch_embedding(oneof(*widths), patch=oneof(*(patches or [1]))),
        blocks=repeat(encoder, times=integer(1, 4)),
        head=token_head(classes, pool="mean"),
    )
    return Space(network, input=given, name="vit-tiny")


def mlp_tabular(input: Input | None = None, classes: int = 3, *, scale: float = 1.0) -> Space:
    """Multilayer perceptrons for tables, plain, residual or as a TabM ensemble (Gorishniy et al. 2025; row 48).

    >>> mlp_tabular().size() > 10**3
    True
    """
    given = input or vector(13)
    widths = [round(w * scale) for w in (16, 32, 64, 128)]
    layer = linear_block(
        oneof(*widths), activation=oneof("relu", "gelu", "silu"), norm=oneof("batch", "none"), dropout=oneof(0.0, 0.2)
    )
    plain = seq(
        layers=repeat(layer, times=integer(1, 3)),
        around=repeat(residual(linear_block(activation="relu")), times=integer(0, 2)),
        head=table_head(classes),
    )
    ensemble = seq(
        first=tabm(oneof(*widths), members=oneof(4, 8)),
        layers=repeat(tabm(oneof(*widths)), times=integer(0, 2)),
        head=tabm_head(classes),
    )
    return Space(oneof(named("plain", plain), named("tabm", ensemble)), input=given, name="mlp-tabular")


def series_tiny(input: Input | None = None, classes: int = 2, *, scale: float = 1.0) -> Space:
    """One-dimensional convolutional networks for time series `(channels, length)`.

    >>> series_tiny().size() > 10**4
    True
    """
    given = input or Input((1, 1, 64))
    widths = [round(w * scale) for w in (8, 16, 32)]
    body = oneof(
        conv1d(None, kernel=oneof(3, 7)), separable1d(kernel=oneof(5, 9)), residual1d(kernel=oneof(3, 7)), skip()
    )
    stages = 3 if given.shape[2] >= 64 else 2 if given.shape[2] >= 16 else 1
    network = seq(
        stem=conv1d(oneof(*widths), kernel=oneof(3, 7, 15)),
        **{
            f"stage{i}": seq(
                down=conv1d(oneof(*(2 * w for w in widths)), kernel=3, stride=2),
                blocks=repeat(body, times=integer(1, 2)),
            )
            for i in range(1, stages + 1)
        },
        head=classifier(classes),
    )
    return Space(network, input=given, name="series-tiny")


def grammar_tiny(input: Input | None = None, classes: int = 10, *, scale: float = 1.0, depth: int = 4) -> Space:
    """A small context-free grammar: sequences, residuals and branches of convolutions, down to a depth.

    >>> grammar_tiny().size() > 10**6
    True
    """
    given = input or image(1, 8, 8)
    block = oneof(
        named("conv3", conv(None, kernel=3)),
        named("separable", depthwise_separable()),
        named("pool", avg_pool(3)),
        named("max", max_pool(3)),
        named("sequential", seq(rule("block"), rule("block"))),
        named("residual", residual(rule("block"))),
        named("branch", branch(rule("block"), rule("block"))),
        weights=(4, 3, 1, 1, 3, 2, 1),
    )
    network = seq(
        stem=conv(oneof(round(16 * scale), round(32 * scale)), stride=_strides(given, 1)[0]),
        body=grammar("block", depth=depth, block=block),
        head=classifier(classes),
    )
    return Space(network, input=given, name="grammar-tiny")
