"""What is known about published spaces comes out exactly, and large draws from three kinds of space are sound."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import avg_pool, conv
from netwright.cost import Limit
from netwright.errors import DesignError
from netwright.graph import Graph, image
from netwright.space import Design, Space, grammar, named, oneof, rule, seq
from netwright.space import _histogram as histogram_module
from netwright.space.catalog import _ofa_mobilenetv3 as ofa_module
from netwright.space.catalog import (
    grammar_tiny,
    nasbench201,
    nasbench201_from_string,
    nasbench201_string,
    ofa_mobilenetv3,
)

from .chi_square import assert_uniform

SHARED = Path(__file__).parents[3] / "shared" / "data" / "nasbench201"
needs_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the folder of shared data sets is not beside the checkout"
)

EDGES = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
# name: millions of FLOPs and of parameters that one edge adds over all 15 cells, in the authors' convention
OPERATIONS = {
    "none": (0.0, 0.0),
    "skip_connect": (0.0, 0.0),
    "nor_conv_1x1": (4.36224, 0.028),
    "nor_conv_3x3": (35.81952, 0.24304),
    "avg_pool_3x3": (1.29024, 0.0),
}
REST = (7.943872, 0.073306)


@pytest.fixture(scope="module")
def cells() -> Space:
    return nasbench201()


@pytest.fixture(scope="module")
def table(cells: Space) -> dict[Design, tuple[float, float]]:
    """Millions of FLOPs and of parameters of every cell."""
    rows = cells.all_costs(["flops:nasbench201", "params"]) / 1e6
    return {design: (row[0], row[1]) for design, row in zip(cells.enumerate(), rows.tolist(), strict=True)}


# NAS-Bench-201 ------------------------------------------------------------------------------------------------------


def test_nasbench201_has_every_cell_once(cells: Space, table: dict[Design, tuple[float, float]]) -> None:
    assert cells.size() == 15_625 == len(table)
    wanted = {
        Design({f"cell.{i}-{j}": name for (i, j), name in zip(EDGES, names, strict=True)})
        for names in itertools.product(OPERATIONS, repeat=6)
    }
    assert set(table) == wanted


def test_nasbench201_costs_are_the_sum_over_edges(table: dict[Design, tuple[float, float]]) -> None:
    for design, found in table.items():
        for i in (0, 1):
            wanted = REST[i] + sum(OPERATIONS[str(name)][i] for name in design.values())
            assert found[i] == pytest.approx(wanted, abs=1e-9)


def test_nasbench201_histogram_is_exact(cells: Space, table: dict[Design, tuple[float, float]]) -> None:
    histogram = cells.histogram("flops:nasbench201")
    assert histogram.exact
    assert len(histogram.costs) == 84
    assert (histogram.smallest, histogram.largest) == (7_943_872, 222_860_992)
    assert dict(zip(histogram.costs, histogram.counts, strict=True)) == Counter(
        round(flops * 1e6) for flops, _ in table.values()
    )


def test_nasbench201_networks_have_the_costs_of_the_forest(
    cells: Space, table: dict[Design, tuple[float, float]]
) -> None:
    for design in cells.sample(np.random.default_rng(0), 40):
        costs = cells.costs(design, ["flops:nasbench201", "params"])
        assert tuple(value / 1e6 for value in costs.values()) == table[design]


def test_nasbench201_strings_go_both_ways(table: dict[Design, tuple[float, float]]) -> None:
    strings = {nasbench201_string(design) for design in table}
    assert len(strings) == 15_625
    assert all(nasbench201_from_string(nasbench201_string(design)) == design for design in table)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "|none~0|", "|none~0|+|none~0|none~1|+|none~0|none~1|conv~2|",
     "|none~1|+|none~0|none~1|+|none~0|none~1|none~2|", "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|+|none~0|"],
)  # fmt: skip
def test_what_is_no_nasbench201_string_is_refused(text: str) -> None:
    with pytest.raises(DesignError):
        nasbench201_from_string(text)


@needs_data
def test_nasbench201_costs_agree_with_the_published_table(table: dict[Design, tuple[float, float]]) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    strings = pq.read_table(SHARED / "accuracy.parquet", columns=["arch_index", "arch_str"]).to_pydict()
    by_index = dict(zip(strings["arch_index"], strings["arch_str"], strict=True))
    assert {nasbench201_from_string(text) for text in by_index.values()} == set(table)
    rows = pq.read_table(SHARED / "zero_cost_cifar10.parquet", columns=["arch_index", "flops", "params"]).to_pylist()
    assert len(rows) == 9_445
    for row in rows:
        flops, params = table[nasbench201_from_string(by_index[row["arch_index"]])]
        assert flops == pytest.approx(row["flops"], abs=1e-6)
        assert params == pytest.approx(row["params"], abs=1e-6)


# Once-for-All -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ofa() -> Space:
    return ofa_mobilenetv3()


@pytest.mark.slow
def test_once_for_all_is_counted_exactly(ofa: Space) -> None:
    assert ofa.size() == 25 * 7371**5
    histogram = ofa.histogram("macs")
    assert histogram.total == ofa.size()
    low, high = (value for value, _ in ofa.extremes("macs"))
    assert (histogram.smallest, histogram.largest) == (low, high)
    assert histogram.costs[0] - histogram.below <= low <= histogram.costs[0] + histogram.above
    assert histogram.below + histogram.above < 0.005 * (high - low)


def test_once_for_all_mean_and_quantiles_agree_with_draws(ofa: Space) -> None:
    histogram = ofa.histogram("macs")
    macs = ofa.draw(np.random.default_rng(0), 20_000, [f"macs <= {histogram.largest}"]).costs["macs"]
    deviation = histogram.variance**0.5
    assert macs.mean() == pytest.approx(histogram.mean, abs=5 * deviation / len(macs) ** 0.5)
    assert macs.std() == pytest.approx(deviation, rel=0.05)
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        low, high = map(float, histogram.cdf(histogram.quantile(share)))
        drawn = float((macs <= histogram.quantile(share)).mean())
        error = 5 * (share * (1 - share) / len(macs)) ** 0.5
        assert low - error <= drawn <= high + error


def test_a_shrunken_once_for_all_agrees_with_enumeration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ofa_module, "STAGES", ofa_module.STAGES[:1])
    space = ofa_mobilenetv3(classes=10, scale=0.5, resolutions=(32, 48))
    assert space.size() == 2 * 7371
    macs = space.all_costs(["macs"])[:, 0]
    exact = space.histogram("macs")
    assert exact.exact
    assert dict(zip(exact.costs, exact.counts, strict=True)) == Counter(macs.tolist())
    monkeypatch.setattr(histogram_module, "EXACT_PAIRS", 1 << 7)
    rounded = space.histogram("macs", slots=512)
    assert not rounded.exact
    assert rounded.total == len(macs)
    assert rounded.mean == pytest.approx(macs.mean())
    assert rounded.variance == pytest.approx(macs.var())
    for value in np.quantile(macs, np.linspace(0, 1, 41)):
        low, high = rounded.cdf(float(value))
        assert low <= Fraction(int((macs <= value).sum()), len(macs)) <= high
    rng = np.random.default_rng(0)
    for number in rng.integers(space.size(), size=30).tolist():
        assert space.costs(space.design_at(number), ["macs"])["macs"] == macs[number]


WINDOWS = {
    # limits: least share of the splits that are kept
    ("macs <= 60M",): 0.95,
    ("macs <= 95M",): 0.95,
    ("100M <= macs <= 100.2M",): 0.95,
    ("235M <= macs <= 235.2M",): 0.9,
    ("235M <= macs <= 235.01M",): 0.4,
    ("macs >= 540M",): 0.9,
    ("macs <= 150M", "params <= 4M"): 0.85,
    ("200M <= macs <= 202M", "params <= 5M"): 0.3,
    ("macs <= 150M", "params <= 4M", "activation_bytes <= 50M"): 0.2,
}


@pytest.mark.parametrize("limits", WINDOWS, ids=" and ".join)
def test_narrow_windows_of_once_for_all_are_sampled_without_a_wasted_design(
    ofa: Space, limits: tuple[str, ...]
) -> None:
    draws = ofa.draw(np.random.default_rng(0), 1000, limits)
    assert draws.acceptance > 0.95
    assert draws.splits > WINDOWS[limits]
    for limit in Limit.of(limits):
        assert all(map(limit.holds, draws.costs[limit.metric]))
    for i, design in enumerate(draws.designs[:3]):
        costs = ofa.costs(design, list(draws.costs))
        assert costs == {name: values[i] for name, values in draws.costs.items()}


# A hundred thousand draws -------------------------------------------------------------------------------------------


def small_grammar() -> Space:
    """A grammar small enough to list."""
    net = oneof(
        named("a", conv(None, kernel=oneof(1, 3))),
        named("b", avg_pool(3)),
        named("two", seq(rule("net"), rule("net"))),
        weights=[3, 1, 2],
    )
    return Space(seq(conv(oneof(4, 6)), grammar("net", depth=3, net=net)), input=image(3, 8, 8))


SOUND = {
    # what: (space, limits)
    "cell": (nasbench201, ["flops:nasbench201 <= 80M"]),
    "cell, two limits": (nasbench201, ["50M <= macs <= 120M", "params <= 600k"]),
    "hierarchical": (ofa_mobilenetv3, ["200M <= macs <= 210M"]),
    "grammar": (grammar_tiny, ["params <= 20k"]),
    "grammar to list": (small_grammar, ["params <= 700"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", SOUND)
def test_a_hundred_thousand_draws(what: str) -> None:
    make, limits = SOUND[what]
    space: Space = make()
    draws = space.draw(np.random.default_rng(0), 100_000, limits)
    assert len(draws.designs) == 100_000
    for limit in limits:
        _assert_kept(limit, draws.costs)
    for i in range(0, 100_000, 50):
        design = draws.designs[i]
        assert design in space
        if i % 2500 == 0:
            costs = space.costs(design, list(draws.costs))
            assert costs == {name: column[i] for name, column in draws.costs.items()}
            assert isinstance(space.network(design), Graph)
    if space.size() <= 20_000:
        assert_uniform(draws.designs, _fitting(space, limits))


def _bounds(limit: str) -> tuple[str, float, float]:
    from netwright.cost import Limit

    parsed = Limit.parse(limit)
    low: Any = -np.inf if parsed.low is None else parsed.low
    high: Any = np.inf if parsed.high is None else parsed.high
    return parsed.metric, low, high


def _assert_kept(limit: str, costs: dict[str, Any]) -> None:
    name, low, high = _bounds(limit)
    assert ((costs[name] >= low) & (costs[name] <= high)).all()


def _fitting(space: Space, limits: list[str]) -> list[Design]:
    bounds = [_bounds(limit) for limit in limits]
    rows = space.all_costs([name for name, _, _ in bounds])
    fits = np.all([(rows[:, i] >= low) & (rows[:, i] <= high) for i, (_, low, high) in enumerate(bounds)], axis=0)
    return [design for design, good in zip(space.enumerate(), fits, strict=True) if good]
