"""Distinct networks of spaces with more designs than a float can count."""

from __future__ import annotations

import pytest

import netwright as nw
from netwright.space import distinct_networks


@pytest.mark.slow
def test_a_space_beyond_the_reach_of_floats_is_given_up_at_once():
    space = nw.Space(
        nw.seq(*[nw.conv(nw.oneof(*range(1, 9)), kernel=1) for _ in range(350)]), input=nw.image(1, 2, 2)
    )
    assert space.size() == 8**350 > 2**1024
    assert distinct_networks(space, seconds=5.0) is None
