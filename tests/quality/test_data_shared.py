"""Real data sets, where their folder is beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netwright.errors import DataError
from netwright.quality import load_task

TASKS = Path(__file__).parents[3] / "shared" / "data" / "tasks"
pytestmark = pytest.mark.skipif(
    not TASKS.is_dir(), reason="the folder of shared data sets is not beside the checkout"
)

SERIES = {
    "GunPoint": ((1, 150), 2),
    "ArrowHead": ((1, 251), 3),
    "ItalyPowerDemand": ((1, 24), 2),
    "OSULeaf": ((1, 427), 6),
    "ACSF1": ((1, 1460), 10),
    "BasicMotions": ((6, 100), 4),
    "JapaneseVowels": ((12, 25), 9),
    "PickupGestureWiimoteZ": ((1, 361), 10),
    "Trace": ((1, 275), 4),
}
# rows, features, outputs
TABLES = {
    "abalone.csv.gz": (4177, 10, 1),
    "adult-train.csv.gz": (32561, 104, 2),
    "banknote_authentication.csv.gz": (1372, 4, 2),
    "breast-cancer-wisconsin.csv.gz": (699, 10, 2),
    "ecoli.csv.gz": (336, 7, 8),
    "german.csv.gz": (1000, 61, 2),
    "glass.csv.gz": (214, 9, 6),
    "haberman.csv.gz": (306, 3, 2),
    "housing.csv.gz": (506, 13, 1),
    "ionosphere.csv.gz": (351, 34, 2),
    "mammography.csv.gz": (11183, 6, 2),
    "pima-indians-diabetes.csv.gz": (768, 8, 2),
    "river_banana.zip": (5300, 2, 2),
    "river_phishing.csv.gz": (1250, 9, 2),
    "river_shuttle.csv.gz": (49097, 9, 2),
    "river_yeast.csv.gz": (2417, 116, 2),
    "sonar.csv.gz": (208, 60, 2),
    "wheat-seeds.csv.gz": (210, 7, 3),
    "wine.csv.gz": (178, 13, 3),
    "winequality-red.csv.gz": (1599, 11, 6),
    "winequality-white.csv.gz": (4898, 11, 7),
}


def test_mnist() -> None:
    task = load_task(TASKS / "mnist_20k_10k.npz")
    assert (task.kind, task.input_shape, task.classes) == ("image", (1, 28, 28), 10)
    assert task.sizes == {"train": 16001, "valid": 3999, "test": 10000}
    assert abs(float(task.train.x.mean())) < 1e-3


def test_cifar() -> None:
    task = load_task(TASKS / "cifar10_16x16_10k_2k.npz")
    assert (task.kind, task.input_shape, task.classes) == ("image", (3, 16, 16), 10)
    assert task.sizes == {"train": 8000, "valid": 2000, "test": 2000}
    np.testing.assert_allclose(task.train.x.std(axis=(0, 2, 3)), 1, atol=1e-3)


@pytest.mark.parametrize("name", SERIES)
def test_series(name: str) -> None:
    task = load_task(f"{TASKS / 'ucr_timeseries.npz'}:{name}")
    assert task.kind == "series"
    assert (task.input_shape, task.classes) == SERIES[name]
    assert np.isfinite(task.train.x).all()


@pytest.mark.parametrize("name", TABLES)
def test_table(name: str) -> None:
    rows, features, outputs = TABLES[name]
    task = load_task(TASKS / "tabular" / name)
    assert task.kind == "table"
    assert (sum(task.sizes.values()), task.input_shape, task.classes) == (rows, (features,), outputs)
    assert (task.target == "regression") == (outputs == 1)
    assert np.isfinite(task.train.x).all()
    assert np.isfinite(task.test.x).all()


def test_every_table_is_tested() -> None:
    assert {path.name for path in (TASKS / "tabular").iterdir()} == {*TABLES, "river_solar-flare.csv.zip"}


def test_solar_flare_has_rare_counts_as_labels() -> None:
    path = TASKS / "tabular" / "river_solar-flare.csv.zip"
    with pytest.raises(DataError, match=r"class '2' of column 'x-class-flares' of .* has 1 example to train on"):
        load_task(path)
    assert load_task(path, target="activity").classes == 2
    assert load_task(path, regression=True).target == "regression"


def test_audio_in_one_long_array_is_no_task_yet() -> None:
    with pytest.raises(DataError, match="it has: wave, off, digit, take, speaker"):
        load_task(TASKS / "fsdd_mulaw8k.npz")
