"""Importance of options, on values that are known to come from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netwright as nw
from netwright.errors import DesignError, SpaceError, UnknownNameError
from netwright.quality.importance import METHODS, Effect, Effects, effects, shares, shrink
from netwright.space import climb


def chain():
    layer = nw.linear_block(nw.oneof(4, 8, 16), activation=nw.oneof("relu", "gelu"))
    named = [nw.named(f"layer{i}", nw.oneof(layer, nw.skip())) for i in range(4)]
    return nw.Space(nw.seq(*named, nw.table_head(3)), input=nw.vector(6), name="chain")


SPACE = chain()
DESIGNS = SPACE.sample(np.random.default_rng(0), 150)


def worth(design):
    """The first layer's width matters most, the last one's activation a little, the rest nothing."""
    return design.get("layer0.features", 0) + 2 * (design.get("layer3.activation") == "gelu")


PATHS = {path.rpartition(".")[2] for path in SPACE.decisions()}


@pytest.fixture(scope="module", params=sorted(METHODS))
def found(request):
    return effects(SPACE, DESIGNS, [worth(design) for design in DESIGNS], method=request.param)


@pytest.mark.slow
def test_what_matters_is_found(found):
    by_share = sorted(found.decisions, key=lambda decision: -decision.share)
    assert {decision.path for decision in by_share[:2]} <= {"layer0", "layer0.features"}
    widths = [found.options["layer0.features", width].value for width in (4, 8, 16)]
    assert widths == sorted(widths)
    assert found.options["layer3.activation", "gelu"].value > found.options["layer3.activation", "relu"].value
    assert found.fit > 0.7


def test_the_best_design_is_built_without_a_search(found):
    priced = SPACE.with_costs(found.cost())
    best = max(map(worth, SPACE.enumerate()))
    assert worth(priced.extremes("demerit")[0][1]) == best
    _, within = climb(priced, "demerit", np.random.default_rng(0), "params <= 120")
    assert SPACE.costs(within)["params"] <= 120
    assert worth(within) >= np.quantile(
        [worth(d) for d in SPACE.sample(np.random.default_rng(1), 200, "params<=120")], 0.9
    )


def test_what_is_left_is_better_than_the_whole(found):
    smaller = shrink(SPACE, found, 0.1)
    assert 0 < smaller.size() <= 0.1 * SPACE.size()
    assert np.mean([worth(d) for d in smaller.enumerate()]) > np.mean([worth(d) for d in SPACE.enumerate()])
    assert max(map(worth, smaller.enumerate())) == max(map(worth, SPACE.enumerate()))


@pytest.mark.slow
def test_autobuild_scores_modules_of_neighbouring_places():
    found = effects(SPACE, DESIGNS, [worth(design) for design in DESIGNS], method="autobuild")
    best = next(module for module in found.modules if module.place == "layer0" and module.hops == 1)
    assert best.decisions["layer0.features"] == 16
    assert {path.partition(".")[0] for path in best.decisions} <= {"layer0", "layer1"}


@settings(max_examples=25, deadline=None)
@given(st.floats(0.001, 1.0), st.data())
def test_shrinking_keeps_the_best_option_of_every_decision(share, data):
    effect = st.floats(-1, 1).map(lambda value: Effect(value, 0.0))
    options = {(path, value): data.draw(effect) for path, values in SPACE.decisions().items() for value in values}
    found = Effects("drawn", 0.0, (), options)
    smaller = shrink(SPACE, found, share)
    for path, values in smaller.decisions().items():
        of_path = {value: effect.value for (at, value), effect in options.items() if at == path}
        assert max(of_path.values()) in [of_path[value] for value in values]


@given(st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12))
def test_shares_are_mid_ranks(values):
    expected = [(sum(o < v for o in values) + (sum(o == v for o in values) + 1) / 2) / len(values) for v in values]
    assert shares(values) == pytest.approx(expected)


def test_bad_questions():
    values = [worth(design) for design in DESIGNS]
    with pytest.raises(UnknownNameError, match="functional-anova"):
        effects(SPACE, DESIGNS, values, method="anova")
    with pytest.raises(DesignError, match="10 designs or more"):
        effects(SPACE, DESIGNS[:5], values[:5])
    with pytest.raises(DesignError, match="not finite"):
        effects(SPACE, DESIGNS, [float("nan"), *values[1:]])
    with pytest.raises(DesignError, match="is not one"):
        effects(SPACE, [{**DESIGNS[0], "other": 1}, *DESIGNS[1:]], values)
    with pytest.raises(SpaceError, match="0 < share <= 1"):
        shrink(SPACE, Effects("none", 0.0, (), {}), 0.0)
