"""TransNAS-Bench-101: sizes of both spaces, their strings, and the rows of the published table."""

from __future__ import annotations

from ast import literal_eval
from collections import Counter
from pathlib import Path

import pytest

from netwright.errors import DesignError
from netwright.space.catalog import (
    transnas101_from_string,
    transnas101_macro,
    transnas101_macro_string,
    transnas101_micro,
    transnas101_micro_string,
)

TABLE = Path(__file__).parents[4] / "shared" / "data" / "transnas_bench101" / "micro_two_tasks.parquet"


def test_published_sizes_come_out() -> None:
    assert transnas101_micro().size() == 4**6
    assert transnas101_macro().size() == 3256


def test_macro_structures_keep_the_rules_of_the_paper() -> None:
    wanted = Counter(len(transnas101_macro_string(d).split("-")[1]) for d in transnas101_macro().enumerate())
    # With n modules: choices of 1 to 3 of them to double the width, times choices of 1 to 4 to halve the image.
    assert wanted == {4: 14 * 15, 5: 25 * 30, 6: 41 * 56}
    for design in transnas101_macro().enumerate():
        digits = transnas101_macro_string(design).split("-")[1]
        assert 1 <= sum(digit in "24" for digit in digits) <= 3
        assert 1 <= sum(digit in "34" for digit in digits) <= 4


def test_strings_go_both_ways() -> None:
    for space, write in (
        (transnas101_micro(), transnas101_micro_string),
        (transnas101_macro(), transnas101_macro_string),
    ):
        for design in space.enumerate():
            assert transnas101_from_string(write(design)) == design


def test_the_backbone_halves_and_doubles_where_the_string_says() -> None:
    network = transnas101_macro().network(transnas101_from_string("64-1234-basic"))
    shapes = [node.output.shape[1:] for node in network.nodes if node.op.name == "Add"]
    assert shapes == [(64, 64, 64)] * 2 + [(128, 64, 64)] * 2 + [(128, 32, 32)] * 2 + [(256, 16, 16)] * 2


@pytest.mark.parametrize("text", ["", "64-123-basic", "64-1235-basic", "64-41414-1_02_334", "64-41414-1_02_33"])
def test_what_is_no_string_is_refused(text: str) -> None:
    with pytest.raises(DesignError, match="TransNAS-Bench-101 string"):
        transnas101_from_string(text)


@pytest.mark.skipif(not TABLE.is_file(), reason="the folder of shared data sets is not beside the checkout")
def test_every_row_of_the_table_is_in_the_space() -> None:
    rows = pytest.importorskip("pyarrow.parquet").read_table(TABLE, columns=["arch"])["arch"].to_pylist()
    space, found = transnas101_micro(), set()
    for text in set(rows):
        a, *rest = map(str, literal_eval(text))
        design = transnas101_from_string(f"64-41414-{a}_{''.join(rest[:2])}_{''.join(rest[2:])}")
        assert design in space
        found.add(design)
    assert len(found) == space.size()
