"""Which of many designs a space has, told for all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from netwright.blocks import conv
from netwright.graph import image
from netwright.space import Space, branch, grammar, integer, named, oneof, rule, seq
from netwright.space.catalog import get_space

from .random_sources import Source, sources

quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
STRANGE = (True, 1, 1.0, "none", None, [1])


def damaged(designs: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each design as it is, with one decision less, one more, and with values of others."""
    rng = np.random.default_rng(0)
    for design in designs:
        yield dict(design)
        yield {**design, "strange": 1}
        for path in design:
            yield {other: value for other, value in design.items() if other != path}
            yield {**design, path: designs[rng.integers(len(designs))].get(path, 0)}
            yield {**design, path: STRANGE[rng.integers(len(STRANGE))]}


def assert_as_one_by_one(space: Space, designs: Sequence[Mapping[str, Any]]) -> None:
    found = list(damaged(designs))
    assert space.contains_each(found) == [space.contains(design) for design in found]


@pytest.mark.slow
@quick
@given(sources())
def test_many_are_told_as_one_is(source: Source) -> None:
    space = source.space()
    assert_as_one_by_one(space, space.sample(np.random.default_rng(0), 20))


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "mobilenet-tiny", "transnas101-macro", "hat"])
def test_designs_of_published_spaces(name: str) -> None:
    space = get_space(name)
    assert_as_one_by_one(space, space.sample(np.random.default_rng(1), 8))


def test_two_decisions_at_one_place_are_one_entry_of_a_design() -> None:
    inner = named("pair", branch(rule("net"), rule("net"), join=oneof("add", "concat")))
    body = oneof(named("leaf", seq(conv(oneof(2, 4)))), inner)
    space = Space(grammar("net", depth=3, net=body), input=image(4, 4, 4))
    assert_as_one_by_one(space, space.sample(np.random.default_rng(0), 30))


def test_more_designs_and_decisions_than_are_traced_together() -> None:
    space = Space(seq(**{f"layer{i}": conv(integer(4, 6)) for i in range(70)}), input=image(4, 4, 4))
    designs = [dict(design) for design in space.sample(np.random.default_rng(0), 5000)]
    for design in designs[::7]:
        design["layer69.channels"] = 7
    assert space.contains_each(designs) == [i % 7 != 0 for i in range(5000)]
    assert space.contains_each([]) == []
