"""Regularised evolution and NSGA-II: who lives, who becomes a parent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.cost import Limit
from netwright.space import Design
from netwright.strategy import NSGA2, Objective, Outcome, RegularisedEvolution, Strategy, hypervolume
from netwright.testing import ToySpace, drive

ACCURACY, MACS = Objective("accuracy", "maximize"), Objective("macs", "minimize")
SPACE = ToySpace(layers=6, widths=5)
STATES = ["complete", "infeasible", "failed", "pruned"]


def parents_of(strategy: Strategy, asks: int = 100) -> set[int]:
    return {parent for seed in range(asks) for parent in strategy.ask(np.random.default_rng(seed)).parents}


def tell_accuracies(strategy: Strategy, accuracies: list[float]) -> None:
    designs = SPACE.sample(np.random.default_rng(3), len(accuracies))
    for number, (design, value) in enumerate(zip(designs, accuracies, strict=True)):
        strategy.tell(Outcome(number, design, {"accuracy": value}))


@pytest.mark.parametrize("make", [RegularisedEvolution, NSGA2])
@given(states=st.lists(st.sampled_from(STATES), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_only_complete_trials_become_parents(make: Any, states: list[Any], seed: int) -> None:
    settings = {"tournament": 2} if make is RegularisedEvolution else {}
    strategy = make(SPACE, [ACCURACY, MACS], population=4, **settings)
    for number, design in enumerate(SPACE.sample(np.random.default_rng(seed), len(states))):
        strategy.tell(Outcome(number, design, SPACE.evaluate(design), states[number]))
    complete = {number for number, state in enumerate(states) if state == "complete"}
    parents = parents_of(strategy, 20)
    assert parents <= complete
    assert bool(parents) == (len({strategy.history[number].design for number in complete}) >= 4)


def test_the_oldest_dies_however_good() -> None:
    strategy = RegularisedEvolution(SPACE, [ACCURACY], population=4, tournament=4)
    tell_accuracies(strategy, [1.0, 0.1, 0.2, 0.3])
    assert 0 in parents_of(strategy)
    strategy.tell(Outcome(4, SPACE.sample(np.random.default_rng(9))[0], {"accuracy": 0.0}))
    # The worst takes part in tournaments, and loses unless it is drawn four times: 1 in 256.
    assert {2, 3} <= parents_of(strategy) <= {1, 2, 3, 4}


def test_a_tournament_of_one_takes_anybody_and_a_large_one_the_best() -> None:
    accuracies = [0.5, 0.9, 0.1, 0.7]
    anybody = RegularisedEvolution(SPACE, [ACCURACY], population=4, tournament=1)
    tell_accuracies(anybody, accuracies)
    assert parents_of(anybody) == {0, 1, 2, 3}
    large = RegularisedEvolution(SPACE, [ACCURACY], population=4, tournament=4)
    tell_accuracies(large, accuracies)
    counts = [large.ask(np.random.default_rng(seed)).parents[0] for seed in range(400)]
    # The best is among four draws with replacement with a chance of 1 - (3/4)^4 = 68 %.
    assert 0.6 < counts.count(1) / 400 < 0.76
    assert counts.count(1) > counts.count(3) > counts.count(0) > counts.count(2)


def test_a_mutation_changes_one_decision() -> None:
    strategy = RegularisedEvolution(SPACE, [ACCURACY], population=4, tournament=2)
    tell_accuracies(strategy, [0.5, 0.9, 0.1, 0.7])
    for seed in range(30):
        proposal = strategy.ask(np.random.default_rng(seed))
        parent = strategy.history[proposal.parents[0]].design
        assert sum(parent[path] != proposal.design[path] for path in parent) == 1
        assert proposal.origin == "mutation"


def test_the_worst_dies_however_young() -> None:
    strategy = NSGA2(SPACE, [ACCURACY], population=4)
    tell_accuracies(strategy, [0.5, 0.9, 0.8, 0.7, 0.1])
    assert parents_of(strategy) <= {0, 1, 2, 3}


def test_the_front_survives_and_the_crowded_die() -> None:
    strategy = NSGA2(SPACE, [ACCURACY, MACS], population=3)
    points = [(0.1, 1.0), (0.5, 5.0), (0.52, 5.2), (1.0, 10.0), (0.4, 9.0)]
    designs = SPACE.sample(np.random.default_rng(3), len(points))
    for number, (design, (accuracy, macs)) in enumerate(zip(designs, points, strict=True)):
        strategy.tell(Outcome(number, design, {"accuracy": accuracy, "macs": macs}))
    # The two ends are alive; of the two that crowd each other one is; the dominated one is not.
    parents = parents_of(strategy)
    assert {0, 3} < parents
    assert 4 not in parents
    assert len(parents) == 3


def test_of_equal_trials_the_youngest_live() -> None:
    strategy = NSGA2(SPACE, [ACCURACY], population=3)
    tell_accuracies(strategy, [0.5] * 6)
    assert parents_of(strategy) == {3, 4, 5}


def test_feasible_beats_infeasible_and_then_the_smaller_violation_wins() -> None:
    strategy = NSGA2(SPACE, [ACCURACY, MACS], population=3)
    designs = SPACE.sample(np.random.default_rng(3), 7)
    violations = [0.5, 0.1, 2.0, 0.3, math.inf, 0.0]
    for number, violation in enumerate(violations):
        values = {"accuracy": 1.0, "macs": 1.0}
        strategy.tell(Outcome(number, designs[number], values, "infeasible", violation=violation))
    assert parents_of(strategy) == {0, 1, 3}
    # A complete trial, however poor, comes before all that break a limit.
    strategy.tell(Outcome(6, designs[6], {"accuracy": 0.0, "macs": 9.0}))
    assert parents_of(strategy) == {1, 3, 6}
    tournaments = [strategy._population.tournament(np.random.default_rng(seed), 2).number for seed in range(300)]
    assert tournaments.count(6) > tournaments.count(1) > tournaments.count(3)


def test_a_search_finds_its_way_from_infeasible_designs_to_feasible_ones() -> None:
    """A measured limit that a hundred random designs all break is met by descending the violation."""
    space = ToySpace(layers=8, widths=6)
    limit = Limit("macs", None, 320.0)

    def ending(number: int, design: Design) -> Outcome:
        values = space.evaluate(design)
        over = limit.violation(values["macs"])
        return Outcome(number, design, values, "infeasible" if over else "complete", violation=over)

    drawn = space.sample(np.random.default_rng(0), 100)
    assert not any(limit.holds(space.evaluate(design)["macs"]) for design in drawn)
    strategy = NSGA2(space, [ACCURACY, MACS], population=16)
    drive(strategy, ending, 300)
    # Left out of the population, infeasible trials lead nowhere: one to four of 300 are complete then.
    assert sum(outcome.state == "complete" for outcome in strategy.history) > 50


def test_offspring_say_how_they_were_made() -> None:
    strategy = NSGA2(SPACE, [ACCURACY], population=4)
    tell_accuracies(strategy, [0.5, 0.9, 0.8, 0.7])
    origins = {}
    for seed in range(200):
        proposal = strategy.ask(np.random.default_rng(seed))
        origins[proposal.origin] = len(proposal.parents)
    assert origins == {"crossover": 2, "crossover+mutation": 2, "mutation": 1}


@pytest.mark.parametrize(("crossover", "mutation", "origins"), [(0, 0, {"mutation"}), (0, 1, {"mutation"})])
def test_without_crossover_every_offspring_is_a_mutation(
    crossover: float, mutation: float, origins: set[str]
) -> None:
    strategy = NSGA2(SPACE, [ACCURACY], population=4, crossover=crossover, mutation=mutation)
    tell_accuracies(strategy, [0.5, 0.9, 0.8, 0.7])
    assert {strategy.ask(np.random.default_rng(seed)).origin for seed in range(50)} == origins


def test_a_living_design_is_not_born_twice() -> None:
    strategy = NSGA2(SPACE, [ACCURACY], population=2)
    first, second = SPACE.sample(np.random.default_rng(3), 2)
    for number, design in enumerate([first, first, first]):
        strategy.tell(Outcome(number, design, {"accuracy": 0.9}))
    assert strategy.ask(np.random.default_rng(0)).origin == "random"
    strategy.tell(Outcome(3, second, {"accuracy": 0.1}))
    assert parents_of(strategy) == {0, 3}


@pytest.mark.parametrize("make", [RegularisedEvolution, NSGA2])
def test_offspring_are_new_while_there_is_something_new(make: Any) -> None:
    strategy = make(ToySpace(layers=4, widths=4), [ACCURACY], population=8)
    space: ToySpace = strategy.space
    drive(strategy, lambda number, design: Outcome(number, design, space.evaluate(design)), 200)
    assert len({outcome.design for outcome in strategy.history}) > 190


def test_nsga2_has_a_larger_hypervolume_than_random_search() -> None:
    space = ToySpace(layers=8, widths=6)
    volumes: dict[str, list[float]] = {"nsga2": [], "random": []}
    for seed in range(4):
        strategy = NSGA2(space, [ACCURACY, MACS], population=24)
        drive(strategy, lambda number, design: Outcome(number, design, space.evaluate(design)), 200, seed)
        drawn = [space.evaluate(design) for design in space.sample(np.random.default_rng(seed), 200)]
        for name, rows in (("nsga2", [outcome.values for outcome in strategy.history]), ("random", drawn)):
            points = [[row["accuracy"], row["macs"]] for row in rows]
            volumes[name].append(hypervolume(points, [ACCURACY, MACS], reference=[0.0, 1300.0]))
    assert np.mean(volumes["nsga2"]) > 1.05 * np.mean(volumes["random"])


@pytest.mark.parametrize("make", [RegularisedEvolution, NSGA2])
def test_the_population_stays_small_over_a_long_history(make: Any) -> None:
    strategy = make(SPACE, [ACCURACY, MACS], population=10)
    designs = SPACE.sample(np.random.default_rng(1), 3000)
    for number, design in enumerate(designs):
        strategy.tell(Outcome(number, design, SPACE.evaluate(design)))
    assert len(strategy._population) == 10
