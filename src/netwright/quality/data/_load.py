"""From anything that holds examples to a Task."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netwright._count import counted
from netwright.errors import DataError, UnknownNameError
from netwright.quality._task import Encoder, Task
from netwright.quality.data import _arrays, _digits, _idx, _images, _npz, _series, _tables, _torch_dataset
from netwright.quality.data._base import TRAIN, Array, Raw
from netwright.quality.data._columns import Table, TableEncoder
from netwright.quality.data._encode import Scaler
from netwright.quality.data._labels import Labels, encode_labels
from netwright.quality.data._split import quantile_strata, split_rows

BUILTIN: Mapping[str, Callable[[], Raw]] = {"digits": _digits.read_digits}
FILE_KINDS = (
    "FILE.csv[.gz]",
    "FILE.npz",
    "FILE.npz:NAME",
    "FILE.parquet",
    "FILE.ts[.gz]",
    "FILE.zip",
    "FILE-idx3-ubyte[.gz]",
    "FOLDER of images or IDX files",
)
_TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".data", ".dat", ".parquet", ".pq", ".svm", ".libsvm", ".zip")


def load_task(
    source: object,
    *,
    name: str | None = None,
    target: str | None = None,
    member: str | None = None,
    kind: str | None = None,
    regression: bool | None = None,
    seed: int = 0,
    valid: float = 0.2,
    test: float = 0.2,
    size: int | tuple[int, int] | None = None,
) -> Task:
    """Load examples, split them by a seed and fit the normalisation on the training part.

    >>> import numpy as np
    >>> load_task("digits").input_shape
    (1, 8, 8)
    >>> x, y = np.random.default_rng(0).normal(size=(50, 4)), np.arange(50) % 2
    >>> load_task((x, y), name="noise").sizes
    {'train': 30, 'valid': 10, 'test': 10}

    `source` is "digits"; a path to an npz, IDX, CSV, Parquet, zip or `.ts` file or to a folder of images or of
    IDX files; arrays `(x, y)` or `(x_train, y_train, x_test, y_test)`; a torch Dataset, or a pair of them for
    train and test. `target` names the label column of a table or the label array of an npz file, `member` one
    of the data sets of an npz file (also `path.npz:NAME`), `size` the pixels to which images of a folder are
    resized. `kind` ("image", "series", "table") and `regression` overrule what the shapes and labels suggest.
    `valid` and `test` are shares of the examples; a part that the source brings itself is kept as it is.

    Raises UnknownNameError for a name that is neither a task nor a path, DataError for bad data.
    """
    if kind is not None and kind not in _arrays.KINDS:
        raise UnknownNameError("kind of task", kind, _arrays.KINDS)
    options = {"target": target, "member": member, "kind": kind, "size": size}
    raw = _read(source, {option: value for option, value in options.items() if value is not None})
    return _build(raw, name or raw.name, regression=regression, seed=seed, valid=valid, test=test)


@dataclass(frozen=True)
class _Reader:
    """What reads one kind of source, and the options that mean something to it."""

    what: str
    takes: tuple[str, ...]
    read: Callable[..., Raw]

    def __call__(self, path: Path, where: str, options: Mapping[str, Any]) -> Raw:
        _check_options(self.what, self.takes, options)
        return self.read(path, where, **{option: options.get(option) for option in self.takes})


_NPZ = _Reader("an npz file", ("member", "target", "kind"), _npz.read_npz)
_IDX = _Reader("IDX files", ("kind",), _idx.read_idx)
_TS = _Reader("a .ts file", (), _series.read_ts)
_TS_FOLDER = _Reader("a folder of .ts files", (), _series.read_ts_folder)
_TABLE = _Reader("a table", ("target",), _tables.read_table)
_IMAGES = _Reader("a folder of images", ("size",), _images.read_images)


def _check_options(what: str, takes: tuple[str, ...], options: Mapping[str, Any]) -> None:
    for option in options:
        if option not in takes:
            known = f"only {', '.join(takes)}" if takes else "none of the options"
            raise DataError(f"{option}= says nothing about {what}, which takes {known}.")


def _read(source: object, options: dict[str, Any]) -> Raw:
    if isinstance(source, str | os.PathLike):
        return _read_named(str(source), options)
    # A task does not change when the caller's arrays do.
    parts = _parts(source if _has_datasets(source) else deepcopy(source))
    _check_options("examples in memory", ("kind",), options)
    if all(_torch_dataset.is_dataset(part) for part in parts.values()):
        return _torch_dataset.read_dataset(parts, kind=options.get("kind"))
    return _arrays.from_pieces("arrays", "the data given", parts, kind=options.get("kind"))


def _has_datasets(source: object) -> bool:
    return any(_torch_dataset.is_dataset(part) for part in (source if isinstance(source, tuple | list) else [source]))


def _parts(source: object) -> dict[str, Any]:
    if _torch_dataset.is_dataset(source):
        return {"train": source}
    if isinstance(source, tuple | list):
        if len(source) == 2 and all(_torch_dataset.is_dataset(part) for part in source):
            return {"train": source[0], "test": source[1]}
        if len(source) == 2:
            return {"train": (source[0], source[1])}
        if len(source) == 4:
            return {"train": (source[0], source[1]), "test": (source[2], source[3])}
    raise DataError(
        "a task is loaded from a name, a path, (x, y), (x_train, y_train, x_test, y_test) or a data set with a "
        f"length, but got {type(source).__name__}."
    )


def _read_named(source: str, options: dict[str, Any]) -> Raw:
    path = Path(source)
    if not path.exists() and ":" in source:
        before, _, member = source.rpartition(":")
        if Path(before).is_file():
            return _read_named(before, {**options, "member": member})
    if source in BUILTIN and not path.is_file():
        _check_options(f"the built-in task {source}", (), options)
        return BUILTIN[source]()
    if not path.exists():
        if path.suffix or len(path.parts) > 1:
            raise DataError(f"no file or folder is at {source}.")
        raise UnknownNameError("task", source, [*BUILTIN, *FILE_KINDS])
    try:
        if path.is_file() and not path.stat().st_size:
            raise DataError(f"{source} is empty.")
        return _reader(path, source)(path, source, options)
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}.") from error


def _reader(path: Path, where: str) -> _Reader:
    if path.is_dir():
        return _folder_reader(path)
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".npz"):
        return _NPZ
    if name.endswith(".ts"):
        return _TS
    if name.endswith(_TABLE_SUFFIXES):
        return _TABLE
    if _idx.is_idx(path):
        return _IDX
    raise DataError(f"{where} is of no kind that is known; known: {', '.join(FILE_KINDS)}.")


def _folder_reader(folder: Path) -> _Reader:
    if any(_idx.is_idx(file) for file in folder.iterdir()):
        return _IDX
    if _series.ts_files(folder):
        return _TS_FOLDER
    return _IMAGES


def _build(raw: Raw, name: str, *, regression: bool | None, seed: int, valid: float, test: float) -> Task:
    labels = encode_labels(raw.labels_at, raw.y, raw.kind, regression)
    classes = labels.target == "classification"
    strata = labels.y if classes else quantile_strata(labels.y)
    if classes:
        _check_classes(raw, labels)
    rows = split_rows(raw.labels_at, strata, raw.part, valid=valid, test=test, seed=seed, names=labels.names)
    encoder = _fit(raw, rows["train"])
    y, scale = (labels.y, (0.0, 1.0)) if classes else _standardise(labels.y, rows["train"])
    what = counted(len(labels.names), "class") if classes else "regression"
    return Task(
        name=name,
        kind=raw.kind,
        input_shape=encoder.encode(raw.x[rows["train"][:1]]).shape[1:],
        classes=len(labels.names) if classes else 1,
        target=labels.target,
        class_names=labels.names,
        note="; ".join(filter(None, [raw.note, what])),
        target_scale=scale,
        _inputs=raw.x,
        _labels=y,
        _rows=rows,
        _encoder=encoder,
    )


def _fit(raw: Raw, rows: Array) -> Encoder:
    train = raw.x[rows]
    if isinstance(train, Table):
        return TableEncoder.fit(train, raw.where)
    return Scaler.fit(raw.kind, train)


def _standardise(y: Array, train: Array) -> tuple[Array, tuple[float, float]]:
    mean, std = float(y[train].mean()), float(y[train].std()) or 1.0
    return ((y - mean) / std).astype(np.float32), (mean, std)


def _check_classes(raw: Raw, labels: Labels) -> None:
    missing = set(range(len(labels.names))) - set(labels.y[raw.part == TRAIN].tolist())
    if missing:
        name = labels.names[min(missing)]
        raise DataError(f"{raw.where} has class {name!r} in its test or valid part, but not in its training part.")
