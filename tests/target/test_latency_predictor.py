"""Latency learned from measured designs, each described by a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netwright.cost import COSTS
from netwright.errors import DataError, EvaluationError
from netwright.graph import simplify
from netwright.space import Space
from netwright.space.catalog import get_space, hat, hat_features
from netwright.space.catalog._hat import FEATURES
from netwright.target import LatencyPredictor, PredictedTarget, Target
from netwright.testing import TargetConformance

TABLE = Path(__file__).parents[3] / "shared" / "data" / "hat_latency" / "latency.parquet"


def describe(design: Mapping[str, Any]) -> list[float]:
    return [float(value) for value in design.values() if isinstance(value, (int, float))][:3]


class TestPredicted(TargetConformance):
    @pytest.fixture
    def space(self) -> Space:
        return get_space("mlp-tabular")

    @pytest.fixture
    def target(self, space: Space) -> Target:
        designs = space.sample(np.random.default_rng(1), 40)
        ms = [1e-6 * COSTS["macs"].of(simplify(space.network(design))) + 1 for design in designs]
        return PredictedTarget("board", describe, designs, ms)


def test_a_product_of_two_numbers_is_found_exactly() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 10, (80, 4)).astype(float)
    y = 3 + x[:, 0] * x[:, 1] + 2 * x[:, 2] ** 2
    predictor = LatencyPredictor(x[:60], y[:60])
    assert predictor.predict(x[60:]) == pytest.approx(y[60:], rel=1e-3)
    assert predictor.error < 1e-3


def test_noise_is_told_by_the_designs_that_are_left_out() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 5, (400, 3))
    y = (10 + x.sum(axis=1)) * (1 + 0.1 * rng.standard_normal(400))
    predictor = LatencyPredictor(x[:200], y[:200])
    guess = predictor.predict(x[200:])
    inside = np.abs(guess - y[200:]) <= predictor.reach * guess
    assert 0.8 < inside.mean() < 0.97
    assert 0.04 < predictor.error < 0.1


def test_few_designs_do_where_something_foretells_them() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 5, (200, 6))
    base = np.prod(x, axis=1)
    y = base * (2 + 0.1 * x[:, 0])
    plain, based = LatencyPredictor(x[:15], y[:15]), LatencyPredictor(x[:15], y[:15], base[:15])
    errors = [
        np.median(np.abs(guess / y[15:] - 1)) for guess in (plain.predict(x[15:]), based.predict(x[15:], base[15:]))
    ]
    assert errors[1] < 0.06
    assert errors[0] > 0.2
    with pytest.raises(DataError, match="only then"):
        based.predict(x[15:])
    with pytest.raises(DataError, match="one positive number for each of 15"):
        LatencyPredictor(x[:15], y[:15], -base[:15])


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([[1.0], [2.0]], [1.0, 2.0], "3 designs or more"),
        ([[1.0], [2.0], [3.0]], [1.0, 2.0], "shapes"),
        ([[1.0], [2.0], [np.nan]], [1.0, 2.0, 3.0], "finite"),
        ([[1.0], [2.0], [3.0]], [1.0, 2.0, 0.0], r"design 2 has \[3.0\] and 0 ms"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(x: Any, y: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        LatencyPredictor(x, y)


def test_no_design_takes_no_time() -> None:
    x = np.arange(3.0, 13.0)[:, None]
    predictor = LatencyPredictor(x, 2 * x[:, 0] - 5)
    assert predictor.predict([[2.0], [8.0]]) == pytest.approx([0.05, 11.0], rel=1e-3)


def test_designs_of_another_length_are_refused() -> None:
    predictor = LatencyPredictor(np.arange(12.0).reshape(6, 2), np.arange(1.0, 7.0))
    with pytest.raises(DataError, match="described by 2 numbers"):
        predictor.predict([[1.0, 2.0, 3.0]])


def test_a_network_without_a_design_is_one_sentence() -> None:
    target = PredictedTarget("board", lambda d: (d["a"],), [{"a": n} for n in (1, 2, 3)], [1.0, 2.0, 3.0])
    space = get_space("mlp-tabular")
    with pytest.raises(EvaluationError, match="without one"):
        target.latency(space.network(space.design_at(0)))


@pytest.mark.skipif(not TABLE.is_file(), reason="the folder of shared data sets is not beside the checkout")
def test_the_latencies_of_hat_are_learned() -> None:
    rows = pytest.importorskip("pyarrow.parquet").read_table(TABLE).to_pylist()
    own = [row for row in rows if (row["device"], row["task"]) == ("cpu_xeon", "wmt14ende")]
    x = np.array([[row[name] for name in FEATURES] for row in own])
    y = np.array([row["latency_mean_encoder"] + row["latency_mean_decoder"] for row in own])
    predictor = LatencyPredictor(x[:1600], y[:1600])
    error = np.sqrt(np.mean((predictor.predict(x[1600:]) - y[1600:]) ** 2))
    assert error / y[1600:].mean() < 0.08
    assert 0.8 < np.mean(np.abs(predictor.predict(x[1600:]) / y[1600:] - 1) < predictor.reach) < 0.97


def test_the_ten_numbers_of_a_design_are_those_of_the_table() -> None:
    space = hat()
    for design in space.sample(np.random.default_rng(0), 5):
        numbers = dict(zip(FEATURES, hat_features(design), strict=True))
        assert numbers["decoder_layer_num"] == design["decoder.times"]
        assert 1 <= numbers["decoder_arbitrary_ende_attn_avg"] <= 3
        assert numbers["encoder_embed_dim"] in (512, 640)
