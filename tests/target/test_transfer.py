"""A new device is predicted from few measurements, the other devices' tables and the decisions of the designs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from netwright.errors import DataError
from netwright.target import DeviceTransfer
from netwright.target._design_features import design_features
from netwright.target._gaussian_process import Term, covariance, prior_variance

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "device_latency"
Array = NDArray[np.float64]


def toy(count: int = 300, seed: int = 0) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Designs of eight layers, and four devices to which the kinds of layers cost different amounts."""
    rng = np.random.default_rng(seed)
    kinds = ("a", "b", "c", "d")
    designs = [{f"layer{i}.op": kinds[rng.integers(4)] for i in range(8)} for _ in range(count)]
    tables = {}
    for device in ("p", "q", "r", "s"):
        cost = dict(zip(kinds, rng.uniform(0.2, 2.0, 4), strict=True))
        clean = np.array([sum((1 + i / 4) * cost[design[f"layer{i}.op"]] for i in range(8)) for design in designs])
        tables[device] = clean * np.exp(rng.normal(0, 0.02, count))
    return designs, tables


def related() -> tuple[DeviceTransfer, Array]:
    """The toy where devices agree about what is slow, all but one of them known, and the latency on that."""
    designs, _ = toy()
    rng, base = np.random.default_rng(3), {"a": 0.3, "b": 0.7, "c": 1.2, "d": 2.0}
    tables = []
    for _ in range(4):
        cost = {kind: price * rng.lognormal(0, 0.15) for kind, price in base.items()}
        tables.append(np.array([sum((1 + i / 4) * cost[d[f"layer{i}.op"]] for i in range(8)) for d in designs]))
    return DeviceTransfer(designs, dict(zip("pqr", tables, strict=False))), tables[3]


def ranks(a: Array, b: Array) -> float:
    return float(np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1])


@pytest.fixture(scope="module")
def transfer() -> DeviceTransfer:
    designs, tables = toy()
    return DeviceTransfer(designs, {name: tables[name] for name in ("p", "q", "r")})


def test_ten_measurements_rank_a_new_device(transfer: DeviceTransfer) -> None:
    latency = toy()[1]["s"]
    chosen = transfer.choose(10)
    predicted = transfer.predict(chosen, latency[chosen])
    assert len(set(chosen.tolist())) == 10
    assert ranks(predicted.median_ms, latency) > 0.95
    inside = (predicted.low_ms <= latency) & (latency <= predicted.high_ms)
    assert 0.75 < inside.mean() <= 1.0
    assert (predicted.low_ms < predicted.median_ms).all()


def test_measurements_that_went_wrong_lead_it_hardly_astray(transfer: DeviceTransfer) -> None:
    latency = toy()[1]["s"]
    chosen = transfer.choose(20)
    right, wrong = latency[chosen], latency[chosen] * np.where(np.isin(np.arange(20), (3, 11)), 2.2, 1.0)
    good, robust = (transfer.predict(chosen, measured).median_ms for measured in (right, wrong))
    misses = [float(np.median(np.abs(told / latency - 1))) for told in (good, robust)]
    assert misses[1] < 1.5 * misses[0]
    assert ranks(robust, latency) > ranks(good, latency) - 0.02


def test_one_measurement_that_was_disturbed_misleads_little(transfer: DeviceTransfer) -> None:
    latency = toy()[1]["s"]
    chosen = transfer.choose(12)
    factors = np.vstack([np.ones(12), 1.0 + np.eye(12)])
    predicted = [transfer.predict(chosen, latency[chosen] * factor).median_ms for factor in factors]
    errors = [float(np.abs(np.log(each / latency)).mean()) for each in predicted]
    assert np.mean(errors[1:]) < 1.3 * errors[0]


def test_units_of_the_tables_do_not_matter(transfer: DeviceTransfer) -> None:
    designs, tables = toy()
    scaled = DeviceTransfer(designs, {name: 1000.0 * tables[name] for name in ("p", "q", "r")})
    chosen = transfer.choose(6)
    assert scaled.choose(6).tolist() == chosen.tolist()
    first = transfer.predict(chosen, tables["s"][chosen])
    second = scaled.predict(chosen, 50.0 * tables["s"][chosen])
    assert np.allclose(50.0 * first.median_ms, second.median_ms)


@pytest.mark.parametrize("names", [(), ("p",)])
def test_no_or_one_other_device(names: tuple[str, ...]) -> None:
    designs, tables = toy()
    transfer = DeviceTransfer(designs, {name: tables[name] for name in names})
    chosen = transfer.choose(20)
    predicted = transfer.predict(chosen, tables["s"][chosen])
    assert ranks(predicted.median_ms, tables["s"]) > 0.9
    assert 0.75 < ((predicted.low_ms <= tables["s"]) & (tables["s"] <= predicted.high_ms)).mean() < 0.99


def test_chosen_designs_tell_more_than_the_first_ones(transfer: DeviceTransfer) -> None:
    latency = toy()[1]["s"]
    chosen, first = transfer.choose(6), np.arange(6)
    errors = [
        np.abs(np.log(transfer.predict(rows, latency[rows]).median_ms / latency)).mean() for rows in (chosen, first)
    ]
    assert errors[0] < errors[1]


def test_designs_are_chosen_among_those_allowed(transfer: DeviceTransfer) -> None:
    assert set(transfer.choose(3, among=[4, 8, 15, 16]).tolist()) <= {4, 8, 15, 16}


def test_covariance_of_a_design_with_itself() -> None:
    values = np.random.default_rng(0).standard_normal((5, 3))
    terms, variances = [Term(values), Term(values, True)], np.array([0.5, 0.25, 0.1])
    rows = np.arange(5)
    whole = covariance(terms, variances, rows, rows)
    assert np.allclose(np.diag(whole), prior_variance(terms, variances, rows))
    assert np.linalg.eigvalsh(whole).min() > -1e-9


@pytest.mark.parametrize(
    ("table", "match"),
    [([1.0, 2.0], "one latency for each of 300"), ([0.0] * 300, "positive and finite"), ([np.nan] * 300, "positive")],
)
def test_tables_that_are_none(table: list[float], match: str) -> None:
    with pytest.raises(DataError, match=match):
        DeviceTransfer(toy()[0], {"phone": table})


def test_measurements_that_do_not_do(transfer: DeviceTransfer) -> None:
    with pytest.raises(DataError, match="between 1 and"):
        transfer.choose(0)
    with pytest.raises(DataError, match="at least 2 designs"):
        transfer.predict([1], [2.0])
    with pytest.raises(DataError, match="at least 2 designs"):
        transfer.predict([1, 300], [2.0, 3.0])
    with pytest.raises(DataError, match=r"the new device has -1\.0 at 1"):
        transfer.predict([1, 2], [2.0, -1.0])


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of published tables is not beside the checkout")
def test_a_published_device() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    columns = pq.read_table(FOLDER / "fbnet_ms.parquet").slice(0, 1500).to_pydict()
    designs = [{f"layer{i}.op": op for i, op in enumerate(row.split())} for row in columns.pop("ops")]
    tables = {name: np.asarray(values) for name, values in columns.items()}
    latency = tables.pop(sorted(tables)[0])
    transfer = DeviceTransfer(designs, tables)
    chosen = transfer.choose(10)
    assert ranks(transfer.predict(chosen, latency[chosen]).median_ms, latency) > 0.88


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of published tables is not beside the checkout")
def test_many_measurements_with_errors_that_no_process_knows_do_not_unlearn_what_others_teach() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    columns = pq.read_table(FOLDER / "ofa_ms.parquet").slice(0, 1500).to_pydict()
    kernels, expansions, depths = (
        [list(map(int, text.split())) for text in columns.pop(name)] for name in ("ks", "e", "d")
    )
    designs: list[dict[str, Any]] = [{"input": side} for side in columns.pop("r")]
    for row, design in enumerate(designs):
        for stage, depth in enumerate(depths[row]):
            design[f"stage{stage}.depth"] = depth
            for block in range(depth):
                design[f"stage{stage}.{block}.kernel"] = kernels[row][4 * stage + block]
                design[f"stage{stage}.{block}.expand"] = expansions[row][4 * stage + block]
    tables = {name: np.asarray(values) for name, values in columns.items()}
    latency = tables.pop(min(tables))
    transfer, rows = DeviceTransfer(designs, tables), np.random.default_rng(1).permutation(1500)
    few, many = (transfer.predict(rows[:k], latency[rows[:k]]).median_ms for k in (20, 200))
    assert ranks(many, latency) > ranks(few, latency) - 0.02


def test_a_device_noisier_than_the_others_gets_wider_intervals(transfer: DeviceTransfer) -> None:
    clean = toy()[1]["s"]
    chosen = transfer.choose(20)
    narrow = transfer.predict(chosen, clean[chosen])
    widths, inside = [], []
    for seed in range(5, 11):
        noisy = clean * np.exp(np.random.default_rng(seed).normal(0, 0.2, len(clean)))
        wide = transfer.predict(chosen, noisy[chosen])
        widths.append(np.median(np.log(wide.high_ms / wide.low_ms)))
        inside.append(((wide.low_ms <= noisy) & (noisy <= wide.high_ms)).mean())
    assert min(widths) > 3 * np.median(np.log(narrow.high_ms / narrow.low_ms))
    assert np.mean(inside) > 0.72


def test_the_order_of_the_other_devices_does_not_matter(transfer: DeviceTransfer) -> None:
    designs, tables = toy()
    other = DeviceTransfer(designs, {name: tables[name] for name in ("r", "p", "q")})
    rows = np.arange(12)
    first, second = (each.predict(rows, tables["s"][rows]) for each in (transfer, other))
    assert ranks(first.median_ms, second.median_ms) > 0.999


def test_a_twin_among_the_other_devices_is_followed() -> None:
    designs, tables = toy()
    transfer = DeviceTransfer(designs, tables)
    twin = 1.7 * tables["q"] ** 1.1
    chosen = transfer.choose(10)
    assert ranks(transfer.predict(chosen, twin[chosen]).median_ms, twin) > 0.97


def test_whole_milliseconds_are_trusted_less(transfer: DeviceTransfer) -> None:
    latency = toy()[1]["s"]
    chosen = transfer.choose(10)
    whole = np.maximum(np.round(latency / 4), 1.0)[chosen]
    predicted = [transfer.predict(chosen, values).median_ms[chosen] for values in (whole, whole + 1e-6)]
    away = [np.abs(np.log(each / whole)).mean() for each in predicted]
    assert away[0] > away[1]


@pytest.mark.parametrize("kind", ["twins", "noise"])
def test_other_devices_that_teach_nothing_of_a_new_one_do_not_mislead(kind: str) -> None:
    designs, tables = toy()
    noise = np.random.default_rng(1).lognormal(0, 1, (2, len(designs)))
    known = {"twins": (tables["p"], tables["p"]), "noise": (noise[0], noise[1])}[kind]
    transfer = DeviceTransfer(designs, dict(enumerate(known)))  # type: ignore[arg-type]
    chosen = transfer.choose(20)
    predicted = transfer.predict(chosen, tables["s"][chosen])
    assert ranks(predicted.median_ms, tables["s"]) > 0.8
    assert 0.7 < ((predicted.low_ms <= tables["s"]) & (tables["s"] <= predicted.high_ms)).mean() <= 1.0
    assert np.median(predicted.high_ms / predicted.low_ms) < 4


def test_measurements_that_tell_nothing_leave_the_order_of_the_other_devices() -> None:
    transfer, latency = related()
    middle = latency.argsort()[145:155]
    for values in (np.ones(10), latency[middle]):
        predicted = transfer.predict(middle, values)
        assert ranks(predicted.median_ms, latency) > 0.7
        assert np.median(predicted.high_ms / predicted.low_ms) > 1.05


def test_one_of_ten_measurements_that_is_ten_times_too_long_does_not_turn_the_order() -> None:
    transfer, latency = related()
    chosen = transfer.choose(10)
    factors = 1 + 9 * np.eye(10)
    turned = [ranks(transfer.predict(chosen, latency[chosen] * each).median_ms, latency) for each in factors]
    assert min(turned) > 0.2
    assert np.mean(turned) > 0.8


def test_a_device_that_follows_others_is_told_from_a_few_measurements() -> None:
    rng = np.random.default_rng(0)
    designs = [{f"layer{i}": int(rng.integers(3)) for i in range(6)} for _ in range(200)]
    # The logarithm of a sum is no sum, so that what the others took tells more than their sums do.
    work = np.array([sum((i + 1) * design[f"layer{i}"] for i in range(6)) for design in designs]) + 5.0
    transfer = DeviceTransfer(designs, {"phone": 3.0 * work, "board": work**1.2})
    for chosen in (transfer.choose(4), transfer.choose(100)):
        predicted = transfer.predict(chosen, 0.5 * work[chosen] + 2.0)
        assert np.corrcoef(predicted.median_ms, work)[0, 1] > 0.995


def test_numbers_are_sizes_also_without_other_devices() -> None:
    rng = np.random.default_rng(0)
    widths = rng.integers(1, 65, (400, 6)) * 8
    designs = [{f"layer{i}.width": int(width) for i, width in enumerate(row)} for row in widths]
    latency = (widths[:, :-1] * widths[:, 1:]).sum(axis=1) + 1e4
    transfer = DeviceTransfer(designs, {})
    chosen = transfer.choose(20)
    predicted = transfer.predict(chosen, latency[chosen])
    assert ranks(predicted.median_ms, latency) > 0.9


def test_sizes_of_designs_that_lack_some() -> None:
    found = design_features([{"a.depth": 2, "b0.width": 8, "b1.width": 16}, {"a.depth": 1, "b0.width": 8, "c": True}])
    # By path; sums by name; how many there are by name.
    assert found.sizes.tolist() == [[2, 8, 16, 2, 24, 1, 2], [1, 8, 0, 1, 8, 1, 1]]
