"""Devices from tables: what is measured, what is a sum over decisions, and every kind of bad table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import conv, skip
from netwright.errors import DataError, EvaluationError
from netwright.graph import image
from netwright.space import Design, Space, named, oneof, seq
from netwright.space.catalog import get_space, read_design
from netwright.study import search
from netwright.target import AdditiveFit, TableTarget, Target, rank_correlation, read_table
from netwright.testing import TargetConformance

SHARED = Path(__file__).parents[3] / "shared" / "data"
CLOCK = {"wide": 3.0, "narrow": 1.0, "none": 0.25}


def chain(n: int = 4) -> Space:
    part = oneof(named("wide", conv(8)), named("narrow", conv(8, kernel=1)), named("none", skip(8)))
    return Space(seq(conv(8, kernel=1), **{f"layer{i}": part for i in range(n)}), input=image(3, 8, 8), name="chain")


def cost(design: Mapping[str, Any]) -> float:
    return 2.0 + sum((1 + int(path[-1])) * CLOCK[value] for path, value in design.items())


def made(designs: Sequence[Mapping[str, Any]], **more: Any) -> TableTarget:
    return TableTarget("phone", designs, {"latency_ms": [cost(design) for design in designs]}, **more)


def some(designs: Sequence[Design], share: float = 0.4) -> list[Design]:
    rng = np.random.default_rng(5)
    return [designs[i] for i in rng.permutation(len(designs))[: int(share * len(designs))]]


class TestTable(TargetConformance):
    @pytest.fixture
    def target(self) -> Target:
        designs = list(chain().enumerate())
        return TableTarget(
            "phone", designs, {"latency_ms": [*map(cost, designs)], "energy_mj": [*map(cost, designs)]}
        )

    @pytest.fixture
    def space(self) -> Space:
        return chain()


@pytest.mark.parametrize("factor", [1.0, 1e3, 1e-3])
def test_an_exact_sum_has_prices_without_the_last_digits_of_a_fit(factor: float) -> None:
    designs = list(chain(5).enumerate())
    price = {"narrow": 0.31, "wide": 1.07, "none": 0.0}
    values = [
        float(f"{factor * (2.22 + sum(price[v] * (i + 1) for i, v in enumerate(d.values()))):.12g}") for d in designs
    ]
    fit = AdditiveFit.of(designs, values)
    assert fit.exact
    assert all(price == float(f"{price:.10g}") for price in [fit.base, *fit.prices.values()])
    assert [fit.value(design) for design in designs] == pytest.approx(values, rel=1e-14)


def test_a_sum_is_found_from_part_of_the_designs_and_foretells_the_rest() -> None:
    designs = list(chain().enumerate())
    target = made(some(designs))
    fit = target.fit("latency_ms")
    assert fit.exact
    assert fit.spearman == pytest.approx(1.0, abs=0.02)
    for design in designs:
        told = target.latency(None, design)  # type: ignore[arg-type]
        assert told.low == told.value == told.high == pytest.approx(cost(design))


def test_an_estimate_says_whether_it_was_measured() -> None:
    designs = list(chain().enumerate())
    noisy = [
        cost(d) * f for d, f in zip(designs, np.random.default_rng(0).uniform(0.9, 1.1, len(designs)), strict=True)
    ]
    target = TableTarget("phone", designs[:60], {"latency_ms": noisy[:60]}, source="bench.csv")
    known, other = (target.latency(None, design) for design in (designs[0], designs[-1]))  # type: ignore[arg-type]
    assert (known.value, known.low, known.high) == (noisy[0], noisy[0], noisy[0])
    assert known.how == "measured, bench.csv"
    assert other.low < other.value < other.high
    assert "60 measured designs, 90 % interval" in other.how


def test_nine_of_ten_unseen_designs_lie_within_the_interval() -> None:
    space = chain(6)
    designs = list(space.enumerate())
    rng = np.random.default_rng(1)
    rows = rng.permutation(len(designs))
    values = np.array([cost(design) for design in designs]) * np.exp(rng.normal(0, 0.05, len(designs)))
    target = TableTarget("phone", [designs[i] for i in rows[:300]], {"latency_ms": values[rows[:300]]})
    inside = []
    for i in rows[300:]:
        found = target.latency(None, designs[i])  # type: ignore[arg-type]
        inside.append(found.low <= values[i] <= found.high)
    assert 0.85 <= np.mean(inside) <= 0.95


def test_a_design_below_all_measured_ones_is_not_told_to_take_nothing_for_sure() -> None:
    designs = list(chain().enumerate())
    dear = [design for design in designs if cost(design) > 12.0]
    target = TableTarget("phone", dear, {"latency_ms": [(cost(design) - 9.0) ** 2 for design in dear]})
    cheapest = min(designs, key=cost)
    assert target.fit("latency_ms").value(cheapest) == pytest.approx(0.0, abs=1e-6)
    told = target.latency(None, cheapest)  # type: ignore[arg-type]
    assert told.value == pytest.approx(0.05 * 9.0, rel=0.2)
    assert told.high > told.value * 2


def test_the_forest_holds_what_the_fit_says() -> None:
    space = chain()
    target = made(some(list(space.enumerate())))
    held = space.with_costs(target.additive("latency_ms", space, "latency_ms@phone"))
    wanted = {design for design in space.enumerate() if cost(design) <= 12.1}
    drawn = held.sample(np.random.default_rng(0), 400, "latency_ms@phone <= 12.1")
    assert set(drawn) <= wanted
    assert held.extremes("latency_ms@phone")[0][0] == pytest.approx(min(map(cost, space.enumerate())))


def test_designs_that_reach_a_bound_to_the_last_digit_keep_it() -> None:
    space = chain(5)
    designs = list(space.enumerate())
    cents = [
        222 + sum({"wide": 107, "narrow": 31, "none": 0}[v] * (1 + int(p[-1])) for p, v in d.items()) for d in designs
    ]
    target = TableTarget("phone", designs, {"latency_ms": [each / 100 for each in cents]})
    held = space.with_costs(target.additive("latency_ms", space, "latency_ms@phone"))
    for bound in sorted(set(cents))[20:200:30]:
        wanted = {design for design, each in zip(designs, cents, strict=True) if each <= bound}
        tied = {design for design, each in zip(designs, cents, strict=True) if each == bound}
        for limit, kept in (
            (f"latency_ms@phone <= {bound / 100}", wanted),
            (f"latency_ms@phone >= {bound / 100}", tied),
        ):
            drawn = set(held.sample(np.random.default_rng(0), 60 * len(kept) if limit.count("<") else 4000, limit))
            assert tied <= drawn
            assert not limit.count("<") or drawn == wanted


def test_no_price_and_no_base_is_negative() -> None:
    space = chain()
    designs = list(space.enumerate())
    values = [max(cost(design) ** 3 / 100 - 5, 0.01) for design in designs]
    fit = AdditiveFit.of(designs, values)
    assert fit.base >= 0
    assert min(fit.prices.values()) >= 0
    assert not fit.exact
    assert fit.error > 0.01
    assert fit.spearman > 0.9


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_sum_is_fitted_to_positive_values(value: float) -> None:
    with pytest.raises(DataError, match=f"positive, finite values, but got {value:g}"):
        AdditiveFit.of(list(chain(2).enumerate()), [value, *range(1, 9)])


def test_measurements_that_went_wrong_do_not_lead_the_others_astray() -> None:
    designs = list(chain(6).enumerate())
    rng = np.random.default_rng(2)
    true = np.array([cost(design) for design in designs])
    values = true * np.exp(rng.normal(0, 0.02, len(designs))) * np.where(rng.random(len(designs)) < 0.04, 2.5, 1.0)
    rows = rng.permutation(len(designs))[:200]
    fit = AdditiveFit.of([designs[i] for i in rows], values[rows])
    misses = [abs(fit.value(design) / value - 1) for design, value in zip(designs, true, strict=True)]
    assert np.median(misses) < 0.005
    assert max(misses) < 0.03
    assert fit.error == pytest.approx(0.02 * 0.6745, rel=0.25)


def test_rank_correlation_takes_ties_at_their_mean() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 50), rng.integers(0, 5, 50)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert rank_correlation([1, 1], [1, 2]) == 0.0


# Searches -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> TableTarget:
    """A target that knows a noisy quarter of the designs, installed."""
    designs = list(chain().enumerate())
    noise = np.random.default_rng(0).normal(0, 0.1, len(designs))
    values = [cost(design) * np.exp(e) for design, e in zip(designs, noise, strict=True)]
    target = TableTarget("phone", designs[::2], {"latency_ms": values[::2]})

    class Entry:
        name = "phone"

        def load(self) -> Any:
            return lambda: target

    monkeypatch.setattr("netwright.target._registry.entry_points", lambda group: [Entry()])
    return target


def test_a_search_never_proposes_what_the_model_forbids(tmp_path: Path, phone: TableTarget) -> None:
    def score(network: Any, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(len(network.nodes))}

    space = chain()
    found = search(
        space, score, maximize="score", limits=["latency_ms@phone <= 12"], budget="30 trials",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    fit = phone.fit("latency_ms")
    assert len(found.study.trials) >= 20
    for trial in found.study.trials:
        assert fit.value(trial.design) <= 12 + 1e-9
        told = phone.latency(None, trial.design).value  # type: ignore[arg-type]
        if trial.copy_of is None:
            # A network that another design gave before keeps what was told of that one.
            assert trial.values["latency_ms@phone"] == pytest.approx(told)
            assert (trial.state == "infeasible") == (told > 12)


def test_every_network_of_the_front_is_held_against_its_limit_with_its_interval(
    tmp_path: Path, phone: TableTarget
) -> None:
    def score(network: Any, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(sum(p.size for p in network.parameters.values()))}

    found = search(
        chain(), score, maximize="score", minimize="latency_ms@phone", limits=["latency_ms@phone <= 14"],
        budget="30 trials", out=tmp_path / "run", progress=False, seed=1,
    )  # fmt: skip
    front = found.summary["front"]
    assert len(front) > 3
    for entry in front:
        [check] = entry["limits"]
        told = phone.latency(None, entry["design"])  # type: ignore[arg-type]
        assert (check["value"], check["low"], check["high"]) == (told.value, told.low, told.high)
        assert check["crosses"] == (told.low <= 14 < told.high)
    doubted = [entry for entry in front if entry["limits"][0]["crosses"]]
    assert 0 < len(doubted) < len(front)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page.count("latency_ms@phone &lt;= 14: ") == len(doubted)


@pytest.mark.slow
def test_the_result_marks_a_winner_that_may_break_its_limit(tmp_path: Path, phone: TableTarget) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3, 8, 8)).astype(np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 0).astype(np.int64)
    part = oneof(named("wide", conv(8)), named("narrow", conv(8, kernel=1)), named("none", skip(8)))
    from netwright.blocks import classifier

    body = seq(conv(8, kernel=1), **{f"layer{i}": part for i in range(4)}, head=classifier(2))
    space = Space(body, input=image(3, 8, 8), name="chain")
    found = search(
        space, (x, y), maximize="accuracy", limits=["latency_ms@phone <= 14"], budget="4 trials", epochs=1,
        final_epochs=1, out=tmp_path / "run", progress=False, compare=False,
    )  # fmt: skip
    winner = found.summary["winner"]
    [check] = winner["limits"]
    assert check["crosses"] == (check["low"] <= 14 < check["high"])
    assert winner["estimates"]["latency_ms@phone"]["how"]
    assert winner["costs"]["latency_ms@phone"] == check["value"]


# Files --------------------------------------------------------------------------------------------------------------


def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".json":
        path.write_text(json.dumps(rows))
    elif path.suffix == ".parquet":
        arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.table({name: [row.get(name) for row in rows] for name in names}), path)
    else:
        import csv

        with path.open("w", newline="") as text:
            writer = csv.DictWriter(text, names)
            writer.writeheader()
            writer.writerows(rows)
    return path


def rows_of(space: Space, **values: Any) -> list[dict[str, Any]]:
    return [{**design, "latency_ms": cost(design), **values} for design in space.enumerate()]


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_a_table_with_a_column_for_each_decision(tmp_path: Path, kind: str) -> None:
    space = chain(3)
    target = read_table(written(tmp_path / f"pixel.{kind}", rows_of(space)), space)
    assert target.name == "pixel"
    assert target.fit("latency_ms").exact
    assert {tuple(design.items()) for design in target.designs} == {tuple(d.items()) for d in space.enumerate()}


@pytest.mark.parametrize("kind", ["csv", "parquet", "json"])
def test_a_table_with_designs_as_json_and_numbers_as_values(tmp_path: Path, kind: str) -> None:
    space = Space(seq(conv(oneof(4, 8), kernel=oneof(1, 3)), conv(8)), input=image(3, 8, 8))
    rows = [{"design": design.to_json(), "energy_mj": 1.0 + i} for i, design in enumerate(space.enumerate())]
    target = read_table(written(tmp_path / f"t.{kind}", rows), space, name="other")
    assert target.knows == {"energy_mj"}
    assert tuple(target.designs) == tuple(space.enumerate())


def test_numbers_in_columns_are_values_of_the_space_and_empty_cells_no_decisions(tmp_path: Path) -> None:
    part = oneof(named("a", conv(4, kernel=oneof(1, 3))), named("b", skip(4)))
    space = Space(seq(conv(4), last=part), input=image(3, 8, 8))
    rows = [{**design, "latency_ms": 1.0 + i} for i, design in enumerate(space.enumerate())]
    for kind in ("csv", "parquet"):
        assert tuple(read_table(written(tmp_path / f"t.{kind}", rows), space).designs) == tuple(space.enumerate())


@pytest.mark.parametrize(
    ("column", "factor", "quantity"),
    [("latency_s", 1e3, "latency_ms"), ("latency_us", 1e-3, "latency_ms"), ("energy_j", 1e3, "energy_mj"),
     ("memory_kb", 1e3, "memory_bytes")],
)  # fmt: skip
def test_other_units_are_converted(tmp_path: Path, column: str, factor: float, quantity: str) -> None:
    space = chain(2)
    rows = [{**design, column: 2.0} for design in space.enumerate()]
    target = read_table(written(tmp_path / "t.csv", rows), space)
    assert target.values[quantity].tolist() == pytest.approx([2.0 * factor] * len(rows))


def test_a_column_of_another_name_is_taken_where_it_is_said_what_it_is(tmp_path: Path) -> None:
    space = chain(2)
    rows = [{**design, "pixel2": 2.0, "note": "x"} for design in space.enumerate()]
    path = written(tmp_path / "t.csv", rows)
    assert read_table(path, space, columns={"latency_s": "pixel2"}).values["latency_ms"][0] == 2000.0
    with pytest.raises(DataError, match=r"named for its unit as one of .* but t.csv has .*pixel2, note"):
        read_table(path, space)
    with pytest.raises(DataError, match=r"told to be one of .* or design, but got pixel2=latency_ms"):
        read_table(path, space, columns={"pixel2": "latency_ms"})
    with pytest.raises(DataError, match="no pixel3"):
        read_table(path, space, columns={"latency_ms": "pixel3"})


def broken(**change: Any) -> list[dict[str, Any]]:
    rows = rows_of(chain(2))
    rows[3] |= change
    return rows


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (broken(layer0="huge"), r"designs must be of chain, but row 4 of t.csv has .*huge"),
        (broken(layer0=""), r"designs must be of chain, but row 4 of t.csv"),
        (broken(latency_ms=-1.0), r"latency_ms must be a positive number, but row 4 of t.csv has '-1.0'"),
        (broken(latency_ms=""), r"latency_ms must be a positive number, but row 4 of t.csv has ''"),
        (broken(latency_ms="nan"), r"row 4 of t.csv has 'nan'"),
        (broken(latency_ms="fast"), r"row 4 of t.csv has 'fast'"),
        ([*rows_of(chain(2)), rows_of(chain(2))[2]], r"each design once, but rows 3 and 10 of t.csv are one design"),
        (rows_of(chain(2), latency_s=1.0), "one column of latency_ms, but t.csv has"),
        ([{"latency_ms": 1.0, "x": 2}], r"a column 'design' or columns named by decisions of chain such as layer0"),
        ([{"latency_ms": 1.0, "x": "wide huge"}], r"its first row no design of it; --column design=NAME names"),
        ([{"latency": 1.0, "layer0": "wide", "layer1": "wide"}], "named for its unit"),
        ([{"latency_ms": 1.0, "design": "wide wide"}], "row 1 of t.csv must hold a design: a design of chain"),
        (rows_of(chain(2))[:1], "needs at least 2 designs"),
    ],
)  # fmt: skip
def test_a_bad_table_is_one_sentence(tmp_path: Path, rows: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(DataError, match=words) as raised:
        read_table(written(tmp_path / "t.csv", rows), chain(2))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_no_table_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{")
    (tmp_path / "u.json").write_text('{"a": 1}')
    (tmp_path / "t.parquet").write_bytes(b"none")
    (tmp_path / "t.csv").write_text("")
    for name, words in (("t.json", "readable"), ("u.json", "list of objects"), ("t.parquet", "readable"),
                        ("t.csv", "has none"), ("t.xls", "ending in"), ("no.csv", "no table")):  # fmt: skip
        with pytest.raises(DataError, match=words):
            read_table(tmp_path / name, chain(2))


@pytest.mark.parametrize("values", [[1.0, 2.0, "fast"], [1.0, [2.0], 3.0], [1.0, None, 3.0], [1.0, -2.0, 3.0], [1.0]])
def test_values_that_are_no_numbers_are_one_sentence(values: Any) -> None:
    with pytest.raises(DataError, match=r"latency_ms (must be|for each design)") as raised:
        TableTarget("phone", [{"a": 1}, {"a": 2}, {"a": 3}], {"latency_ms": values})
    assert "\n" not in str(raised.value)


def test_a_table_of_another_space_or_without_some_decision_is_refused() -> None:
    target = made(list(chain(3).enumerate()))
    with pytest.raises(DataError, match="phone has designs that chain does not contain"):
        target.additive("latency_ms", chain(4), "latency_ms@phone")
    few = made([design for design in chain(3).enumerate() if design["layer1"] != "none"])
    with pytest.raises(DataError, match="every decision of its space at least once, but phone has none with layer1"):
        few.additive("latency_ms", chain(3), "latency_ms@phone")
    with pytest.raises(EvaluationError, match="got layer1 = 'none'"):
        few.latency(None, Design({"layer0": "wide", "layer1": "none", "layer2": "wide"}))  # type: ignore[arg-type]
    with pytest.raises(EvaluationError, match="knows designs of its space"):
        few.latency(chain(3).network(chain(3).design_at(0)))


# Published tables ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="the published tables are not beside the checkout")
def test_published_devices_that_are_sums_are_found_to_be() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(SHARED / "device_latency" / "fbnet_ms.parquet").to_pydict()
    designs = [read_design("fbnet", row) for row in table["ops"]]
    fits = {
        name: TableTarget(name, designs, {"latency_ms": table[name]}).fit("latency_ms")
        for name in ("eyeriss", "raspi4", "pixel2", "titan_rtx_1")
    }
    assert [name for name, fit in fits.items() if fit.exact] == ["eyeriss", "raspi4"]
    assert fits["titan_rtx_1"].error < 0.005
    space = get_space("fbnet")
    target = TableTarget("raspi4", designs, {"latency_ms": table["raspi4"]})
    held = space.with_costs(target.additive("latency_ms", space, "latency_ms@raspi4"))
    drawn = held.draw(np.random.default_rng(0), 50, "latency_ms@raspi4 <= 20")
    assert drawn.costs["latency_ms@raspi4"].max() <= 20
