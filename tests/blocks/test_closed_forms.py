"""Parameters and MACs of single blocks against formulas worked out by hand."""

from __future__ import annotations

from math import isqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright import blocks as nb
from netwright.blocks import Call
from netwright.graph import Graph, Input, Shape, verify

from .reference import macs, parameters


def built(call: Call, *shape: int) -> Graph:
    x = Input((1, *shape))
    return verify(Graph([x], [call.apply(x)]))


def test_squeeze_and_excitation() -> None:
    graph = built(nb.squeeze_excite(0.25), 64, 7, 7)
    assert parameters(graph) == 2 * 64 * 16 + 16 + 64
    assert macs(graph) == 2 * 64 * 16


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(1, 6), st.sampled_from([3, 5, 7]), st.integers(1, 12))
def test_inverted_residual(eights: int, expand: int, kernel: int, size: int) -> None:
    c = 8 * eights
    e = c * expand
    graph = built(nb.mbconv(expand=expand, kernel=kernel), c, size, size)
    expansion = 0 if expand == 1 else c * e
    weights = expansion + e * kernel**2 + e * c
    norms = 2 * (e * (1 if expand == 1 else 2) + c)
    assert parameters(graph) == weights + norms
    assert macs(graph) == weights * size**2


def test_efficientnet_squeezes_a_quarter_of_the_entering_width() -> None:
    call = nb.mbconv(expand=6, se=0.25, se_base="input", se_divisor=1)
    plain = parameters(built(nb.mbconv(expand=6), 24, 8, 8))
    assert parameters(built(call, 24, 8, 8)) - plain == 2 * 144 * 6 + 6 + 144


def test_shufflenet_unit() -> None:
    c = 116
    half = c // 2
    graph = built(nb.shufflenet_v2(), c, 28, 28)
    assert macs(graph) == 28**2 * (2 * half**2 + 9 * half)
    assert parameters(graph) == 2 * half**2 + 9 * half + 6 * half


@pytest.mark.parametrize(
    ("call", "queries", "keys"),
    [
        (nb.multi_head_attention(8), 8, 8),
        (nb.grouped_query_attention(8, 2), 8, 2),
        (nb.multi_query_attention(8), 8, 1),
        (nb.sparse_query_attention(8, 4), 4, 4),
        (nb.sparse_query_attention(8, 2, 1), 2, 1),
        (nb.attention(8, query_heads=4, kv_heads=2), 4, 2),
    ],
    ids=repr,
)
def test_attention_family(call: Call, queries: int, keys: int) -> None:
    length, width, each = 50, 64, 8
    graph = built(call, length, width)
    projections = width * each * (queries + 2 * keys) + queries * each * width
    biases = each * (queries + 2 * keys) + width
    assert parameters(graph) == projections + biases
    # Scores and their product with the values cost in proportion to the query heads alone: the point of SQA.
    assert macs(graph) == length * projections + 2 * length**2 * queries * each


def test_half_of_the_query_heads_halve_the_cost_of_scores() -> None:
    def scores(call: Call) -> int:
        return sum(n.op.macs(n) for n in built(call, 128, 64).nodes if n.op.name == "Attention")

    assert scores(nb.multi_head_attention(8)) == 2 * scores(nb.sparse_query_attention(8, 4))
    assert scores(nb.multi_head_attention(8)) == scores(nb.multi_query_attention(8))


def test_swiglu_has_the_parameters_of_a_plain_perceptron() -> None:
    gated = parameters(built(nb.swiglu(), 16, 384))
    plain = parameters(built(nb.mlp(bias=False), 16, 384))
    assert gated == plain == 8 * 384**2


def test_hourglass_trains_only_the_narrow_path() -> None:
    x = Input((1, 13))
    graph = Graph([x], [nb.hourglass(nb.random_projection(x, 128), narrow=16)])
    assert parameters(graph) == 2 * 128 + 128 * 16 + 16 + 16 * 128 + 128
    assert macs(graph) == 13 * 128 + 2 * 128 * 16
    assert [name for name, p in graph.parameters.items() if not p.trainable] == ["random_projection.linear.weight"]


def test_tabm_shares_all_but_scales_biases_and_head() -> None:
    x, k = Input((1, 13)), 32
    graph = Graph([x], [nb.tabm_head(nb.tabm(nb.tabm(x, 64), 64), 3)])
    shared = 13 * 64 + 64 * 64
    own = (13 + 64 + 64) + (64 + 64 + 64) + (64 * 3 + 3)
    assert parameters(graph) == shared + k * own
    assert macs(graph) == k * (13 * 64 + 64 * 64 + 64 * 3)
    scales = {name: p.init.kind for name, p in graph.parameters.items() if name.endswith("input_scale")}
    assert scales == {"tabm.input_scale": "signs", "tabm_1.input_scale": "ones"}


def test_tabm_mini_has_one_scale() -> None:
    x, k = Input((1, 13)), 32
    graph = Graph([x], [nb.tabm_head(nb.tabm_mini(nb.tabm_mini(x, 64), 64), 3)])
    assert parameters(graph) == 13 * k + (13 * 64 + 64) + (64 * 64 + 64) + k * (64 * 3 + 3)


@pytest.mark.parametrize("width", [16, 64, 256])
def test_monarch_matrix_costs_two_n_to_the_three_halves(width: int) -> None:
    graph = built(nb.monarch_linear(), 10, width)
    assert parameters(graph) == 2 * width * isqrt(width)
    assert macs(graph) == 10 * parameters(graph)


@pytest.mark.parametrize(("width", "features", "rank"), [(64, 64, 0.5), (64, 256, 0.33), (96, 24, 1.0)])
def test_three_factors_meet_at_the_rank(width: int, features: int, rank: float) -> None:
    r = int(rank * min(width, features))
    graph = built(nb.low_rank_linear(features, rank), 10, width)
    assert parameters(graph) == r * (width + r + features) + features
    assert macs(graph) == 10 * r * (width + r + features)


def test_encoder_of_low_rank() -> None:
    d, inner, hidden, tokens = 48, 2 * 16, 4 * 48, 10
    graph = built(nb.low_rank_encoder(2, 4.0, 0.5, 16), tokens, d)
    maps = ((d, 3 * inner), (inner, d), (d, hidden), (hidden, d))
    weights = sum(min(pair) // 2 * (sum(pair) + min(pair) // 2) for pair in maps)
    assert parameters(graph) == weights + sum(out for _, out in maps) + 2 * 2 * d
    assert macs(graph) == tokens * weights + 2 * tokens**2 * inner


def test_where_low_rank_saves_weights() -> None:
    def saves(features: int, rank: float) -> bool:
        return parameters(built(nb.low_rank_linear(features, rank), 10, 1000)) < 1000 * features

    assert [saves(1000, rank) for rank in (0.41, 0.42)] == [True, False]
    assert [saves(4000, rank) for rank in (0.69, 0.71)] == [True, False]


def test_monarch_mixer_is_below_quadratic_in_the_length() -> None:
    def cost(length: int) -> int:
        return macs(built(nb.monarch_mixer(), length, 64))

    # Length times 16: n ** 1.5 would be 64, a quadratic mixer 256.
    assert cost(4096) / cost(256) <= 64


def test_lowformer_attention() -> None:
    c, size, small = 128, 14, 7
    graph = built(nb.lowformer_attention(), c, size, size)
    reduce, qkv, enlarge = 25 * c, c * 3 * c // 2, 16 * (c // 2) * c
    assert parameters(graph) == reduce + 2 * c + qkv + enlarge + c
    assert macs(graph) == small**2 * (reduce + qkv + enlarge) + 2 * small**4 * c // 2


@pytest.mark.parametrize(
    ("call", "weights"),
    [
        (nb.convnext(), 49 * 64 + 64 + 2 * 64 + 8 * 64**2 + 4 * 64 + 64 + 64),
        (nb.inceptionnext(), 8 * (9 + 11 + 11 + 3) + 2 * 64 + 8 * 64**2 + 4 * 64 + 64 + 64),
        (nb.starnet(), 49 * 64 + 2 * 64 + 2 * (4 * 64**2 + 4 * 64) + 4 * 64**2 + 2 * 64 + 49 * 64 + 64),
        (nb.vanilla(), 64**2 + 64 + 49 * 64 + 64),
        (nb.metaformer(), 2 * 2 * 64 + 8 * 64**2 + 4 * 64 + 64 + 2 * 64),
        (nb.residual_block(), 2 * (9 * 64**2 + 2 * 64)),
        (nb.residual_reduction(128), 9 * 64 * 128 + 9 * 128**2 + 4 * 128 + 64 * 128),
        (nb.factorized_reduction(128), 64 * 128 + 2 * 128),
    ],
    ids=repr,
)
def test_parameters_of_convolutional_blocks(call: Call, weights: int) -> None:
    assert parameters(built(call, 64, 14, 14)) == weights


@pytest.mark.parametrize(
    ("call", "shape", "weights"),
    [
        (nb.linear_block(32), (13,), 13 * 32 + 64),
        (nb.linear_block(32, norm="none"), (13,), 13 * 32 + 32),
        (nb.conv1d(8, 7), (3, 50), 7 * 3 * 8 + 16),
        (nb.separable1d(8, 7), (3, 50), 7 * 3 + 6 + 3 * 8 + 16),
        (nb.residual1d(8, 7), (3, 50), (7 * 3 + 5 * 8 + 3 * 8) * 8 + 48 + 3 * 8 + 16),
        (nb.random_mixer(), (16, 8), 0),
        (nb.pool_mixer(), (16, 8, 8), 0),
        (nb.skip(), (16, 8, 8), 0),
        (nb.zero(24, stride=2), (16, 8, 8), 0),
    ],
    ids=repr,
)
def test_parameters_of_small_blocks(call: Call, shape: Shape, weights: int) -> None:
    assert parameters(built(call, *shape)) == weights
