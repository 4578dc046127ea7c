"""Arrays and torch data sets given directly, and the checks that all formats share."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.errors import DataError, UnknownNameError
from netwright.quality import load_task
from netwright.quality.data import _encode
from netwright.quality.data._encode import Scaler
from netwright.quality.data._labels import encode_labels

Y = np.arange(40) % 2
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "dtype", "kind", "input_shape"),
    [
        ((40, 7), "f4", "table", (7,)),
        ((40, 9, 9), "f4", "image", (1, 9, 9)),
        ((40, 9, 12), "u1", "image", (1, 9, 12)),
        ((40, 9, 9, 3), "u1", "image", (3, 9, 9)),
        ((40, 3, 9, 9), "u1", "image", (3, 9, 9)),
        ((40, 9, 9, 1), "u1", "image", (1, 9, 9)),
        ((40, 4, 9, 3), "u1", "image", (3, 4, 9)),
        ((40, 9, 9, 16), "f4", "image", (16, 9, 9)),
        ((40, 16, 9, 9), "f4", "image", (16, 9, 9)),
        ((40, 1, 20), "f4", "series", (1, 20)),
        ((40, 20, 2), "f4", "series", (2, 20)),
        ((40, 3, 20), "i2", "series", (3, 20)),
    ],
)
def test_shapes_tell_the_kind(shape: tuple[int, ...], dtype: str, kind: str, input_shape: tuple[int, ...]) -> None:
    task = load_task((RNG.integers(0, 100, shape).astype(dtype), Y))
    assert (task.kind, task.input_shape) == (kind, input_shape)
    assert task.train.x.shape[1:] == input_shape


def test_channels_last_are_moved_not_reshaped() -> None:
    images = np.zeros((40, 8, 8, 3), np.uint8)
    images[..., 1] = RNG.integers(0, 99, (40, 8, 8))
    x = load_task((images, Y)).train.x
    assert x[:, 0].std() == 0
    assert x[:, 1].std() > 0.9


def test_a_task_keeps_its_data_when_the_caller_changes_his() -> None:
    x = RNG.normal(size=(40, 3))
    task = load_task((x, Y))
    before = load_task((x, Y)).train.x
    x[:] = 0
    np.testing.assert_array_equal(task.train.x, before)


def test_kind_overrules_the_shape() -> None:
    assert load_task((RNG.normal(size=(40, 30)), Y), kind="series").input_shape == (1, 30)


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(UnknownNameError, match="known: image, series, table"):
        load_task((RNG.normal(size=(40, 30)), Y), kind="text")


def test_a_kind_that_does_not_fit() -> None:
    with pytest.raises(DataError, match=r"has inputs of shape \(30,\), which are no image"):
        load_task((RNG.normal(size=(40, 30)), Y), kind="image")


def test_four_arrays_bring_their_own_test_part() -> None:
    task = load_task((RNG.normal(size=(40, 3)), Y, RNG.normal(size=(10, 3)), Y[:10]))
    assert task.sizes == {"train": 32, "valid": 8, "test": 10}


@pytest.mark.parametrize("labels", [["owl", "cat"] * 20, [b"owl", b"cat"] * 20])
def test_names_as_labels(labels: list[str]) -> None:
    task = load_task((RNG.normal(size=(40, 3)), labels))
    assert task.class_names == ("cat", "owl")


@pytest.mark.parametrize("labels", [Y[:, None], np.eye(2)[Y], Y.astype(bool), Y + 5, Y.astype("f4")])
def test_labels_in_other_clothes(labels: np.ndarray) -> None:
    task = load_task((RNG.normal(size=(40, 3)), labels))
    assert task.classes == 2
    assert set(task.train.y) == {0, 1}


def test_a_dataset_of_torch() -> None:
    dataset = torch.utils.data.TensorDataset(torch.rand(40, 3, 8, 8), torch.arange(40) % 4)
    task = load_task(dataset)
    assert (task.name, task.kind, task.input_shape, task.classes) == ("TensorDataset", "image", (3, 8, 8), 4)


def test_a_dataset_for_train_and_one_for_test() -> None:
    def dataset(size: int) -> torch.utils.data.Dataset:
        return torch.utils.data.TensorDataset(torch.rand(size, 5), torch.arange(size) % 2)

    assert load_task((dataset(40), dataset(10))).sizes == {"train": 32, "valid": 8, "test": 10}


class Ragged(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.zeros(3 + index), index % 2


class Unlabelled(Ragged):
    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.zeros(3)


class Empty(Ragged):
    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Ragged(), r"Ragged has inputs of mixed shapes: \(3,\), \(4,\)"),
        (Unlabelled(), "item 0 of Unlabelled is no pair of input and label"),
        (Empty(), "Empty has no examples"),
    ],
)
def test_datasets_that_are_refused(dataset: torch.utils.data.Dataset, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_task(dataset)


def with_value(value: float) -> np.ndarray:
    x = RNG.normal(size=(40, 3))
    x[3, 1] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (with_value(np.nan), Y, r"has NaN in its inputs \(1 of 120 values\)"),
        (with_value(np.inf), Y, "has infinite values in its inputs"),
        (with_value(-np.inf), Y, "has infinite values in its inputs"),
        (with_value(1e300), Y, "beyond the range of float32"),
        (np.ones((40, 3)), Y[:39], "has 40 inputs but 39 labels"),
        (np.ones((40, 3)), np.zeros(40), r"has one class only \('0'\)"),
        (np.ones((0, 3)), np.zeros(0), "has no examples"),
        (np.ones((40, 0)), Y, "hold no values"),
        (np.ones(40), Y, "at least one axis"),
        (np.ones((40, 2, 2, 2, 2)), Y, "no image, series or table"),
        ([[1, 2], [3]] * 20, Y, "mixed shapes or types"),
        (np.array([[None, 1]] * 40), Y, "inputs of Python objects"),
        (np.full((40, 3), "a"), Y, "inputs of type <U1"),
        (np.ones((40, 3)), np.ones((40, 3)), r"labels of shape \(40, 3\)"),
        (np.ones((40, 3)), np.array([None] * 40), "labels of type object"),
        (np.ones((40, 3)), np.where(Y, np.nan, 1.0), "has NaN in its labels"),
        (np.ones((40, 8, 8)), np.linspace(0, 1, 40), "has fractions as labels"),
        (np.ones((100, 3)), [f"id{i}" for i in range(100)], "100 different labels in 100 examples"),
    ],
)
def test_arrays_that_are_refused(x: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        load_task((x, y))
    assert "\n" not in str(caught.value)


def test_parts_of_mixed_shapes() -> None:
    with pytest.raises(DataError, match=r"inputs of mixed shapes: train \(3,\), test \(4,\)"):
        load_task((np.ones((40, 3)), Y, np.ones((40, 4)), Y))


def test_parts_with_mixed_labels() -> None:
    with pytest.raises(DataError, match="names as labels in one part and numbers in another"):
        load_task((np.ones((40, 3)), Y, np.ones((40, 3)), Y.astype(str)))


def test_a_class_that_only_the_test_part_has() -> None:
    with pytest.raises(DataError, match="class '2' in its test or valid part, but not in its training part"):
        load_task((np.ones((40, 3)), Y, np.ones((40, 3)), Y + 1))


@pytest.mark.parametrize("source", [3, None, (1, 2, 3), {"x": 1}, object()])
def test_sources_that_are_none(source: object) -> None:
    with pytest.raises(DataError, match="a task is loaded from"):
        load_task(source)


def test_an_unknown_name_lists_what_exists() -> None:
    with pytest.raises(UnknownNameError, match=r"no task is named 'digist'; did you mean 'digits'\?.*FILE\.npz"):
        load_task("digist")


def test_a_path_that_does_not_exist() -> None:
    with pytest.raises(DataError, match=r"no file or folder is at no/such\.npz\."):
        load_task("no/such.npz")


@pytest.mark.parametrize("options", [{"target": "y"}, {"member": "a"}, {"size": 8}, {"kind": "table"}])
def test_an_option_that_says_nothing_is_not_ignored(options: dict[str, object]) -> None:
    with pytest.raises(DataError, match=f"{next(iter(options))}= says nothing about the built-in task digits"):
        load_task("digits", **options)


@pytest.mark.parametrize(
    ("y", "target"),
    [
        (np.arange(100) % 20, "classification"),
        (np.arange(300) % 30, "classification"),
        (np.arange(100) % 50, "regression"),
        (np.arange(300) % 30 * 2, "regression"),
        (np.arange(100) / 3, "regression"),
        (np.arange(100) % 3 / 2, "classification"),
        (np.array(["a", "b"] * 50), "classification"),
    ],
)
def test_quantities_and_classes_are_told_apart(y: np.ndarray, target: str) -> None:
    assert encode_labels("x", y, "table").target == target


def test_regression_overrules_the_labels() -> None:
    assert load_task((RNG.normal(size=(40, 3)), Y * 2.0), regression=True).target == "regression"
    with pytest.raises(DataError, match="names as labels, but regression needs numbers"):
        load_task((RNG.normal(size=(40, 3)), ["a", "b"] * 20), regression=True)
    with pytest.raises(DataError, match="the same label 1 everywhere"):
        load_task((RNG.normal(size=(40, 3)), np.ones(40)), regression=True)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_scaler_agrees_with_numpy_on_many_blocks(offset: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_encode, "_BLOCK", 64)
    x = RNG.normal(offset, 2.0, (50, 3, 4, 5))
    scaler = Scaler.fit("image", x)
    np.testing.assert_allclose(scaler.mean.ravel(), x.mean(axis=(0, 2, 3)), rtol=1e-10)
    np.testing.assert_allclose(scaler.std.ravel(), x.std(axis=(0, 2, 3)), rtol=1e-6)


def test_a_constant_channel_becomes_zero() -> None:
    x = np.full((30, 2), 0.1)
    np.testing.assert_allclose(Scaler.fit("table", x).encode(x), 0, atol=1e-6)
