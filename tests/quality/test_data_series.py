"""Time series in `.ts` files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from netwright.errors import DataError
from netwright.quality import load_task
from netwright.quality.data._series import parse_ts

HEADER = "# a comment\n@problemName Waves\n@timeStamps false\n@univariate true\n@classLabel true up down\n@data\n"


def text(count: int, channels: int = 1) -> str:
    rng = np.random.default_rng(count)
    rows = []
    for number in range(count):
        values = [",".join(f"{value:.4f}" for value in rng.normal(size=12)) for _ in range(channels)]
        rows.append(":".join([*values, "up" if number % 2 else "down"]))
    return HEADER + "\n".join(rows) + "\n"


@pytest.mark.parametrize("channels", [1, 3])
def test_one_file_is_split(tmp_path: Path, channels: int) -> None:
    (tmp_path / "Waves.ts").write_text(text(30, channels))
    task = load_task(tmp_path / "Waves.ts")
    assert (task.name, task.kind, task.input_shape) == ("Waves", "series", (channels, 12))
    assert task.class_names == ("down", "up")
    assert sum(task.sizes.values()) == 30


@pytest.mark.parametrize("given", ["Waves_TRAIN.ts", "Waves_TEST.ts", ""])
def test_a_pair_brings_its_test_part(tmp_path: Path, given: str) -> None:
    (tmp_path / "Waves_TRAIN.ts").write_text(text(30))
    (tmp_path / "Waves_TEST.ts").write_text(text(14))
    task = load_task(tmp_path / given)
    assert task.name == "Waves"
    assert task.sizes == {"train": 24, "valid": 6, "test": 14}


def test_gzip(tmp_path: Path) -> None:
    (tmp_path / "Waves.ts.gz").write_bytes(gzip.compress(text(30).encode()))
    assert load_task(tmp_path / "Waves.ts.gz").name == "Waves"


def test_a_folder_of_several_data_sets(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}_TRAIN.ts").write_text(text(10))
    with pytest.raises(DataError, match="holds several data sets"):
        load_task(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("hello", "x is not a .ts file, or is truncated: it has no @data line"),
        ("\0\1", "x is not a .ts file: it is not text"),
        (HEADER, "x has no series after its @data line"),
        (HEADER + "1,2,3:up\n1,2:down\n", "x has series of mixed shapes: lengths 2 to 3"),
        (HEADER + "1,2:3,4:up\n1,2:down\n", "x has series of mixed shapes: 1 to 2 channels"),
        (HEADER + "1,?,3:up\n", "x has a missing value in line 7"),
        (HEADER + "1,b,3:up\n", "x has something else than numbers in line 7"),
        (HEADER + "\n1,2,3\n", "x has no class label at the end of line 8"),
        (HEADER + "1,2,3:\n", "x has no class label at the end of line 7"),
        (HEADER.replace("@timeStamps false", "@timeStamps true"), "x has time stamps"),
        (HEADER.replace("@classLabel true", "@classLabel false"), "x has no class labels"),
        (HEADER.replace("@classLabel true up down", "@targetLabel true"), "x has no class labels"),
    ],
)
def test_damage(content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_ts(content.encode(), "x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (text(30).replace("down", "up"), "has one class only"),
        (HEADER + "1,nan:up\n2,3:down\n", "has NaN in its inputs"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.ts"
    path.write_text(content)
    with pytest.raises(DataError, match=f"a.ts {message}"):
        load_task(path)
