"""Parts that a rule computes: what it may be given, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from netwright.blocks import conv
from netwright.errors import DesignError, EmptySpaceError, ShapeError, SpaceError
from netwright.graph import image
from netwright.space import Space, computed, integer, oneof, repeat, seq

INPUT = image(3, 8, 8)


def pyramid(depth: int, slope: int) -> Any:
    if depth * slope >= 12:
        return None
    return seq(*(conv(8 + slope * i, kernel=oneof(1, 3)) for i in range(depth)))


def test_decisions_inside_stand_under_body() -> None:
    space = Space(seq(net=computed(pyramid, depth=integer(1, 2), slope=oneof(2, 6))), input=INPUT)
    assert space.size() == 2 + 2 + 4
    design = {"net.depth": 2, "net.slope": 2, "net.body.conv.kernel": 1, "net.body.conv_1.kernel": 3}
    assert design in space
    assert space.network(design).outputs[0].shape == (1, 10, 8, 8)
    with pytest.raises(DesignError, match="net must be what its rule can make"):
        space.network({**design, "net.slope": 6})


def test_a_part_without_decisions_costs_what_its_blocks_do() -> None:
    def tower(copies: int) -> Any:
        return repeat(conv(4), times=copies)

    space = Space(computed(tower, copies=integer(1, 5)), input=INPUT)
    assert [space.costs(d)["macs"] for d in space.enumerate()] == space.all_costs(["macs"])[:, 0].tolist()
    assert len(space.forest) == 6


def test_choices_must_be_of_values() -> None:
    with pytest.raises(SpaceError, match="at least one choice"):
        computed(pyramid)
    with pytest.raises(SpaceError, match="'depth' is 3"):
        computed(pyramid, depth=3)
    with pytest.raises(SpaceError, match="choices of values"):
        computed(pyramid, depth=oneof(conv(4), conv(8)))


def test_a_rule_that_makes_nothing_is_empty() -> None:
    with pytest.raises(EmptySpaceError):
        Space(computed(pyramid, depth=oneof(6, 7), slope=oneof(2, 3)), input=INPUT).size()


def test_faults_of_a_rule_are_named_where_a_design_meets_them() -> None:
    def odd(depth: int) -> Any:
        if depth == 2:
            raise ShapeError("depth must be odd.")
        return conv(depth)

    with pytest.raises(ShapeError, match="odd"):
        computed(odd, depth=oneof(1, 2))
