from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netwright.strategy import LocalSearch, Objective, Outcome, Proposal, dominates
from netwright.testing import ToySpace, drive

ACCURACY, MACS = Objective("accuracy", "maximize"), Objective("macs", "minimize")


def climb(strategy: LocalSearch, space: ToySpace, trials: int, seed: int = 0) -> list[Proposal]:
    return drive(strategy, lambda number, design: Outcome(number, design, space.evaluate(design)), trials, seed)


def test_every_neighbour_of_the_best_start_is_tried_once() -> None:
    space = ToySpace(layers=4, widths=4)
    strategy = LocalSearch(space, [ACCURACY], starts=3)
    proposals = climb(strategy, space, 3 + 12)
    assert [proposal.origin for proposal in proposals[:3]] == ["random"] * 3
    starts = [space.evaluate(proposal.design)["accuracy"] for proposal in proposals[:3]]
    centre = proposals[int(np.argmax(starts))].design
    tried = {proposal.design for proposal in proposals if (int(np.argmax(starts)),) == proposal.parents}
    assert tried == set(space.neighbours(centre)) - {proposal.design for proposal in proposals[:3]}


@given(st.integers(0, 200), st.integers(1, 4), st.sampled_from([[ACCURACY], [ACCURACY, MACS]]))
def test_it_climbs_and_leaves_nothing_untried(seed: int, starts: int, objectives: list[Objective]) -> None:
    space = ToySpace(layers=3, widths=3)
    strategy = LocalSearch(space, objectives, starts=starts)
    proposals = climb(strategy, space, 40, seed)
    points = [[space.evaluate(each.design)[goal.metric] for goal in objectives] for each in proposals]
    for number, (before, after) in enumerate(itertools.pairwise(proposals)):
        tried = {each.design for each in proposals[: number + 1]}
        if after.parents:
            assert after.design in set(space.neighbours(proposals[after.parents[0]].design)) - tried
        if before.parents and after.parents != before.parents:
            centre = before.parents[0]
            assert set(space.neighbours(proposals[centre].design)) <= tried
            assert not after.parents or dominates(points[after.parents[0]], points[centre], objectives)


@given(st.integers(0, 200))
def test_it_moves_to_the_best_neighbour(seed: int) -> None:
    space = ToySpace(layers=5, widths=4)
    strategy = LocalSearch(space, [ACCURACY], starts=1)
    proposals = climb(strategy, space, 1 + 15 + 1, seed)
    quality = [space.evaluate(proposal.design)["accuracy"] for proposal in proposals]
    assert [proposal.parents for proposal in proposals[:16]] == [(), *[(0,)] * 15]
    if max(quality[1:16]) > quality[0]:
        assert quality[proposals[16].parents[0]] == max(quality[1:16])
    else:
        assert proposals[16].origin == "random"


def test_failed_neighbours_are_not_moved_to_nor_tried_again() -> None:
    space = ToySpace(layers=2, widths=3)
    strategy = LocalSearch(space, [ACCURACY], starts=1)
    start = next(space.enumerate())
    strategy.tell(Outcome(0, start, {"accuracy": 0.1}))
    neighbours = list(space.neighbours(start))
    for number, design in enumerate(neighbours, start=1):
        strategy.tell(Outcome(number, design, {"accuracy": 0.9}, state="failed", parents=(0,)))
    assert strategy.ask(np.random.default_rng(0)).origin == "random"


def test_a_late_neighbour_of_the_last_optimum_is_no_start() -> None:
    space = ToySpace(layers=2, widths=2)
    strategy = LocalSearch(space, [ACCURACY], starts=1)
    designs = list(space.enumerate())
    strategy.tell(Outcome(0, designs[0], {"accuracy": 0.9}))
    for number, design in enumerate([*space.neighbours(designs[0])], start=1):
        strategy.tell(Outcome(number, design, {"accuracy": 0.1}, parents=(0,)))
    strategy.tell(Outcome(3, designs[1], {"accuracy": 0.1}, parents=(0,)))
    assert strategy.ask(np.random.default_rng(0)).origin == "random"
    strategy.tell(Outcome(4, designs[3], {"accuracy": 0.5}))
    # All four designs are told, so the optimum at the new start is left at once.
    assert strategy.ask(np.random.default_rng(0)).origin == "random"


def test_neighbours_told_before_count_without_being_tried_again() -> None:
    space = ToySpace(layers=1, widths=4)
    designs = list(space.enumerate())
    strategy = LocalSearch(space, [ACCURACY], starts=1)
    strategy.tell(Outcome(0, designs[0], {"accuracy": 0.2}))
    strategy.tell(Outcome(1, designs[1], {"accuracy": 0.8}, parents=(0,)))
    strategy.tell(Outcome(2, designs[2], {"accuracy": 0.5}, parents=(0,)))
    assert strategy.ask(np.random.default_rng(0)) == Proposal(designs[3], (0,), "neighbour")
    strategy.tell(Outcome(3, designs[3], {"accuracy": 0.1}, parents=(0,)))
    # It moved to designs[1], whose neighbours were all told, found an optimum and restarts.
    assert strategy.ask(np.random.default_rng(0)).origin == "random"
