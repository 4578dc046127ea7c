"""What every space must do, as a suite to subclass."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise
from math import sqrt

import numpy as np
import pytest

from netwright.cost import Limit
from netwright.errors import DesignError, LimitError
from netwright.graph import verify
from netwright.space import Design, Space

__all__ = ["SpaceConformance"]

COSTS = ("params", "macs", "activation_bytes", "weight_bytes")

each_cost = pytest.mark.parametrize("cost", ["params", "macs"])


class SpaceConformance:
    """Checks that a space is what its forest says: designs that build, costs that add up, limits that hold.

    >>> import pytest
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> class TestMine(SpaceConformance):
    ...     @pytest.fixture
    ...     def space(self):
    ...         return Space(conv(oneof(8, 16)), input=image(3, 8, 8))

    space: a fixture with the space under test; return one from a cache where compiling takes long.
    draws: how many designs the checks draw.
    """

    draws = 12

    @pytest.fixture
    def space(self) -> Space:
        """Space under test; override this."""
        raise NotImplementedError("override the fixture `space` of SpaceConformance.")

    def test_draws_are_designs_that_build(self, space: Space) -> None:
        for design in space.sample(np.random.default_rng(0), self.draws):
            assert design in space
            assert Design.from_json(design.to_json()) in space
            verify(space.network(design))
            assert set(space.recipe(design)) >= {
                path.removeprefix("recipe.") for path in design if path.startswith("recipe.")
            }

    def test_the_first_and_last_number_are_designs(self, space: Space) -> None:
        designs = space.size() // max(space.recipe_space.size(), 1)
        recipe = space.recipe_space.sample(np.random.default_rng(0))
        for number in {0, designs // 2, designs - 1}:
            assert Design({**space.design_at(number), **recipe}) in space
        with pytest.raises(DesignError):
            space.design_at(designs)

    def test_a_small_space_lists_each_design_once(self, space: Space) -> None:
        if space.size() > 2000:
            pytest.skip("the space is too large to list")
        listed = list(space.enumerate())
        assert len(set(listed)) == len(listed) == len(space.all_costs(["params"]))

    def test_costs_of_forest_and_network_agree(self, space: Space) -> None:
        reach = [Limit(cost, 0, space.extremes(cost)[1][0]) for cost in COSTS]
        drawn = space.draw(np.random.default_rng(1), self.draws, reach)
        for i, design in enumerate(drawn.designs):
            assert space.costs(design, COSTS) == {cost: drawn.costs[cost][i] for cost in COSTS}

    @each_cost
    def test_extremes_are_costs_of_designs(self, space: Space, cost: str) -> None:
        low, high = space.extremes(cost)
        for value, design in (low, high):
            assert space.costs(design, [cost])[cost] == value
        for design in space.sample(np.random.default_rng(2), self.draws):
            assert low[0] <= space.costs(design, [cost])[cost] <= high[0]

    @each_cost
    def test_draws_keep_every_limit(self, space: Space, cost: str) -> None:
        for limits in _limits(space, cost):
            try:
                drawn = space.draw(np.random.default_rng(3), self.draws, limits)
            except LimitError:
                # One bound alone is met by an extreme; a window or two costs may well have no design.
                assert len(limits) > 1 or None not in (limits[0].low, limits[0].high)
                continue
            for design in drawn.designs:
                assert design in space
                assert all(limit.holds(space.costs(design, [limit.metric])[limit.metric]) for limit in limits)

    @each_cost
    def test_a_limit_below_the_least_is_refused(self, space: Space, cost: str) -> None:
        least = space.extremes(cost)[0][0]
        with pytest.raises(LimitError, match=cost):
            space.check_limits([Limit(cost, None, least - 1)])

    def test_variation_stays_in_the_space_and_within_the_limits(self, space: Space) -> None:
        low, high = (value for value, _ in space.extremes("params"))
        limits = [Limit("params", None, low + 0.6 * (high - low))]
        rng = np.random.default_rng(4)
        parents = space.sample(rng, 6, limits)
        for a, b in pairwise(parents):
            found = [space.mutate(a, rng, limits), space.crossover(a, b, rng, limits)]
            for child in (*found, *islice(space.neighbours(a, limits), 6)):
                assert child in space
                assert limits[0].holds(space.costs(child, ["params"])["params"])

    def test_a_design_with_a_fault_is_refused_with_its_path(self, space: Space) -> None:
        design = space.sample(np.random.default_rng(5))[0]
        assert Design({**design, "no.such.path": 1}) not in space
        with pytest.raises(DesignError, match=r"no\.such\.path"):
            space.network({**design, "no.such.path": 1})
        for path in (path for path in islice(design, self.draws) if not path.startswith("recipe.")):
            with pytest.raises(DesignError, match=f"'{path}'"):
                space.network({**design, path: "no such value"})

    def test_equal_seeds_give_equal_draws(self, space: Space) -> None:
        first, second = (
            [design.to_json() for design in space.sample(np.random.default_rng(6), self.draws)] for _ in range(2)
        )
        assert first == second

    @each_cost
    def test_the_histogram_counts_all_designs_between_the_extremes(self, space: Space, cost: str) -> None:
        histogram = space.histogram(cost)
        low, high = (value for value, _ in space.extremes(cost))
        assert histogram.total == space.size() // max(space.recipe_space.size(), 1)
        assert (histogram.smallest, histogram.largest) == (low, high)
        assert histogram.costs[0] - histogram.below <= low
        assert high <= histogram.costs[-1] + histogram.above
        drawn = space.draw(np.random.default_rng(7), 2000, [Limit(cost, 0, high)]).costs[cost]
        assert abs(drawn.mean() - histogram.mean) <= 6 * sqrt(histogram.variance / len(drawn)) + 1e-9 * high

    def test_decisions_list_what_designs_decide(self, space: Space) -> None:
        known = space.decisions()
        for design in space.sample(np.random.default_rng(8), self.draws):
            for path, value in design.items():
                values = known[path]
                assert value in values if isinstance(values, tuple) else values.contains(value)


def _limits(space: Space, cost: str) -> Iterator[list[Limit]]:
    """At most, a window, at least, and two costs at once."""
    low, high = (value for value, _ in space.extremes(cost))
    reach = high - low
    yield [Limit(cost, None, low + 0.3 * reach)]
    yield [Limit(cost, low + 0.4 * reach, low + 0.6 * reach)]
    yield [Limit(cost, high - 0.2 * reach, None)]
    other = space.extremes("activation_bytes")
    yield [Limit(cost, None, low + 0.5 * reach), Limit("activation_bytes", None, (other[0][0] + other[1][0]) / 2)]
