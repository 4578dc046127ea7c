"""Whatever happens to a file, it loads or is refused in one sentence."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from netwright.errors import NetwrightError
from netwright.quality import load_task
from netwright.quality.data import encode_idx

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype(np.float32), np.arange(24) % 2


def csv_bytes() -> bytes:
    return b"a,b,y\n" + b"".join(b"%g,%g,%d\n" % (row[0], row[1], label) for row, label in zip(X, Y, strict=True))


def npz_bytes() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=X, y=Y)
    return buffer.getvalue()


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": X[:, 0], "b": ["ab"[i % 2] for i in range(24)], "y": Y}), buffer)
    return buffer.getvalue()


def ts_bytes() -> bytes:
    rows = [",".join(f"{value:g}" for value in row) + f":{label}" for row, label in zip(X, Y, strict=True)]
    return ("@timeStamps false\n@classLabel true 0 1\n@data\n" + "\n".join(rows)).encode()


def png_bytes(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 5, 3), np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def write_idx(folder: Path, content: bytes) -> Path:
    (folder / "train-labels-idx1-ubyte").write_bytes(encode_idx(Y.astype(np.uint8)))
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    return folder


def write_images(folder: Path, content: bytes) -> Path:
    for name in ("cat", "owl"):
        (folder / "pets" / name).mkdir(parents=True, exist_ok=True)
        for number in range(4):
            (folder / "pets" / name / f"{number}.png").write_bytes(png_bytes(number))
    (folder / "pets" / "cat" / "0.png").write_bytes(content)
    return folder / "pets"


def write_file(name: str) -> Callable[[Path, bytes], Path]:
    def write(folder: Path, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


CASES = {
    "csv": (csv_bytes(), write_file("a.csv")),
    "csv.gz": (gzip.compress(csv_bytes()), write_file("a.csv.gz")),
    "npz": (npz_bytes(), write_file("a.npz")),
    "parquet": (parquet_bytes(), write_file("a.parquet")),
    "ts": (ts_bytes(), write_file("a.ts")),
    "idx": (encode_idx(RNG.integers(0, 256, (24, 6, 5), np.uint8)), write_idx),
    "images": (png_bytes(0), write_images),
}


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    damaged = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        damaged[draw(st.integers(0, len(damaged) - 1))] = draw(st.integers(0, 255))
    return bytes(damaged[: draw(st.integers(0, len(damaged)))] if draw(st.booleans()) else damaged)


@pytest.mark.parametrize("case", CASES)
def test_whole_files_load(tmp_path: Path, case: str) -> None:
    content, write = CASES[case]
    assert load_task(write(tmp_path, content)).classes == 2


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_load_or_are_refused(tmp_path: Path, case: str, data: st.DataObject) -> None:
    content, write = CASES[case]
    path = write(tmp_path, data.draw(damage(content)))
    message = refusal(path)
    assert "\n" not in message


def refusal(path: Path) -> str:
    try:
        task = load_task(path)
    except NetwrightError as error:
        return str(error)
    assert np.isfinite(task.train.x).all()
    return ""
