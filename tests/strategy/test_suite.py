"""The conformance suite and its toy space: that they catch what they are there to catch."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.cost import Limit
from netwright.strategy import STRATEGIES, Objective, Outcome, Proposal, Strategy
from netwright.testing import StrategyConformance, ToySpace

ONE = [Objective("accuracy", "maximize")]


class Counting(Strategy):
    """Counts its own calls, which a resumed study cannot tell it."""

    asked = 0

    def ask(self, rng: np.random.Generator) -> Proposal:
        self.asked += 1
        return self.space_at(self.asked)

    def space_at(self, index: int) -> Proposal:
        return Proposal(self.space.sample(np.random.default_rng(index))[0])


class OwnRandomness(Strategy):
    def ask(self, rng: np.random.Generator) -> Proposal:
        return self.random(np.random.default_rng(random.getrandbits(64)))


class Limitless(Strategy):
    def ask(self, rng: np.random.Generator) -> Proposal:
        return Proposal(self.space.sample(rng)[0])


class Trusting(Strategy):
    """Takes every trial for a complete one."""

    def ask(self, rng: np.random.Generator) -> Proposal:
        if not self.history:
            return self.random(rng)
        best = max(self.history, key=lambda outcome: outcome.values["accuracy"])
        return Proposal(self.space.mutate(best.design, rng, self.limits), (best.number,), "mutation")


class Inventing(Strategy):
    def ask(self, rng: np.random.Generator) -> Proposal:
        return Proposal(self.random(rng).design, parents=(999,))


class Stubborn(Strategy):
    def ask(self, rng: np.random.Generator) -> Proposal:
        return Proposal(self.space.sample(np.random.default_rng(0))[0])


SUITE = StrategyConformance()
Check = Callable[[type[Strategy]], None]


@pytest.mark.parametrize(
    ("bad", "check"),
    [
        (Counting, lambda bad: SUITE.test_asking_leaves_no_trace(bad, ToySpace(), ONE)),
        (Counting, lambda bad: SUITE.test_a_new_strategy_told_the_same_goes_on_the_same(bad, ToySpace(), ONE)),
        (OwnRandomness, lambda bad: SUITE.test_a_new_strategy_told_the_same_goes_on_the_same(bad, ToySpace(), ONE)),
        (
            Limitless,
            lambda bad: SUITE.test_proposes_designs_of_the_space_within_limits(
                bad, ToySpace(), ONE, ["params <= 30"]
            ),
        ),
        (Trusting, lambda bad: SUITE.test_tolerates_trials_that_all_end_badly(bad, ToySpace(), ONE, "failed", {})),
        (Trusting, lambda bad: SUITE.test_takes_a_missing_objective_for_a_failure(bad, ToySpace(), ONE, None)),
        (Inventing, lambda bad: SUITE.test_parents_are_trials_that_were_told(bad, ToySpace(), ONE)),
        (Stubborn, lambda bad: SUITE.test_goes_on_when_the_space_is_used_up(bad, ONE)),
    ],
)
def test_the_suite_catches_a_bad_strategy(bad: type[Strategy], check: Check) -> None:
    with pytest.raises((AssertionError, KeyError)):
        check(bad)


def test_a_claim_to_beat_random_is_checked() -> None:
    suite = StrategyConformance()
    suite.beats_random = True
    with pytest.raises(AssertionError):
        suite.test_beats_random_where_it_claims_to(Stubborn)


designs = st.integers(0, 4**3 - 1).map(list(ToySpace(3, 4).enumerate()).__getitem__)
limits = st.integers(6, 24).map(lambda high: Limit.of(f"params <= {high}"))


def test_toy_space_counts_what_it_enumerates() -> None:
    space = ToySpace(layers=3, widths=4)
    everything = list(space.enumerate())
    assert len(set(everything)) == len(everything) == space.size() == 64
    assert all(space.contains(design) for design in everything)
    assert not any(ToySpace(layers=2, widths=4).contains(design) for design in everything)
    assert sum(ToySpace(layers=3, widths=3).contains(design) for design in everything) == 27


@given(designs, designs, limits, st.integers(0, 99))
def test_toy_space_offspring_are_within_limits(a: Any, b: Any, held: tuple[Limit, ...], seed: int) -> None:
    space, rng = ToySpace(layers=3, widths=4), np.random.default_rng(seed)
    assert space.fits(space.sample(rng, 1, held)[0], held)
    neighbours = list(space.neighbours(a, held))
    assert all(space.fits(each, held) and sum(each[path] != a[path] for path in a) == 1 for each in neighbours)
    assert space.mutate(a, rng, held) in (neighbours or [a])
    child = space.crossover(a, b, rng, held)
    assert all(child[path] in (a[path], b[path]) for path in a)
    assert space.fits(child, held) or child == a


def test_the_core_room_imports_nothing_heavy() -> None:
    code = (
        "import sys, netwright.strategy; "
        "print(sorted({'torch', 'onnx', 'sklearn', 'moocore', 'pytest', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_proposals_do_not_depend_on_the_hashes_of_strings(name: str) -> None:
    code = (
        "from netwright.strategy import Objective, Outcome, get_strategy; "
        "from netwright.testing import ToySpace, drive; "
        f"space = ToySpace(); strategy = get_strategy({name!r})(space, [Objective('accuracy', 'maximize')]); "
        "print(drive(strategy, lambda number, design: Outcome(number, design, space.evaluate(design)), 60))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout != b""


def test_an_outcome_needs_no_values() -> None:
    assert Outcome(0, next(ToySpace().enumerate()), state="failed").values == {}
