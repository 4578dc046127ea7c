"""Spaces of vision transformers and hybrids: the published networks in them, and their rules."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from netwright.errors import DesignError
from netwright.graph import image
from netwright.space.catalog import ascan, hytra, hytra_from_encoding, turbovit


def test_hiera_t_is_in_the_space_around_turbovit() -> None:
    design: dict[str, float] = {"stem.channels": 96}
    for stage, (width, blocks, heads) in enumerate(((96, 1, 1), (192, 2, 2), (384, 7, 4), (768, 2, 8)), start=1):
        design |= {f"stage{stage}.times": blocks, f"stage{stage}.each.expand": 4.0}
        design |= {f"stage{stage}.each.channels": width, f"stage{stage}.each.heads": heads} if stage > 1 else {}
    space = turbovit()
    assert design in space
    costs = space.costs(design)
    # Ryali et al. 2023 round to 28 M parameters and 5 G; timm states 27.91 M and 4.91 G.
    assert costs["params"] / 1e6 == pytest.approx(27.91, abs=0.01)
    assert costs["macs"] / 1e9 == pytest.approx(4.91, rel=0.01)


def test_the_space_around_turbovit_reaches_below_the_sizes_of_its_abstract() -> None:
    # 2.47 times smaller than FasterViT-0 (31.4 M), 3.4 times fewer operations than MobileViT2-2.0 (7.5 G).
    (drawn,) = turbovit().draw(np.random.default_rng(0), 1, ["params <= 12.7M", "1.5G <= macs <= 2.2G"]).designs
    assert drawn in turbovit()


def test_attention_of_ascan_never_falls_from_stage_to_stage() -> None:
    layouts = [[(n, t) for n in depths for t in range(n + 1)] for depths in ((2, 3), (4, 6), (2, 3))]
    shares = ([t / n for n, t in stages] for stages in product(*layouts))
    assert ascan().size() == 3 * 2 * sum(found == sorted(found) for found in shares)
    design = {"width": 64, "stage1": "CC", "stage2": "CCC", "stage3": "CCTT", "stage4": "TT"}
    assert design in ascan()
    assert {**design, "stage3": "CCCC", "stage2": "CCT"} not in ascan()
    network = ascan().network(design)
    assert sum(node.op.name == "Attention" for node in network.nodes) == 4


def test_bossnet_t0_is_in_hytra() -> None:
    space = hytra()
    design = hytra_from_encoding([[1], [1], [1, 1, 1, 0, 1], [0, 0, 0, 1, 0, 0, 0, 0, 0]])
    assert design in space
    # The authors' table: 3.4 G without squeeze and excitation, and 5.7 G on larger images, which are of 288 pixels.
    assert space.costs(design)["macs"] / 1e9 == pytest.approx(3.4, abs=0.05)
    assert hytra(image(3, 288, 288)).costs(design)["macs"] / 1e9 == pytest.approx(5.7, abs=0.05)
    network = space.network(design)
    assert sum(node.op.name == "Attention" for node in network.nodes) == 9
    assert network.outputs[0].shape == (1, 1000)


def test_paths_of_hytra_are_those_of_the_authors() -> None:
    kinds = {4: 1, 8: 1, 16: 2, 32: 2}
    counts = kinds
    for _ in range(15):
        counts = {at: kinds[at] * (counts[at] + counts.get(at // 2, 0)) for at in kinds}
    assert hytra().size() == sum(counts.values()) == 2_818_103
    late = {f"layer{i}": "conv16" if i < 16 else "conv32" for i in range(1, 17)}
    assert late in hytra()
    assert {**late, "layer3": "conv8"} not in hytra()
    assert hytra().network({f"layer{i}": "conv4" for i in range(1, 17)}).outputs[0].shape == (1, 1000)


@pytest.mark.parametrize("encoding", [[], [[1] * 16], [[1] * 4] * 3 + [[1] * 3], [[0, 1, 1, 1]] + [[1] * 4] * 3])
def test_what_is_no_encoding_of_hytra_is_refused(encoding: list[list[int]]) -> None:
    with pytest.raises(DesignError, match="sixteen of 0 and 1"):
        hytra_from_encoding(encoding)
