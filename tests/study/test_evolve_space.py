"""Spaces evolved for limits, on a space whose best part is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import netwright as nw
from netwright.cost import Limit
from netwright.errors import LimitError, SpaceError, UnknownNameError
from netwright.study import (
    Budget,
    Study,
    StudySpec,
    Subspaces,
    Trial,
    evolve_by_trials,
    evolve_space,
    qt_score,
    shrink_space,
)
from netwright.target import with_targets

WIDTHS = (4, 8, 16, 32)
SPACE = nw.Space(
    nw.seq(*[nw.named(f"layer{i}", nw.linear_block(nw.oneof(*WIDTHS))) for i in range(4)], nw.table_head(3)),
    input=nw.vector(6),
    name="layers",
)
LIMITS = ["params <= 500", "params <= 900"]


def quality(designs):
    """A narrow first layer loses most; under a limit the others must pay for a wide one."""
    return [design["layer0.features"] + 0.1 * design["layer1.features"] for design in designs]


def test_the_subspace_with_the_best_designs_under_the_limits_is_found():
    family = Subspaces(SPACE, ["layer[01].features"])
    found = evolve_space(family, quality, LIMITS, rounds=40, draws=60)
    rng = np.random.default_rng(1)
    scores = {
        pair: qt_score(family.space(dict(zip(family.values, pair, strict=True))), quality, LIMITS, rng, draws=60)
        for pair in product(WIDTHS, WIDTHS)
    }
    assert found.score == max(scores.values())
    assert found.score > found.whole
    assert found.space.size() == len(WIDTHS) ** 2
    assert len(found.history) == 40


def test_evolving_again_gives_the_same():
    family = Subspaces(SPACE, ["layer0.features"])
    first, second = (evolve_space(family, quality, LIMITS, rounds=5, seed=3) for _ in range(2))
    assert (first.decisions, first.history) == (second.decisions, second.history)


def test_a_limit_that_a_subspace_cannot_hold_counts_as_its_worst_design():
    wide = SPACE.restricted({"*": [32]})
    rng = np.random.default_rng(0)
    assert qt_score(wide, quality, LIMITS, rng) == -np.inf
    both = SPACE.restricted({"layer[123].features": [8], "layer0.features": [4, 32]})
    most = max(both.all_costs(["params"]).ravel())
    least = min(both.all_costs(["params"]).ravel())
    bounds = [f"params <= {most}", f"params <= {least - 1}"]
    worst, best = sorted(quality(both.enumerate()))
    assert qt_score(both, quality, bounds, rng, draws=50) == pytest.approx((best + worst) / 2)


def test_bad_questions():
    with pytest.raises(SpaceError, match="none has the path 'layer9'"):
        Subspaces(SPACE, ["layer9"])
    with pytest.raises(LimitError, match="none of 1 is held"):
        evolve_space(Subspaces(SPACE, ["layer0*"]), quality, ["params <= 10"])


def test_limits_on_what_a_target_tells_as_a_sum_are_held():
    metric, space = "latency_ms@raspberry-pi-4", SPACE
    (least, _), (most, _) = with_targets(space, [metric]).extremes(metric)
    limit = f"{metric} <= {(least + most) / 2}"
    designs = space.sample(np.random.default_rng(0), 20)
    spec = StudySpec(
        (nw.Objective.parse("maximize score"),), seed=0, budget=Budget(trials=20), limits=Limit.of(limit)
    )
    trials = [
        Trial(i, each, "complete", seed=0, values={"score": space.costs(each)["params"]})
        for i, each in enumerate(designs)
    ]
    study = Study(Path("runs/toy"), spec, trials)
    path = next(iter(space.decisions()))
    found = evolve_by_trials(study, space, [path], [limit], rounds=4)
    assert found.space.size() < space.size()
    for built in (shrink_space(study, space, share=1.0).built, shrink_space(study, space, 1.0, limits=limit).built):
        assert with_targets(space, [metric]).costs(built, [metric])[metric] <= (least + most) / 2
    with pytest.raises(UnknownNameError, match="no target is named 'raspberry'; did you mean"):
        evolve_by_trials(study, space, [path], ["latency_ms@raspberry <= 1"], rounds=4)
    gone = replace(study, spec=replace(spec, limits=Limit.of("latency_ms@gone <= 1")))
    assert shrink_space(gone, space, share=1.0).after == space.size()
