"""Tasks from `.ts` files, the format of the UCR and UEA archives (Bagnall et al., 2018)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from netwright.errors import DataError
from netwright.quality.data._arrays import from_pieces
from netwright.quality.data._base import Array, Raw, read_bytes

_PART = re.compile(r"_(train|test)(?=\.ts(\.gz)?$)", re.IGNORECASE)


def read_ts(path: Path, where: str) -> Raw:
    """Raw examples of a `.ts` file; `NAME_TEST.ts` beside `NAME_TRAIN.ts` (or the reverse) is used too.

    Raises DataError for a damaged file, missing values, or series of different lengths.
    """
    files = _pair_files(path)
    pieces = {part: parse_ts(read_bytes(file, str(file)), str(file)) for part, file in files.items()}
    name = _PART.sub("", path.name).removesuffix(".gz").removesuffix(".ts")
    return from_pieces(name, where, pieces, kind="series")


def read_ts_folder(folder: Path, where: str) -> Raw:
    """Raw examples of a folder that holds one `NAME_TRAIN.ts`, with or without its `NAME_TEST.ts`."""
    files = ts_files(folder)
    names = {_PART.sub("", file.name) for file in files}
    if len(names) > 1:
        listed = ", ".join(sorted(names))
        raise DataError(f"{where} holds several data sets; give one of the files instead: {listed}.")
    return read_ts(files[-1], where)


def ts_files(folder: Path) -> list[Path]:
    """The `.ts` files of a folder, in sorted order."""
    return sorted(file for file in folder.iterdir() if file.name.lower().endswith((".ts", ".ts.gz")))


def parse_ts(content: bytes, where: str) -> tuple[Array, Array]:
    """Series `(N, channels, length)` and their class names.

    >>> x, y = parse_ts(b"@classLabel true a b\\n@data\\n1,2,3:4,5,6:a\\n0,0,0:1,1,1:b\\n", "x")
    >>> x.shape, y.tolist()
    ((2, 2, 3), ['a', 'b'])

    Raises DataError.
    """
    if b"\0" in content:
        raise DataError(f"{where} is not a .ts file: it is not text.")
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    header: dict[str, str] = {}
    start = 0
    for number, line in enumerate(lines):
        if line.lower() == "@data":
            start = number + 1
            break
        if line.startswith("@"):
            word, _, rest = line[1:].partition(" ")
            header[word.lower()] = rest.strip().lower()
    _check_header(header, start, where)
    rows = [(number, line) for number, line in enumerate(lines[start:], start + 1) if line and line[0] != "#"]
    return _parse_rows(rows, where)


def _check_header(header: dict[str, str], start: int, where: str) -> None:
    if not start:
        raise DataError(f"{where} is not a .ts file, or is truncated: it has no @data line.")
    if header.get("timestamps", "false").startswith("true"):
        raise DataError(f"{where} has time stamps in its series; only evenly spaced series can be read.")
    if header.get("classlabel", "true").startswith("false") or "targetlabel" in header:
        raise DataError(f"{where} has no class labels.")


def _parse_rows(rows: list[tuple[int, str]], where: str) -> tuple[Array, Array]:
    if not rows:
        raise DataError(f"{where} has no series after its @data line.")
    series, labels = [], []
    for number, line in rows:
        *channels, label = line.split(":")
        if not channels or not label.strip():
            raise DataError(f"{where} has no class label at the end of line {number}.")
        series.append([_parse_values(channel, number, where) for channel in channels])
        labels.append(label.strip())
    _check_shapes(series, where)
    return np.array(series), np.array(labels)


def _parse_values(text: str, number: int, where: str) -> Array:
    if "?" in text:
        raise DataError(f"{where} has a missing value in line {number}.")
    try:
        return np.array(text.split(","), np.float64)
    except ValueError as error:
        raise DataError(f"{where} has something else than numbers in line {number}.") from error


def _check_shapes(series: list[list[Array]], where: str) -> None:
    channels = {len(channels) for channels in series}
    if len(channels) > 1:
        raise DataError(f"{where} has series of mixed shapes: {min(channels)} to {max(channels)} channels.")
    lengths = {len(values) for channels in series for values in channels}
    if len(lengths) > 1:
        raise DataError(f"{where} has series of mixed shapes: lengths {min(lengths)} to {max(lengths)}.")


def _pair_files(path: Path) -> dict[str, Path]:
    found = _PART.search(path.name)
    if not found:
        return {"train": path}
    own = found[1].lower()
    other = "test" if own == "train" else "train"
    # Archives differ in case (_TRAIN, _train); the pair is looked for without regard to it.
    wanted = (path.name[: found.start()] + f"_{other}" + path.name[found.end() :]).lower()
    for file in sorted(path.parent.iterdir()):
        if file.name.lower() == wanted:
            return {own: path, other: file}
    return {"train": path}
