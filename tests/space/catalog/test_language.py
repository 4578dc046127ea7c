"""Spaces of language models: their sizes, and the published models in them."""

from __future__ import annotations

import pytest

from netwright.space.catalog import flexibert


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
