"""Costs that are sums over decisions: the forest agrees with the list of all designs."""

from __future__ import annotations

import pickle
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from netwright.blocks import conv, skip
from netwright.cost import DecisionCost, Limit
from netwright.errors import DesignError, LimitError, SpaceError
from netwright.graph import image
from netwright.space import Design, Space, named, oneof, repeat, seq, tied

from .chi_square import assert_uniform
from .interpreter import Source
from .random_sources import sources

quick = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
INPUT = image(3, 8, 8)


class Hashed(DecisionCost):
    """A price for any decision, from its path and value."""

    def __init__(self, base: float = 3.0) -> None:
        super().__init__("price", "", "hashed", {}, base)

    def of_decision(self, path: str, value: object) -> float:
        return zlib.crc32(f"{path}={value!r}".encode()) % 1000 / 7 if path else self.base

    def of_design(self, design, graph=None):
        return self.base + sum(self.of_decision(path, value) for path, value in design.items())


def layers(n: int = 4) -> Space:
    part = oneof(named("a", conv(8)), named("b", conv(8, kernel=oneof(1, 5))), named("c", skip(8)))
    return Space(seq(conv(8), repeat(part, times=oneof(1, n))), input=INPUT)


def prices(space: Space) -> dict[Design, float]:
    return {design: space.costs(design, ["price"])["price"] for design in space.enumerate()}


@quick
@given(sources())
def test_extremes_histogram_and_lists_agree_with_every_design(source: Source) -> None:
    plain = source.space()
    space = plain.with_costs(Hashed())
    if space.network_size() > 2000:
        return
    assert list(space.enumerate()) == list(plain.enumerate())
    known = prices(space)
    np.testing.assert_allclose(space.all_costs(["price"])[:, 0], list(known.values()))
    (low, cheapest), (high, dearest) = space.extremes("price")
    assert (low, high) == pytest.approx((min(known.values()), max(known.values())))
    assert (known[cheapest], known[dearest]) == pytest.approx((low, high))
    found = space.histogram("price")
    assert found.total == len(known)
    assert found.mean == pytest.approx(np.mean(list(known.values())))
    ranked = [value for value, _ in space.k_best("price", 5)]
    assert ranked == pytest.approx(sorted(known.values())[:5])


@quick
@given(sources())
def test_draws_keep_a_limit_on_a_price_together_with_one_on_a_block_cost(source: Source) -> None:
    space = source.space().with_costs(Hashed())
    if space.network_size() > 2000:
        return
    known = prices(space)
    middle = float(np.median(list(known.values()))) + 1e-6
    params = {design: space.costs(design, ["params"])["params"] for design in known}
    most = float(np.quantile(list(params.values()), 0.7)) + 0.5
    wanted = {design for design in known if known[design] <= middle and params[design] <= most}
    limits = [Limit("price", high=middle), Limit("params", high=most)]
    try:
        drawn = space.sample(np.random.default_rng(0), 30, limits)
    except LimitError:
        assert not wanted
        return
    assert set(drawn) <= wanted


def test_draws_within_a_limit_are_uniform() -> None:
    space = layers().with_costs(Hashed())
    known = prices(space)
    bound = sorted(known.values())[len(known) // 3]
    wanted = [design for design in known if known[design] <= bound + 1e-9]
    assert_uniform(
        space.sample(np.random.default_rng(0), 60 * len(wanted), [Limit("price", high=bound + 1e-9)]), wanted
    )


def test_equal_parts_at_two_places_have_prices_of_their_own() -> None:
    part = oneof(named("a", conv(8)), named("b", skip(8)))
    space = Space(seq(conv(8), first=part, second=part), input=INPUT)
    cost = DecisionCost("price", "", "", {("first", "a"): 1.0, ("second", "b"): 10.0}, base=100.0)
    held = space.with_costs(cost)
    assert [low for low, _ in held.k_best("price", 4)] == [100.0, 101.0, 110.0, 111.0]
    assert held.size() == space.size() == 4


def test_a_tied_part_pays_once_for_its_decision() -> None:
    cell = tied("cell", oneof(named("a", conv(8)), named("b", conv(8, kernel=1))))
    space = Space(seq(conv(8), repeat(cell, times=3)), input=INPUT)
    held = space.with_costs(DecisionCost("price", "", "", {("cell", "a"): 2.0}))
    assert [value for value, _ in held.k_best("price", 2)] == [0.0, 2.0]


def test_mutants_children_and_neighbours_stay_within_a_limit_on_a_price() -> None:
    space = layers().with_costs(Hashed())
    known = prices(space)
    bound = float(np.median(list(known.values()))) + 1e-9
    limit = Limit("price", high=bound)
    rng = np.random.default_rng(0)
    a, b = space.sample(rng, 2, [limit])
    for _ in range(20):
        a, b = space.mutate(a, rng, [limit]), space.crossover(b, a, rng, [limit])
        assert max(known[a], known[b]) <= bound
    assert all(known[design] <= bound for design in space.neighbours(a, [limit]))


def test_costs_of_blocks_stay_as_they_were() -> None:
    plain = layers()
    held = plain.with_costs(Hashed())
    assert held.extremes("params") == plain.extremes("params")
    assert held.histogram("macs") == plain.histogram("macs")


def test_a_space_made_with_a_price_or_sent_to_another_process_holds_it() -> None:
    cost = DecisionCost("price", "", "", {("channels", 4): 1.0}, 2.0)
    space = Space(conv(oneof(4, 8)), input=INPUT, costs=[cost])
    for each in (space, pickle.loads(pickle.dumps(space))):
        assert each.extremes("price")[0][0] == 2.0
        assert each.extremes("price")[1][0] == 3.0


def test_a_graph_alone_has_no_price() -> None:
    space = layers().with_costs(Hashed())
    with pytest.raises(DesignError, match="sum over decisions and needs a design"):
        space.cost("price").of(space.network(space.design_at(0)))


def test_a_space_with_too_many_places_is_refused() -> None:
    part = oneof(conv(8), skip(8), conv(8, kernel=1), conv(8, kernel=5))
    space = Space(seq(conv(8), repeat(part, times=60)), input=INPUT, max_nodes=100)
    assert space.size() == 4**60
    with pytest.raises(SpaceError, match="can be held in up to 100 places"):
        space.with_costs(Hashed()).size()
