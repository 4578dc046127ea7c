"""Spaces made for one purpose: their rules, their counts, and the published networks in them."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod

import numpy as np
import pytest

from netwright.errors import DesignError, SpaceError
from netwright.graph import image
from netwright.space import Space
from netwright.space.catalog import (
    archcraft,
    branched,
    robust_cnn,
    spaceevo,
    spaceevo_choice,
    spaceevo_space,
    spatial_mixers,
)


@pytest.mark.parametrize(
    ("depths", "widths", "millions"),
    # The authors' table: RaResNet-50, RaResNet-101 and RaWRN-101-2.
    [("5-8-13-1", "288", 26), ("7-11-18-1", "336", 46), ("7-11-18-1", "512", 104)],
)
def test_published_robust_networks_keep_the_rules(depths: str, widths: str, millions: int) -> None:
    design = {"depths": depths, "widths": widths, "stem": 96}
    assert design in robust_cnn()
    assert robust_cnn().costs(design)["params"] / 1e6 == pytest.approx(millions, abs=0.5)


def test_too_deep_and_too_wide_networks_are_no_robust_ones() -> None:
    assert {"depths": "3-4-6-3", "widths": "512", "stem": 96} not in robust_cnn()
    assert {"depths": "7-11-18-1", "widths": "240", "stem": 96} not in robust_cnn()


@pytest.mark.parametrize(
    ("size", "millions", "within"),
    # U-ConvNeXt as its authors round it: about 4.5, 30, 50 and 100 M.
    [("micro", 4.5, 0.05), ("tiny", 30, 0.1), ("small", 50, 0.1), ("base", 100, 0.1)],
)
def test_the_unified_architecture_has_its_sizes(size: str, millions: float, within: float) -> None:
    space = spatial_mixers()
    design = {"size": size, **{f"body.stage{i}.blocks.each": "depthwise" for i in (1, 2, 3, 4)}}
    assert design in space
    assert space.costs(design)["params"] / 1e6 == pytest.approx(millions, rel=within)


@pytest.mark.parametrize(
    ("size", "heads", "depths", "millions", "gigamacs"),
    # Depths of the authors' code for windows and halos; totals that the source of their README has for U-Swin, whose
    # relative positions, 13 * 13 for each head of a block, are not here.
    [
        ("micro", 1, (2, 2, 9, 2), 4.4, 0.71),
        ("tiny", 3, (2, 2, 6, 2), 31.5, 4.91),
        ("small", 3, (2, 2, 18, 2), 52.9, 9.18),
        ("base", 4, (2, 2, 18, 2), 93.4, 16.18),
    ],
)
def test_windows_in_the_unified_architecture_have_their_totals(
    size: str, heads: int, depths: tuple[int, ...], millions: float, gigamacs: float
) -> None:
    design = {"size": f"{size}_attention", **{f"body.stage{i}.blocks.each": "window" for i in (1, 2, 3, 4)}}
    costs = spatial_mixers().costs(design)
    positions = 13 * 13 * sum(depth * heads << i for i, depth in enumerate(depths))
    assert (costs["params"] + positions) / 1e6 == pytest.approx(millions, abs=0.05)
    assert costs["macs"] / 1e9 == pytest.approx(gigamacs, rel=0.015)


def test_windows_and_halos_have_the_same_weights() -> None:
    space = spatial_mixers()
    costs = {
        mixer: space.costs({"size": "tiny", **{f"body.stage{i}.blocks.each": mixer for i in (1, 2, 3, 4)}})
        for mixer in ("window", "halo")
    }
    assert costs["window"]["params"] == costs["halo"]["params"]
    assert costs["window"]["macs"] < costs["halo"]["macs"]


def archcraft_of(depth: int, width: int, pool: list[int], double: list[int], head: str) -> dict[str, object]:
    """Design of an authors' code: ahead of which layers the image is pooled and the width doubled."""
    design: dict[str, object] = {"width": str(width), "width.layers.times": depth, "head": head}
    for i in range(depth):
        place = f"width.layers.{i}"
        design |= {f"{place}.pool.times": pool.count(i), f"{place}.conv.double": double.count(i)}
    return design


def test_the_start_of_archcraft_has_the_weights_that_its_authors_count() -> None:
    # Twelve layers of width 48, pooled and doubled ahead of the fifth and ninth; weights without normalisation.
    design = archcraft_of(12, 48, [4, 8], [4, 8], "global")
    space = archcraft(shortcuts=False)
    assert design in space
    widths = [48] * 5 + [96] * 4 + [192] * 4
    counted = 9 * 3 * 48 + sum(9 * a * b for a, b in pairwise(widths)) + 192 * 100
    assert space.costs(design)["params"] == counted + 2 * sum(widths) + 100


@pytest.mark.parametrize(
    ("code", "classifier", "millions", "within"),
    # AlexAC-A, ResAC-A and ResAC-B with the parameters that the authors' code notes beside them: all of those of
    # AlexAC, those ahead of the classifier of ResAC ("about").
    [
        ((2, 40, [1, 1], [0, 0, 0, 1], "flat"), 0, 6.28, 0.005),
        ((10, 144, [3, 7, 8], [3, 8], "global"), 576 * 100 + 100, 8.63, 0.02),
        ((9, 12, [4, 6, 8, 8], [1, 3, 5, 8], "global"), 192 * 100 + 100, 0.44, 0.005),
    ],
    ids=["AlexAC-A", "ResAC-A", "ResAC-B"],
)
def test_published_networks_of_archcraft_are_in_the_space(
    code: tuple[int, int, list[int], list[int], str], classifier: int, millions: float, within: float
) -> None:
    design = archcraft_of(*code)
    assert design in archcraft()
    assert (archcraft().costs(design)["params"] - classifier) / 1e6 == pytest.approx(millions, abs=within)


def test_networks_of_archcraft_are_pooled_while_there_is_something_left() -> None:
    space = archcraft(image(3, 4, 4))
    pooled = [
        sum(int(value) for path, value in design.items() if path.endswith("pool.times"))
        for design in space.sample(np.random.default_rng(0), 50)
    ]
    assert max(pooled) == 2


@pytest.mark.parametrize(("tasks", "trees"), [(2, 5), (3, 35)])
def test_trees_of_tasks_are_chains_of_partitions(tasks: int, trees: int) -> None:
    partitions = {_canonical(labels) for labels in product(range(tasks), repeat=tasks)}
    chains = {(p,): 1 for p in partitions}
    for _ in range(3):
        chains = {(*c, p): 1 for c in chains for p in partitions if _finer(p, c[-1])}
    space = branched(tasks=tasks)
    assert space.size() == len(chains) == trees
    for design in space.enumerate():
        assert [output.shape for output in space.network(design).outputs] == [(1, 21)] * tasks
    dense = branched(tasks=tasks, dense=True)
    assert [output.shape for output in dense.network(dense.design_at(0)).outputs] == [(1, 21, 8, 8)] * tasks


def _canonical(labels: tuple[int, ...]) -> tuple[int, ...]:
    order = list(dict.fromkeys(labels))
    return tuple(order.index(label) for label in labels)


def _finer(fine: tuple[int, ...], coarse: tuple[int, ...]) -> bool:
    return all(coarse[i] == coarse[j] for i, a in enumerate(fine) for j, b in enumerate(fine) if a == b)


def test_tasks_that_part_late_cost_less() -> None:
    space = branched()
    (_, together), (_, apart) = space.extremes("params")
    assert set(together.values()) == {"012"}
    assert apart["tree"] == "0|1|2"
    with pytest.raises(SpaceError, match="from 2 to 4 tasks, but got tasks=1"):
        branched(tasks=1)


# SeqNet@vnni of the authors' search results, all in the space onnxw-151122-023231: blocks, kernels, widths and
# expansions of the first convolution, stage 0 and six stages.
SEQNETS = {
    "A0": "1 1 2 2 2 2 2 1; 3 3 3 3 3 3 3 3 3 3 3 3 3; 16 16 32 32 64 64 112 112 144 144 240 240 320; "
    "0 .5 4 4 1 1 4 4 4 4 4 4 4",
    "A1": "1 1 2 2 3 2 3 1; 3 3 3 3 3 3 3 5 3 3 3 3 3 3 5; "
    "16 16 32 32 64 80 128 112 112 144 176 304 304 256 368; 0 .5 4 4 2 1 4 6 4 4 4 4 6 4 4",
    "A2": "1 1 2 2 4 4 4 1; 3 3 3 3 3 3 3 3 5 5 3 5 5 3 3 3 3 3 5; "
    "16 16 32 32 64 64 112 112 112 128 144 144 160 160 288 272 288 256 320; 0 .5 4 6 3 2 4 4 6 8 8 4 4 4 4 6 6 4 4",
    "A3": "1 1 2 2 3 4 4 1; 3 3 3 3 3 3 5 5 5 3 3 5 3 3 5 3 3 3; "
    "16 32 32 48 80 80 144 128 112 144 176 144 144 272 288 272 240 320; 0 .5 4 8 4 2 6 6 6 6 8 4 4 8 6 4 6 6",
    "A4": "1 1 3 3 4 5 4 2; 3 3 3 5 3 3 3 3 5 5 5 5 5 3 3 3 5 3 5 5 3 3 3; "
    "16 32 32 48 32 64 80 80 128 128 144 128 160 144 144 144 176 256 272 272 272 336 320; "
    "0 .5 4 8 6 4 2 2 6 8 6 6 8 8 6 4 6 8 8 6 4 8 6",
}
SEQNET_STAGES = ("mobilenet_v2@0", "fused@2", "mobilenet_v2@3", "mobilenet_v2@2", "mobilenet_v3@3", "mobilenet_v3@1")


def seqnet(text: str) -> dict[str, object]:
    """Design of a network in the authors' encoding."""
    depths, *lists = ([float(word) for word in part.split()] for part in text.split(";"))
    blocks = [dict(zip(("kernel", "channels", "expand"), found, strict=True)) for found in zip(*lists, strict=True)]
    design: dict[str, object] = {
        "stem.channels": blocks[0]["channels"],
        "stage0.first.channels": blocks[1]["channels"],
    }
    design["stage0.more.times"] = 0
    at = 2
    for i, (choice, depth) in enumerate(zip(SEQNET_STAGES, map(int, depths[2:]), strict=True), start=1):
        design |= {f"stage{i}": choice, f"stage{i}.more.times": depth - 1}
        for j, found in enumerate(blocks[at : at + depth]):
            place = f"stage{i}.more.{j - 1}" if j else f"stage{i}.first"
            design |= {f"{place}.{name}": int(value) for name, value in found.items()}
        at += depth
    return design


@pytest.fixture(scope="module")
def blockwise() -> Space:
    choice = {f"stage{i}": stage for i, stage in enumerate(SEQNET_STAGES, start=1)}
    return spaceevo_space(choice, blockwise=True)


@pytest.mark.parametrize("name", SEQNETS)
def test_found_networks_are_in_the_space_of_spaceevo(blockwise: Space, name: str) -> None:
    # The space of one choice has no decisions for the choice.
    design = {path: value for path, value in seqnet(SEQNETS[name]).items() if "." in path}
    assert design in blockwise
    assert blockwise.network(design).outputs[0].shape == (1, 1000)


def test_the_smallest_of_them_is_where_stages_have_one_width() -> None:
    design = seqnet(SEQNETS["A0"])
    first = {f"stage{i}.first.{name}" for i in range(1, 7) for name in ("kernel", "expand")}
    inner = {f"stage{i}.more.0.channels" for i in range(1, 7)}
    assert {path: value for path, value in design.items() if path not in first | inner} in spaceevo()


def test_spaces_of_spaceevo_with_blocks_apart_are_counted(blockwise: Space) -> None:
    # Widths, kernels and expansions of a block to the power of its depth.
    stages = (12, (2, 3, 4)), (24, (2, 3, 4)), (18, (2, 3, 4, 5, 6)), (18, (2, 3, 4, 5, 6)), (30, (2, 3, 4, 5, 6))
    stages = (*stages, (42, (1, 2)))
    assert blockwise.size() == 2 * 2 * 2 * prod(sum(options**depth for depth in depths) for options, depths in stages)


@pytest.mark.slow
def test_a_network_of_spaceevo_lies_in_the_space_that_it_names() -> None:
    space = spaceevo(scale=0.25)
    options = space.decisions()
    assert prod(len(options[f"stage{i}"]) for i in range(1, 7)) == 95_551_488
    for design in space.sample(np.random.default_rng(0), 3):
        choice = spaceevo_choice(design)
        inner = spaceevo_space(choice, scale=0.25)
        rest = {path: value for path, value in design.items() if path not in choice}
        assert rest in inner
        assert inner.costs(rest) == space.costs(design)
    with pytest.raises(
        DesignError, match=r"'stage1' must be a kind and a window such as mobilenet_v1@0, but got None"
    ):
        spaceevo_space({})
