"""Many designs in little room are the same designs."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.errors import DesignError
from netwright.space.catalog import get_space
from netwright.target._design_table import DesignTable


def test_a_table_gives_its_designs_back() -> None:
    designs = list(dict.fromkeys(get_space("mobilenet-tiny").sample(np.random.default_rng(0), 300)))
    table = DesignTable.of(designs)
    assert list(table) == designs
    assert [table[i] for i in (0, -1)] == [designs[0], designs[-1]]
    assert list(table[5:9]) == designs[5:9]
    assert [table.row(design) for design in designs] == list(range(len(designs)))
    assert table.decisions == {decision for design in designs for decision in design.items()}
    assert table.twice() is None


def test_columns_are_in_the_order_in_which_designs_take_them() -> None:
    table = DesignTable.of([{"a": "x", "b": 2}, {"a": "y"}, {"a": "x", "b": 1}])
    assert table.columns == [("a", "x"), ("b", 2), ("a", "y"), ("b", 1)]
    assert table.numbers().tolist() == [[0, 1], [2, 4], [0, 3]]
    assert table.columns == DesignTable(["a", "b"], [["y", "x"], [1, 2]], np.array([[2, 2], [1, 0], [2, 1]])).columns


def test_a_design_that_is_not_there_has_no_row() -> None:
    table = DesignTable.of([{"a": 1, "b": 2}, {"a": 2}])
    for design in ({"a": 1}, {"a": 3}, {"c": 1}, {"a": 2, "b": 2}, {}):
        assert table.row(design) is None


def test_the_first_row_that_repeats_another_is_found() -> None:
    designs = [{"a": i % 7, "b": i // 7} for i in range(40)]
    assert DesignTable.of([*designs, designs[30], designs[11], designs[11]]).twice() == (30, 40)


def test_many_options_need_more_than_a_byte() -> None:
    table = DesignTable.of([{"width": i} for i in range(1000)])
    assert table.codes.dtype == np.uint16
    assert table.row({"width": 999}) == 999


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_values_are_those_of_designs(value: object) -> None:
    with pytest.raises(DesignError, match="strings, numbers or booleans"):
        DesignTable.of([{"a": 1}, {"a": value}])
