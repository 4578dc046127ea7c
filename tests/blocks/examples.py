"""One or more applications of every block: the call, the input's shape, the output's shape."""

from __future__ import annotations

from netwright import blocks as nb
from netwright.blocks import Call
from netwright.graph import Graph, Input, Shape

Example = tuple[Call, Shape, Shape]

IMAGE, TOKENS, SERIES, ROW = (1, 16, 8, 8), (1, 16, 32), (1, 16, 50), (1, 13)

EXAMPLES: list[Example] = [
    (nb.conv(24, stride=2), IMAGE, (1, 24, 4, 4)),
    (nb.conv(24, kernel=5, dilation=2, norm="none", activation="gelu"), IMAGE, (1, 24, 8, 8)),
    (nb.depthwise_separable(24, stride=2), IMAGE, (1, 24, 4, 4)),
    (nb.squeeze_excite(), IMAGE, IMAGE),
    (nb.squeeze_excite(squeeze=3, gate="sigmoid", activation="silu"), SERIES, SERIES),
    (nb.mbconv(expand=6, kernel=5), IMAGE, IMAGE),
    (nb.mbconv(24, stride=2, se=0.25, activation="hard_swish"), IMAGE, (1, 24, 4, 4)),
    (nb.mbconv(expand=1, se=0.25, se_base="input", se_divisor=1, activation="silu"), IMAGE, IMAGE),
    (nb.mbconv(24, expand=2.5, norm="group8"), IMAGE, (1, 24, 8, 8)),
    (nb.fused_mbconv(), IMAGE, IMAGE),
    (nb.fused_mbconv(24, expand=1, stride=2), IMAGE, (1, 24, 4, 4)),
    (nb.fbnet_block(), IMAGE, IMAGE),
    (nb.fbnet_block(24, expand=3, kernel=5, stride=2, groups=2), IMAGE, (1, 24, 4, 4)),
    (nb.residual_block(), IMAGE, IMAGE),
    (nb.residual_block(24, stride=2, norm="group1"), IMAGE, (1, 24, 4, 4)),
    (nb.bottleneck(24, stride=2), IMAGE, (1, 24, 4, 4)),
    (nb.resnext(groups=4), IMAGE, IMAGE),
    (nb.relu_conv_bn(), IMAGE, IMAGE),
    (nb.residual_reduction(32), IMAGE, (1, 32, 4, 4)),
    (nb.residual_reduction(), (1, 16, 7, 7), (1, 16, 4, 4)),
    (nb.channel_shuffle(4), IMAGE, IMAGE),
    (nb.shufflenet_v2(), IMAGE, IMAGE),
    (nb.shufflenet_v2(24, stride=2), IMAGE, (1, 24, 4, 4)),
    (nb.inception(8, 4, 8, 2, 4, 4), IMAGE, (1, 24, 8, 8)),
    (nb.convnext(), IMAGE, IMAGE),
    (nb.convnext(scale=None, norm="rms"), IMAGE, IMAGE),
    (nb.inception_mixer(), IMAGE, IMAGE),
    (nb.inceptionnext(), IMAGE, IMAGE),
    (nb.series_activation(), IMAGE, IMAGE),
    (nb.vanilla(24, stride=2), IMAGE, (1, 24, 4, 4)),
    (nb.vanilla(stride=2), (1, 16, 7, 7), (1, 16, 4, 4)),
    (nb.starnet(), IMAGE, IMAGE),
    (nb.metaformer(), IMAGE, IMAGE),
    (nb.metaformer(mixer=nb.attention(4), mlp=nb.swiglu(), scale=None), TOKENS, TOKENS),
    (nb.metaformer(mixer=nb.attention(4)), IMAGE, IMAGE),
    (nb.metaformer(mixer=nb.skip()), IMAGE, IMAGE),
    (nb.metaformer(mixer=nb.depthwise_mixer()), IMAGE, IMAGE),
    (nb.metaformer(mixer=nb.random_mixer()), IMAGE, IMAGE),
    (nb.pool_mixer(), IMAGE, IMAGE),
    (nb.depthwise_mixer(5), IMAGE, IMAGE),
    (nb.random_mixer(), TOKENS, TOKENS),
    (nb.vit_encoder(heads=4), TOKENS, TOKENS),
    (nb.vit_encoder(heads=8, kv_heads=2, dropout=0.1), TOKENS, TOKENS),
    (nb.attention(4), TOKENS, TOKENS),
    (nb.attention(8, query_heads=4, kv_heads=2, bias=False, causal=True), IMAGE, IMAGE),
    (nb.multi_head_attention(4), TOKENS, TOKENS),
    (nb.grouped_query_attention(4, 2), TOKENS, TOKENS),
    (nb.multi_query_attention(4), TOKENS, TOKENS),
    (nb.sparse_query_attention(8, 4, 2), TOKENS, TOKENS),
    (nb.swiglu(), TOKENS, TOKENS),
    (nb.swiglu(channels=5), IMAGE, (1, 5, 8, 8)),
    (nb.mlp(dropout=0.2), TOKENS, TOKENS),
    (nb.mlp(2, channels=5), ROW, (1, 5)),
    (nb.mlp(), IMAGE, IMAGE),
    (nb.random_projection(64), ROW, (1, 64)),
    (nb.hourglass(8), TOKENS, TOKENS),
    (nb.hourglass(8), ROW, ROW),
    (nb.tabm(24, members=4), ROW, (1, 4, 24)),
    (nb.tabm(24), (1, 4, 13), (1, 4, 24)),
    (nb.tabm_mini(24, members=4, dropout=0.1), ROW, (1, 4, 24)),
    (nb.tabm_mini(24), (1, 4, 13), (1, 4, 24)),
    (nb.tabm_head(3), (1, 4, 13), (1, 4, 3)),
    (nb.monarch_linear(48), TOKENS, (1, 16, 48)),
    (nb.monarch_linear(26, blocks=13), ROW, (1, 26)),
    (nb.monarch_mixer(), TOKENS, TOKENS),
    (nb.lowformer_attention(), IMAGE, IMAGE),
    (nb.lowformer_attention(2, stride=1), IMAGE, IMAGE),
    (nb.lowformer(), IMAGE, IMAGE),
    (nb.lowformer(stride=4, fused=False), IMAGE, IMAGE),
    (nb.patch_embedding(24, 4), IMAGE, (1, 4, 24)),
    (nb.patch_embedding(24, 4, class_token=True), IMAGE, (1, 5, 24)),
    (nb.patch_embedding(24, 4, class_token=True, positions=False), IMAGE, (1, 5, 24)),
    (nb.patch_embedding(24, 5, positions=False), SERIES, (1, 10, 24)),
    (nb.conv_stem(16, stride=4), (1, 3, 8, 8), (1, 16, 2, 2)),
    (nb.conv_stem(16), (1, 3, 8, 8), (1, 16, 8, 8)),
    (nb.imagenet_stem(8), (1, 3, 16, 16), (1, 8, 4, 4)),
    (nb.patchify_stem(8, 2), (1, 3, 8, 8), (1, 8, 4, 4)),
    (nb.downsample(24), IMAGE, (1, 24, 4, 4)),
    (nb.max_pool(stride=2), IMAGE, (1, 16, 4, 4)),
    (nb.avg_pool(), IMAGE, IMAGE),
    (nb.avg_pool(2, stride=2), (1, 16, 7, 8), (1, 16, 4, 4)),
    (nb.global_pool(), IMAGE, (1, 16)),
    (nb.global_pool(), ROW, ROW),
    (nb.skip(), IMAGE, IMAGE),
    (nb.skip(24), IMAGE, (1, 24, 8, 8)),
    (nb.skip(24, stride=2), IMAGE, (1, 24, 4, 4)),
    (nb.factorized_reduction(24), (1, 16, 7, 8), (1, 24, 4, 4)),
    (nb.zero(), IMAGE, IMAGE),
    (nb.zero(24, stride=2), (1, 16, 7, 8), (1, 24, 4, 4)),
    (nb.zero(8), IMAGE, (1, 8, 8, 8)),
    (nb.classifier(10, dropout=0.1, norm="batch", activation="relu"), IMAGE, (1, 10)),
    (nb.classifier(10), SERIES, (1, 10)),
    (nb.classifier(10), ROW, (1, 10)),
    (nb.mobilenet_head(10, 32, 48), IMAGE, (1, 10)),
    (nb.token_head(10), TOKENS, (1, 10)),
    (nb.token_head(10, pool="mean", dropout=0.1), TOKENS, (1, 10)),
    (nb.table_head(3, norm="layer", activation="relu"), ROW, (1, 3)),
    (nb.dropout(0.3), ROW, ROW),
    (nb.linear_block(24, dropout=0.1), ROW, (1, 24)),
    (nb.linear_block(norm="none"), ROW, ROW),
    (nb.conv1d(24, stride=2), SERIES, (1, 24, 25)),
    (nb.separable1d(24, dilation=2), SERIES, (1, 24, 50)),
    (nb.residual1d(24, stride=2), SERIES, (1, 24, 25)),
]


def graph_of(example: Example) -> Graph:
    call, shape, _ = example
    x = Input(shape)
    return Graph([x], [call.apply(x)])


def name_of(example: Example) -> str:
    call, shape, _ = example
    return f"{call} on {'x'.join(map(str, shape))}"
