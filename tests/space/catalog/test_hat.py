"""HAT: its size, its configurations, its layers against PyTorch's, and the rows of its table of latencies."""

from __future__ import annotations

from itertools import combinations_with_replacement, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.errors import DesignError
from netwright.graph import tokens
from netwright.space import Space
from netwright.space.catalog import hat, hat_config, hat_from_config

TABLE = Path(__file__).parents[4] / "shared" / "data" / "hat_latency" / "latency.parquet"
HIDDEN, HEADS, READ = (512, 1024, 2048, 3072), (2, 4, 8), (1, 2, 3)
"""Choices of the table: widths of perceptrons, heads, how many encoder layers are read."""
NUMBERS = {1: -1, 2: 1, 3: 2}
"""How the authors write how many encoder layers are read."""


@pytest.fixture(scope="module")
def space() -> Space:
    return hat()


def base(depth: int = 6, attend: int = -1) -> dict[str, dict[str, Any]]:
    """Configuration of the base transformer of Vaswani et al. 2017."""
    encoder = {"encoder_ffn_embed_dim": [2048] * 6, "encoder_self_attention_heads": [8] * 6}
    decoder = {
        "decoder_ffn_embed_dim": [2048] * 6,
        "decoder_self_attention_heads": [8] * 6,
        "decoder_ende_attention_heads": [8] * 6,
        "decoder_arbitrary_ende_attn": [attend] * 6,
    }
    return {
        "encoder": {"encoder_embed_dim": 512, "encoder_layer_num": 6, **encoder},
        "decoder": {"decoder_embed_dim": 512, "decoder_layer_num": depth, **decoder},
    }


def test_size_is_of_the_order_of_the_paper(space: Space) -> None:
    assert space.size() == 2 * (3 * 2) ** 6 * 2 * sum((3 * 2 * 2 * 3) ** depth for depth in range(1, 7))
    assert round(np.log10(space.size())) == 15


def test_layers_have_the_parameters_of_those_of_pytorch(space: Space) -> None:
    torch = pytest.importorskip("torch")
    layers = (torch.nn.TransformerEncoderLayer(512, 8, 2048), torch.nn.TransformerDecoderLayer(512, 8, 2048))
    encoder, decoder = (sum(p.numel() for p in layer.parameters()) for layer in layers)
    tables = 2 * (32768 + 30) * 512 + 32768 * 512
    for depth in (1, 6):
        params = space.costs(hat_from_config(base(depth)), ["params"])["params"]
        assert params == tables + 6 * encoder + depth * decoder


def test_a_longer_memory_costs_work_but_no_weights(space: Space) -> None:
    costs = [space.costs(hat_from_config(base(attend=attend))) for attend in (-1, 1, 2)]
    assert len({cost["params"] for cost in costs}) == 1
    macs = [cost["macs"] for cost in costs]
    # Keys and values of one more encoder output of 30 tokens, and their scores and sums, in six layers.
    step = 6 * (2 * 30 * 512 * 512 + 2 * 30 * 30 * 512)
    assert [b - a for a, b in pairwise(macs)] == [step, step]


def test_configurations_go_both_ways(space: Space) -> None:
    for design in space.sample(np.random.default_rng(0), 100):
        assert hat_from_config(hat_config(design)) == design
    assert hat_from_config(base(3)) in space


def test_the_sentence_is_halved() -> None:
    small = hat(tokens(12), 100, scale=0.125)
    network = small.network(small.design_at(0))
    assert network.inputs[0].shape == (1, 12)
    assert network.outputs[0].shape == (1, 6, 100)


@pytest.mark.parametrize(
    ("part", "key", "value", "words"),
    [
        ("encoder", "encoder_layer_num", 5, "6 encoder"),
        ("decoder", "decoder_layer_num", 7, "1 to 6 decoder"),
        ("decoder", "decoder_ffn_embed_dim", [2048], "must hold 6 numbers"),
        ("encoder", "encoder_self_attention_heads", [], "must hold 6 numbers"),
    ],
)
def test_what_is_no_configuration_is_refused(part: str, key: str, value: object, words: str) -> None:
    config = base()
    config[part][key] = value
    with pytest.raises(DesignError, match=words):
        hat_from_config(config)
    del config[part][f"{part}_embed_dim"]
    with pytest.raises(DesignError):
        hat_from_config(config)


def _with_mean(choices: tuple[int, ...], count: int, mean: float) -> list[int]:
    """Values whose mean is the one that a row of the table states."""
    wanted = round(mean * count)
    assert abs(wanted - mean * count) < 1e-6
    return next(list(some) for some in combinations_with_replacement(choices, count) if sum(some) == wanted)


def _config(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    depth = row["decoder_layer_num"]
    read = _with_mean(READ, depth, row["decoder_arbitrary_ende_attn_avg"])
    return {
        "encoder": {
            "encoder_embed_dim": row["encoder_embed_dim"],
            "encoder_layer_num": row["encoder_layer_num"],
            "encoder_ffn_embed_dim": _with_mean(HIDDEN, 6, row["encoder_ffn_embed_dim_avg"]),
            "encoder_self_attention_heads": _with_mean(HEADS, 6, row["encoder_self_attention_heads_avg"]),
        },
        "decoder": {
            "decoder_embed_dim": row["decoder_embed_dim"],
            "decoder_layer_num": depth,
            "decoder_ffn_embed_dim": _with_mean(HIDDEN, depth, row["decoder_ffn_embed_dim_avg"]),
            "decoder_self_attention_heads": _with_mean(HEADS, depth, row["decoder_self_attention_heads_avg"]),
            "decoder_ende_attention_heads": _with_mean(HEADS, depth, row["decoder_ende_attention_heads_avg"]),
            "decoder_arbitrary_ende_attn": [NUMBERS[n] for n in read],
        },
    }


@pytest.mark.slow
@pytest.mark.skipif(not TABLE.is_file(), reason="the folder of shared data sets is not beside the checkout")
def test_every_row_of_the_latency_table_is_the_mean_of_a_design() -> None:
    rows = pytest.importorskip("pyarrow.parquet").read_table(TABLE).to_pylist()
    assert len(rows) == 8000
    space = hat(hidden=HIDDEN, heads=HEADS)
    for row in rows[::4]:
        config = _config(row)
        design = hat_from_config(config)
        assert design in space
        assert hat_config(design) == config
