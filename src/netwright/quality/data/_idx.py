"""Tasks from IDX files, the format of MNIST and Fashion-MNIST (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from netwright.errors import DataError
from netwright.quality.data._arrays import from_pieces
from netwright.quality.data._base import Array, Raw, read_bytes

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_IMAGES = re.compile(r"images?", re.IGNORECASE)
_LABELS = re.compile(r"labels?", re.IGNORECASE)
_PARTS = {"train": re.compile(r"train", re.IGNORECASE), "test": re.compile(r"t10k|test", re.IGNORECASE)}


def is_idx(path: Path) -> bool:
    """Whether a file name follows the habit of IDX files, as in `train-images-idx3-ubyte.gz`."""
    return re.search(r"idx\d?([-_.]ubyte)?(\.gz)?$|[-_.]ubyte(\.gz)?$", path.name.lower()) is not None


def read_idx(path: Path, where: str, *, kind: str | None = None) -> Raw:
    """Raw examples of a folder with the four standard files, or of one pair given by either of its files.

    Raises DataError when a file is missing, damaged, or holds something else than its name says.
    """
    pairs = _folder_pairs(path, where) if path.is_dir() else {"train": _pair_of(path, where)}
    return read_pairs(pairs, path.name.split(".")[0], where, kind=kind)


def read_pairs(pairs: dict[str, tuple[Path, Path]], name: str, where: str, *, kind: str | None = None) -> Raw:
    """Raw examples of files given as `{part: (images, labels)}`."""
    pieces = {part: (_load(images), _load(labels)) for part, (images, labels) in pairs.items()}
    for part, (x, y) in pieces.items():
        if y.ndim != 1 or x.ndim < 2:
            images, labels = pairs[part]
            raise DataError(
                f"{images} and {labels} are no images and labels: their shapes are {x.shape} and {y.shape}."
            )
    return from_pieces(name, where, pieces, kind=kind)


def decode_idx(content: bytes, where: str) -> Array:
    """The array in the bytes of an IDX file: two zeros, a type, the number of axes, the axes, the values.

    >>> decode_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), "x").tolist()
    [7, 8, 9]

    Raises DataError for another format, or when the length is not what the header promises.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES or not content[3]:
        raise DataError(f"{where} is not an IDX file: it starts with {content[:4].hex(' ') or 'nothing'}.")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise DataError(f"{where} is truncated: it ends within its header.")
    shape = tuple(int(axis) for axis in np.frombuffer(content, ">u4", content[3], offset=4))
    dtype = np.dtype(_TYPES[content[2]])
    promised, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if promised != found:
        fault = "is truncated" if found < promised else "is too long"
        raise DataError(f"{where} {fault}: its header promises {promised:,} bytes of values, but it has {found:,}.")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def encode_idx(array: Array) -> bytes:
    """The bytes of an IDX file that holds an array.

    >>> import numpy as np
    >>> encode_idx(np.array([7, 8, 9], np.uint8)).hex(" ")
    '00 00 08 01 00 00 00 03 07 08 09'

    Raises DataError for a type that the format does not have.
    """
    codes = {np.dtype(name).newbyteorder("="): code for code, name in _TYPES.items()}
    if array.dtype not in codes:
        raise DataError(f"IDX files hold {', '.join(str(dtype) for dtype in codes)}, but got {array.dtype}.")
    header = bytes([0, 0, codes[array.dtype], array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def _load(path: Path) -> Array:
    if not path.is_file():
        raise DataError(f"{path} is missing: images and labels come as a pair of IDX files.")
    return decode_idx(read_bytes(path, str(path)), str(path))


def _folder_pairs(folder: Path, where: str) -> dict[str, tuple[Path, Path]]:
    # The unpacked file is preferred where the .gz lies beside it.
    files = sorted((file for file in folder.iterdir() if is_idx(file)), key=lambda file: file.suffix == ".gz")
    pairs = {}
    for part, pattern in _PARTS.items():
        images = [file for file in files if pattern.search(file.name) and _IMAGES.search(file.name)]
        if len({file.name.removesuffix(".gz") for file in images}) > 1:
            names = ", ".join(file.name for file in images)
            raise DataError(f"{where} holds several data sets; give one of the files instead: {names}.")
        if images:
            pairs[part] = _pair_of(images[0], where)
    if "train" not in pairs:
        raise DataError(f"{where} has IDX files, but none named like train-images-idx3-ubyte.")
    return pairs


def _pair_of(path: Path, where: str) -> tuple[Path, Path]:
    if _LABELS.search(path.name):
        options = [_renamed(path, _LABELS, "images", axes) for axes in "34"]
        return _beside(path, options), path
    if not _IMAGES.search(path.name):
        raise DataError(f"{where} is named neither images nor labels, so its other half cannot be found.")
    return path, _beside(path, [_renamed(path, _IMAGES, "labels", "1")])


def _renamed(path: Path, word: re.Pattern[str], by: str, axes: str) -> Path:
    return path.with_name(re.sub(r"idx\d", f"idx{axes}", word.sub(by, path.name)))


def _beside(path: Path, options: list[Path]) -> Path:
    for option in options:
        for file in (option, Path(f"{option}.gz"), option.with_name(option.name.removesuffix(".gz"))):
            if file.is_file():
                return file
    raise DataError(f"{path} is one half of a pair of IDX files, but {options[0].name} is not beside it.")
