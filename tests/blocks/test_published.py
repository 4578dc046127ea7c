"""Networks built from the blocks have the totals that their authors, or the common model zoos, state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netwright.graph import Graph, verify

from . import reference

EXACT = {
    # network: parameters as torchvision, timm or the authors state them, millions of MACs
    reference.resnet18: (11_689_512, 1_814.07),
    reference.resnet50: (25_557_032, 4_089.18),
    reference.resnext50: (25_028_904, 4_230.48),
    reference.mobilenet_v1: (4_231_976, 568.74),
    reference.mobilenet_v2: (3_504_872, 300.77),
    reference.mobilenet_v3_large: (5_483_032, 216.59),
    reference.efficientnet_b0: (5_288_548, 385.81),
    reference.shufflenet_v2_1x: (2_278_604, 144.91),
    reference.googlenet: (6_998_552, 1_582.67),
    reference.convnext_tiny: (28_589_128, 4_455.53),
    reference.vit_tiny: (5_717_416, 1_253.68),
    reference.poolformer_s12: (11_915_176, 1_812.27),
}


@pytest.mark.parametrize("network", EXACT, ids=lambda network: network.__name__)
def test_totals_are_exact(network: Callable[[], Graph]) -> None:
    graph = verify(network())
    parameters, millions = EXACT[network]
    assert reference.parameters(graph) == parameters
    assert reference.macs(graph) / 1e6 == pytest.approx(millions, abs=0.01)
    assert graph.outputs[0].shape == (1, 1000)


ROUNDED = {
    # network: millions of parameters and of MACs as the papers, or timm, round them
    reference.inceptionnext_tiny: (28.1, 4_200),
    reference.starnet_s1: (2.9, 425),
    reference.lowformer_b0: (14.1, 944),
}


@pytest.mark.parametrize("network", ROUNDED, ids=lambda network: network.__name__)
def test_totals_agree_with_the_paper(network: Callable[[], Graph]) -> None:
    graph = verify(network())
    parameters, millions = ROUNDED[network]
    assert reference.parameters(graph) / 1e6 == pytest.approx(parameters, abs=0.05)
    # Papers count a bias as an operation or not: StarNet's 425 M is 421.9 M without.
    assert reference.macs(graph) / 1e6 == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize(
    ("widths", "strides", "millions", "gigamacs"),
    [((1024, 2048, 4096), (2, 2, 2), 15.5, 5.2), ((1024, 2048, 4096, 4096), (2, 2, 2, 1), 32.5, 6.0)],
    ids=["VanillaNet-5", "VanillaNet-6"],
)
def test_vanillanet_after_merging(
    widths: tuple[int, ...], strides: tuple[int, ...], millions: float, gigamacs: float
) -> None:
    graph = verify(reference.vanillanet(widths, strides))
    assert reference.parameters(graph) / 1e6 == pytest.approx(millions, abs=0.05)
    assert reference.macs(graph) / 1e9 == pytest.approx(gigamacs, abs=0.05)


@pytest.mark.parametrize(
    ("name", "millions"),
    # Table 1 of Szegedy et al. 2015. Its 54 M for module 5a is more than the widths in its own row give (51 M).
    [("3a", 128), ("3b", 304), ("4a", 73), ("4b", 88), ("4c", 100), ("4d", 119), ("4e", 170), ("5b", 71)],
)
def test_inception_module_costs_what_its_table_says(name: str, millions: int) -> None:
    graph = verify(reference.inception_module(name))
    assert reference.macs(graph) / 1e6 == pytest.approx(millions, abs=1)


def test_inception_weights_of_the_first_modules() -> None:
    for name, thousands in (("3a", 159), ("3b", 380)):
        graph = reference.inception_module(name)
        weights = sum(p.size for p in graph.parameters.values() if p.hint == "weight")
        assert weights / 1024 == pytest.approx(thousands, abs=1)


@pytest.mark.parametrize(
    ("operation", "each"), [("skip", 0), ("none", 0), ("pool", 0), ("conv3x3", 243_040), ("conv1x1", 28_000)]
)
def test_nasbench201_parameters_add_up_over_edges(operation: str, each: int) -> None:
    # The published table: 0.073306 M for the network without the cells, and these for each of the six edges.
    graph = verify(reference.nasbench201((operation,) * 6))
    assert reference.parameters(graph) == 73_306 + 6 * each


def test_once_for_all_squeezes_to_a_multiple_of_eight() -> None:
    graph = verify(reference.once_for_all_largest())
    squeezes = {
        p.shape[1]: p.shape[0]
        for name, p in graph.parameters.items()
        if name.endswith("squeeze_excite.reduce.weight")
    }
    assert squeezes == {144: 40, 240: 64, 480: 120, 672: 168, 960: 240}
    assert graph.outputs[0].shape == (1, 1000)
