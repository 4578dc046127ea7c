"""Language models on data-sheet devices: descriptions, graphs, prefill and decoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import attention
from netwright.blocks._layers import linear
from netwright.cost import key_value_cache
from netwright.errors import DataError
from netwright.graph import Graph, Input, ops, parameter, tokens
from netwright.target import PHASES, Transformer, get_data_sheet, parts_of, step, turning_batch

PROFILE = Path(__file__).parents[3] / "shared" / "data" / "vidur_llm_profile" / "mlp_ops.parquet"
A100 = get_data_sheet("nvidia-a100-sxm-80gb").machine("fp16")
LLAMA_3 = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
}  # fmt: skip
MIXTRAL = LLAMA_3 | {"vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2}
OPT = {
    "model_type": "opt", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32, "ffn_dim": 8192,
    "vocab_size": 50272, "tie_word_embeddings": True,
}  # fmt: skip
SMALL = Transformer(layers=2, width=64, heads=8, kv_heads=2, hidden=256, vocabulary=100, gated=False, rotary=False)


@pytest.mark.parametrize(
    ("config", "billions"),
    # as the authors state them
    [(LLAMA_3, 8.03), (MIXTRAL, 46.7), (OPT, 1.31), (LLAMA_3 | {"num_key_value_heads": 32}, 8.83)],
)
def test_a_configuration_has_the_published_number_of_weights(config: dict[str, Any], billions: float) -> None:
    assert Transformer.from_config(config).weights / 1e9 == pytest.approx(billions, rel=0.005)


def test_a_cache_is_what_keys_and_values_take() -> None:
    llama = Transformer.from_config(LLAMA_3)
    assert llama.cached == 2 * 32 * 8 * 128
    assert step(llama.parts, A100, "decode", 4, 1000).cache_bytes == 2 * 4 * 1000 * llama.cached


def network(length: int, causal: bool = True) -> Graph:
    """SMALL as a graph."""
    x = tokens(length)
    y = ops.gather(parameter("table", (100, 64)), x)
    for _ in range(2):
        scale = parameter("scale", (64,))
        y = y + attention(ops.layer_normalization(y, scale), heads=8, kv_heads=2, bias=False, causal=causal)
        y = y + linear(ops.relu(linear(ops.layer_normalization(y, scale), 256, bias=False)), 64, bias=False)
    y = ops.layer_normalization(y, parameter("scale", (64,)))
    return Graph([x], [linear(y, 100, bias=False)])


@pytest.mark.parametrize("length", [8, 32])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(("batch", "context"), [(1, 16), (3, 100)])
def test_a_graph_of_any_length_is_what_its_description_says(
    length: int, phase: str, batch: int, context: int
) -> None:
    ours, theirs = (step(parts, A100, phase, batch, context) for parts in (parts_of(network(length)), SMALL.parts))
    assert ours.cache_bytes == theirs.cache_bytes
    for name in ("attention", "others"):
        work, said = (
            sum(part.flops for part in each.parts if (part.name == "attention") == (name == "attention"))
            for each in (ours, theirs)
        )
        assert work == pytest.approx(said, rel=0.05)
    # Sums of the graph are in the kernels in front of them, so that it starts fewer.
    assert 0.5 * theirs.ms < ours.ms <= theirs.ms


def test_the_cache_of_a_graph_is_the_one_that_its_profile_tells() -> None:
    graph = network(16)
    told = sum(cache.bytes_per_token for cache in key_value_cache(graph))
    machine = get_data_sheet("nvidia-a100-sxm-80gb").machine("fp32")
    assert step(parts_of(graph), machine, "decode", 1, 1).cache_bytes == told


def test_decoding_one_sequence_is_bound_by_memory_and_a_long_prompt_by_compute() -> None:
    llama = Transformer.from_config(LLAMA_3)
    one, prompt = step(llama.parts, A100, "decode", 1, 512), step(llama.parts, A100, "prefill", 8, 2048)
    assert one.share("memory") > 0.8
    assert prompt.share("compute") > 0.85
    # All weights are read once, so a token takes at least as long as that.
    assert one.ms > 1e3 * 2 * (llama.weights - 128256 * 4096) / A100.bandwidth
    assert sum(one.share(bound) for bound in ("compute", "memory", "start")) == pytest.approx(1)


def test_time_grows_with_the_cache_and_with_the_batch() -> None:
    parts = Transformer.from_config(LLAMA_3).parts
    contexts = [step(parts, A100, "decode", 16, length).ms for length in (128, 1024, 8192, 65536)]
    batches = [step(parts, A100, "decode", batch, 1024) for batch in (1, 8, 64, 512)]
    assert contexts == sorted(contexts)
    assert contexts[-1] > 3 * contexts[0]
    assert [each.ms for each in batches] == sorted(each.ms for each in batches)
    rates = [each.tokens_per_second for each in batches]
    assert rates == sorted(rates)


def test_the_batch_from_which_products_are_bound_by_compute_is_where_they_turn() -> None:
    parts = Transformer.from_config(LLAMA_3).parts
    turn = turning_batch(parts, A100)
    assert turn is not None
    bounds = [
        {part.bound for part in step(parts, A100, "decode", batch, 1).parts if part.name == "mlp up"}
        for batch in (turn // 4, turn * 4)
    ]
    assert bounds == [{"memory"}, {"compute"}]
    assert turning_batch(parts, A100, most=2) is None


def test_a_mixture_reads_the_experts_that_its_tokens_go_to() -> None:
    parts = Transformer.from_config(MIXTRAL).parts
    [one, all_] = [
        next(part for part in step(parts, A100, "decode", batch, 1).parts if part.name == "mlp up")
        for batch in (1, 256)
    ]
    matrix = 32 * 2 * 4096 * 2 * 14336
    assert one.bytes == pytest.approx(2 * matrix, rel=0.01)
    assert all_.bytes == pytest.approx(8 * matrix, rel=0.05)
    assert all_.flops == pytest.approx(256 * one.flops, rel=0.05)


def test_workers_share_what_is_read_and_done() -> None:
    llama = Transformer.from_config(LLAMA_3)
    whole, share = (step(model.parts, A100, "decode", 8, 1024) for model in (llama, llama.split(4)))
    assert llama.split(4).weights == pytest.approx(llama.weights / 4, rel=0.01)
    assert share.cache_bytes == whole.cache_bytes / 4
    assert whole.ms / 4 < share.ms < whole.ms
    assert llama.split(16).kv_heads == 1
    with pytest.raises(DataError, match="workers must divide"):
        llama.split(5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden_size": None}, "must have hidden_size or n_embd or d_model"),
        ({"num_hidden_layers": "many"}, "whole numbers, but num_hidden_layers is 'many'"),
        ({"num_attention_heads": 0}, "positive"),
        ({"num_key_value_heads": 5}, "heads must divide"),
        ({"num_local_experts": 2, "num_experts_per_tok": 3}, "3 of 2"),
    ],
)
def test_what_is_no_configuration_is_one_sentence(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_3 | changes))
    with pytest.raises(DataError, match=words):
        Transformer.load(tmp_path / "config.json")


@pytest.mark.parametrize(("text", "words"), [("[1]", "one object"), ("{", "readable JSON")])
def test_a_file_that_is_none_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(DataError, match=words):
        Transformer.load(tmp_path / "config.json")


def test_networks_that_are_no_language_models_are_refused() -> None:
    with pytest.raises(DataError, match="2 attentions, 0 of them causal"):
        parts_of(network(8, causal=False))
    x = Input((1, 8, 8))
    with pytest.raises(DataError, match="0 attentions"):
        parts_of(Graph([x], [linear(x, 8)]))
    y = attention(x, heads=2, causal=True)
    with pytest.raises(DataError, match="MatMul multiplies"):
        parts_of(Graph([x], [ops.matmul(y, y)]))
    with pytest.raises(DataError, match="a phase must be one of prefill, decode"):
        step(SMALL.parts, A100, "train")
    with pytest.raises(DataError, match="positive"):
        step(SMALL.parts, A100, "decode", 0)


@pytest.mark.skipif(not PROFILE.is_file(), reason="the folder of shared data sets is not beside the checkout")
def test_measured_layers_take_as_long_as_foretold() -> None:
    table = pytest.importorskip("pyarrow.parquet").read_table(PROFILE).to_pylist()
    rows = [row for row in table if row["device"] == "a40" and row["num_tensor_parallel_workers"] == 1][::10]
    machine = get_data_sheet("nvidia-a40").machine("fp16")
    ratios = []
    for row in rows:
        model = Transformer(
            layers=1, width=row["n_embd"], heads=row["n_head"], kv_heads=row["n_kv_head"],
            hidden=row["n_expanded_embd"], vocabulary=row["vocab_size"], gated=row["use_gated_mlp"],
        )  # fmt: skip
        told = {part.name: part.ms for part in step(model.parts, machine, "prefill", 1, row["num_tokens"]).parts}
        ratios.append(told["mlp up"] / row["ms_mlp_up_proj"])
    assert 0.85 < np.median(ratios) < 1.15
    assert np.quantile(ratios, 0.1) > 0.75
