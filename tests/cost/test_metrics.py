"""alpha-FLOPs, intensities, decoding and the guidelines, against numbers worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.blocks import conv, inception
from netwright.cost import (
    RULES,
    AlphaFlops,
    WeightedIntensity,
    attention_decoding,
    bytes_by_dtype,
    cost,
    experts_decoding,
    guidelines,
    key_value_cache,
    latent_decoding,
)
from netwright.cost._alpha_flops import alpha
from netwright.errors import NetwrightError
from netwright.graph import Graph, Input, Tensor, constant, image, ops, parameter, tokens, vector
from netwright.space.catalog import star, star_from_genome


def layer(channels: int, width: int, kernel: int, size: int, group: int = 1) -> Graph:
    x = image(channels, size, size)
    weight = parameter("weight", (width, channels // group, kernel, kernel))
    return Graph([x], [ops.conv(x, weight, pads=kernel // 2, group=group)])


# alpha-FLOPs --------------------------------------------------------------------------------------


def test_alpha_is_that_of_the_paper() -> None:
    # Worked out from the equation: K = 9, S = 196, S_K = 1 + ln 9 = 3.19722, beta = 0.001, gamma = 0.56.
    assert alpha(9, 196, 0.001, 0.56) == pytest.approx(((3.197225 + 0.001 * 192.802775) / 196) ** 0.56, rel=1e-6)
    assert alpha(9, 196, 0.001, 0.56) == pytest.approx(0.103098, rel=1e-4)


def test_of_equal_flops_the_layer_with_more_positions_has_fewer_alpha_flops() -> None:
    """The insight of the paper: work along the spatial axes is done at once, along the channels it is not."""
    layers = [layer(2**i * 16, 2**i * 16, 3, 128 // 2**i) for i in range(4)]
    assert len({cost("flops").of(each) for each in layers}) == 1
    corrected = [cost("alpha_flops").of(each) for each in layers]
    assert all(a < b for a, b in pairwise(corrected))


def test_constants_of_a_device_are_the_user_s() -> None:
    graph = layer(16, 16, 3, 32)
    assert AlphaFlops(wider=(1.0, 1.0)).of(graph) == cost("flops").of(graph) == 2 * cost("macs").of(graph)


def test_a_matrix_product_is_a_pointwise_convolution_over_its_rows() -> None:
    x = Input((1, 49, 64))
    dense = Graph([x], [ops.matmul(x, parameter("weight", (64, 32)))])
    assert cost("alpha_flops").of(dense) == cost("alpha_flops").of(layer(64, 32, 1, 7))


# Intensities --------------------------------------------------------------------------------------


def test_intensity_is_flops_by_traffic() -> None:
    graph = layer(8, 16, 1, 4)
    assert cost("intensity").of(graph) == 2 * 8 * 16 * 16 / (4 * (8 * 16 + 16 * 16 + 8 * 16))
    x = image(1, 2, 2)
    assert cost("intensity").of(Graph([x], [x])) == 0.0


@given(st.floats(0, 1))
def test_weighted_intensity_lies_between_reuse_of_activations_and_of_weights(weight: float) -> None:
    graph = layer(8, 16, 3, 8)
    macs, activations, parameters = 8 * 16 * 9 * 64, (8 + 16) * 64, 8 * 16 * 9
    found = WeightedIntensity(weight).of(graph)
    assert found == pytest.approx(macs / (weight * activations + (1 - weight) * parameters))
    ends = sorted((macs / activations, macs / parameters))
    assert ends[0] - 1e-9 <= found <= ends[1] + 1e-9


def test_the_weight_of_activations_is_a_share() -> None:
    with pytest.raises(NetwrightError, match="alpha="):
        WeightedIntensity(1.5)


def test_bytes_by_data_type() -> None:
    x = tokens(4)
    y = ops.cast(ops.gather(parameter("table", (10, 8)), x), to="float16")
    graph = Graph([x], [ops.matmul(y, parameter("weight", (8, 8), dtype="float16"))])
    found = bytes_by_dtype(graph)
    assert found["weights"] == {"float32": 320, "float16": 128}
    assert found["activations"] == {"int64": 32, "float32": 2 * 128, "float16": 3 * 64}
    assert sum(found["activations"].values()) == cost("activation_bytes").of(graph)


def test_what_depends_on_no_input_counts_nothing() -> None:
    x, weight = vector(8), parameter("weight", (4, 8))
    turned = Graph([x], [ops.matmul(x, ops.transpose(weight, perm=(1, 0)))])
    plain = Graph([x], [ops.matmul(x, parameter("weight", (8, 4)))])
    for name in ("params", "macs", "flops", "activation_bytes", "weight_bytes", "peak_memory"):
        assert cost(name).of(turned) == cost(name).of(plain), name


# Decoding -----------------------------------------------------------------------------------------


def test_sharing_keys_raises_the_intensity_as_many_times() -> None:
    mha, gqa, mqa = (attention_decoding(32, kv, 128, 8192) for kv in (32, 8, 1))
    assert mha.intensity == pytest.approx(1.0, rel=1e-3)
    assert gqa.intensity == pytest.approx(4.0, rel=1e-3)
    assert mqa.intensity == pytest.approx(32.0, rel=1e-2)
    assert mha.cache_bytes_per_token == 4 * gqa.cache_bytes_per_token == 32 * mqa.cache_bytes_per_token == 16384


def test_latent_attention_is_two_orders_of_magnitude_above_mha() -> None:
    """The paper's first observation, with the sizes of DeepSeek-V3: 128 heads, latent 512, rotary part 64."""
    mla, mha = latent_decoding(128, 512, 64, 8192), attention_decoding(128, 128, 128, 8192)
    assert 100 < mla.intensity / mha.intensity < 300
    # 576 numbers a token instead of 32,768.
    assert (mla.cache_bytes_per_token, mha.cache_bytes_per_token) == (2 * 576, 2 * 32768)


def test_batching_does_not_help_attention_but_experts() -> None:
    """The paper's second observation: batching brings experts to the intensity of a dense layer."""
    alone, together = (attention_decoding(32, 8, 128, 4096, batch) for batch in (1, 64))
    assert alone.intensity == together.intensity
    batches = (1, 16, 256, 4096, 65536)
    experts = [experts_decoding(7168, 2048, 256, 8, batch).intensity for batch in batches]
    assert all(a <= b for a, b in pairwise(experts))
    # 65,536 tokens of which each goes to 8 of 256 experts are 2,048 tokens an expert.
    assert experts[-1] == pytest.approx(experts_decoding(7168, 2048, 1, 1, 2048).intensity)


def test_a_single_token_reads_its_experts_only() -> None:
    one = experts_decoding(64, 32, 8, 2)
    assert one.flops == 2 * 2 * 3 * 64 * 32
    assert one.bytes == 2 * (2 * 3 * 64 * 32 + 2 * 2 * (64 + 32))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: attention_decoding(8, 3, 64, 10), "heads=8, kv_heads=3"),
        (lambda: attention_decoding(8, 8, 0, 10), "head_dim=0"),
        (lambda: latent_decoding(8, 64, -1, 10), "rope_dim"),
        (lambda: experts_decoding(64, 64, 2, 4), "active=4, experts=2"),
    ],
)
def test_sizes_that_cannot_be_name_themselves(call, said) -> None:
    with pytest.raises(NetwrightError, match=said):
        call()


def attended(mask: Tensor | None = None, **attributes: int) -> Graph:
    q, k, v = (Input((1, heads, 16, 64), "float16", name) for heads, name in ((8, "q"), (2, "k"), (2, "v")))
    return Graph([q, k, v], [ops.attention(q, k, v, *([mask] if mask is not None else []), **attributes)])


def test_the_cache_of_causal_attention() -> None:
    (cache,) = key_value_cache(attended(is_causal=1))
    assert (cache.heads, cache.kv_heads, cache.head_dim, cache.length) == (8, 2, 64, 16)
    assert cache.bytes_per_token == 2 * 2 * 64 * 2
    assert cache.bytes == 16 * cache.bytes_per_token
    expected = attention_decoding(8, 2, 64, 16)
    assert cache.intensity == pytest.approx(expected.intensity)


def test_a_mask_that_hides_what_comes_later_is_causal_too() -> None:
    below = np.tril(np.ones((16, 16), bool))
    assert len(key_value_cache(attended(constant(below, "bool")))) == 1
    assert len(key_value_cache(attended(constant(np.where(below, 0.0, -np.inf))))) == 1
    assert key_value_cache(attended(constant(np.ones((16, 16), bool), "bool"))) == []
    assert key_value_cache(attended()) == []


def test_keys_and_values_that_layers_share_are_kept_once() -> None:
    space = star(tokens(16), 100, scale=0.25, layers=4)
    memory, first = (17, 1, 1, 0, 0), (4, 1, 1, 1, 1)
    own = star_from_genome([first, (2, 2, 1, 2, 1), memory, (4, 3, 1, 3, 1)])
    shared = star_from_genome([first, (4, 1, 1, 1, 4), memory, (4, 1, 1, 1, 2)])
    less = star_from_genome([(8, 1, 1, 1, 1), (8, 1, 1, 1, 4), memory, (17, 2, 1, 0, 0)])
    each = 2 * 192 * 4
    assert [c.bytes_per_token for c in key_value_cache(space.network(own))] == [each, each // 6, each]
    # The last takes keys alone, and a differential attention reads two halves of keys beside the same values.
    assert [c.bytes_per_token for c in key_value_cache(space.network(shared))] == [each, each // 2]
    assert [c.bytes_per_token for c in key_value_cache(space.network(less))] == [each // 4 * 3, each // 4]


# Guidelines ---------------------------------------------------------------------------------------


def found_of(graph: Graph, rule: str) -> list[tuple[int, str]]:
    return [(found.saved, found.found) for found in guidelines(graph) if found.rule.startswith(rule)]


def test_equal_widths_move_least_for_the_same_work() -> None:
    """Equation 2 of the paper: with h w positions and c1 c2 fixed, h w (c1 + c2) is least where c1 = c2."""
    ((saved, words),) = found_of(layer(16, 64, 1, 28), "G1")
    assert saved == 28 * 28 * (16 + 64 - 2 * 32) * 4
    assert "reads 16 and writes 64; 32 each" in words
    equal = layer(32, 32, 1, 28)
    assert cost("macs").of(equal) == cost("macs").of(layer(16, 64, 1, 28))
    assert cost("traffic").of(layer(16, 64, 1, 28)) - cost("traffic").of(equal) == saved
    assert found_of(equal, "G1") == []


def test_groups_cost_channels_that_must_be_moved() -> None:
    """Equation 3: of the same work and input, memory access grows with the groups."""
    ((saved, _),) = found_of(layer(32, 64, 1, 28, group=4), "G2")
    dense = layer(32, 16, 1, 28)
    grouped = layer(32, 64, 1, 28, group=4)
    assert cost("macs").of(dense) == cost("macs").of(grouped)
    assert cost("traffic").of(grouped) - cost("traffic").of(dense) == saved
    assert found_of(layer(32, 32, 3, 28, group=32), "G2") == []


def test_fragments_read_the_same_input_again() -> None:
    x = image(32, 28, 28)
    graph = Graph([x], [inception(x, 16, 8, 16, 4, 8, 8)])
    ((saved, words),) = found_of(graph, "G3")
    assert saved == 3 * x.bytes
    assert "4 layers" in words


def test_elementwise_operations_could_be_done_by_the_layer_before() -> None:
    x = image(8, 16, 16)
    y = conv(x, 8)
    saved = found_of(Graph([x], [ops.add(y, x)]), "G4")
    # Normalisation, activation and sum: each writes and reads its input again.
    assert [each for each, _ in saved] == [2 * 8 * 16 * 16 * 4] * 3
    # A value that others read, too, has to be written anyhow.
    assert found_of(Graph([x], [ops.relu(x), ops.exp(x)]), "G4") == []


def test_rules_of_one_s_own() -> None:
    rules = {
        **RULES,
        "no large kernels": lambda graph, node: ("it is", 10**6, 10**6) if node.op.name == "Conv" else None,
    }
    found = guidelines(layer(8, 8, 5, 8), rules)
    assert found[0].rule == "no large kernels"
    assert str(found[0]).endswith("conv: no large kernels, but it is; 1,000,000 of 1,000,000 bytes could be saved.")
    assert not math.isnan(found[0].share)
