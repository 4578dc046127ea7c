"""Spaces of language models: their sizes, and the published models in them."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.errors import DesignError, SpaceError
from netwright.graph import tokens
from netwright.space.catalog import (
    composer,
    composer_stacked,
    composer_stretched,
    encoder_decoder,
    flexibert,
    flexibert_from_dictionary,
    star,
    star_from_genome,
    star_genome,
)


@pytest.mark.parametrize(
    ("layers", "width", "heads", "hidden", "params"),
    # BERT-Tiny and BERT-Mini as their authors' checkpoints have them (Turc et al. 2019): 4.4 M and 11.2 M.
    [(2, 128, 2, 512, 4_385_920), (4, 256, 4, 1024, 11_170_560)],
    ids=["tiny", "mini"],
)
def test_small_berts_are_in_the_space_of_flexibert(
    layers: int, width: int, heads: int, hidden: int, params: int
) -> None:
    design: dict[str, int | str] = {"embed.width": width, "more.times": layers - 1}
    for i in range(layers):
        place = f"more.{i - 1}" if i else "first"
        design |= {f"{place}.mix": "scaled", f"{place}.mix.heads": heads, f"{place}.feed.times": 1}
        design |= {f"{place}.feed.0.hidden": hidden} | ({f"{place}.enter.width": width} if i else {})
    space = flexibert()
    assert design in space
    # Theirs tell two sentences apart by two more rows of the embedding, and have no classifier of two classes.
    assert space.costs(design)["params"] == params - 2 * width + 2 * width + 2


def test_flexibert_is_as_large_as_its_table_makes_it() -> None:
    layer = (3 * 2) * 2 * 2 * (2 + 2**3)
    assert flexibert().size() == layer**2 + layer**4


def test_llama_takes_attention_and_perceptrons_in_turn() -> None:
    space = composer()
    pair = {"layer0": "attention", "layer1": "mlp"}
    design = composer_stacked(pair, 16)
    assert design in space
    # Llama 3.2 1B has 1,235,814,400 parameters; it uses the table of words for the scores as well.
    assert space.costs(design)["params"] == 1_235_814_400 + 128_256 * 2048


def test_small_designs_are_scaled_up_in_two_ways() -> None:
    # One to two, the ratio that the paper finds.
    small = {f"layer{i}": "attention" if i % 3 == 0 else "mlp" for i in range(6)}
    stacked, stretched = composer_stacked(small, 4), composer_stretched(small, 4)
    space = composer(tokens(16), 100, scale=0.1, layers=24)
    assert stacked in space
    assert stretched in space
    assert stacked != stretched
    assert space.costs(stacked) == space.costs(stretched)
    assert [stacked[f"layer{i}"] for i in range(6)] == [*small.values()]
    assert [stretched[f"layer{i}"] for i in range(0, 24, 4)] == [*small.values()]
    with pytest.raises(SpaceError, match="at least one layer, but got layers=0"):
        composer(layers=0)


def test_an_encoder_reads_the_source_once() -> None:
    space = encoder_decoder(tokens(64), 1000)
    assert space.size() == 192
    base = {"width": 256, "depth": 12, "expand": 4}
    both = {s: {"body.layers": "encoder-decoder", "body.layers.encoder": s} for s in ("1/2", "2/3", "5/6")}
    designs = {share: {**base, **layers} for share, layers in {"0": {"body.layers": "decoder-only"}, **both}.items()}
    costs = {share: space.costs(design) for share, design in designs.items()}
    # Layers of a decoder-only network all read source and target; at equal depth those of the other read half.
    per_parameter = {share: found["macs"] / found["params"] for share, found in costs.items()}
    assert all(per_parameter[share] < 0.7 * per_parameter["0"] for share in ("1/2", "2/3", "5/6"))
    limits = ["params <= 12M"]
    drawn = space.sample(np.random.default_rng(0), 200, limits)
    assert {design.get("body.layers.encoder", "0") for design in drawn} == costs.keys()
    for design in designs.values():
        assert space.network(design).outputs[0].shape == (1, 32, 1000)


def test_layers_of_star_share_weights_and_features() -> None:
    space = star(tokens(16), 100, scale=0.25, layers=4)
    width, memory = 192, (17, 1, 1, 0, 0)
    params = {
        name: space.costs(star_from_genome([(4, 1, 1, 1, 1), memory, *genes]))["params"]
        for name, genes in {
            "own": [(4, 2, 1, 2, 1), (17, 2, 1, 0, 0)],
            "all weights": [(4, 1, 4, 2, 1), (17, 1, 4, 0, 0)],
            "weights of keys": [(4, 1, 2, 2, 1), (17, 2, 1, 0, 0)],
            "features": [(4, 1, 1, 1, 4), (17, 2, 1, 0, 0)],
            "values": [(4, 1, 1, 1, 3), (17, 2, 1, 0, 0)],
        }.items()
    }
    each, hidden = width * width, 2 * width
    spared = {name: params["own"] - found for name, found in params.items()}
    assert spared == {
        "own": 0,
        "all weights": 2 * each + 2 * width * hidden,
        "weights of keys": each,
        "features": 2 * each,
        "values": each,
    }
    # The first of a kind has nothing to share.
    alone = star_from_genome([memory, (17, 2, 1, 0, 0), (17, 3, 1, 0, 0), (17, 4, 1, 0, 0)])
    assert alone in space
    assert {**alone, "layer0.body.share": "shared"} not in space
    assert {**alone, "layer1.body.share": "shared"} in space


def test_genomes_of_star_go_both_ways() -> None:
    space = star(tokens(16), 100, scale=0.25, layers=6)
    met = set()
    for design in space.sample(np.random.default_rng(0), 1000):
        genome = star_genome(design)
        assert star_from_genome(genome) == design
        met |= {(gene[0], gene[2], gene[4]) for gene in genome}
    # Eight classes of attention in nine ways, six of recurrence and convolution and three of memory in two.
    assert len(met) == 8 * 9 + 8 * 2 + 3 * 2


@pytest.mark.parametrize(
    "genome",
    [
        [(20, 1, 1, 0, 0)], [(1, 1, 5, 1, 1)], [(1, 1, 1, 1, 5)], [(1, 1, 1, 1)], [(17, 1, 1, 1, 1)],
        [(17, 1, 4, 0, 0)], [(1, 1, 4, 1, 1)], [(1, 2, 1, 1, 1)], [(1, 1, 1, 1, 1), (2, 1, 2, 2, 1)],
        [(1, 1, 1, 1, 1), (1, 1, 2, 2, 2)], [(9, 1, 1, 0, 0), (9, 1, 2, 0, 0)], [(1, 1, 1, 1, 1), (1, 1, 1, 2, 3)],
    ],
)  # fmt: skip
def test_what_is_no_genome_is_refused(genome: list[tuple[int, ...]]) -> None:
    with pytest.raises(DesignError, match=r"a gene|a layer must share"):
        star_from_genome(genome)


@pytest.mark.parametrize(
    "change", [{"l": 3}, {"o": ["sa", "x"]}, {"p": ["sdp"]}, {"l": 0, "o": [], "p": [], "n": [], "h": [], "f": []}]
)
def test_what_is_no_dictionary_of_flexibert_is_refused(change: dict[str, object]) -> None:
    mini = {"l": 2, "o": ["sa"] * 2, "p": ["sdp"] * 2, "n": [2] * 2, "h": [128] * 2, "f": [[512]] * 2}
    assert flexibert_from_dictionary(mini) in flexibert()
    with pytest.raises(DesignError):
        flexibert_from_dictionary({**mini, **change})
