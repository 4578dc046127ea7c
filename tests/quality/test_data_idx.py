"""IDX files: round trip, pairs, folders and damage."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netwright.errors import DataError
from netwright.quality import load_task
from netwright.quality.data import _base, decode_idx, encode_idx

DTYPES = st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=4, max_side=5)))


@given(ARRAYS)
def test_round_trip(array: np.ndarray) -> None:
    decoded = decode_idx(encode_idx(array), "x")
    assert decoded.dtype == array.dtype
    np.testing.assert_array_equal(decoded, array)


@given(ARRAYS, st.data())
def test_every_truncation_is_noticed(array: np.ndarray, data: st.DataObject) -> None:
    content = encode_idx(array)
    with pytest.raises(DataError, match=r"x is (truncated|not an IDX file)"):
        decode_idx(content[: data.draw(st.integers(0, len(content) - 1))], "x")


def write(folder: Path, prefix: str, count: int, packed: bool = False) -> None:
    images = np.random.default_rng(count).integers(0, 256, (count, 6, 5), np.uint8)
    for name, array in (
        (f"{prefix}-images-idx3-ubyte", images),
        (f"{prefix}-labels-idx1-ubyte", np.arange(count) % 4),
    ):
        content = encode_idx(array.astype(np.uint8))
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)


@pytest.mark.parametrize("packed", [False, True])
def test_the_four_standard_files(tmp_path: Path, packed: bool) -> None:
    write(tmp_path, "train", 60, packed)
    write(tmp_path, "t10k", 20, packed)
    task = load_task(tmp_path)
    assert (task.kind, task.input_shape, task.classes) == ("image", (1, 6, 5), 4)
    assert task.sizes == {"train": 48, "valid": 12, "test": 20}


def test_a_folder_with_both_packed_and_unpacked_files(tmp_path: Path) -> None:
    write(tmp_path, "train", 60, packed=False)
    write(tmp_path, "train", 60, packed=True)
    assert sum(load_task(tmp_path).sizes.values()) == 60


@pytest.mark.parametrize("half", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_a_pair_given_by_either_half(tmp_path: Path, half: str) -> None:
    write(tmp_path, "train", 60)
    assert load_task(tmp_path / half).sizes == {"train": 36, "valid": 12, "test": 12}


def test_the_other_half_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "train", 60)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="train-labels-idx1-ubyte is not beside it"):
        load_task(tmp_path / "train-images-idx3-ubyte")


def test_a_name_without_a_pair(tmp_path: Path) -> None:
    (tmp_path / "some-idx3-ubyte").write_bytes(encode_idx(np.zeros((3, 2, 2), np.uint8)))
    with pytest.raises(DataError, match="named neither images nor labels"):
        load_task(tmp_path / "some-idx3-ubyte")


def test_a_folder_without_a_training_part(tmp_path: Path) -> None:
    write(tmp_path, "t10k", 20)
    with pytest.raises(DataError, match="none named like train-images-idx3-ubyte"):
        load_task(tmp_path)


def test_a_folder_of_several_data_sets(tmp_path: Path) -> None:
    write(tmp_path, "letters-train", 20)
    write(tmp_path, "digits-train", 20)
    with pytest.raises(DataError, match="holds several data sets; give one of the files"):
        load_task(tmp_path)


def damaged(tmp_path: Path, content: bytes, suffix: str = "") -> Path:
    write(tmp_path, "train", 60)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    path = tmp_path / f"train-images-idx3-ubyte{suffix}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "suffix", "message"),
    [
        (b"", "", "is empty"),
        (gzip.compress(b""), ".gz", "is empty"),
        (b"hello world", "", "is not an IDX file: it starts with 68 65 6c 6c"),
        (encode_idx(np.zeros((60, 6, 5), np.uint8))[:-7], "", "is truncated: its header promises 1,800 bytes"),
        (encode_idx(np.zeros((60, 6, 5), np.uint8)) + b"x", "", "is too long: its header promises 1,800 bytes"),
        (gzip.compress(encode_idx(np.zeros((60, 6, 5), np.uint8)))[:-9], ".gz", "is truncated or damaged"),
        (encode_idx(np.zeros((59, 6, 5), np.uint8)), "", "has 59 inputs but 60 labels"),
        (encode_idx(np.zeros(60, np.uint8)), "", "are no images and labels"),
        (encode_idx(np.full((60, 2, 2), np.nan, np.float32)), "", "has NaN in its inputs"),
    ],
)
def test_damage(tmp_path: Path, content: bytes, suffix: str, message: str) -> None:
    path = damaged(tmp_path, content, suffix)
    with pytest.raises(DataError, match=message) as caught:
        load_task(path)
    assert path.name in str(caught.value)


def test_a_header_that_promises_the_moon_takes_no_memory() -> None:
    with pytest.raises(DataError, match="is truncated"):
        decode_idx(bytes([0, 0, 8, 4]) + b"\xff" * 16 + b"x", "x")


def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_base, "FREE_BYTES", 1000)
    path = damaged(tmp_path, gzip.compress(encode_idx(np.zeros((60, 600, 500), np.uint8))), ".gz")
    with pytest.raises(DataError, match=r"over 100 times its size, and is refused as a decompression bomb"):
        load_task(path)


def test_a_type_that_the_format_lacks() -> None:
    with pytest.raises(DataError, match="but got int64"):
        encode_idx(np.zeros(3, np.int64))
