"""What every strategy must do, as a suite to subclass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from netwright.cost import Limit
from netwright.strategy import Objective, Outcome, Proposal, State, Strategy
from netwright.testing._toy_space import ToySpace

if TYPE_CHECKING:
    from netwright.space import Design

__all__ = ["StrategyConformance", "drive"]

ACCURACY = Objective("accuracy", "maximize")
MACS = Objective("macs", "minimize")
STATES: tuple[State, ...] = ("complete", "infeasible", "failed", "pruned")

Evaluate = Callable[[int, "Design"], Outcome]
Make = Callable[..., Strategy]

each_objectives = pytest.mark.parametrize("objectives", [[ACCURACY], [ACCURACY, MACS]], ids=["one", "two"])


def drive(strategy: Strategy, evaluate: Evaluate, trials: int, seed: int = 0) -> list[Proposal]:
    """Ask and tell as a study with one worker does, each trial with a generator of its own.

    >>> from netwright.strategy import Objective, Outcome, Random
    >>> space = ToySpace()
    >>> random = Random(space, [Objective("accuracy", "maximize")])
    >>> proposals = drive(random, lambda number, design: Outcome(number, design, space.evaluate(design)), trials=3)
    >>> [outcome.number for outcome in random.history]
    [0, 1, 2]

    evaluate: from a trial's number and design to its outcome; the proposal's parents are added here.
    """
    proposals = []
    for number in range(len(strategy.history), len(strategy.history) + trials):
        proposal = strategy.ask(np.random.default_rng([seed, number]))
        told = evaluate(number, proposal.design)
        strategy.tell(replace(told, number=number, design=proposal.design, parents=proposal.parents))
        proposals.append(proposal)
    return proposals


class StrategyConformance:
    """Checks that a strategy keeps the contract of `netwright.strategy.Strategy`.

    >>> import pytest
    >>> from netwright.strategy import Random
    >>> class TestRandom(StrategyConformance):
    ...     @pytest.fixture
    ...     def strategy_class(self):
    ...         return Random

    strategy_class: a fixture with the class, or any callable that takes space, objectives and limits.
    trials: how many trials the checks run; raise it where a strategy starts to work later.
    beats_random: set it for a strategy that claims to; its best of 150 trials is then compared with random search's.
    """

    trials = 60
    beats_random = False

    @pytest.fixture
    def strategy_class(self) -> Make:
        """Class under test; override this."""
        raise NotImplementedError("override the fixture `strategy_class` of StrategyConformance.")

    @pytest.fixture
    def space(self) -> ToySpace:
        """Space of the checks."""
        return ToySpace()

    @each_objectives
    @pytest.mark.parametrize("limits", [[], ["params <= 30"], ["25 <= params <= 40", "macs <= 120"]], ids=len)
    def test_proposes_designs_of_the_space_within_limits(
        self, strategy_class: Make, space: ToySpace, objectives: list[Objective], limits: list[str]
    ) -> None:
        held = Limit.of(limits)
        for proposal in drive(strategy_class(space, objectives, held), _honest(space), self.trials):
            assert space.contains(proposal.design)
            assert space.fits(proposal.design, held)

    @each_objectives
    def test_parents_are_trials_that_were_told(
        self, strategy_class: Make, space: ToySpace, objectives: list[Objective]
    ) -> None:
        proposals = drive(strategy_class(space, objectives), _honest(space), self.trials)
        for number, proposal in enumerate(proposals):
            assert set(proposal.parents) <= set(range(number))
            assert proposal.origin

    @each_objectives
    def test_a_new_strategy_told_the_same_goes_on_the_same(
        self, strategy_class: Make, space: ToySpace, objectives: list[Objective]
    ) -> None:
        first = strategy_class(space, objectives)
        proposals = drive(first, _mixed(space), self.trials)
        for told in range(0, self.trials, 7):
            resumed = strategy_class(space, objectives)
            for outcome in first.history[:told]:
                resumed.tell(outcome)
            assert drive(resumed, _mixed(space), min(9, self.trials - told)) == proposals[told : told + 9]

    @each_objectives
    def test_asking_leaves_no_trace(self, strategy_class: Make, space: ToySpace, objectives: list[Objective]) -> None:
        quiet, curious = strategy_class(space, objectives), strategy_class(space, objectives)
        for outcome_from in _mixed(space), _honest(space):
            expected = drive(quiet, outcome_from, self.trials // 2)
            for proposal in expected:
                for seed in range(3):
                    curious.ask(np.random.default_rng(seed))
                assert drive(curious, outcome_from, 1) == [proposal]

    @each_objectives
    def test_many_asks_come_before_tells(
        self, strategy_class: Make, space: ToySpace, objectives: list[Objective]
    ) -> None:
        strategy, honest = strategy_class(space, objectives), _honest(space)
        for first in range(0, self.trials, 8):
            asked = [strategy.ask(np.random.default_rng([1, first + worker])) for worker in range(8)]
            order = np.random.default_rng(first).permutation(8).tolist()
            for number, proposal in ((first + worker, asked[worker]) for worker in order):
                assert space.contains(proposal.design)
                values = honest(number, proposal.design).values
                strategy.tell(Outcome(number, proposal.design, values, parents=proposal.parents))

    @each_objectives
    @pytest.mark.parametrize("state", ["infeasible", "failed", "pruned"])
    @pytest.mark.parametrize("values", [{}, {"accuracy": math.nan, "macs": 1.0}, {"accuracy": 0.5, "macs": 1.0}])
    def test_tolerates_trials_that_all_end_badly(
        self,
        strategy_class: Make,
        space: ToySpace,
        objectives: list[Objective],
        state: State,
        values: dict[str, float],
    ) -> None:
        def ending(number: int, design: Design) -> Outcome:
            return Outcome(number, design, values, state)

        proposals = drive(strategy_class(space, objectives), ending, self.trials)
        assert all(space.contains(proposal.design) for proposal in proposals)

    @each_objectives
    @pytest.mark.parametrize("accuracy", [None, math.nan, math.inf])
    def test_takes_a_missing_objective_for_a_failure(
        self, strategy_class: Make, space: ToySpace, objectives: list[Objective], accuracy: float | None
    ) -> None:
        def broken(number: int, design: Design) -> Outcome:
            values = {"macs": 1.0} if accuracy is None else {"macs": 1.0, "accuracy": accuracy}
            return Outcome(number, design, values)

        def failed(number: int, design: Design) -> Outcome:
            return Outcome(number, design, state="failed")

        proposals = [drive(strategy_class(space, objectives), ending, self.trials) for ending in (broken, failed)]
        assert proposals[0] == proposals[1]

    @each_objectives
    def test_goes_on_when_the_space_is_used_up(self, strategy_class: Make, objectives: list[Objective]) -> None:
        space = ToySpace(layers=1, widths=2)
        proposals = drive(strategy_class(space, objectives), _honest(space), self.trials)
        assert {proposal.design for proposal in proposals} == set(space.enumerate())

    def test_takes_trials_it_did_not_propose(self, strategy_class: Make, space: ToySpace) -> None:
        strategy = strategy_class(space, [ACCURACY])
        honest = _honest(space)
        for number, design in enumerate(space.sample(np.random.default_rng(5), self.trials)):
            strategy.tell(honest(number, design))
        assert all(space.contains(proposal.design) for proposal in drive(strategy, honest, 10))

    def test_beats_random_where_it_claims_to(self, strategy_class: Make) -> None:
        if not self.beats_random:
            pytest.skip("the strategy does not claim to beat random search")
        space = ToySpace(layers=8, widths=6)
        baseline = [
            max(space.evaluate(design)["accuracy"] for design in space.sample(np.random.default_rng(seed), 150))
            for seed in range(8)
        ]
        own = [_best_of(strategy_class(space, [ACCURACY]), space, seed) for seed in range(8)]
        assert np.mean(own) > np.mean(baseline)


def _best_of(strategy: Strategy, space: ToySpace, seed: int) -> float:
    drive(strategy, _honest(space), 150, seed)
    return max(outcome.values["accuracy"] for outcome in strategy.history)


def _honest(space: ToySpace) -> Evaluate:
    return lambda number, design: Outcome(number, design, space.evaluate(design))


def _mixed(space: ToySpace) -> Evaluate:
    """A third of the trials ends badly; which ones depends on their numbers alone."""
    mixture: list[State] = [*STATES, *STATES[:1] * 5]

    def outcome(number: int, design: Design) -> Outcome:
        state = mixture[int(np.random.default_rng([7, number]).integers(len(mixture)))]
        return Outcome(number, design, space.evaluate(design), state)

    return outcome
