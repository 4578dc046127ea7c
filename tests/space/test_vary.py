"""Mutation, crossover and neighbours: what they give stands in the space and within the limits."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from netwright.blocks import conv, skip
from netwright.cost import Limit
from netwright.errors import DesignError
from netwright.graph import image
from netwright.space import Design, Space, cell, grammar, named, oneof, real, repeat, residual, rule, seq, tied
from netwright.space._vary import freed

from .chi_square import assert_uniform
from .interpreter import COST_NAMES, Source, reference
from .random_sources import sources

quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
INPUT = image(3, 8, 8)


def below(path: str, other: str) -> bool:
    return other == path or other.startswith(path + ".")


def differs_in_one(old: Design, new: Design) -> bool:
    """Whether one decision is another, and all neither at it nor below it are kept where they still are."""
    return any(
        new.get(path, old[path]) != old[path]
        and all(new.get(other, old[other]) == old[other] for other in old if not below(path, other))
        for path in old
    )


def half(source: Source) -> tuple[list[Limit], dict[Design, bool]]:
    """Limits that about half of the designs keep, and which do."""
    found = reference(source)
    middle = [sorted(one.costs[i] for one in found)[len(found) // 2] for i in (0, 2)]
    limits = [Limit(COST_NAMES[i], None, high) for i, high in zip((0, 2), middle, strict=True)]
    return limits, {one.design: one.costs[0] <= middle[0] and one.costs[2] <= middle[1] for one in found}


@quick
@given(sources())
def test_neighbours_are_all_designs_one_decision_away(source: Source) -> None:
    space, (limits, fits) = source.space(), half(source)
    for design in list(fits)[:12]:
        near = {other for other in fits if differs_in_one(design, other)}
        found = list(space.neighbours(design))
        assert len(found) == len(set(found))
        assert set(found) == near
        assert set(space.neighbours(design, limits)) == {other for other in near if fits[other]}


@quick
@given(sources())
def test_mutants_are_neighbours_within_the_limits(source: Source) -> None:
    space, (limits, fits) = source.space(), half(source)
    rng = np.random.default_rng(0)
    for design in list(fits)[:12]:
        near = set(space.neighbours(design))
        mutant = space.mutate(design, rng)
        assert mutant in near if near else mutant == design
        near = {other for other in near if fits[other]}
        mutant = space.mutate(design, rng, limits)
        assert mutant in near if near else mutant == design


@quick
@given(sources())
def test_children_are_designs_within_the_limits(source: Source) -> None:
    space, (limits, fits) = source.space(), half(source)
    rng = np.random.default_rng(0)
    inside = [design for design, good in fits.items() if good]
    designs = list(fits)
    for _ in range(12):
        a, b = (designs[int(i)] for i in rng.integers(len(designs), size=2))
        assert space.crossover(a, b, rng) in fits
        if inside:
            a, b = (inside[int(i)] for i in rng.integers(len(inside), size=2))
            assert fits[space.crossover(a, b, rng, limits)]


@quick
@given(sources())
def test_a_child_has_each_decision_from_a_parent_or_has_mutated(source: Source) -> None:
    space, designs = source.space(), [one.design for one in reference(source)]
    rng = np.random.default_rng(1)
    for _ in range(6):
        a, b = (designs[int(i)] for i in rng.integers(len(designs), size=2))
        child = space.crossover(a, b, rng)
        values = {str(v) for v in (*a.values(), *b.values())}
        assert child == a or differs_in_one(a, child) or {str(v) for v in child.values()} <= values


def spaces() -> dict[str, Space]:
    operation = oneof(named("none", conv(4, kernel=1)), named("skip", skip()), named("conv", conv(4)))
    block = oneof(seq(conv(oneof(4, 8)), conv(4)), seq(conv(oneof(5, 6)), skip(), conv(4)), skip())
    twin = tied("twin", conv(None, kernel=oneof(1, 3)))
    net = grammar("net", depth=3, net=oneof(conv(4), skip(), seq(rule("net"), rule("net"))))
    return {
        "cell": Space(seq(conv(4), cell({(0, 1): operation, (1, 2): operation, (0, 2): operation})), input=INPUT),
        # The two sequences ask for one path with other values: the choice above it must free it.
        "top": Space(seq(conv(4), block), input=INPUT),
        "choice": Space(block, input=INPUT),
        "repeat": Space(repeat(conv(None, kernel=oneof(1, 3)), times=oneof(0, 1, 3)), input=INPUT),
        "copies": Space(repeat(conv(None, kernel=oneof(1, 3)), times=oneof(0, 1, 3), tied=True), input=INPUT),
        "tie": Space(seq(twin, conv(oneof(4, 8)), oneof(twin, skip())), input=[INPUT, image(3, 4, 4)]),
        "grammar": Space(net, input=INPUT),
        "inside": Space(residual(net), input=image(4, 8, 8)),
    }


@pytest.mark.parametrize("name", spaces())
def test_neighbours_lead_from_any_design_to_every_other(name: str) -> None:
    space = spaces()[name]
    links = {design: list(space.neighbours(design)) for design in space.enumerate()}
    for start in links:
        reached, edge = {start}, [start]
        while edge:
            edge = [other for design in edge for other in links[design] if other not in reached]
            reached.update(edge)
        assert len(reached) == space.size()


def test_a_walk_of_mutations_comes_everywhere_within_the_limits() -> None:
    space = spaces()["cell"]
    limits = "params <= 350"
    inside = {d for d in space.enumerate() if space.costs(d, ["params"])["params"] <= 350}
    assert 4 < len(inside) < space.size()
    rng = np.random.default_rng(0)
    design, met = space.sample(rng, 1, limits)[0], set()
    for _ in range(40 * len(inside)):
        design = space.mutate(design, rng, limits)
        met.add(design)
    assert met == inside


def test_mutation_is_even_over_decisions_and_then_over_what_follows() -> None:
    space = Space(seq(conv(oneof(4, 8)), conv(oneof(2, 3, 4, 5), kernel=oneof(1, 3))), input=INPUT)
    design = Design({"conv.channels": 4, "conv_1.channels": 2, "conv_1.kernel": 1})
    rng = np.random.default_rng(0)
    mutants = [space.mutate(design, rng) for _ in range(1200)]
    assert_uniform([next(p for p in design if m[p] != design[p]) for m in mutants], design)
    assert_uniform([m["conv_1.channels"] for m in mutants if m["conv_1.channels"] != 2], (3, 4, 5))


def test_crossover_exchanges_equal_parts_wherever_they_stand() -> None:
    net = grammar(
        "net",
        depth=6,
        net=oneof(named("a", conv(3)), named("b", skip()), named("two", seq(rule("net"), rule("net")))),
    )
    space = Space(net, input=INPUT)
    rng = np.random.default_rng(0)
    parents = space.sample(rng, 2)
    children = {space.crossover(*parents, rng) for _ in range(30)}
    assert len(children) > 10
    assert all(child in space for child in children)


@pytest.mark.parametrize("depth", [7, 12])
def test_variation_of_a_deep_grammar_costs_about_the_length_of_the_design(depth: int) -> None:
    net = oneof(named("a", conv(3)), named("b", skip()), named("two", seq(rule("net"), rule("net"))))
    space = Space(grammar("net", depth=depth, net=net), input=image(3, 4, 4))
    rng = np.random.default_rng(0)
    design = space.k_best("params", 40)[-1][1]
    part = freed(space.forest, design, "net")
    assert part is not None
    assert len(part) <= len(space.forest)
    started = time.perf_counter()
    for _ in range(5):
        assert space.mutate(design, rng, "params <= 2000") in space
        assert space.crossover(design, space.mutate(design, rng, "params <= 2000"), rng) in space
    assert time.perf_counter() - started < 10


def test_a_design_of_another_space_is_refused_with_its_path() -> None:
    space = Space(conv(oneof(4, 8)), input=INPUT, recipe={"lr": real(0.1, 1.0)})
    rng, good = np.random.default_rng(0), Design({"channels": 4, "recipe.lr": 0.5})
    for bad, path in (
        ({"channels": 5, "recipe.lr": 0.5}, "channels"),
        ({"recipe.lr": 0.5}, "channels"),
        ({"channels": 4}, "recipe.lr"),
        ({"channels": 4, "recipe.lr": 2.0}, "recipe.lr"),
        ({"channels": 4, "recipe.lr": 0.5, "kernel": 3}, "kernel"),
    ):
        for ask in (
            lambda d: space.mutate(d, rng),
            lambda d: space.crossover(good, d, rng),
            lambda d: space.crossover(d, good, rng),
            lambda d: list(space.neighbours(d)),
        ):
            with pytest.raises(DesignError, match=path):
                ask(Design(bad))
    shapes = Space(residual(conv(oneof(3, 4))), input=INPUT)
    with pytest.raises(DesignError, match="shapes of a design must fit"):
        shapes.mutate(Design({"body.channels": 4}), rng)


def test_a_design_that_cannot_change_stays() -> None:
    space = Space(conv(oneof(4, 8), kernel=1), input=INPUT)
    rng = np.random.default_rng(0)
    design = Design({"channels": 4})
    assert space.mutate(design, rng, "params <= 30") == design
    assert space.crossover(design, design, rng, "params <= 30") == design
    assert list(space.neighbours(design, "params <= 30")) == []
