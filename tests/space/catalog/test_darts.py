"""DARTS: the paper's count, its genotypes, and the parameters of the network it published."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.errors import DesignError
from netwright.space.catalog import darts, darts_from_genotype, darts_genotype

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
