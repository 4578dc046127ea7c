"""The layered layout: nothing overlaps, the longest way is one straight column, long wires pass at the side."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.io._drawing._blocks_item import Item
from netwright.io._drawing._blocks_layout import Layout, arrange


def items(*edges: tuple[int, int], width: float = 100) -> list[Item]:
    count = max(max(edge) for edge in edges) + 1
    made = [Item(width, 40) for _ in range(count)]
    for source, target in edges:
        made[source].outs[source] = 0.0
        made[target].ins[source] = 0.0
    return made


def overlapping(layout: Layout) -> list[tuple[Item, Item]]:
    return [
        (a, b)
        for a, b in combinations(layout.items, 2)
        if abs(a.x - b.x) < (a.width + b.width) / 2 and a.y < b.y + b.height and b.y < a.y + a.height
    ]


def crossed(layout: Layout) -> list[tuple[float, float, float]]:
    """Vertical runs of wires that go through an item."""
    return [
        run
        for wire in layout.wires
        for run in wire.runs[1:-1]
        for item in layout.items
        if abs(run[0] - item.x) < item.width / 2 and run[1] < item.y + item.height and item.y < run[2]
    ]


def test_chain_is_straight() -> None:
    layout = arrange(items((0, 1), (1, 2), (2, 3)))
    assert {item.x for item in layout.items} == {50.0}
    assert [item.y for item in layout.items] == [0, 62, 124, 186]


def test_skip_passes_at_the_side_of_a_straight_chain() -> None:
    layout = arrange(items((0, 1), (1, 2), (2, 3), (0, 3)))
    assert len({item.x for item in layout.items}) == 1
    long = next(wire for wire in layout.wires if len(wire.runs) == 4)
    assert all(run[0] > 100 for run in long.runs[1:-1])
    assert not crossed(layout)


def test_branches_stand_side_by_side_around_the_middle() -> None:
    layout = arrange(items((0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)))
    first, left, middle, right, last = layout.items
    assert left.y == middle.y == right.y
    assert first.x == middle.x == last.x
    assert middle.x - left.x == right.x - middle.x >= 100


def test_columns_follow_ports_that_are_not_in_the_middle() -> None:
    above, below = Item(100, 40, outs={"a": 30.0}), Item(200, 40, ins={"a": -50.0})
    arrange([above, below])
    assert above.x + 30 == below.x - 50


def test_wires_share_a_lane_where_they_carry_one_value() -> None:
    layout = arrange(items((0, 1), (1, 2), (2, 3), (0, 2), (0, 3)))
    lanes = {run[0] for wire in layout.wires if wire.value == 0 for run in wire.runs[1:-1]}
    assert len(lanes) == 1


def test_wide_wires_have_lanes_of_their_width() -> None:
    layout = arrange(items((0, 1), (1, 2), (2, 3), (0, 3), (0, 4), (3, 5)), lane=lambda value: 60)
    lanes = [run[0] for wire in layout.wires if wire.value == 0 for run in wire.runs[1:-1]]
    assert lanes
    assert all(abs(x - item.x) >= 50 + 30 for x in lanes for item in layout.items[1:3])


def test_wire_knows_what_it_leads_to() -> None:
    layout = arrange(items((0, 1), (0, 2)))
    assert [wire.target for wire in layout.wires] == list(layout.items[1:])


def test_nothing_at_all() -> None:
    layout = arrange([])
    assert (layout.width, layout.height) == (0, 0)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_overlaps(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 14))
    edges = [
        (source, target)
        for target in range(1, count)
        for source in data.draw(st.sets(st.integers(0, target - 1), min_size=1, max_size=3))
    ]
    made = items(*edges)
    for item in made:
        item.width = data.draw(st.sampled_from([40.0, 100.0, 260.0]))
        item.height = data.draw(st.sampled_from([24.0, 40.0, 120.0]))
    layout = arrange(made)
    assert overlapping(layout) == []
    assert crossed(layout) == []
    assert all(item.x - item.width / 2 >= -1 and item.x + item.width / 2 <= layout.width + 1 for item in layout.items)
    for source, target in edges:
        assert made[source].y + made[source].height < made[target].y
