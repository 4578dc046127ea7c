"""Grammars varied: subtrees drawn anew by their weights, exchanged between depths, and bounded in depth and size."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from netwright.blocks import conv, skip
from netwright.cost import Limit
from netwright.errors import SpaceError
from netwright.graph import image
from netwright.space import Design, Space, branch, grammar, named, oneof, rule, seq
from netwright.space.catalog import einspace, hierarchical_nasbench201

INPUT = image(4, 4, 4)
NET = oneof(
    named("leaf", conv(4)),
    named("none", skip()),
    named("two", seq(first=rule("net"), second=rule("net"))),
    weights=(0.5, 0.2, 0.3),
)


def trees(depth: int | None = None, size: int | None = None) -> Space:
    return Space(grammar("net", depth=depth, size=size, net=NET), input=INPUT)


def shape(design: Design, path: str = "net") -> tuple[int, int]:
    """Depth and size of a derivation, from its decisions."""
    if design[path] != "two":
        return 1, 1
    below = [shape(design, f"{path}.{part}") for part in ("first", "second")]
    return 1 + max(d for d, _ in below), 1 + sum(s for _, s in below)


@pytest.mark.parametrize(("depth", "size"), [(3, 3), (3, 5), (4, 5), (2, 9), (4, 7), (9, 5)])
def test_both_bounds_hold_at_once(depth: int, size: int) -> None:
    both = set(trees(depth, size).enumerate())
    deep = set(trees(depth).enumerate()) if depth < 5 else {*trees(size=size).enumerate()}
    assert both == {design for design in deep if shape(design)[0] <= depth and shape(design)[1] <= size}
    assert len(both) == trees(depth, size).size()


def test_a_bound_is_needed_and_positive() -> None:
    for depth, size in ((None, None), (0, 3), (3, 0)):
        with pytest.raises(SpaceError, match=f"a grammar needs a positive bound, but got depth={depth}, size={size}"):
            trees(depth, size)


def test_samples_of_both_bounds_are_uniform() -> None:
    space = trees(3, 5)
    counts = Counter(space.sample(np.random.default_rng(0), 200 * space.size()))
    assert len(counts) == space.size()
    expected = 200
    statistic = sum((n - expected) ** 2 / expected for n in counts.values())
    freedom = space.size() - 1
    assert statistic < freedom + 6 * (2 * freedom) ** 0.5


def test_subtrees_are_exchanged_between_depths() -> None:
    space = trees(4)
    whole = Design({"net": "leaf"})
    a = Design({"net": "two", "net.first": "none", "net.second": "none"})
    children = {space.crossover(a, whole, np.random.default_rng(seed)) for seed in range(40)}
    # The root of `whole` stands one rule higher than what it takes the place of.
    assert Design({**a, "net.first": "leaf"}) in children
    assert Design({**a, "net.second": "leaf"}) in children
    assert all(child in space for child in children)


def test_an_exchange_never_passes_the_depth() -> None:
    space, rng = trees(3), np.random.default_rng(0)
    designs = space.sample(rng, 60)
    for a, b in itertools.pairwise(designs):
        child = space.crossover(a, b, rng)
        assert child in space
        assert shape(child)[0] <= 3


def test_exchanged_subtrees_keep_the_budget() -> None:
    space, rng = trees(4), np.random.default_rng(1)
    limit = Limit("params", None, 2000)
    designs = space.sample(rng, 40, [limit])
    for a, b in itertools.pairwise(designs):
        child = space.crossover(a, b, rng, [limit])
        assert limit.holds(space.costs(child, ["params"])["params"])


@pytest.mark.slow
def test_a_subtree_is_drawn_anew_by_its_weights() -> None:
    space, rng = trees(2), np.random.default_rng(0)
    start = Design({"net": "leaf"})
    drawn = Counter(space.mutate(start, rng, weighted=True)["net"] for _ in range(2000))
    # The weights below a sequence sum to 0.7 at the last depth, as it cannot be one again.
    two, none = 0.3 * 0.7**2, 0.2
    assert drawn["none"] / 2000 == pytest.approx(none / (two + none), abs=0.05)
    uniform = Counter(space.mutate(start, rng)["net"] for _ in range(2000))
    assert uniform["none"] / 2000 == pytest.approx(1 / 5, abs=0.05)


def test_a_subtree_changes_at_any_depth_and_the_rest_stays() -> None:
    space, rng = einspace(image(3, 8, 8), depth=2, widths=(16,)), np.random.default_rng(3)
    design = space.sample(rng)[0]
    for _ in range(30):
        child = space.mutate(design, rng, weighted=True)
        assert child in space
        changed = [path for path in design if child.get(path) != design[path]]
        top = min(changed, key=len)
        assert all(path == top or path.startswith(f"{top}.") or path in ("body.after",) for path in changed)
        design = child


def test_equal_types_meet_in_all_stages_of_a_hierarchy() -> None:
    space, rng = hierarchical_nasbench201(), np.random.default_rng(0)
    a, b = space.sample(rng, 2)
    child = space.crossover(a, b, rng)
    assert child in space
    assert child not in (a, b)


def test_a_branch_of_rules_keeps_its_shapes() -> None:
    net = oneof(named("same", conv(4)), named("wide", conv(8)), named("sum", branch(rule("net"), rule("net"))))
    space = Space(grammar("net", depth=3, net=net), input=INPUT)
    rng = np.random.default_rng(0)
    designs = list(space.enumerate())
    for _ in range(200):
        a, b = (designs[int(i)] for i in rng.integers(len(designs), size=2))
        assert space.crossover(a, b, rng) in space
