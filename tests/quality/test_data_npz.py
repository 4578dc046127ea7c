"""npz files: the spelling of keys, several data sets in one file, and damage."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from netwright.errors import DataError, UnknownNameError
from netwright.quality import load_task
from netwright.quality.data import _base
from netwright.quality.data._npz import group_keys, parse_key

X, Y = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), np.arange(40) % 2


def save(path: Path, **arrays: object) -> Path:
    np.savez_compressed(path, **arrays)
    return path


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("train_x", "train_y", "test_x", "test_y"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("xtrain", "ytrain", "xtest", "ytest"),
        ("trainX", "trainY", "testX", "testY"),
        ("trainImages", "trainLabels", "testImages", "testLabels"),
        ("training.data", "training.target", "testing.data", "testing.target"),
    ],
)
def test_spellings(tmp_path: Path, keys: tuple[str, ...]) -> None:
    path = save(tmp_path / "a.npz", **dict(zip(keys, (X, Y, X[:10], Y[:10]), strict=True)))
    assert load_task(path).sizes == {"train": 32, "valid": 8, "test": 10}


@pytest.mark.parametrize(
    "keys", [("x", "y"), ("X", "y"), ("data", "target"), ("images", "labels"), ("arr_0", "arr_1")]
)
def test_files_without_parts(tmp_path: Path, keys: tuple[str, str]) -> None:
    path = save(tmp_path / "a.npz", **dict(zip(keys, (X, Y), strict=True)))
    assert load_task(path).sizes == {"train": 24, "valid": 8, "test": 8}


def test_a_valid_part_is_honoured(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", x_train=X, y_train=Y, x_val=X[:6], y_val=Y[:6], x_test=X[:4], y_test=Y[:4])
    assert load_task(path).sizes == {"train": 40, "valid": 6, "test": 4}


@pytest.mark.parametrize(
    ("key", "parsed"),
    [
        ("GunPoint_x_train", ("GunPoint", "train", "x")),
        ("signal_y_test", ("signal", "test", "y")),
        ("image_labels", ("", "", "y")),
        ("dev-labels", ("", "valid", "y")),
        ("wave", ("wave", "", "")),
    ],
)
def test_keys(key: str, parsed: tuple[str, str, str]) -> None:
    assert parse_key(key) == parsed


def test_halves_of_a_pair_are_left_out() -> None:
    assert group_keys(["x_train", "y_train", "x_extra", "x_test"]) == {
        "": {"train": {"x": "x_train", "y": "y_train"}}
    }


def several(tmp_path: Path) -> Path:
    return save(tmp_path / "many.npz", Wafer_x=X, Wafer_y=Y, Trace_x=X, Trace_y=Y)


def test_one_of_several_data_sets(tmp_path: Path) -> None:
    path = several(tmp_path)
    task = load_task(f"{path}:Trace")
    assert task.name == "many:Trace"
    assert load_task(path, member="Wafer").name == "many:Wafer"


def test_several_data_sets_and_none_chosen(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"several data sets; add one of them as .*many\.npz:NAME: Wafer, Trace"):
        load_task(several(tmp_path))


def test_a_data_set_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'Wafer'"):
        load_task(f"{several(tmp_path)}:Wafers")


def test_labels_by_key(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", x=X, y=np.zeros(40), speaker=Y + 3)
    assert load_task(path, target="speaker").class_names == ("3", "4")
    with pytest.raises(UnknownNameError, match="no array is named 'who'"):
        load_task(path, target="who")


def test_no_keys_that_mean_something(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no arrays named like inputs and labels .* it has: wave, off\."):
        load_task(save(tmp_path / "a.npz", wave=X, off=Y))


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", x=np.array([[1], [2, 3]], dtype=object), y=np.array([0, 1]))
    with pytest.raises(DataError, match=r"a\.npz holds Python objects in 'x', which are never unpickled"):
        load_task(path)


def test_a_member_that_is_no_array(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", y=Y)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x", "text")
    with pytest.raises(DataError, match="has a member 'x' that is no array"):
        load_task(path)


def whole() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=X, y=Y)
    return buffer.getvalue()


def flipped(content: bytes) -> bytes:
    middle = content.index(X.tobytes()) + 40
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello", "is not an npz file"),
        (whole()[:-30], "is truncated"),
        (whole()[:200], "is truncated"),
        (flipped(whole()), "cannot be read as an npz file: Bad CRC-32"),
    ],
)
def test_damage(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        load_task(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 1000)})
    path = save(tmp_path / "a.npz", y=Y)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x.npy", header.getvalue() + b"1234")
    with pytest.raises(DataError, match=r"a\.npz (does not fit in memory|cannot be read as an npz file)"):
        load_task(path)


def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_base, "FREE_BYTES", 1000)
    path = save(tmp_path / "a.npz", x=np.zeros((1000, 1000), np.uint8), y=np.arange(1000) % 2)
    with pytest.raises(DataError, match=r"a\.npz would expand .* refused as a decompression bomb"):
        load_task(path)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.where(X > 1, np.nan, X), Y, "has NaN in its inputs"),
        (X, np.zeros(40, int), "has one class only"),
        (X, Y[:30], "has 40 inputs but 30 labels"),
    ],
)
def test_content_that_is_refused(tmp_path: Path, x: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_task(save(tmp_path / "a.npz", x=x, y=y))
