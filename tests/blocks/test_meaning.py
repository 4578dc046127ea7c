"""Blocks compute what their papers say, checked against NumPy or PyTorch layers that are not ours."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")

import torch

from netwright import blocks as nb
from netwright.blocks import Call
from netwright.graph import Graph, Input
from netwright.io import initial_weights, to_module

Array = NDArray[np.float32]


def run(call: Call, x: Array, weights: dict[str, Array] | None = None) -> tuple[Array, dict[str, Array]]:
    """Output of a block on an array, and the weights it has, by their name below the block."""
    entry = Input((1, *x.shape[1:]))
    graph = Graph([entry], [call.apply(entry)])
    start = {**initial_weights(graph, 0)}
    prefix = f"{call.block.name}."
    rng = np.random.default_rng(1)
    for name, value in start.items():
        start[name] = (value + 0.1 * rng.standard_normal(value.shape)).astype("float32")
    for name, value in (weights or {}).items():
        start[prefix + name] = value
    module = to_module(graph.with_weights(start)).eval()
    with torch.no_grad():
        y = module(torch.from_numpy(x)).numpy()
    return y, {name.removeprefix(prefix): value for name, value in start.items()}


def normal(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_multi_head_attention_is_that_of_pytorch() -> None:
    x = normal(3, 10, 16)
    found, w = run(nb.multi_head_attention(4), x)
    reference = torch.nn.MultiheadAttention(16, 4, batch_first=True).eval()
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.from_numpy(w["qkv.weight"].T))
        reference.in_proj_bias.copy_(torch.from_numpy(w["qkv.bias"]))
        reference.out_proj.weight.copy_(torch.from_numpy(w["out.weight"].T))
        reference.out_proj.bias.copy_(torch.from_numpy(w["out.bias"]))
        rows = torch.from_numpy(x)
        expected = reference(rows, rows, rows, need_weights=False)[0].numpy()
    close(found, expected)


@pytest.mark.parametrize("causal", [False, True])
def test_grouped_queries_share_keys_and_values(causal: bool) -> None:
    x = normal(2, 6, 12)
    found, w = run(nb.attention(6, query_heads=4, kv_heads=2, causal=causal), x)
    q, k, v = np.split(x @ w["qkv.weight"] + w["qkv.bias"], [8, 12], axis=2)
    heads = []
    for h in range(4):
        group = slice(2 * (h // 2), 2 * (h // 2) + 2)
        scores = q[:, :, 2 * h : 2 * h + 2] @ k[:, :, group].transpose(0, 2, 1) / np.sqrt(2)
        if causal:
            scores = np.where(np.tril(np.ones((6, 6), bool)), scores, -np.inf)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        heads.append(shares / shares.sum(-1, keepdims=True) @ v[:, :, group])
    close(found, np.concatenate(heads, axis=2) @ w["out.weight"] + w["out.bias"])


def test_channel_shuffle_is_that_of_pytorch() -> None:
    x = normal(2, 12, 3, 3)
    expected = torch.nn.ChannelShuffle(3)(torch.from_numpy(x)).numpy()
    found = graph_output(nb.channel_shuffle(3), x)
    close(found, expected)


def graph_output(call: Call, x: Array) -> Array:
    """Output of a block without parameters, behind a 1x1 convolution that does nothing."""
    entry = Input((1, *x.shape[1:]))
    graph = Graph([entry], [call.apply(nb.conv(entry, x.shape[1], 1, norm="none", activation="none"))])
    width = x.shape[1]
    eye = np.eye(width, dtype="float32").reshape(width, width, *(1,) * (x.ndim - 2))
    module = to_module(graph.with_weights({"conv.conv.weight": eye, "conv.conv.bias": np.zeros(width, "float32")}))
    with torch.no_grad():
        y: Array = module.eval()(torch.from_numpy(x)).numpy()
    return y


def test_pool_mixer_leaves_padding_out() -> None:
    x = np.ones((1, 2, 4, 4), "float32")
    close(graph_output(nb.pool_mixer(), x), np.zeros_like(x))


@pytest.mark.parametrize(("size", "expected"), [(4, [[2.5, 4.5], [10.5, 12.5]]), (3, [[2.0, 3.5], [6.5, 8.0]])])
def test_mean_of_a_partial_window_is_that_of_its_pixels(size: int, expected: list[list[float]]) -> None:
    x = np.arange(size * size, dtype="float32").reshape(1, 1, size, size)
    close(graph_output(nb.avg_pool(2, stride=2), x)[0, 0], expected)


def test_zero_is_zero() -> None:
    assert not graph_output(nb.zero(3, stride=2), normal(2, 2, 5, 5)).any()


def test_tabm_is_an_ensemble_of_perceptrons() -> None:
    x = normal(3, 5)
    found, w = run(nb.tabm(7, members=4), x)
    for i in range(4):
        each = ((x * w["input_scale"][i]) @ w["linear.weight"]) * w["output_scale"][i] + w["bias"][i]
        close(found[:, i], np.maximum(each, 0))


def test_tabm_head_has_a_layer_for_each_member() -> None:
    x = normal(3, 4, 5)
    found, w = run(nb.tabm_head(2), x)
    for i in range(4):
        close(found[:, i], x[:, i] @ w["weight"][i] + w["bias"][i])


def test_monarch_is_the_product_of_its_factors_and_permutations() -> None:
    n, a, b = 12, 4, 3
    x = normal(2, n)
    found, w = run(nb.monarch_linear(blocks=a), x)

    def block_diagonal(blocks: Array) -> Array:
        count, rows, columns = blocks.shape
        dense = np.zeros((count * rows, count * columns), "float32")
        for i, each in enumerate(blocks):
            dense[i * rows : (i + 1) * rows, i * columns : (i + 1) * columns] = each
        return dense

    there = np.eye(n, dtype="float32")[:, np.arange(n).reshape(a, b).T.ravel()]
    back = np.eye(n, dtype="float32")[:, np.arange(n).reshape(b, a).T.ravel()]
    dense = block_diagonal(w["monarch.right"]) @ there @ block_diagonal(w["monarch.left"]) @ back
    close(found, x @ dense)


def test_low_rank_is_the_product_of_its_factors() -> None:
    x = normal(2, 5, 12)
    found, w = run(nb.low_rank_linear(8, 0.5), x)
    matrix = w["low_rank.enter.weight"] @ w["low_rank.within.weight"] @ w["low_rank.leave.weight"]
    close(found, x @ matrix + w["low_rank.leave.bias"])
    assert np.linalg.matrix_rank(matrix) == 4


def test_encoder_of_low_rank_attends_like_one_of_full_rank() -> None:
    x = normal(2, 5, 12)
    found, w = run(nb.low_rank_encoder(2, 2.0, 0.5, 3), x)

    def merged(name: str) -> dict[str, Array]:
        factors = [w[f"{name}.{part}.weight"] for part in ("enter", "within", "leave")]
        return {"weight": factors[0] @ factors[1] @ factors[2], "bias": w[f"{name}.leave.bias"]}

    # The same maps in one matrix each, in AutoFormer's block, give the same.
    places = {"mix.qkv": "mix.qkv", "mix.out": "mix.out"}
    places |= {f"feed.{name}": f"feed.mlp.{name}" for name in ("expand", "project")}
    weights = {f"{there}.{kind}": value for here, there in places.items() for kind, value in merged(here).items()}
    weights |= {name: value for name, value in w.items() if ".norm." in name}
    close(run(nb.autoformer_encoder(2, 2.0, 3), x, weights)[0], found)


def test_class_token_stands_in_front_of_the_patches() -> None:
    x = normal(2, 3, 4, 4)
    found, w = run(nb.patch_embedding(5, 2, class_token=True), x)
    rows = x.reshape(2, 3, 2, 2, 2, 2).transpose(0, 2, 4, 1, 3, 5).reshape(2, 4, 12)
    patches = rows @ w["patches.weight"].reshape(5, 12).T + w["patches.bias"]
    token = np.broadcast_to(w["class_token"], (2, 1, 5))
    close(found, np.concatenate([token, patches], axis=1) + w["positions"])


def test_swiglu_gates_with_silu() -> None:
    x = normal(2, 3, 6)
    found, w = run(nb.swiglu(), x)
    gate = x @ w["gate.weight"]
    close(found, (gate / (1 + np.exp(-gate)) * (x @ w["expand.weight"])) @ w["project.weight"])


def test_random_mixer_averages_the_positions() -> None:
    x = np.ones((1, 5, 2), "float32")
    found, w = run(nb.random_mixer(), x)
    close(found, x)
    assert w["mixing"].shape == (5, 5)


def test_factorized_reduction_reads_the_pixels_between() -> None:
    x = np.zeros((1, 2, 4, 4), "float32")
    # Only a pixel at odd row and column: a strided 1x1 convolution alone would not see it.
    x[:, :, 1, 1] = 1.0
    found, _ = run(nb.factorized_reduction(4, norm="none"), x)
    assert not found[:, :2].any()
    assert found[:, 2:, 0, 0].all()


def test_vision_transformer_block_is_that_of_pytorch() -> None:
    x = normal(2, 5, 16)
    found, w = run(nb.vit_encoder(heads=4), x)
    reference = torch.nn.TransformerEncoderLayer(16, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True).eval()
    state = {
        "self_attn.in_proj_weight": w["mix.attention.qkv.weight"].T,
        "self_attn.in_proj_bias": w["mix.attention.qkv.bias"],
        "self_attn.out_proj.weight": w["mix.attention.out.weight"].T,
        "self_attn.out_proj.bias": w["mix.attention.out.bias"],
        "linear1.weight": w["feed.mlp.expand.weight"].T,
        "linear1.bias": w["feed.mlp.expand.bias"],
        "linear2.weight": w["feed.mlp.project.weight"].T,
        "linear2.bias": w["feed.mlp.project.bias"],
        "norm1.weight": w["mix.norm.weight"],
        "norm1.bias": w["mix.norm.bias"],
        "norm2.weight": w["feed.norm.weight"],
        "norm2.bias": w["feed.norm.bias"],
    }
    reference.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in state.items()})
    with torch.no_grad():
        close(found, reference(torch.from_numpy(x)).numpy())


@pytest.mark.parametrize("operation", ["fourier", "cosine"])
def test_transforms_of_flexibert_are_those_of_numpy(operation: str) -> None:
    x = normal(2, 12, 16)
    found, w = run(nb.flexibert_mixer(operation, heads=2), x)
    halves = np.split(x, 2, axis=2)
    if operation == "fourier":
        moved = [np.fft.fft2(half, axes=(1, 2)).real for half in halves]
    else:
        moved = [_cosines(12) @ half @ _cosines(8).T for half in halves]
    y = x + np.concatenate(moved, axis=2) @ w["out.weight"] + w["out.bias"]
    mean, deviation = y.mean(-1, keepdims=True), y.std(-1, keepdims=True)
    expected = (y - mean) / np.sqrt(deviation**2 + 1e-5) * w["norm.weight"] + w["norm.bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def _cosines(n: int) -> Any:
    i, j = np.arange(n)[:, None], np.arange(n)
    return np.cos(np.pi * (2 * j + 1) * i / (2 * n))


def test_spans_of_flexibert_are_convolutions_whose_kernels_depend_on_the_input() -> None:
    x = normal(2, 7, 8)
    found, w = run(nb.flexibert_mixer("span5", heads=2), x)
    wide, v = (
        np.pad(x, ((0, 0), (2, 2), (0, 0))),
        np.pad(x @ w["span5.v.weight"] + w["span5.v.bias"], ((0, 0), (2, 2), (0, 0))),
    )
    near = sum(wide[:, i : i + 7] * w["span5.depthwise"][:, 0, i] for i in range(5))
    query = (x @ w["span5.q.weight"] + w["span5.q.bias"]) * (near @ w["span5.span.weight"] + w["span5.span.bias"])
    scores = np.exp((query @ w["span5.kernel.weight"] + w["span5.kernel.bias"]).reshape(2, 7, 2, 5))
    shares = np.repeat(scores / scores.sum(-1, keepdims=True), 4, axis=2)
    y = x + sum(v[:, i : i + 7] * shares[..., i] for i in range(5)) @ w["out.weight"] + w["out.bias"]
    expected = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + 1e-5)
    close(found, expected * w["norm.weight"] + w["norm.bias"])


@pytest.mark.parametrize("differential", [False, True])
def test_gated_recurrence_is_a_recurrence(differential: bool) -> None:
    x, halves = normal(2, 6, 8), 1 + differential
    found, w = run(nb.gated_recurrence(2, differential=differential), x)
    q, k, v = (part.reshape(2, 6, 2, 4) for part in np.split(x @ w["features.weight"], 3, axis=2))
    kept = 1 / (1 + np.exp(x @ w["gate.weight"] + w["gate.bias"])).reshape(2, 6, 2, halves)
    outputs = []
    for half in range(halves):
        mine, state, made = slice(half * 4 // halves, (half + 1) * 4 // halves), np.zeros((2, 2, 4 // halves, 4)), []
        for t in range(6):
            # A token's own product does not decay; all before it do by the gate of this token.
            state = kept[:, t, :, half, None, None] * state + k[:, t, :, mine, None] * v[:, t, :, None, :]
            made.append(np.einsum("nhd,nhde->nhe", q[:, t, :, mine], state) / np.sqrt(4 / halves))
        outputs.append(np.stack(made, 1).reshape(2, 6, 8))
    mixed = outputs[0] - np.repeat(w["share"], 4) * outputs[1] if differential else outputs[0]
    gate = x @ w["open.weight"]
    close(found, mixed * gate / (1 + np.exp(-gate)) @ w["out.weight"])


@pytest.mark.parametrize("differential", [False, True])
def test_gated_convolution_sees_only_the_past(differential: bool) -> None:
    x = normal(2, 6, 8)
    found, w = run(nb.gated_convolution(3, differential=differential), x)
    value, *gates = np.split(x @ w["features.weight"], 5 if differential else 3, axis=2)

    def mixed(enter: np.ndarray, leave: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        wide = np.pad(enter * value, ((0, 0), (2, 0), (0, 0)))
        return sum(wide[:, i : i + 6] * kernel[:, 0, i] for i in range(3)) * leave

    y = mixed(*gates[:2], w["kernel"])
    y = y - w["share"] * mixed(*gates[2:], w["less"]) if differential else y
    close(found, y @ w["out.weight"])


def test_gated_memory_sees_one_token() -> None:
    x = normal(2, 6, 8)
    found, w = run(nb.gated_memory(2.0), x)
    gate, value = np.split(x @ w["features.weight"], 2, axis=2)
    close(found, gate / (1 + np.exp(-gate)) * value @ w["out.weight"])


@pytest.mark.parametrize("differential", [False, True])
def test_attention_to_given_features_is_that_of_grouped_queries(differential: bool) -> None:
    x, keys, values = normal(2, 6, 8), normal(2, 6, 4), normal(2, 6, 4)
    inputs = [Input((1, 6, size), name=name) for name, size in (("x", 8), ("keys", 4), ("values", 4))]
    graph = Graph(inputs, [nb.key_value_attention(*inputs, 4, differential=differential)])
    rng = np.random.default_rng(1)
    weights = {
        name: rng.standard_normal(value.shape).astype("float32") for name, value in initial_weights(graph, 0).items()
    }
    with torch.no_grad():
        module = to_module(graph.with_weights(weights)).eval()
        found = module(*map(torch.from_numpy, (x, keys, values))).numpy()
    w = {name.removeprefix("key_value_attention."): value for name, value in weights.items()}
    q, halves, future = (
        (x @ w["features.weight"]).reshape(2, 6, 4, 2),
        1 + differential,
        np.triu(np.full((6, 6), -np.inf), 1),
    )
    heads = []
    for head in range(4):
        k, v = (each.reshape(2, 6, 2, 2)[:, :, head // 2] for each in (keys, values))
        seen = []
        for half in range(halves):
            mine = slice(half * 2 // halves, (half + 1) * 2 // halves)
            scores = np.exp(q[:, :, head, mine] @ k[:, :, mine].transpose(0, 2, 1) / np.sqrt(2 / halves) + future)
            seen.append(scores / scores.sum(-1, keepdims=True) @ v)
        heads.append(seen[0] - w["share"][head] * seen[1] if differential else seen[0])
    close(found, np.concatenate(heads, axis=2) @ w["out.weight"])


@pytest.mark.parametrize(
    ("operator", "features"),
    [(nb.gated_convolution(3), 24), (nb.gated_recurrence(2, differential=True), 24), (nb.gated_memory(2.0), 32)],
)
def test_operators_take_weights_from_elsewhere(operator: nb.Call, features: int) -> None:
    tokens, given = Input((1, 6, 8), name="tokens"), Input((8, features), name="given", batch_axis=None)
    alone, led = Graph([tokens], [operator.apply(tokens)]), Graph([tokens, given], [operator.apply(tokens, given)])
    weights = initial_weights(alone, 0)
    own = f"{operator.block.name}.features.weight"
    x, theirs = torch.from_numpy(normal(2, 6, 8)), {name: value for name, value in weights.items() if name != own}
    with torch.no_grad():
        expected = to_module(alone.with_weights(weights)).eval()(x)
        found = to_module(led.with_weights(theirs)).eval()(x, torch.from_numpy(weights[own]))
    close(found.numpy(), expected.numpy())


@pytest.mark.parametrize("halo", [0, 1, 4])
def test_halo_attention_is_that_of_each_block_and_its_halo(halo: int) -> None:
    x = normal(2, 6, 8, 12)
    found, w = run(nb.halo_attention(4, halo, 2), x)
    rows = np.moveaxis(x, 1, 3) @ w["qkv.weight"][:, :, 0, 0].T + w["qkv.bias"]
    q, k, v = np.split(rows, 3, axis=3)
    k, v = (np.pad(y, ((0, 0), (halo, halo), (halo, halo), (0, 0))) for y in (k, v))
    mixed = np.zeros_like(q)
    for i, j, h in itertools.product(range(0, 8, 4), range(0, 12, 4), range(2)):
        head, near = slice(3 * h, 3 * h + 3), (slice(i, i + 4 + 2 * halo), slice(j, j + 4 + 2 * halo))
        asks = q[:, i : i + 4, j : j + 4, head].reshape(2, 16, 3)
        keys, values = (y[:, near[0], near[1], head].reshape(2, -1, 3) for y in (k, v))
        scores = np.exp(asks @ keys.transpose(0, 2, 1) / np.sqrt(3))
        mixed[:, i : i + 4, j : j + 4, head] = (scores / scores.sum(-1, keepdims=True) @ values).reshape(2, 4, 4, 3)
    expected = mixed @ w["out.weight"][:, :, 0, 0].T + w["out.bias"]
    close(found, np.moveaxis(expected, 3, 1))
