"""Tables of blocks: what single decisions cost on a device, and a search within their sum."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.blocks import conv, skip
from netwright.errors import DataError, EvaluationError
from netwright.graph import image
from netwright.space import Space, named, oneof, seq
from netwright.study import search
from netwright.target import DecisionPrices, Target, add_target, get_target, remove_target, with_targets
from netwright.testing import TargetConformance

PRICES = {"wide": 3.0, "narrow": 1.0, "none": 0.0}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETWRIGHT_HOME", str(tmp_path / "home"))


def chain(n: int = 3) -> Space:
    part = oneof(named("wide", conv(8)), named("narrow", conv(8, kernel=1)), named("none", skip(8)))
    return Space(seq(conv(8, kernel=1), **{f"layer{i}": part for i in range(n)}), input=image(3, 8, 8), name="chain")


def rows(factor: float = 1.0, column: str = "latency_ms") -> list[dict[str, Any]]:
    told = [
        {"decision": f"layer{i}", "value": value, column: factor * (1 + i) * price}
        for i in range(3) for value, price in PRICES.items()
    ]  # fmt: skip
    return [{"decision": "", "value": "", column: 0.5 * factor}, *told]


def total(design: Mapping[str, Any]) -> float:
    return 0.5 + sum((1 + int(path[-1])) * PRICES[str(value)] for path, value in design.items())


def written(path: Path, content: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="") as text:
        writer = csv.DictWriter(text, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
    return path


class TestPrices(TargetConformance):
    @pytest.fixture
    def target(self, tmp_path: Path) -> Target:
        return add_target(written(tmp_path / "phone.csv", rows()), space=chain())

    @pytest.fixture
    def space(self) -> Space:
        return chain()


@pytest.mark.parametrize(("factor", "column"), [(1.0, "latency_ms"), (1e3, "latency (us)")])
def test_the_sum_of_the_prices_is_told_and_held_by_the_forest(tmp_path: Path, factor: float, column: str) -> None:
    add_target(written(tmp_path / "t.csv", rows(factor, column)), space=chain(), name="phone")
    target, metric = get_target("phone"), "latency_ms@phone"
    assert isinstance(target, DecisionPrices)
    held = with_targets(chain(), [metric])
    within = {design for design in chain().enumerate() if total(design) <= 5}
    assert set(held.sample(np.random.default_rng(0), 300, f"{metric} <= 5")) == within
    for design in chain().enumerate():
        assert target.latency(chain().network(design), design).value == pytest.approx(total(design))
        assert held.costs(design, [metric])[metric] == pytest.approx(total(design))
    remove_target("phone")


def test_a_space_with_fewer_options_has_the_same_prices(tmp_path: Path) -> None:
    part = oneof(named("conv", conv(8, kernel=oneof(1, 3))), named("skip", skip(8)))
    space = Space(seq(conv(8), layer0=part, layer1=part), input=image(3, 8, 8), name="nested")
    priced = [
        {"decision": path, "value": value, "latency_ms": len(path) + i}
        for path, options in space.decisions().items() for i, value in enumerate(options)
    ]  # fmt: skip
    add_target(written(tmp_path / "t.csv", priced), space=space, name="phone")
    metric = "latency_ms@phone"
    small = space.restricted({"layer0": ["skip"]})
    assert set(small.decisions()) < set(space.decisions())
    whole, held = (with_targets(each, [metric]) for each in (space, small))
    for design in small.enumerate():
        assert held.costs(design, [metric]) == whole.costs(design, [metric])


def test_a_search_stays_within_the_sum(tmp_path: Path) -> None:
    add_target(written(tmp_path / "phone.csv", rows()), space=chain())

    def score(network: Any, budget: float, report: Any) -> dict[str, float]:
        return {"score": float(sum(p.size for p in network.parameters.values()))}

    found = search(
        chain(), score, maximize="score", limits="latency_ms@phone <= 6", budget="8 trials", out=tmp_path / "run",
        progress=False,
    )  # fmt: skip
    assert not found.study.of_state("infeasible")
    assert all(total(trial.design) <= 6 for trial in found.study.of_state("complete"))


def test_columns_that_were_not_read_are_named(tmp_path: Path) -> None:
    target = add_target(
        written(tmp_path / "phone.csv", [{**row, "power_w": 2} for row in rows()]), space=chain(), name="loud"
    )
    assert isinstance(target, DecisionPrices)
    assert target.unread == ("power_w",)


def changed(row: int, **change: Any) -> list[dict[str, Any]]:
    content = rows()
    content[row] |= change
    return content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(2, decision="layer9"), "decisions must be of chain, but row 3 of t.csv has 'layer9'"),
        (changed(2, value="huge"), "layer0 must be one of wide, narrow, none, but row 3 of t.csv has 'huge'"),
        (changed(2, latency_ms=-1), "latency_ms must be a number of 0 or more, but row 3 of t.csv has '-1'"),
        (changed(2, latency_ms=""), "row 3 of t.csv has ''"),
        ([*rows(), rows()[2]], "rows 3 and 11 of t.csv are one decision"),
        (rows()[:-1], "every value of a decision must have a price, but t.csv has none of layer2 = 'none'"),
        (rows(column="latency"), "named for its unit"),
    ],
)
def test_a_bad_table_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, content: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(DataError, match=words) as raised:
        add_target(written(tmp_path / "t.csv", content), space=chain())
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "home" / "targets").exists()


def test_other_spaces_and_networks_alone_are_refused(tmp_path: Path) -> None:
    target = add_target(written(tmp_path / "phone.csv", rows()), space=chain())
    with pytest.raises(DataError, match="decisions must be of chain, but phone has 'layer2'"):
        target.additive("latency_ms", chain(2), "latency_ms@phone")
    with pytest.raises(EvaluationError, match="knows decisions of chain, but got a network alone"):
        target.latency(chain().network(next(chain().enumerate())))
    with pytest.raises(EvaluationError, match="but got layer0 = 'huge'"):
        target.latency(chain().network(next(chain().enumerate())), {"layer0": "huge"})
    file = tmp_path / "home" / "targets" / "phone.json"
    file.write_text(file.read_text().replace('"latency_ms"', '"latency"'))
    with pytest.raises(DataError, match=r"phone.json is broken"):
        get_target("phone").latency(chain().network(next(chain().enumerate())))


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    def told(factor: float) -> Target:
        add_target(written(tmp_path / "t.csv", rows(factor)), space=chain(), name="phone", overwrite=True)
        return get_target("phone")

    first = told(1.0)
    assert get_target("phone") is first
    second, design = told(2.0), dict.fromkeys(("layer0", "layer1", "layer2"), "wide")
    assert [each.latency(None, design).value for each in (first, second)] == [18.5, 37.0]  # type: ignore[arg-type]
