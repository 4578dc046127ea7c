"""Spaces with fewer options, against the whole space filtered."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netwright as nw
from netwright.errors import DesignError, EmptySpaceError, SpaceError


def whole():
    block = nw.oneof(nw.conv(nw.oneof(4, 8), kernel=nw.oneof(1, 3)), nw.skip())
    body = nw.seq(nw.named("first", block), nw.named("second", nw.repeat(block, times=nw.oneof(1, 2))))
    return nw.Space(body, input=nw.image(4, 6, 6), name="whole")


SPACE = whole()
DESIGNS = list(SPACE.enumerate())
DECISIONS = SPACE.decisions()


@given(st.data())
def test_what_is_left_is_what_has_only_allowed_values(data):
    paths = data.draw(st.lists(st.sampled_from(sorted(DECISIONS)), max_size=3, unique=True))
    allowed = {p: data.draw(st.lists(st.sampled_from(DECISIONS[p]), min_size=1, unique=True)) for p in paths}
    expected = [d for d in DESIGNS if all(d[path] in values for path, values in allowed.items() if path in d)]
    if not expected:
        with pytest.raises(EmptySpaceError):
            SPACE.restricted(allowed)
        return
    found = SPACE.restricted(allowed)
    assert list(found.enumerate()) == expected
    assert found.size() == len(expected)
    again = pickle.loads(pickle.dumps(found))
    assert list(again.enumerate()) == expected


def test_a_pattern_fits_many_decisions_and_restrictions_add_up():
    found = SPACE.restricted({"*kernel": [3]}).restricted({"*channels": [4]})
    assert {v for d in found.enumerate() for p, v in d.items() if p.endswith(("kernel", "channels"))} == {3, 4}
    assert found.restricted({"first": ["skip"]}).size() < found.size()


def test_every_question_is_answered_by_what_is_left():
    found = SPACE.restricted({"*channels": [4]})
    rng = np.random.default_rng(0)
    drawn = found.sample(rng, 50, "params <= 300")
    assert all(value != 8 for design in drawn for path, value in design.items() if path.endswith("channels"))
    other = next(design for design in DESIGNS if 8 in design.values())
    assert not found.contains(other)
    with pytest.raises(DesignError):
        found.mutate(other, rng)
    assert all(found.contains(found.mutate(design, rng)) for design in drawn[:10])
    assert found.extremes("params")[1][0] < SPACE.extremes("params")[1][0]


def test_a_restriction_fits_something_and_leaves_something():
    with pytest.raises(SpaceError, match="none has the path 'third'"):
        SPACE.restricted({"third": [1]})
    with pytest.raises(EmptySpaceError, match=r"second\.times"):
        SPACE.restricted({"second.times": [7]})
