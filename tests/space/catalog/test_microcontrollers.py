"""Spaces made for microcontrollers: their rules and counts, and their designs under a microcontroller's limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.graph import Graph, Input, image
from netwright.space import Space
from netwright.space.catalog import mcuformer, micronas
from netwright.study import search
from netwright.target import get_target


def uniform(rank: float = 0.5, width: int = 192, patch: int = 16, depth: int = 12) -> dict[str, object]:
    """A design of MCUFormer whose blocks are alike."""
    blocks = {f"body.blocks.{i}.{name}": v for i in range(depth) for name, v in (("heads", 3), ("expand", 4.0))}
    return {"rank": rank, "body.embed.width": width, "body.embed.patch": patch, "body.blocks.times": depth, **blocks}


def test_weights_of_mcuformer_follow_its_rank() -> None:
    space = mcuformer()
    assert uniform() in space
    # Three matrices for each of four maps, their biases and two normalisations; patches, 225 positions and the head.
    d, hidden, r = 192, 768, 96
    maps = r * ((d + 3 * d + r) + (d + d + r) + 2 * (d + hidden + r)) + (3 * d + d + hidden + d)
    rest = 3 * 16**2 * d + d + 15**2 * d + 2 * d + d * 1000 + 1000
    assert space.costs(uniform())["params"] == 12 * (maps + 4 * d) + rest
    weights = [space.costs(uniform(rank))["params"] for rank in (0.4, 0.6, 0.8, 0.95)]
    assert weights == sorted(set(weights))


@pytest.mark.parametrize(("patch", "side"), [(16, 15), (20, 12), (24, 10), (28, 9), (32, 8)])
def test_images_are_padded_to_whole_patches(patch: int, side: int) -> None:
    # The authors pad 240 pixels by 6 on each side for patches of 28, by 8 for those of 32.
    network = mcuformer().network(uniform(patch=patch))
    attention = next(node for node in network.nodes if node.op.name == "Attention")
    assert attention.output.shape == (1, 3, side**2, 64)
    (convolution,) = (node for node in network.nodes if node.op.name == "Conv")
    assert convolution.attrs["pads"] == ({28: 6, 32: 8}.get(patch, 0),) * 4


def test_small_images_have_small_patches() -> None:
    assert mcuformer(image(3, 40, 48)).decisions()["body.embed.patch"] == (16, 20)
    assert mcuformer(image(3, 16, 16)).size() == mcuformer().size() // 5


def test_each_block_may_have_its_own_rank() -> None:
    space = mcuformer(layerwise=True)
    design = {path.removeprefix("body."): value for path, value in uniform().items() if path != "rank"}
    ranks = {f"blocks.{i}.rank": 0.4 if i % 2 else 0.6 for i in range(12)}
    assert {**design, **ranks} in space
    between = [mcuformer().costs(uniform(rank))["params"] for rank in (0.4, 0.6)]
    assert space.costs({**design, **ranks})["params"] == sum(between) / 2


@pytest.mark.parametrize(
    ("sensors", "length", "fusions", "times"),
    # Halved while 5 sensors and 16 steps are left: those of UCI-HAR, of one short series, and of 60 sensors.
    [(9, 128, 1, 3), (1, 20, 1, 1), (60, 98, 3, 2), (1, 4, 1, 1)],
)
def test_cells_of_micronas_follow_sensors_and_length(sensors: int, length: int, fusions: int, times: int) -> None:
    space = micronas(Input((1, sensors, length)), 6)
    assert space.size() == (8 * 3) ** times * (16 * (2 * 16 * 7 + 1)) ** fusions
    _, design = space.extremes("macs")[1]
    *_, last = (node for node in space.network(design).nodes if node.op.name == "Conv")
    for _ in range(fusions):
        sensors = -(-sensors // 2)
    for _ in range(times):
        length = -(-length // 2)
    assert last.output.shape == (1, 6, sensors, length)


SMALL: dict[str, object] = {
    **{f"time{i}.{name}": value for i in (1, 2, 3) for name, value in (("channels", 4), ("kernel", 5))},
    "fusion1.cell.filters": 6,
}


@pytest.mark.parametrize(
    ("body", "weights"),
    # Filters times what they read, and two numbers of normalisation for each; 9 sensors, filters 4, 3 and 6.
    [
        ("shortcut", 6 * 4 * 2 + 2 * 6),
        ("main", 3 * 4 * 9 + 2 * 3 + 6 * 3 * (3 + 7) + 2 * 2 * 6),
        ("both", 3 * 4 * 9 + 2 * 3 + 6 * 3 * (3 + 7) + 2 * 2 * 6 + 6 * 4 * 2 + 2 * 6),
    ],
)
def test_weights_of_the_cells_of_micronas(body: str, weights: int) -> None:
    at = {"main": "fusion1.cell.body", "both": "fusion1.cell.body.main"}.get(body)
    inside = {f"{at}.bottleneck.channels": 3, f"{at}.over_time": "3+7"} if at else {}
    design = {**SMALL, "fusion1.cell.body": body, **inside}
    space = micronas()
    assert design in space
    times = 4 * 5 + 2 * (4 * 4 * 5) + 3 * 2 * 4
    assert space.costs(design)["params"] == times + weights + 6 * 6 + 6


def test_further_cells_may_be_skipped() -> None:
    short = Input((1, 2, 16))
    cell = 16 * (2 * 16 * 7 + 1)
    assert micronas(short, more=2).size() == 24 * cell * (cell + 1) ** 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("space", "kib"), [(micronas(), 4), (mcuformer(), 320)], ids=lambda value: getattr(value, "name", "")
)
def test_a_search_keeps_the_memory_of_a_microcontroller(tmp_path: Path, space: Space, kib: int) -> None:
    def score(network: Graph, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(len(network.nodes))}

    found = search(
        space, score, maximize="score", limits=[f"memory_bytes@stm32f746 <= {kib}Ki"], budget="8 trials",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    kept = found.study.of_state("complete")
    assert kept
    for trial in kept:
        assert trial.values["memory_bytes@stm32f746"] <= kib * 1024


@pytest.mark.slow
def test_larger_patches_and_fewer_filters_need_less_memory() -> None:
    target = get_target("stm32f746")
    former = [target.memory(mcuformer().network(uniform(patch=patch))).value for patch in (16, 24, 32)]
    assert former == sorted(former, reverse=True)
    assert former[0] > 320 * 1024 > former[1]
    space = micronas()
    low, high = (target.memory(space.network(design)).value for _, design in space.extremes("macs"))
    assert low < high
    (drawn,) = space.sample(np.random.default_rng(0), 1)
    assert target.memory(space.network(drawn)).value <= high
