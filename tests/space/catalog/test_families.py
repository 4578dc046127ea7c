"""Families of published networks as spaces: the published members are in them, with their totals."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from netwright.errors import UnknownNameError
from netwright.graph import vector
from netwright.space.catalog import (
    autoformer,
    dla,
    fractalnet,
    hourglass_mlp,
    lowformers,
    metaformers,
    mlp_tabular,
    shufflenet_v2s,
    simplenet,
)
from netwright.space.encode import graph_features


@pytest.mark.parametrize(
    ("width", "params", "millions"),
    # Parameters as torchvision states them; millions of operations of table 5 of Ma et al. 2018.
    [("x0_5", 1_366_792, 41), ("x1_0", 2_278_604, 146), ("x1_5", 3_503_624, 299), ("x2_0", 7_393_996, 591)],
)
def test_shufflenet_v2_in_its_published_widths(width: str, params: int, millions: int) -> None:
    space = shufflenet_v2s()
    units = [(stage, unit) for stage, count in ((1, 4), (2, 8), (3, 4)) for unit in range(count)]
    design = {"width": width, **{f"body.stage{s}.{u}.kernel": 3 for s, u in units}}
    assert design in space
    costs = space.costs(design)
    assert costs["params"] == params
    assert costs["macs"] / 1e6 == pytest.approx(millions, rel=0.015)


@pytest.mark.parametrize(
    ("depths", "params"),
    # PoolFormer as timm states it.
    [((2, 2, 6, 2), 11_915_176), ((4, 4, 12, 4), 21_388_968), ((6, 6, 18, 6), 30_862_760)],
)
def test_poolformer_is_the_metaformer_that_pools(depths: tuple[int, ...], params: int) -> None:
    space = metaformers()
    design: dict[str, int | str] = {}
    for stage, depth in enumerate(depths, start=1):
        design |= {f"stage{stage}.blocks.times": depth, f"stage{stage}.blocks.each": "pooling"}
    assert design in space
    assert space.costs(design)["params"] == params


def test_mixers_without_weights_cost_none() -> None:
    space = metaformers()
    base = space.design_at(0)
    for mixer in ("pooling", "random"):
        other = {path: mixer if path.endswith("each") else value for path, value in base.items()}
        assert space.costs(other)["params"] == space.costs(base)["params"]


@pytest.mark.parametrize(
    ("size", "width", "heads", "params"),
    # DeiT-Ti and DeiT-S (Touvron et al. 2021), which the spaces were laid around.
    [("tiny", 192, 3, 5_717_416), ("small", 384, 6, 22_050_664)],
)
def test_deit_is_in_the_space_of_autoformer(size: str, width: int, heads: int, params: int) -> None:
    blocks = {f"blocks.{i}.{name}": value for i in range(12) for name, value in (("heads", heads), ("expand", 4.0))}
    design = {"embed.width": width, "blocks.times": 12, **blocks}
    space = autoformer(size=size)
    assert design in space
    assert space.costs(design)["params"] == params


@pytest.mark.parametrize(
    ("size", "options", "depths"), [("tiny", 4, (12, 13, 14)), ("small", 9, (12, 13, 14)), ("base", 9, (14, 15, 16))]
)
def test_sizes_of_autoformer(size: str, options: int, depths: tuple[int, ...]) -> None:
    assert autoformer(size=size).size() == 3 * sum(options**depth for depth in depths)


@pytest.mark.parametrize(
    ("size", "width", "heads", "ratios", "millions"),
    # Networks of the authors' configurations, with the parameters of the paper's abstract. Relative positions, which
    # are not here, have four tables of 30 rows of 64 in each block.
    [
        ("small", 384, (6, 6, 5, 7, 5, 5, 5, 6, 6, 7, 7, 6, 7), (3, 3.5, 3, 3.5, 4, 4, 4, 4, 4, 4, 4, 3.5, 4), 22.9),
        (
            "base",
            576,
            (9, 9, 9, 9, 9, 10, 9, 9, 10, 9, 10, 9, 9, 10),
            (3.5, 3.5, 4, 3.5, 4, 3.5, 3.5, 3, 4, 4, 3, 4, 3, 3.5),
            53.7,
        ),
    ],
    ids=["AutoFormer-S", "AutoFormer-B"],
)
def test_found_autoformers_are_in_their_spaces(
    size: str, width: int, heads: tuple[int, ...], ratios: tuple[float, ...], millions: float
) -> None:
    design: dict[str, float] = {"embed.width": width, "blocks.times": len(heads)}
    for i, (count, ratio) in enumerate(zip(heads, ratios, strict=True)):
        design |= {f"blocks.{i}.heads": count, f"blocks.{i}.expand": float(ratio)}
    space = autoformer(size=size)
    assert design in space
    positions = len(heads) * 4 * 30 * 64
    assert (space.costs(design)["params"] + positions) / 1e6 == pytest.approx(millions, abs=0.05)


def test_all_sizes_of_autoformer_are_fewer_than_stated() -> None:
    widths, depths, options, deepest = 3, 3, 9, 16
    assert widths * depths * options**deepest == pytest.approx(1.7e16, rel=0.02)
    whole = sum(autoformer(size=size).size() for size in ("tiny", "small", "base"))
    assert whole == pytest.approx(6.3e15, rel=0.01)


def test_autoformer_knows_three_sizes() -> None:
    with pytest.raises(UnknownNameError, match="huge"):
        autoformer(size="huge")


def test_hourglass_blocks_are_wide_narrow_wide() -> None:
    space = hourglass_mlp(vector(784), 10)
    assert space.size() == 4 * 5 * 8
    design = {"lift.width": 1024, "blocks.times": 3, "blocks.each.narrow": 64}
    assert design in space
    # Normalisation, two linear layers with bias in each block; the projection is fixed and trains nothing.
    block = 2 * 1024 + (1024 * 64 + 64) + (64 * 1024 + 1024)
    assert space.costs(design)["params"] == 3 * block + 2 * 1024 + 1024 * 10 + 10


@pytest.mark.parametrize(
    ("kind", "levels", "params"),
    # DLA-34, DLA-60 and DLA-102 as timm states them.
    [
        ("basic", (1, 2, 2, 1), 15_742_104),
        ("bottleneck", (1, 2, 3, 1), 22_036_632),
        ("bottleneck_residual", (1, 3, 4, 1), 33_268_888),
    ],
)
def test_deep_layer_aggregation_in_its_published_depths(kind: str, levels: tuple[int, ...], params: int) -> None:
    design = {"trees": kind, **{f"body.tree{i}.levels": n for i, n in enumerate(levels, start=1)}}
    assert design in dla()
    assert dla().costs(design)["params"] == params


@pytest.mark.parametrize(
    ("width", "reduction", "head", "stem", "depths", "millions", "macs"),
    # B0, B1, B1.5 and B3: widths and depths of the authors' code, totals of their table of models.
    [
        (16, 4, "small", 0, (0, 0, 3, 4), 14.1, 944),
        (16, 6, "small", 0, (0, 0, 5, 5), 17.9, 1410),
        (20, 6, "big", 0, (0, 0, 6, 6), 33.9, 2573),
        (32, 6, "small", 1, (1, 2, 6, 6), 57.1, 6098),
    ],
    ids=["B0", "B1", "B1.5", "B3"],
)
def test_published_lowformers_are_in_the_space(
    width: int, reduction: int, head: str, stem: int, depths: tuple[int, ...], millions: float, macs: int
) -> None:
    design = {"width": width, "reduction": reduction, "head": head, "body.stem.blocks.times": stem}
    design |= {f"body.stage{i}.blocks.times": depth for i, depth in enumerate(depths, start=1)}
    assert design in lowformers()
    costs = lowformers().costs(design)
    # Their table cuts the digits that it does not show: B1.5 has 33.99.
    assert 0 <= costs["params"] / 1e6 - millions < 0.1
    assert costs["macs"] // 10**6 == macs


def test_heads_of_scaled_lowformers_divide_their_widths() -> None:
    for scale in (0.5, 0.75, 1.3):
        for design in lowformers(scale=scale).sample(np.random.default_rng(0), 4):
            assert lowformers(scale=scale).network(design).outputs[0].shape == (1, 1000)


def test_the_network_of_thirteen_layers_is_a_simplenet() -> None:
    design = {
        "group1.group.enter.channels": 128,
        "group1.group.more.times": 2,
        "group2.enter.channels": 128,
        "group2.more.times": 1,
        "group3.group": "layers",
        "group3.group.enter.channels": 256,
        "group3.group.more.times": 0,
        "group4.group.enter.channels": 256,
        "group4.group.more.times": 1,
        "group5": "layers",
        "group5.enter.channels": 512,
        "group5.more.times": 0,
    }
    space = simplenet()
    assert design in space
    network = space.network(design)
    assert sum(node.op.name == "Conv" for node in network.nodes) == 13
    # The authors' code for CIFAR-10: behind convolutions 4, 7, 9 and 12.
    order = [node.op.name for node in network.nodes if node.op.name in ("Conv", "MaxPool")]
    assert [order[:i].count("Conv") for i, name in enumerate(order) if name == "MaxPool"] == [4, 7, 9, 12]
    # The paper: 5.48 M parameters for CIFAR-10.
    assert space.costs(design)["params"] / 1e6 == pytest.approx(5.48, rel=0.005)


def test_groups_of_simplenet_never_narrow() -> None:
    depths = ((2, 3, 4), (1, 2, 3), (0, 1, 2), (1, 2, 3), (0, 1, 2))
    options = ((96, 128, 160), (96, 128, 160), (192, 256, 320), (192, 256, 320), (384, 512, 640))
    count = 0
    for layers in product(*depths):
        present = [widths for widths, depth in zip(options, layers, strict=True) if depth]
        count += sum(list(widths) == sorted(widths) for widths in product(*present))
    assert simplenet().size() == count


@pytest.mark.parametrize(
    ("enter", "millions"),
    # As the authors' generator writes it and pytorchcv builds it, and with the width changed ahead, by which it comes
    # to what table 2 of Huang et al. 2017 states.
    [("direct", 33.724618), ("projected", 38.6)],
)
def test_fractalnet_of_twenty_layers(enter: str, millions: float) -> None:
    space = fractalnet()
    design = {"enter": enter, "fractal": "whole", "fractal.columns": 3}
    assert design in space
    assert space.costs(design)["params"] / 1e6 == pytest.approx(millions, abs=0 if enter == "direct" else 0.05)


def test_columns_of_fractals_are_as_deep_as_they_should_be() -> None:
    space = fractalnet()
    for columns in (1, 2, 3, 4):
        whole = space.network({"enter": "direct", "fractal": "whole", "fractal.columns": columns})
        convolutions = [node for node in whole.nodes if node.op.name == "Conv"]
        assert len(convolutions) == 5 * (2**columns - 1)
        assert graph_features(whole)["longest.convolution"] == 5 * 2 ** (columns - 1)
        assert graph_features(whole)["shortest.convolution"] == 5


def test_an_ensemble_for_tables_shares_nearly_all_its_weights() -> None:
    space = mlp_tabular(vector(20), 3)
    layer = {"features": 64, "activation": "relu", "dropout": 0.0, "norm": "none"}
    plain: dict[str, object] = {"choice": "plain", "choice.layers.times": 2, "choice.around.times": 0}
    plain |= {f"choice.layers.{i}.{name}": value for i in range(2) for name, value in layer.items()}
    ensemble = {"choice": "tabm", "choice.first.features": 64, "choice.first.members": 8}
    ensemble |= {"choice.layers.times": 1, "choice.layers.0.features": 64}
    assert plain in space
    assert ensemble in space
    one, eight = (space.costs(design)["params"] for design in (plain, ensemble))
    assert one == 20 * 64 + 64 + 64 * 64 + 64 + 64 * 3 + 3
    # Each member has its own scales, shifts and head, and all have one matrix.
    assert one < eight < 2 * one
