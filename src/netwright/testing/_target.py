"""What every target must do, as a suite to subclass."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netwright.errors import EvaluationError
from netwright.graph import simplify
from netwright.space import Space
from netwright.target import QUANTITIES, Target

__all__ = ["TargetConformance"]


class TargetConformance:
    """Checks that a target keeps the contract of `netwright.target.Target`.

    >>> import pytest
    >>> from netwright.blocks import conv
    >>> from netwright.graph import image
    >>> from netwright.space import Space, oneof
    >>> from netwright.target import Here
    >>> class TestMine(TargetConformance):
    ...     @pytest.fixture
    ...     def target(self):
    ...         return Here("here:2t", threads=2)
    ...
    ...     @pytest.fixture
    ...     def space(self):
    ...         return Space(conv(oneof(8, 16)), input=image(3, 8, 8))

    target: a fixture with the target under test. space: one with a small space that it knows something of.
    draws: designs of the space that are asked about.
    """

    draws = 2

    @pytest.fixture
    def target(self) -> Target:
        """Target under test; override this."""
        raise NotImplementedError("override the fixture `target` of TargetConformance.")

    @pytest.fixture
    def space(self) -> Space:
        """Space that the target knows; override this."""
        raise NotImplementedError("override the fixture `space` of TargetConformance.")

    def test_it_has_a_name_and_says_how_it_knows(self, target: Target) -> None:
        assert target.name
        assert target.how
        assert not target.how.endswith(".")
        assert target.knows <= QUANTITIES.keys()
        assert target.careful().name == target.name

    @pytest.mark.parametrize("quantity", sorted(QUANTITIES))
    def test_an_estimate_is_positive_within_its_interval_and_has_its_unit(
        self, target: Target, space: Space, quantity: str
    ) -> None:
        for design in space.sample(np.random.default_rng(0), self.draws):
            graph = simplify(space.network(design))
            if quantity not in target.knows:
                with pytest.raises(EvaluationError, match="must know what it is asked for"):
                    target.of(quantity, graph, design)
                continue
            found = target.of(quantity, graph, design)
            assert 0 <= found.low <= found.value <= found.high
            assert math.isfinite(found.high)
            assert found.unit == QUANTITIES[quantity][1]
            assert found.how
            assert all(math.isfinite(number) for number in found.detail.values())

    @pytest.mark.parametrize("quantity", sorted(QUANTITIES))
    def test_an_additive_cost_is_held_by_the_forest(self, target: Target, space: Space, quantity: str) -> None:
        name = f"{quantity}@{target.name}"
        cost = target.additive(quantity, space, name)
        if cost is None:
            return
        assert quantity in target.knows
        assert (cost.name, cost.unit, cost.additive) == (name, QUANTITIES[quantity][1], True)
        held = space.with_costs(cost)
        (low, cheapest), (high, dearest) = held.extremes(name)
        for value, design in ((low, cheapest), (high, dearest)):
            assert held.costs(design, [name])[name] == pytest.approx(value)
        middle = (low + high) / 2
        for design in held.sample(np.random.default_rng(0), self.draws, f"{name} <= {middle!r}"):
            assert held.costs(design, [name])[name] <= middle * (1 + 1e-9)
