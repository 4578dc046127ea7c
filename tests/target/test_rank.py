"""Two targets on the same designs: how they rank them, which options lean to which, and the space that follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import conv, skip
from netwright.errors import DataError, UnknownNameError
from netwright.graph import image
from netwright.space import Space, named, oneof, seq
from netwright.target import RankComparison, add_target, compare_ranks

KINDS = {"wide": conv(8, kernel=5), "narrow": conv(8, kernel=1), "none": skip(8)}
PHONE = {"wide": 1.0, "narrow": 3.0, "none": 2.0}
BOARD = {"wide": 3.0, "narrow": 1.0, "none": 2.0}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path / "home"))


def chain(n: int = 5) -> Space:
    part = oneof(*(named(name, block) for name, block in KINDS.items()))
    return Space(seq(conv(8, kernel=1), **{f"layer{i}": part for i in range(n)}), input=image(3, 8, 8), name="chain")


def cost(design: Mapping[str, Any], prices: Mapping[str, float]) -> float:
    return 1.0 + sum(prices[str(value)] for value in design.values())


def compared() -> RankComparison:
    designs = tuple(chain().enumerate())
    return RankComparison(
        "phone", "board", designs, *([cost(d, prices) for d in designs] for prices in (PHONE, BOARD))
    )


def test_rank_correlations_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    for number in (3, 60, 20_000):
        a, b = rng.integers(0, 9, number), rng.integers(0, 9, number)
        found = RankComparison("a", "b", tuple(chain().sample(rng, 3)), a, b)
        assert found.spearman == pytest.approx(stats.spearmanr(a, b).statistic)
        assert found.kendall == pytest.approx(stats.kendalltau(a, b).statistic)
        assert RankComparison("a", "b", found.designs, a, np.ones(number)).kendall == 0.0


def test_the_option_that_one_device_is_slow_at_is_found_from_whole_networks() -> None:
    found = compared()
    worst, *_, best = found.kinds()
    assert worst.option == ("layer", "narrow")
    assert best.option == ("layer", "wide")
    assert worst.sure
    assert best.sure
    assert worst.designs == 5 * 3**4
    assert found.unfriendly() == {f"layer{i}": ("narrow",) for i in range(5)}
    assert found.unfriendly(to_first=False) == {f"layer{i}": ("wide",) for i in range(5)}


def test_the_designs_that_they_disagree_most_about_come_first() -> None:
    found = compared()
    shifts = np.abs(found.shifts)
    assert shifts[found.largest(3)[0]] == shifts.max()
    assert sorted(shifts[found.largest(3)]) == sorted(np.sort(shifts)[-3:])


def test_the_reduced_space_is_the_designs_without_what_is_dropped() -> None:
    reduced = compared().reduced(chain())
    assert set(reduced.enumerate()) == {design for design in chain().enumerate() if "narrow" not in design.values()}


def test_nothing_is_dropped_by_chance() -> None:
    designs = tuple(chain().sample(np.random.default_rng(0), 200))
    rng = np.random.default_rng(1)
    found = RankComparison("a", "b", designs, rng.random(200), rng.random(200))
    assert found.unfriendly() == found.unfriendly(to_first=False) == {}
    assert found.reduced(chain()).size() == chain().size()


def test_designs_that_both_devices_measured_are_compared(tmp_path: Path) -> None:
    space, designs = chain(), list(chain().enumerate())
    for name, prices, part in (("phone", PHONE, designs[:200]), ("board", BOARD, designs[40:])):
        rows = [{"design": dict(d), "latency_ms": cost(d, prices)} for d in part]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
        add_target(tmp_path / f"{name}.json", space=space)
    found = compare_ranks(space, "latency_ms@phone", "latency_ms@board", designs=1000)
    assert set(found.designs) == set(designs[40:200])
    assert len(compare_ranks(space, "latency_ms@phone", "latency_ms@board", designs=20).designs) == 20
    against = compare_ranks(space, "latency_ms@phone", "macs", designs=30, limits="macs <= 60k")
    assert all(value <= 60_000 for value in np.asarray(against.b))


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(UnknownNameError, match="no target is named 'phne'"):
        compare_ranks(chain(), "latency_ms@phne", "macs")
    with pytest.raises(UnknownNameError, match="no cost is named 'mac'"):
        compare_ranks(chain(), "mac", "macs")
    with pytest.raises(DataError, match="at least 3 designs"):
        compare_ranks(chain(0), "params", "macs")
