"""Decisions named first and what follows from them: counted, drawn, changed and refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as given_example

from netwright.blocks import conv, skip
from netwright.errors import DesignError, EmptySpaceError, ShapeError, SpaceError
from netwright.graph import canonical_hash, image
from netwright.space import Space, formula, given, integer, let, named, oneof, repeat, seq, tied

from .interpreter import COST_NAMES, Source, reference
from .random_sources import let_sources

INPUT = image(3, 8, 8)


@formula
def line(depth: int, slope: int) -> dict[str, Any] | None:
    """Widths on a line, where that does not become too wide."""
    return {"widths": [8 + slope * i for i in range(depth)]} if depth * slope < 12 else None


def pyramid(kernel: Any = 3, **values: Any) -> Any:
    layer = conv(given("width"), kernel=kernel)
    tower = repeat(layer, times=given("depth"), each={"width": given("widths")})
    return let(tower, line, **{"depth": integer(1, 2), "slope": oneof(2, 6), **values})


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given_example(let_sources())
def test_designs_and_costs_are_those_of_the_second_reading(source: Source) -> None:
    space, found = source.space(), reference(source)
    rows = dict(zip(space.enumerate(), map(tuple, space.all_costs(COST_NAMES).tolist()), strict=True))
    assert space.size() == len(found)
    assert rows == {one.design: one.costs for one in found}
    for one in found[:5]:
        assert one.design in space
        assert canonical_hash(space.network(one.design)) == canonical_hash(one.graph)


def test_decisions_inside_stand_under_body() -> None:
    space = Space(seq(net=pyramid(oneof(1, 3))), input=INPUT)
    assert space.size() == 2 + 2 + 4
    design = {"net.depth": 2, "net.slope": 2, "net.body.0.kernel": 1, "net.body.1.kernel": 3}
    assert design in space
    assert space.network(design).outputs[0].shape == (1, 10, 8, 8)
    with pytest.raises(DesignError, match="net must be what line allows, but depth=2, slope=6 is not"):
        space.network({**design, "net.slope": 6})
    assert {**design, "net.slope": 6} not in space


def test_costs_are_those_of_the_blocks() -> None:
    space = Space(pyramid(depth=integer(1, 4), slope=oneof(1, 2, 3)), input=INPUT)
    designs = list(space.enumerate())
    assert len(designs) == space.size() == sum(depth * slope < 12 for depth in range(1, 5) for slope in (1, 2, 3))
    assert [space.costs(d)["macs"] for d in designs] == space.all_costs(["macs"])[:, 0].tolist()


def test_changed_designs_keep_the_rule() -> None:
    space = Space(pyramid(oneof(1, 3), depth=integer(1, 4), slope=oneof(1, 2, 3, 5)), input=INPUT)
    rng = np.random.default_rng(0)
    first, second = space.sample(rng, 2)
    for _ in range(50):
        changed = [space.mutate(first, rng), space.crossover(first, second, rng), *space.neighbours(first)]
        for design in changed:
            assert design in space
            assert int(design["depth"]) * int(design["slope"]) < 12
        first, second = space.mutate(second, rng), first


def test_less_of_a_space_keeps_the_rule() -> None:
    space = Space(pyramid(), input=INPUT)
    assert [dict(d) for d in space.restricted({"depth": [2]}).enumerate()] == [{"depth": 2, "slope": 2}]
    with pytest.raises(EmptySpaceError):
        space.restricted({"depth": [2], "slope": [6]})


def test_a_budget_holds_across_the_rule() -> None:
    space = Space(pyramid(depth=integer(1, 4), slope=oneof(1, 2, 3)), input=INPUT)
    most = sorted(space.costs(d)["params"] for d in space.enumerate())[4]
    drawn = space.sample(np.random.default_rng(0), 100, [f"params <= {most}"])
    assert {space.costs(d)["params"] for d in drawn} <= set(range(int(most) + 1))
    assert len(set(drawn)) == sum(space.costs(d)["params"] <= most for d in space.enumerate())


def test_what_is_given_may_be_made_of_what_is_given_outside() -> None:
    inner = let(conv(given("channels"), kernel=given("kernel")), channels=given("width"), kernel=oneof(1, 3))
    space = Space(let(seq(inner=inner), width=oneof(4, 8), kernel=5), input=INPUT)
    assert space.size() == 4
    design = {"width": 8, "body.inner.kernel": 1}
    assert space.costs(design)["params"] == 8 * 3 + 2 * 8


def test_ties_take_what_is_given_where_they_stand() -> None:
    layer = tied("layer", conv(given("width"), kernel=oneof(1, 3)))
    space = Space(let(repeat(layer, 3, each={"width": given("widths")}), line3, slope=oneof(1, 2)), input=INPUT)
    assert space.size() == 4
    assert {int(space.costs(d)["params"]) for d in space.enumerate()} == {
        sum(a * b * k * k + 2 * b for a, b in ((3, 8), (8, 8 + s), (8 + s, 8 + 2 * s)))
        for k in (1, 3)
        for s in (1, 2)
    }


def test_a_tied_layer_that_meets_one_shape_twice_costs_twice() -> None:
    copies = repeat(seq(conv(8), conv(8)), times=given("copies"), tied=True)
    space = Space(let(copies, copies=oneof(1, 2)), input=INPUT)
    assert space.all_costs(["params"])[:, 0].tolist() == [
        sum(9 * into * 8 + 2 * 8 for into in (3, *[8] * (2 * n - 1))) for n in (1, 2)
    ]


def test_what_ties_are_given_needs_no_order() -> None:
    layer = conv(given("width"))
    first, second = tied("layer", layer), tied("layer", layer, width=3)
    space = Space(let(seq(first, second), width=oneof(None, 3)), input=INPUT)
    assert [dict(d) for d in space.enumerate()] == [{"width": "none"}, {"width": 3}]


@formula
def line3(slope: int) -> dict[str, Any]:
    """Three widths on a line."""
    return {"widths": (8, 8 + slope, 8 + 2 * slope)}


def test_copies_of_a_tied_part_are_as_many_in_all_its_places() -> None:
    stage = tied("stage", repeat(conv(None), times=given("depth")))
    Space(let(seq(stage, stage), depth=oneof(1, 2)), input=INPUT).size()
    twice = seq(let(stage, depth=1), let(stage, depth=2))
    with pytest.raises(SpaceError, match=r"as many copies, but they are given \[1, 2\]"):
        Space(twice, input=INPUT).size()


def test_parts_that_do_not_fit_are_left_out() -> None:
    space = Space(let(conv(8, groups=given("groups")), groups=oneof(1, 2, 3)), input=INPUT)
    assert [dict(d) for d in space.enumerate()] == [{"groups": 1}]


def test_a_rule_that_allows_nothing_is_empty() -> None:
    with pytest.raises(EmptySpaceError, match="line allows no combination"):
        Space(pyramid(depth=oneof(6, 7), slope=oneof(2, 3)), input=INPUT).size()


@formula
def odd(depth: int) -> dict[str, int]:
    """A rule with an error of its own."""
    if depth == 2:
        raise ShapeError("depth must be odd.")
    return {"width": depth}


@formula
def wordless(depth: int) -> Any:
    """A rule that gives a number without a name."""
    return depth


@formula
def choosing(depth: int) -> dict[str, Any]:
    """A rule that gives a choice."""
    return {"width": oneof(1, depth + 1)}


LAYER = conv(given("width"))
BAD: dict[str, tuple[Any, type[Exception], str]] = {
    "nothing": (lambda: let(skip()), SpaceError, "needs values to give, but got none"),
    "parts": (lambda: let(skip(), a=oneof(conv(4), conv(8))), SpaceError, "choices of values, but 'a' is"),
    "function": (lambda: let(skip(), lambda a: {}, a=oneof(1, 2)), SpaceError, "made by a formula, but got <fun"),
    "name": (lambda: let(skip(), **{"a.b": oneof(1, 2)}), SpaceError, "must not be empty or hold a dot"),
    "dict": (lambda: let(skip(), a={"b": 1}), SpaceError, "must be plain values, but 'a' is"),
    "missing": (lambda: let(LAYER, line, depth=oneof(1, 2)), SpaceError, "needs depth, slope, but 'slope' is not"),
    "fault": (lambda: let(LAYER, odd, depth=oneof(1, 2)), ShapeError, "depth must be odd"),
    "wordless": (lambda: let(LAYER, wordless, depth=oneof(1, 2)), SpaceError, "values by name, but wordless gives 1"),
    "choosing": (lambda: let(LAYER, choosing, depth=oneof(1, 2)), SpaceError, "must be plain values, but 'width'"),
    "not given": (lambda: let(LAYER, depth=oneof(1, 2)), SpaceError, r"given\('width'\) must stand where"),
    "no place": (lambda: let(conv(given("w", 2)), w=(4, 8)), SpaceError, r"given\('w', 2\) .* must have place 2"),
    "no places": (lambda: let(conv(given("w", 0)), w=oneof(4, 8)), SpaceError, "must have place 0, but w is 4"),
    "half a copy": (lambda: let(repeat(conv(4), given("n")), n=0.5), SpaceError, "of at least 0, but got 0.5"),
    "few": (lambda: repeat(LAYER, oneof(1, 3), each={"width": (4, 8)}), SpaceError, r"is \(4, 8\) for 3 copies"),
    "one for all": (lambda: repeat(LAYER, 2, each={"width": 4}), SpaceError, "must have a value, but 'width' is 4"),
    "few given": (lambda: let(repeat(LAYER, given("n"), each={"width": (4,)}), n=2), SpaceError, "for 2 copies"),
    "choice for each": (lambda: repeat(LAYER, 2, each={"width": oneof(4, 8)}), SpaceError, "must be plain values"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_forms_are_refused(name: str) -> None:
    make, error, message = BAD[name]
    with pytest.raises(error, match=message):
        Space(seq(named("net", make())), input=INPUT).size()


def test_no_copies_need_no_values() -> None:
    assert Space(seq(repeat(LAYER, 0, each={"width": ()}), conv(4)), input=INPUT).size() == 1
