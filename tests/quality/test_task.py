"""The splits of a task, and what its statistics are taken from."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import netwright.quality.data
from netwright.quality import Task, load_task


def table(rows: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(3.0, 5.0, (rows, 4)), np.arange(rows) % 3


def test_digits_are_grey_images_of_ten_classes() -> None:
    task = load_task("digits")
    assert (task.name, task.kind, task.input_shape, task.classes) == ("digits", "image", (1, 8, 8), 10)
    assert task.class_names == tuple("0123456789")
    assert task.loss == "cross_entropy"
    assert sum(task.sizes.values()) == 1797
    assert task.train.x.dtype == np.float32
    assert task.train.y.dtype == np.int64


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-100, 100))
def test_training_part_has_mean_0_and_deviation_1(seed: int, shift: float) -> None:
    x, y = table(seed=seed)
    train = load_task((x + shift, y), seed=seed).train.x
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-4)


def rows_of(task: Task, part: str) -> np.ndarray:
    return task._rows[part]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_statistics_know_nothing_of_the_other_parts(seed: int) -> None:
    x, y = table(seed=seed)
    plain = load_task((x, y), seed=seed)
    x[np.concatenate([rows_of(plain, "valid"), rows_of(plain, "test")])] *= 1000
    changed = load_task((x, y), seed=seed)
    np.testing.assert_array_equal(plain.train.x, changed.train.x)
    assert not np.allclose(plain.valid.x, changed.valid.x)


def test_development_knows_nothing_of_the_test_part() -> None:
    x, y = table()
    plain = load_task((x, y))
    x[rows_of(plain, "test")] *= 1000
    changed = load_task((x, y))
    np.testing.assert_array_equal(plain.development().x, changed.development().x)


def test_development_joins_train_and_valid_and_is_normalised_anew() -> None:
    task = load_task(table())
    development = task.development()
    assert len(development) == task.sizes["train"] + task.sizes["valid"]
    np.testing.assert_allclose(development.x.mean(axis=0), 0, atol=1e-5)
    assert sorted(development.y) == sorted([*task.train.y, *task.valid.y])


def test_test_part_is_normalised_like_development() -> None:
    x, y = table()
    task = load_task((x, y))
    how = task.preprocessing()
    expected = (x[rows_of(task, "test")] - how["mean"]) / how["std"]
    np.testing.assert_allclose(task.test.x, expected, rtol=1e-4, atol=1e-5)


def test_preprocessing_is_plain_json() -> None:
    assert json.loads(json.dumps(load_task(table()).preprocessing()))["kind"] == "table"


def test_an_output_is_read_by_the_preprocessing() -> None:
    x, y = table()
    assert load_task((x, np.array(["no", "yes", "well"])[y])).preprocessing()["output"] == {
        "classes": ["no", "well", "yes"]
    }
    task = load_task((x, 100 * x[:, 0] + 7), regression=True)
    scale = json.loads(json.dumps(task.preprocessing()))["output"]
    in_file = 100 * x[rows_of(task, "test"), 0] + 7
    np.testing.assert_allclose(task.test.y.ravel() * scale["std"] + scale["mean"], in_file, rtol=1e-4)


def test_pixels_stay_small_until_they_are_asked_for() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 3), np.uint8)
    task = load_task((images, np.arange(40) % 2))
    assert task._inputs[:1].dtype == np.uint8
    assert task.train.x.dtype == np.float32


def test_splits_can_be_written_to() -> None:
    task = load_task("digits")
    assert task.train.x.flags.writeable
    assert task.train.y.flags.writeable


def test_a_task_travels_to_a_worker() -> None:
    task = load_task(table())
    copy = pickle.loads(pickle.dumps(task))
    np.testing.assert_array_equal(copy.valid.x, task.valid.x)


def test_regression_standardises_its_target_and_says_how() -> None:
    x, _ = table(200)
    y = x @ np.array([1.0, 2.0, 3.0, 4.0]) + 50
    task = load_task((x, y))
    assert (task.target, task.classes, task.loss) == ("regression", 1, "mse")
    assert task.metrics == ("rmse", "r2", "loss")
    assert task.train.y.dtype == np.float32
    mean, std = task.target_scale
    np.testing.assert_allclose(task.valid.y * std + mean, y[rows_of(task, "valid")], rtol=1e-4)


def test_public_names() -> None:
    assert {"Split", "Task", "load_task"} <= set(netwright.quality.__all__)
    assert all(hasattr(netwright.quality.data, name) for name in netwright.quality.data.__all__)


@pytest.mark.parametrize("package", ["torch", "sklearn", "pyarrow", "PIL"])
def test_importing_the_loaders_imports_nothing_heavy(package: str) -> None:
    code = f"import netwright.quality.data, sys; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000))
def test_another_fold_validates_on_examples_that_trained(seed: int) -> None:
    task = load_task(table(rows=90))
    other = task.refolded(seed)
    assert other.sizes == task.sizes
    assert set(rows_of(other, "valid")) <= set(rows_of(task, "train"))
    assert set(rows_of(other, "train")) | set(rows_of(other, "valid")) == set(task._development_rows)
    assert not set(rows_of(other, "train")) & set(rows_of(other, "valid"))
    np.testing.assert_array_equal(rows_of(other, "test"), rows_of(task, "test"))
    np.testing.assert_array_equal(other.test.x, task.test.x)
    np.testing.assert_allclose(other.train.x.mean(axis=0), 0, atol=1e-5)
    assert np.ptp(np.bincount(other.valid.y)) <= 1


def test_another_fold_is_the_same_for_the_same_seed_and_keeps_few_examples_apart() -> None:
    task = load_task(table(rows=18), valid=0.6, test=0.2)
    first, again = task.refolded(3), task.refolded(3)
    np.testing.assert_array_equal(first.valid.x, again.valid.x)
    assert len(first.valid) == max(1, task.sizes["train"] // 2)
    numbers = load_task((np.random.default_rng(0).normal(size=(60, 3)), np.linspace(0, 1, 60))).refolded(0)
    assert numbers.target == "regression"
    assert numbers.sizes["valid"] == 12
