"""DARTS: the paper's count, its genotypes, and the parameters of the network it published."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from netwright.errors import DesignError, SpaceError, UnknownNameError
from netwright.space.catalog import dartopti, dartopti_start, darts, darts_from_genotype, darts_genotype, ddarts

SECOND_ORDER = (
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1),"
    " ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)],"
    " normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2),"
    " ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)],"
    " reduce_concat=[2, 3, 4, 5])"
)
"""The cells that the paper's second-order search found on CIFAR-10."""


def test_the_count_of_the_paper_comes_out() -> None:
    # Section 3.1: the product over nodes of (k + 1) k / 2 pairs of sources and 7 ** 2 operations, for each cell.
    cell = np.prod([(k + 1) * k // 2 * 7**2 for k in range(1, 5)])
    assert cell == 1_037_664_180
    assert darts().size() == int(cell) ** 2
    assert round(np.log10(darts().size())) == 18


def test_the_published_network_has_its_parameters() -> None:
    space, design = darts(), darts_from_genotype(SECOND_ORDER)
    assert design in space
    assert space.costs(design)["params"] == 3_349_342


def test_the_published_network_for_large_images() -> None:
    # 574 M multiply-adds and 4.7 M parameters there are behind another stem; the cells alone are within a tenth.
    costs = darts(classes=1000, scale=48 / 36, cells=14).costs(darts_from_genotype(SECOND_ORDER))
    assert costs["params"] / 1e6 == pytest.approx(4.7, rel=0.1)


def test_genotypes_go_both_ways() -> None:
    for design in darts().sample(np.random.default_rng(0), 200):
        assert darts_from_genotype(darts_genotype(design)) == design
    ranges = SECOND_ORDER.replace("[2, 3, 4, 5]", "range(2, 6)")
    assert darts_from_genotype(ranges) == darts_from_genotype(SECOND_ORDER)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Genotype(", "(", "a genotype must be"),
        ("sep_conv_3x3", "sep_conv_9x9", "a genotype must be"),
        ("('dil_conv_3x3', 2)]", "('dil_conv_3x3', 0)]", "must read two different ones"),
        ("('sep_conv_3x3', 0), ('sep_conv_3x3', 1),", "('sep_conv_3x3', 0), ('sep_conv_3x3', 2),", "must read two"),
        (", ('dil_conv_3x3', 2)]", "]", "a genotype must be"),
        ("normal_concat=[2, 3, 4, 5]", "normal_concat=[4, 5]", "all four nodes"),
        ("('dil_conv_3x3', 2)", "__import__('os')", "a genotype must be"),
        ("reduce=", "reduced=", "a genotype must be"),
    ],
)
def test_what_is_no_genotype_is_refused(old: str, new: str, words: str) -> None:
    with pytest.raises(DesignError, match=words):
        darts_from_genotype(SECOND_ORDER.replace(old, new, 1))


def test_every_cell_of_ddarts_decides_for_itself() -> None:
    cell = 1 * 3 * 6 * 10 * 7**8
    space = ddarts(scale=0.25)
    assert space.size() == cell**8
    # A design of DARTS used everywhere is one of D-DARTS, with the same network.
    both = darts(scale=0.25, cells=8)
    design = both.sample(np.random.default_rng(0))[0]
    spread = {
        f"cell{i}.{path.partition('.')[2]}": value
        for i in range(8)
        for path, value in design.items()
        if path.startswith("reduce" if i in (2, 5) else "normal")
    }
    assert spread in space
    assert space.costs(spread) == both.costs(design)


def test_deeper_networks_are_derived_from_few_cells() -> None:
    few, deep = ddarts(scale=0.25), ddarts(scale=0.25, layers=14)
    assert deep.size() == few.size()
    design = few.sample(np.random.default_rng(0))[0]
    assert design in deep
    assert deep.costs(design)["params"] > few.costs(design)["params"]
    with pytest.raises(SpaceError, match="6 <= cells <= layers must hold, but got cells=8, layers=4"):
        ddarts(layers=4)


@pytest.mark.parametrize(
    ("network", "edges", "skips", "sums"), [("resnet18", 24, 8, 8), ("resnet50", 32, 16, 16), ("xception", 50, 8, 12)]
)
def test_dartopti_starts_from_networks_made_by_hand(network: str, edges: int, skips: int, sums: int) -> None:
    space, start = dartopti(network=network, scale=0.25), dartopti_start(network)
    assert space.size() == 12**edges
    assert start in space
    assert Counter(start.values())["skip_connect"] == skips
    assert sum(node.op.name == "Add" for node in space.network(start).nodes) == sums


def test_dartopti_knows_its_networks() -> None:
    with pytest.raises(UnknownNameError, match="vgg"):
        dartopti(network="vgg")
    with pytest.raises(UnknownNameError, match="vgg"):
        dartopti_start("vgg")
