"""What every loader returns, and the checks they share."""

from __future__ import annotations

import csv
import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from netwright.errors import DataError
from netwright.quality._task import Inputs

Array = npt.NDArray[Any]

PARTS = ("train", "valid", "test")
TRAIN, VALID, TEST = range(3)

# A file may expand to this many bytes without question; beyond, at most MAX_EXPANSION times its own size.
# Real data rarely packs better than 30 to 1, a decompression bomb 1,000 to 1.
FREE_BYTES = 1 << 30
MAX_EXPANSION = 100

_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    csv.Error,
)


@dataclass(frozen=True, eq=False)
class Raw:
    """Examples as a file has them: `part` is TRAIN, VALID or TEST for each, as far as the file says so.

    A file that has no test (or valid) part of its own gives every example as TRAIN. `label` is the name of the
    label column of a table.
    """

    name: str
    where: str
    kind: str
    x: Inputs
    y: Array
    part: Array
    note: str
    label: str = ""

    @property
    def labels_at(self) -> str:
        """Where the labels are, for a message: the file, and the column in it."""
        return f"column {self.label!r} of {self.where}" if self.label else self.where


def first_line(error: BaseException) -> str:
    """The first line of a library's message, without its full stop."""
    lines = str(error).strip().splitlines()
    # A parser may quote a whole row of the file.
    return lines[0][:200].rstrip(" .") if lines else type(error).__name__


@contextmanager
def reading(where: str, what: str) -> Iterator[None]:
    """Turn whatever a reader raises on a damaged file into one sentence that names it.

    Raises DataError.
    """
    try:
        yield
    except MemoryError as error:
        raise DataError(f"{where} does not fit in memory.") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{where} is truncated or damaged: {first_line(error)}.") from error
    except _READ_ERRORS as error:
        raise DataError(f"{where} cannot be read as {what}: {first_line(error)}.") from error


def check_expansion(where: str, packed: int, unpacked: int) -> None:
    """Refuse a decompression bomb before it is unpacked; both sizes in bytes.

    Raises DataError.
    """
    if unpacked > expansion_limit(packed):
        raise DataError(
            f"{where} would expand from {packed:,} to more than {expansion_limit(packed):,} bytes, "
            f"over {MAX_EXPANSION} times its size, and is refused as a decompression bomb."
        )


def expansion_limit(packed: int) -> int:
    """The number of bytes that a file of `packed` bytes may expand to."""
    return max(FREE_BYTES, MAX_EXPANSION * packed)


def read_bytes(path: Path, where: str) -> bytes:
    """The content of a file, unpacked when it is gzip, whatever its name says.

    Raises DataError for an empty, truncated or unreadable file, and for a decompression bomb.
    """
    with reading(where, "a file"):
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP_MAGIC
        if not packed:
            return not_empty(path.read_bytes(), where)
        with gzip.open(path, "rb") as stream:
            content = read_limited(stream, where, path.stat().st_size)
    return not_empty(content, where)


def read_limited(stream: BinaryIO | gzip.GzipFile, where: str, packed: int) -> bytes:
    """Read a decompressing stream to its end, or refuse it once it exceeds what `packed` bytes may hold."""
    chunks: list[bytes] = []
    size = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        check_expansion(where, packed, size)
        chunks.append(chunk)
    return b"".join(chunks)


def not_empty(content: bytes, where: str) -> bytes:
    """The content itself; raises DataError when there is none."""
    if not content.strip():
        raise DataError(f"{where} is empty.")
    return content


def check_numbers(where: str, x: Array, what: str = "inputs") -> None:
    """Refuse values that no network can learn from: NaN, infinity, or beyond the range of float32.

    Raises DataError.
    """
    if x.dtype.kind != "f":
        return
    low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 0.0)
    # min and max carry a NaN through, so that one pass finds it.
    if np.isnan(low):
        raise DataError(f"{where} has NaN in its {what} ({int(np.isnan(x).sum()):,} of {x.size:,} values).")
    if np.isinf(low) or np.isinf(high):
        count = int(np.isinf(x).sum())
        raise DataError(f"{where} has infinite values in its {what} ({count:,} of {x.size:,} values).")
    if max(-low, high) > float(np.finfo(np.float32).max):
        raise DataError(f"{where} has values beyond the range of float32 in its {what}, up to {max(-low, high):g}.")


def join_parts(pieces: dict[str, Array]) -> tuple[Array, Array]:
    """The arrays of all parts in one, and the part of each example."""
    present = [part for part in PARTS if part in pieces]
    marks = [np.full(len(pieces[part]), PARTS.index(part), np.uint8) for part in present]
    # A single part is passed on as it is: joining would copy the whole data set.
    joined = pieces[present[0]] if len(present) == 1 else np.concatenate([pieces[part] for part in present])
    return joined, np.concatenate(marks)
