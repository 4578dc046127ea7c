"""Draws without budgets: their order, their costs, and grammars whose masses no float holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from netwright.blocks import conv, skip
from netwright.graph import image
from netwright.space import Design, Space, branch, grammar, named, oneof, repeat, rule, seq
from netwright.space._semiring import Counting, Inside, evaluate
from netwright.space._walk import Mass, Walk

from .chi_square import assert_follows, assert_uniform
from .interpreter import Source, reference
from .random_sources import sources

INPUT = image(4, 4, 4)
quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@quick
@given(sources())
def test_walks_are_uniform_over_what_is_found_by_enumeration(source: Source) -> None:
    found = [one.design for one in reference(source)]
    assert_uniform(Walk(source.space().forest).draw(10 * len(found), np.random.default_rng(1))[0], found)


@quick
@given(sources())
def test_walks_by_weight_follow_the_weights(source: Source) -> None:
    wanted = {one.design: one.probability for one in reference(source)}
    n = math.ceil(8 / min(wanted.values()) * sum(wanted.values()))
    if n <= 100_000:
        walk = Walk(source.space().forest, weighted=True)
        assert_follows(walk.draw(n, np.random.default_rng(2))[0], wanted)


def tree(depth: int, leaf: float = 1.0) -> Space:
    """Binary trees, twice as deep as they look: every node decides twice at one place."""
    inner = named("pair", branch(rule("net"), rule("net"), join=oneof("add", "concat")))
    body = oneof(named("leaf", seq(conv(oneof(2, 4)))), inner, weights=(leaf, 1.0))
    return Space(grammar("net", depth=depth, net=body), input=INPUT)


def test_decisions_stand_in_the_order_of_the_derivation() -> None:
    space = tree(3)
    listed = {design: list(design) for design in space.enumerate()}
    for design in space.sample(np.random.default_rng(0), 500):
        assert list(design) == listed[design]


def test_draws_of_a_grammar_are_uniform_and_follow_its_weights() -> None:
    space = tree(2, leaf=3.0)
    designs = list(space.enumerate())
    assert_uniform(space.sample(np.random.default_rng(1), 20 * len(designs)), designs)
    options = {"leaf": 0.75, "pair": 0.25}
    wanted = {d: math.prod(_chance(d, path, options) for path in d) for d in designs}
    assert_follows(space.sample(np.random.default_rng(2), 4000, weighted=True), wanted)


def _chance(design: Design, path: str, options: dict[str, float]) -> float:
    return options.get(str(design[path]), 0.5)


@pytest.mark.parametrize("limit", ["params >= 0", "params <= 1e9"])
def test_costs_under_a_limit_that_excludes_nothing_are_those_of_the_networks(limit: str) -> None:
    space = Space(repeat(conv(oneof(2, 3)), times=oneof(1, 2, 3)), input=INPUT)
    draws = space.draw(np.random.default_rng(0), 40, [limit])
    assert draws.costs["params"].tolist() == [space.costs(design)["params"] for design in draws.designs]
    assert (draws.acceptance, draws.splits) == (1.0, 1.0)


def test_masses_below_every_float_are_drawn_by() -> None:
    # Each of 200 layers keeps its width with a chance of 1e-9: 1e-1800 in all for the one design without a change.
    layer = oneof(skip(), conv(4, kernel=1), weights=(1e-9, 1.0))
    space = Space(repeat(layer, times=200), input=INPUT)
    only = Space(repeat(oneof(skip(), conv(8), weights=(1e-9, 1.0)), times=2), input=INPUT)
    assert only.size() == 4
    drawn = space.sample(np.random.default_rng(0), 3, weighted=True)
    assert all(set(design.values()) == {"conv"} for design in drawn)
    kept = space.restricted({"*": ["skip"]})
    mantissa, power = evaluate(kept.forest, Mass())[kept.forest.root]
    assert math.log10(mantissa) + power * math.log10(2) == pytest.approx(-1800, rel=1e-6)
    assert kept.sample(np.random.default_rng(0), 2, weighted=True) == [kept.design_at(0)] * 2


def test_masses_are_those_of_the_inside_weights() -> None:
    forest = tree(3, leaf=2.0).forest
    for inside, (mantissa, power) in zip(evaluate(forest, Inside()), evaluate(forest, Mass()), strict=True):
        assert math.ldexp(mantissa, power) == pytest.approx(inside)


def test_leaves_are_those_that_the_draws_pass() -> None:
    forest = tree(3).forest
    rows, draws, leaves = Walk(forest).draw(50, np.random.default_rng(0))
    counts = evaluate(forest, Counting())
    assert len(rows) == 50
    assert set(draws.tolist()) == set(range(50))
    assert all(counts[leaf] == 1 for leaf in leaves.tolist())
