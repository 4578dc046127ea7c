"""HAT: encoder-decoder transformers with layers that differ in every width (Wang et al., ACL 2020; row 160).

Made for translation on given hardware: a table of latencies on phones, processors and graphics cards goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.blocks import hat_decoder, hat_encoder, token_embedding, vocabulary_head
from netwright.errors import DesignError
from netwright.graph import Input, tokens
from netwright.space._bundle import grow, several, take
from netwright.space._choice import oneof
from netwright.space._design import Design, Value
from netwright.space._domain import integer
from netwright.space._expression import named
from netwright.space._sequence import repeat, seq
from netwright.space._space import Space

__all__ = ["hat", "hat_config", "hat_features", "hat_from_config"]

LAYERS = 6
WIDTHS = (512, 640)
ATTENDED = {"-1": (3,), "1": (2, 3), "2": (1, 2, 3)}
"""Of the last three encoder layers, those that a decoder layer reads; by the authors' numbers."""
ENCODER = {"encoder_ffn_embed_dim": "hidden", "encoder_self_attention_heads": "heads"}
DECODER = {
    "decoder_ffn_embed_dim": "block.hidden",
    "decoder_self_attention_heads": "block.heads",
    "decoder_ende_attention_heads": "block.cross_heads",
    "decoder_arbitrary_ende_attn": "attend",
}
"""Lists of the authors' configurations, and what they decide in each layer."""


def hat(
    input: Input | None = None,
    classes: int = 32768,
    *,
    scale: float = 1.0,
    hidden: Sequence[int] = (1024, 2048, 3072),
    heads: Sequence[int] = (4, 8),
) -> Space:
    """Widths of encoder and decoder, depth of the decoder, and heads, perceptron and memory of each layer.

    >>> hat().size() == 2 * (3 * 2) ** 6 * 2 * sum((3 * 2 * 2 * 3) ** depth for depth in range(1, 7))
    True

    input: numbers of tokens, the source sentence in the first half and the target in the second. classes: words of
    the vocabulary. scale: multiplier of all widths. hidden, heads: those of the search on WMT; the table of latencies
    has perceptrons of 512 and 2 heads as well.
    """
    length = (input or tokens(60)).shape[1]
    half, inner = length // 2, 8 * max(round(64 * scale), 1)
    wide = oneof(*(max(round(width * scale), 1) for width in WIDTHS))
    feed = oneof(*(max(round(width * scale), 1) for width in hidden))
    encoder = hat_encoder(oneof(*heads), feed, inner)
    decoder = hat_decoder(heads=oneof(*heads), cross_heads=oneof(*heads), hidden=feed, inner=inner)
    memories = (named(name, take(0, *places)) for name, places in ATTENDED.items())
    layer = seq(attend=oneof(*memories), block=decoder)
    network = seq(
        embed=several(
            target=token_embedding(classes, wide, half, length), source=token_embedding(classes, wide, 0, half)
        ),
        encoder=seq(**{str(i): grow(seq(take(1 + i), layer=encoder)) for i in range(LAYERS)}),
        last=take(0, *(LAYERS + i for i in (-1, 0, 1))),
        decoder=repeat(several(layer=layer, **{f"e{i}": take(i) for i in (1, 2, 3)}), times=integer(1, LAYERS)),
        head=seq(take(0), vocabulary_head(classes)),
    )
    return Space(network, input=tokens(length), name="hat")


def hat_config(design: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
    """Configuration of a design, as the authors' files write it.

    >>> config = hat_config(hat().design_at(0))
    >>> config["decoder"]["decoder_layer_num"], config["decoder"]["decoder_arbitrary_ende_attn"]
    (1, [-1])
    """
    depth = int(design["decoder.times"])

    def lists(part: str, names: Mapping[str, str], count: int) -> dict[str, list[int]]:
        return {key: [int(design[f"{part}.{i}.layer.{path}"]) for i in range(count)] for key, path in names.items()}

    encoder, decoder = lists("encoder", ENCODER, LAYERS), lists("decoder", DECODER, depth)
    return {
        "encoder": {"encoder_embed_dim": int(design["embed.source.width"]), "encoder_layer_num": LAYERS, **encoder},
        "decoder": {"decoder_embed_dim": int(design["embed.target.width"]), "decoder_layer_num": depth, **decoder},
    }


FEATURES = (
    "encoder_embed_dim", "encoder_layer_num", "encoder_ffn_embed_dim_avg", "encoder_self_attention_heads_avg",
    "decoder_embed_dim", "decoder_layer_num", "decoder_ffn_embed_dim_avg", "decoder_self_attention_heads_avg",
    "decoder_ende_attention_heads_avg", "decoder_arbitrary_ende_attn_avg",
)  # fmt: skip
"""Columns of the table of latencies."""


def hat_features(design: Mapping[str, Value]) -> list[float]:
    """The ten numbers of a design that the table of latencies has: sizes, and the means of lists over the layers.

    >>> hat_features(hat().design_at(0))
    [512.0, 6.0, 1024.0, 4.0, 512.0, 1.0, 1024.0, 4.0, 4.0, 1.0]

    How many encoder layers a decoder layer reads is counted: 1 for the authors' -1, 2 for 1, 3 for 2.
    """
    numbers: dict[str, float] = {}
    for part in hat_config(design).values():
        for key, value in part.items():
            if key == "decoder_arbitrary_ende_attn":
                value = [len(ATTENDED[str(number)]) for number in value]
            name, mean = (f"{key}_avg", sum(value) / len(value)) if isinstance(value, list) else (key, value)
            numbers[name] = float(mean)
    return [numbers[name] for name in FEATURES]


def hat_from_config(config: Mapping[str, Mapping[str, Any]]) -> Design:
    """Design of a configuration; lists may be longer than the decoder is deep, as the authors' are.

    >>> design = hat().design_at(10**14)
    >>> hat_from_config(hat_config(design)) == design
    True

    Raises DesignError for a key that is missing, a list that is too short, and an encoder of other than 6 layers.
    """
    encoder, decoder = config.get("encoder", {}), config.get("decoder", {})
    depth: int = decoder.get("decoder_layer_num", 0)
    if encoder.get("encoder_layer_num") != LAYERS or depth not in range(1, LAYERS + 1):
        raise DesignError(f"a HAT must have 6 encoder and 1 to 6 decoder layers, but got {config}.")
    values: dict[str, Value] = {"decoder.times": depth}
    for part, place, width in ((encoder, "source", "encoder_embed_dim"), (decoder, "target", "decoder_embed_dim")):
        if width not in part:
            raise DesignError(f"a HAT configuration must have {width!r}, but it has {sorted(part)}.")
        values[f"embed.{place}.width"] = int(part[width])
    for name, part, lists, count in (("encoder", encoder, ENCODER, LAYERS), ("decoder", decoder, DECODER, depth)):
        for key, path in lists.items():
            if len(part.get(key, ())) < count:
                raise DesignError(f"{key!r} must hold {count} numbers or more, but got {part.get(key)}.")
            for i in range(count):
                value = part[key][i]
                values[f"{name}.{i}.layer.{path}"] = str(value) if path == "attend" else int(value)
    return Design(values)
