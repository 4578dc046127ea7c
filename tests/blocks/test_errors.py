"""What does not fit is refused in a sentence; its good form stands beside it."""

from __future__ import annotations

import pytest

from netwright import blocks as nb
from netwright.blocks import Block, Call
from netwright.errors import GraphError, ShapeError, SpaceError, UnknownNameError
from netwright.graph import Input, Shape

IMAGE, TOKENS, ROW = (1, 15, 8, 8), (1, 16, 30), (1, 13)

BAD: list[tuple[Call, Call, Shape, str]] = [
    (nb.shufflenet_v2(), nb.shufflenet_v2(14), IMAGE, "channels must be even, but got channels=15"),
    (nb.channel_shuffle(2), nb.channel_shuffle(3), IMAGE, "groups must divide the channels"),
    (nb.bottleneck(ratio=4), nb.bottleneck(ratio=5), IMAGE, "ratio must divide the channels"),
    (nb.resnext(groups=4), nb.resnext(groups=5, ratio=3), IMAGE, "groups times ratio must divide the channels"),
    (nb.inception_mixer(share=0.01), nb.inception_mixer(share=0.2), IMAGE, "each branch must have channels"),
    (nb.inception_mixer(share=0.34), nb.inception_mixer(share=0.3), IMAGE, "each branch must have channels"),
    (nb.attention(4), nb.attention(5), TOKENS, "heads must divide the width, but got heads=4, width=30"),
    (nb.attention(6, kv_heads=4), nb.attention(6, kv_heads=3), TOKENS, "kv_heads must divide query_heads"),
    (nb.attention(5, query_heads=6), nb.attention(5, query_heads=3), TOKENS, "query_heads be at most heads"),
    (nb.attention(1), nb.mlp(), ROW, "the input must be (N, T, D)"),
    (nb.vit_encoder(4), nb.vit_encoder(3), TOKENS, "heads must divide the width"),
    (nb.patch_embedding(8, 3), nb.patch_embedding(8, 2), IMAGE, "patch must divide the input, but got patch=3"),
    (nb.patchify_stem(8, 3), nb.patchify_stem(8, 2), IMAGE, "patch must divide the image"),
    (nb.conv_stem(8, stride=3), nb.conv_stem(8, stride=2), IMAGE, "stride must be a power of two"),
    (nb.conv_stem(2, stride=8), nb.conv_stem(4, stride=8), IMAGE, "channels are too few"),
    (nb.conv_stem(8, stride=0), nb.conv_stem(8, stride=1), IMAGE, "stride must be a power of two"),
    (nb.max_pool(2), nb.max_pool(2, stride=2), IMAGE, "kernel must be odd or equal to stride"),
    (nb.avg_pool(0), nb.avg_pool(1), IMAGE, "sizes must be positive"),
    (nb.avg_pool(), nb.global_pool(), ROW, "the input must be (N, C, *space)"),
    (nb.factorized_reduction(1), nb.factorized_reduction(2), IMAGE, "channels must be at least 2"),
    (nb.mbconv(stride=0), nb.mbconv(stride=1), IMAGE, "sizes must be positive"),
    (nb.mbconv(), nb.linear_block(), ROW, "the input must be (N, C, *space)"),
    (nb.mbconv(expand=0.01), nb.mbconv(expand=0.1), IMAGE, "sizes must be positive"),
    (nb.lowformer_attention(), nb.attention(5), IMAGE, "the input must be (N, even C, H, W)"),
    (nb.permute((1, 3, 2)), nb.permute((2, 1)), TOKENS, "order must name each axis"),
    (nb.part(1, 0, 4), nb.part(1, 0, 5), IMAGE, "parts must divide an axis"),
    (nb.part(3), nb.part(2), TOKENS, "parts must divide an axis"),
    (nb.im2col(), nb.col2im(), TOKENS, "the input must be (N, C, H, W)"),
    (nb.im2col(9), nb.im2col(8), IMAGE, "a window must fit the image"),
    (nb.col2im(), nb.im2col(), IMAGE, "the input must be (N, T, D)"),
    (nb.col2im((1, 2)), nb.col2im((1, 4)), TOKENS, "tokens must fill the image"),
    (nb.monarch_linear(blocks=4), nb.monarch_linear(blocks=5), TOKENS, "blocks must divide both widths"),
    (nb.monarch_mixer(), nb.attention(5), IMAGE, "the input must be (N, T, D)"),
    (nb.low_rank_linear(rank=1.5), nb.low_rank_linear(rank=1.0), TOKENS, "rank must be above 0 and at most 1"),
    (
        nb.low_rank_encoder(rank=0.0),
        nb.low_rank_encoder(rank=0.01),
        TOKENS,
        "above 0 and at most 1, but got rank=0.0",
    ),
    (nb.low_rank_encoder(), nb.mlp(), ROW, "the input must be (N, T, D)"),
    (nb.hourglass(30), nb.hourglass(29), TOKENS, "narrow must be below the width"),
    (nb.tabm(8, members=4), nb.tabm(8, members=16), TOKENS, "members must be those of the input"),
    (nb.tabm(8), nb.conv(8), IMAGE, "the input must be (N, C) or (N, members, C)"),
    (nb.tabm_head(3), nb.table_head(3), ROW, "the input must be (N, members, C)"),
    (nb.token_head(3, pool="max"), nb.token_head(3, pool="mean"), TOKENS, "pool must be class or mean"),
    (nb.token_head(3), nb.classifier(3), IMAGE, "the input must be (N, T, D)"),
    (nb.table_head(3), nb.token_head(3), TOKENS, "the input must be (N, C)"),
    (nb.linear_block(3), nb.mlp(), TOKENS, "the input must be (N, C)"),
    (nb.conv1d(3), nb.conv(3), IMAGE, "the input must be (N, C, L)"),
    (nb.residual1d(3), nb.residual_block(3), IMAGE, "the input must be (N, C, L)"),
    (
        nb.metaformer(mixer=nb.conv(8)),
        nb.metaformer(mixer=nb.conv(15)),
        IMAGE,
        "a residual branch must keep the shape",
    ),
]


@pytest.mark.parametrize(("bad", "good", "shape", "sentence"), BAD, ids=lambda value: repr(value)[:60])
def test_what_does_not_fit_is_refused(bad: Call, good: Call, shape: Shape, sentence: str) -> None:
    with pytest.raises(ShapeError) as caught:
        bad.apply(Input(shape))
    message = str(caught.value)
    assert sentence in message
    assert message.endswith(".")


@pytest.mark.parametrize(("bad", "good", "shape", "sentence"), BAD, ids=lambda value: repr(value)[:60])
def test_its_good_form_builds(bad: Call, good: Call, shape: Shape, sentence: str) -> None:
    good.apply(Input(shape))


ZERO: list[tuple[Call, Shape]] = [
    (nb.conv(0), IMAGE),
    (nb.mbconv(0), IMAGE),
    (nb.mbconv(kernel=0), IMAGE),
    (nb.bottleneck(ratio=0), IMAGE),
    (nb.resnext(groups=0), IMAGE),
    (nb.channel_shuffle(0), IMAGE),
    (nb.skip(stride=0), IMAGE),
    (nb.zero(stride=0), IMAGE),
    (nb.zero(0), IMAGE),
    (nb.patch_embedding(8, 0), IMAGE),
    (nb.patchify_stem(8, 0), IMAGE),
    (nb.attention(0), TOKENS),
    (nb.attention(5, kv_heads=0), TOKENS),
    (nb.attention(5, query_heads=0), TOKENS),
    (nb.lowformer_attention(0), (1, 16, 8, 8)),
    (nb.lowformer_attention(stride=0), (1, 16, 8, 8)),
    (nb.monarch_linear(blocks=0), TOKENS),
    (nb.monarch_linear(0), TOKENS),
    (nb.low_rank_linear(0), TOKENS),
    (nb.mlp(channels=0), TOKENS),
    (nb.hourglass(0), TOKENS),
    (nb.tabm(0), ROW),
    (nb.tabm(8, members=0), ROW),
    (nb.linear_block(0), ROW),
    (nb.classifier(0), ROW),
]


@pytest.mark.parametrize(("call", "shape"), ZERO, ids=repr)
def test_zero_is_refused_and_not_taken_for_none(call: Call, shape: Shape) -> None:
    with pytest.raises(GraphError):
        call.apply(Input(shape))


def test_even_kernel_is_refused_where_it_would_shrink() -> None:
    x = Input((1, 8, 2, 2))
    # A 2x2 kernel would leave one pixel, which a residual sum would broadcast without a word.
    with pytest.raises(ShapeError, match="kernel must be odd at stride 1"):
        nb.mbconv(x, kernel=2)
    assert nb.downsample(x, kernel=2).shape == (1, 8, 1, 1)


def test_unknown_names_list_what_exists() -> None:
    x = Input(IMAGE)
    with pytest.raises(UnknownNameError, match="hard_swish"):
        nb.conv(x, 8, activation="hardswish")
    with pytest.raises(UnknownNameError, match="group1"):
        nb.mbconv(x, norm="instance_norm")
    with pytest.raises(UnknownNameError, match="expanded, input"):
        nb.mbconv(x, se=0.25, se_base="output")


def test_dropout_ratio_is_a_share() -> None:
    for ratio in (-0.1, 1.0):
        with pytest.raises(GraphError, match="0 <= ratio < 1"):
            nb.dropout(Input(ROW), ratio)


def test_lowformer_stride_must_fit_the_image() -> None:
    x = Input((1, 16, 7, 7))
    with pytest.raises(ShapeError, match="stride must be 1 or even, and divide the image"):
        nb.lowformer_attention(x)
    with pytest.raises(ShapeError, match="stride must be 1 or even"):
        nb.lowformer_attention(Input((1, 16, 9, 9)), stride=3)
    with pytest.raises(ShapeError, match="heads must divide half of the width"):
        nb.lowformer_attention(Input((1, 16, 8, 8)), heads=3)
    assert nb.lowformer_attention(x, stride=1).shape == x.shape


@pytest.mark.parametrize("name", [n for n in nb.__all__ if isinstance(getattr(nb, n), Block)])
def test_unknown_hyperparameters_are_refused(name: str) -> None:
    with pytest.raises(SpaceError, match="'kernal'"):
        getattr(nb, name)(kernal=3)
