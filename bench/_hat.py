"""Encoder-decoder transformers of HAT and their measured latencies, as operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from _table import SHARED

# isort: split
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from netwright.target._language_model import linear, pointwise
from netwright.target._roofline_model import Machine, kernel_ms
from netwright.target._work import Product, Work

__all__ = ["HAT", "WORDS", "decoder", "encoder", "hat_rows", "latencies", "summed"]

Array = NDArray[np.float64]
HAT = {"cpu_raspberrypi": "raspberry-pi-4:eager", "cpu_xeon": "intel-xeon-e5-2640-v4:eager"}
WORDS = {"wmt14ende": 32_768, "wmt14enfr": 40_960}
TOKENS, BEAMS, INNER = 30, 5, 512
"""Length of both sentences, beams of the search, and width of queries, keys and values together."""


def hat_rows(most: int) -> list[dict[str, Any]]:
    """Rows of the table of latencies, so many of each device and task."""
    rows: list[dict[str, Any]] = pq.read_table(SHARED / "hat_latency" / "latency.parquet").to_pylist()
    kept = []
    for pair in dict.fromkeys((row["device"], row["task"]) for row in rows):
        kept += [row for row in rows if (row["device"], row["task"]) == pair][:most]
    return kept


def attention(heads: float, queries: int, keys: float) -> Work:
    """Heads of one width together: scores and sums of `queries` rows over so many keys."""
    n, width = round(heads), max(round(INNER / heads), 1)
    products = (Product(n, queries, round(keys), width), Product(n, queries, width, round(keys)))
    moved = 2 * (queries + keys) * INNER + 2 * heads * queries * keys
    return Work("Attention", 1, products, 5 * heads * queries * keys, moved)


def encoder(row: Mapping[str, Any]) -> list[tuple[float, Work]]:
    """How often, and what: the operations that encode a sentence."""
    d, f, n = row["encoder_embed_dim"], round(row["encoder_ffn_embed_dim_avg"]), row["encoder_layer_num"]
    parts = [
        linear("", d, INNER, 3),
        linear("", INNER, d),
        linear("", d, f),
        linear("", f, d),
        pointwise("", d, d, 2),
    ]
    each = [(n * part.count, part.work.of_batch(TOKENS)) for part in parts if part.work is not None]
    return [*each, (n, attention(row["encoder_self_attention_heads_avg"], TOKENS, TOKENS))]


def decoder(row: Mapping[str, Any]) -> list[tuple[float, Work]]:
    """The same for all tokens of a translation, one after the other; keys of the sentence are made once."""
    d, f, n = row["decoder_embed_dim"], round(row["decoder_ffn_embed_dim_avg"]), row["decoder_layer_num"]
    read = row["decoder_arbitrary_ende_attn_avg"] * TOKENS
    parts = [
        linear("", d, INNER, 4), linear("", INNER, d, 2), linear("", d, f), linear("", f, d), pointwise("", d, d, 6),
    ]  # fmt: skip
    steps = [(n * TOKENS * part.count, part.work.of_batch(BEAMS)) for part in parts if part.work is not None]
    own = attention(row["decoder_self_attention_heads_avg"], BEAMS, TOKENS / 2)
    across = attention(row["decoder_ende_attention_heads_avg"], BEAMS, read)
    memory = linear("", row["encoder_embed_dim"], INNER, 2).work
    words = linear("", d, WORDS[row["task"]]).work
    assert memory is not None
    assert words is not None
    once = [(2.0 * n, memory.of_batch(round(BEAMS * read))), (float(TOKENS), words.of_batch(BEAMS))]
    return [*steps, (n * TOKENS, own), (n * TOKENS, across), *once]


def summed(works: Sequence[tuple[float, Work]], machine: Machine) -> tuple[float, float]:
    """Milliseconds and multiply-adds."""
    ms = sum(count * kernel_ms(work, machine) for count, work in works)
    return ms, sum(count * product.macs for count, work in works for product in work.products)


def latencies(rows: Sequence[Mapping[str, Any]]) -> Array:
    return np.array([[row["latency_mean_encoder"], row["latency_mean_decoder"]] for row in rows])
