"""Partial order pruning on spaces that can be listed whole: nothing of the front is lost, and much is cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from netwright.blocks import conv, skip
from netwright.errors import DesignError, LimitError, SpaceError, UnknownNameError
from netwright.graph import image
from netwright.space import Design, Space, named, oneof, repeat, seq
from netwright.target import TableTarget, by_listing, precedes, prune

METRIC = "latency_ms@phone"


def small() -> Space:
    body = seq(
        conv(oneof(8, 16, 24), kernel=oneof(1, 3)),
        repeat(conv(oneof(8, 16), kernel=3), times=oneof(0, 1, 2)),
        oneof(named("wide", conv(16, kernel=3)), named("narrow", conv(16, kernel=1)), named("none", skip(16))),
    )
    return Space(body, input=image(3, 8, 8), name="small")


SIZES = {"none": 0.0, "narrow": 1.0, "wide": 2.0}


def order(path: str, value: Any) -> float | None:
    return SIZES[value] if isinstance(value, str) else float(value)


def score(design: Mapping[str, Any]) -> float:
    """The larger the better: no design is better than one that it precedes."""
    weights = {"kernel": 0.1, "channels": 0.3, "choice": 3.0, "times": 0.5}
    return sum(weights[path.rpartition(".")[2]] * (1 + (order(path, value) or 0)) for path, value in design.items())


def latency(design: Mapping[str, Any]) -> float:
    """What a device takes: kernels are dear there and hardly help."""
    prices = {"kernel": 30.0, "channels": 0.5, "choice": 1.0, "times": 8.0}
    return 1.0 + sum(
        prices[path.rpartition(".")[2]] * (1 + (order(path, value) or 0)) for path, value in design.items()
    )


@pytest.fixture
def profiled(monkeypatch: pytest.MonkeyPatch) -> Space:
    designs = list(small().enumerate())
    target = TableTarget("phone", designs, {"latency_ms": [latency(design) for design in designs]})

    class Entry:
        name = "phone"

        def load(self) -> Any:
            return lambda: target

    monkeypatch.setattr("netwright.target._registry.entry_points", lambda group: [Entry()])
    return small()


def front(designs: Sequence[Design]) -> set[tuple[float, float]]:
    values = {(round(latency(d), 6), round(score(d), 6)) for d in designs}
    return {v for v in values if not any(o != v and o[0] <= v[0] and o[1] >= v[1] for o in values)}


def tried(designs: Sequence[Design], number: int, seed: int) -> list[tuple[Design, float]]:
    rng = np.random.default_rng(seed)
    return [(designs[i], score(designs[i])) for i in rng.choice(len(designs), number, replace=False)]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_of_the_front_is_lost_and_much_is_cut(profiled: Space, seed: int) -> None:
    designs = list(profiled.enumerate())
    known = tried(designs, 25, seed)
    left = list(prune(profiled, METRIC, (), known, order=order).enumerate())
    assert front([*left, *(design for design, _ in known)]) == front(designs)
    assert len(designs) - len(left) >= 1.6 * len(known)  # those that were tried go, and many that were not


def test_what_is_dropped_is_what_the_definition_says(profiled: Space) -> None:
    designs = list(profiled.enumerate())
    known = tried(designs, 12, 3)
    pruned = prune(profiled, METRIC, (), known, order=order)
    for design in designs:
        expected = any(
            precedes(design, x, order) and quality >= quality_x and latency(y) <= latency(design) + 1e-9
            for x, quality_x in known
            for y, quality in known
        )
        assert pruned.drops(design) == expected


def test_only_designs_within_the_limit_are_drawn(profiled: Space) -> None:
    designs = list(profiled.enumerate())
    middle = float(np.median([latency(design) for design in designs]))
    pruned = prune(profiled, METRIC, f"{METRIC} <= {middle!r}", tried(designs, 10, 1), order=order)
    drawn = pruned.sample(np.random.default_rng(0), 100)
    assert set(drawn) <= set(pruned.enumerate())
    assert all(latency(design) <= middle * (1 + 1e-9) for design in drawn)
    assert len(set(drawn)) > 10


@pytest.mark.slow
def test_every_trial_cuts_more_until_nothing_is_left(profiled: Space) -> None:
    pruned = prune(profiled, METRIC, order=order)
    rng, designs = np.random.default_rng(0), list(profiled.enumerate())
    sizes = [len(designs)]
    while sizes[-1]:
        design = pruned.sample(rng)[0] if sizes[-1] > 5 else next(pruned.enumerate())
        pruned = pruned.after(design, score(design))
        sizes.append(len(list(pruned.enumerate())))
        assert sizes[-1] < sizes[-2]
    assert front([design for design, _ in pruned.tried]) == front(designs)
    assert len(pruned.tried) < 0.7 * len(designs)
    with pytest.raises(LimitError, match="a pruned space must keep designs"):
        pruned.sample(rng)


def test_the_share_that_is_left_is_exact_for_small_spaces_and_told_by_draws_for_others(profiled: Space) -> None:
    designs = list(profiled.enumerate())
    pruned = prune(profiled, METRIC, (), tried(designs, 12, 3), order=order)
    whole = pruned.left(np.random.default_rng(0), len(designs))
    assert whole.exact
    assert whole.share == whole.low == whole.high == len(list(pruned.enumerate())) / len(designs)
    some = pruned.left(np.random.default_rng(0), len(designs) - 1)
    assert not some.exact
    assert some.low < whole.share < some.high


def test_a_listing_orders_names_and_leaves_numbers_as_they_are() -> None:
    listed = by_listing(["none", "narrow", "wide"])
    assert precedes({"a": "none", "w": 8}, {"a": "wide", "w": 16}, listed)
    assert not precedes({"a": "wide", "w": 8}, {"a": "none", "w": 16}, listed)
    assert not precedes({"a": "other", "w": 8}, {"a": "wide", "w": 16}, listed)
    for wrong in (["a"], ["a", "b", "a"]):
        with pytest.raises(SpaceError, match="an order lists two values or more"):
            by_listing(wrong)


def test_values_that_cannot_be_compared_prune_nothing() -> None:
    space = Space(oneof(named("a", conv(8)), named("b", conv(16))), input=image(3, 8, 8))
    first, second = space.enumerate()
    pruned = prune(space, "macs", (), [(first, 0.9)])
    assert pruned.drops(first)
    assert not pruned.drops(second)


def test_bad_input_is_one_sentence(profiled: Space) -> None:
    with pytest.raises(UnknownNameError, match="no target is named 'phne'"):
        prune(profiled, "latency_ms@phne")
    with pytest.raises(SpaceError, match="peak_memory is not"):
        prune(profiled, "peak_memory")
    with pytest.raises(SpaceError, match="memory_bytes@stm32f746 is not"):
        prune(profiled, "memory_bytes@stm32f746")
    with pytest.raises(LimitError, match="holds for none"):
        prune(profiled, METRIC, f"{METRIC} <= 0.01")
    with pytest.raises(DesignError, match="a tried design must be of small"):
        prune(profiled, METRIC, (), [({"width": 3}, 0.5)])
