"""Wirings and what ties are given: what is refused, and where it is named."""

from __future__ import annotations

import pytest

from netwright.blocks import conv, skip
from netwright.errors import DesignError, EmptySpaceError, SpaceError
from netwright.graph import image, vector
from netwright.space import Space, distinct_networks, given, oneof, rule, seq, tied, wiring

INPUT = image(4, 8, 8)


@pytest.mark.parametrize("vertices", [1, 2.5, True, oneof(2, 1)])
def test_vertices_must_be_numbers_of_at_least_two(vertices: object) -> None:
    with pytest.raises(SpaceError, match="at least 2"):
        wiring(conv(None), vertices=vertices)


def test_a_chain_needs_its_edges() -> None:
    with pytest.raises(SpaceError, match="a wiring of 5 vertices needs 4 edges, but got 3"):
        wiring(conv(None), vertices=5, edges=3)


@pytest.mark.parametrize("operation", [tied("a", conv(None)), rule("a")])
def test_operations_hold_no_ties_or_rules(operation: object) -> None:
    with pytest.raises(SpaceError, match="neither ties nor rules"):
        wiring(operation)


def test_an_operation_must_keep_the_shape() -> None:
    with pytest.raises(EmptySpaceError):
        Space(wiring(conv(None, stride=2), vertices=3), input=INPUT).size()
    with pytest.raises(EmptySpaceError, match="wiring"):
        Space(wiring(conv(None), vertices=3), input=vector(4)).size()


def test_a_share_of_no_channels_fits_nothing() -> None:
    space = Space(wiring(skip(), vertices=4), input=image(1, 4, 4))
    assert all("3" not in str(d["to1"]) or "3" not in str(d["to2"]) for d in space.enumerate())


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"to0": "1+2"}, "'to0' must be vertices from 1 to 2"), ({"to1": "1"}, "'to1'")],
)
def test_what_is_no_wiring_names_its_place(changes: dict[str, str], words: str) -> None:
    space = Space(wiring(conv(None), vertices=oneof(2, 3)), input=INPUT)
    design = {"vertices": 3, "to0": "1", "to1": "2"}
    assert design in space
    with pytest.raises(DesignError, match="'to0' must be vertices from 1 to 1" if len(changes) > 1 else words):
        space.network({**design, **{path: value + "+9" for path, value in changes.items()}})


def test_a_vertex_that_nothing_enters_is_refused() -> None:
    space = Space(wiring(conv(None), vertices=4, edges=4), input=INPUT)
    with pytest.raises(DesignError, match=r"none into \[1\]"):
        space.network({"to0": "2", "to1": "2", "to2": "3"})
    with pytest.raises(DesignError, match="at most 4 edges"):
        space.network({"to0": "1+2+3", "to1": "2+3", "to2": "3"})


# What ties are given ------------------------------------------------------------------------------------------------


def test_places_that_share_decisions_may_differ_in_what_they_are_given() -> None:
    cell = conv(given("channels"), kernel=oneof(1, 3), stride=given("stride"))
    network = seq(tied("cell", cell, channels=8, stride=2), tied("cell", cell, channels=16, stride=1))
    space = Space(network, input=INPUT)
    assert [dict(d) for d in space.enumerate()] == [{"cell.kernel": 1}, {"cell.kernel": 3}]
    assert [space.network(d).outputs[0].shape for d in space.enumerate()] == [(1, 16, 4, 4)] * 2
    assert distinct_networks(space) == 2


def test_what_is_given_must_be_known_and_plain() -> None:
    with pytest.raises(SpaceError, match=r"given\('stride'\) must stand where it is given"):
        Space(conv(given("stride")), input=INPUT).size()
    with pytest.raises(SpaceError, match="but nothing around it gives 'width'"):
        Space(tied("a", conv(given("width")), channels=3), input=INPUT).size()
    with pytest.raises(SpaceError, match="plain values"):
        tied("a", conv(given("channels")), channels=oneof(4, 8))


def test_bodies_under_one_key_must_be_equal() -> None:
    network = seq(tied("a", conv(given("channels")), channels=4), tied("a", conv(None), channels=4))
    with pytest.raises(SpaceError, match="must be equal"):
        Space(network, input=INPUT).size()
