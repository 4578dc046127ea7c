"""Tasks from arrays in memory; every format that ends in plain arrays comes through here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netwright.errors import DataError
from netwright.quality.data._base import Array, Raw, check_numbers, join_parts
from netwright.quality.data._labels import flat_labels

KINDS = ("image", "series", "table")
_AXES = {"image": (3, 4), "series": (2, 3), "table": (2,)}


def from_pieces(
    name: str,
    where: str,
    pieces: Mapping[str, tuple[Any, Any]],
    *,
    kind: str | None = None,
    note: str = "",
) -> Raw:
    """Raw examples from `{"train": (x, y), "test": (x, y), ...}`.

    >>> raw = from_pieces("a", "a", {"train": (np.zeros((4, 8, 8, 3), np.uint8), [0, 1, 0, 1])})
    >>> raw.kind, raw.x.shape
    ('image', (4, 3, 8, 8))

    Raises DataError for values that are no numbers, lengths or shapes that differ, NaN or no examples.
    """
    inputs = {part: as_inputs(where, x) for part, (x, _) in pieces.items()}
    labels = {part: flat_labels(where, as_array(where, y, "labels")) for part, (_, y) in pieces.items()}
    for part, x in inputs.items():
        _check_lengths(where, x, labels[part], part if len(pieces) > 1 else "")
    if len({x.shape[1:] for x in inputs.values()}) > 1:
        shapes = ", ".join(f"{part} {x.shape[1:]}" for part, x in inputs.items())
        raise DataError(f"{where} has inputs of mixed shapes: {shapes}.")
    if len({y.dtype.kind in "US" for y in labels.values()}) > 1:
        raise DataError(f"{where} has names as labels in one part and numbers in another.")
    x, part_of = join_parts(inputs)
    y, _ = join_parts(labels)
    x, kind, how = lay_out(where, x, kind)
    return Raw(name, where, kind, x, y, part_of, "; ".join(filter(None, [note, how])))


def as_array(where: str, values: Any, what: str) -> Array:
    """Any array, nested list or torch tensor as a numpy array.

    Raises DataError for nested lists of mixed shapes.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} has {what} of mixed shapes or types that make no array.") from error


def as_inputs(where: str, values: Any) -> Array:
    """Inputs as an array of finite numbers with at least one example and one value in each.

    Raises DataError.
    """
    x = as_array(where, values, "inputs")
    if x.dtype.kind not in "buif":
        what = "Python objects" if x.dtype.kind == "O" else f"type {x.dtype}"
        raise DataError(f"{where} has inputs of {what}, but they must be numbers of one shape.")
    if x.ndim < 2:
        raise DataError(f"{where} has inputs of shape {x.shape}, but examples with at least one axis are needed.")
    if not len(x):
        raise DataError(f"{where} has no examples.")
    if not x.size:
        raise DataError(f"{where} has inputs of shape {x.shape}, which hold no values.")
    check_numbers(where, x)
    return x.astype(np.uint8) if x.dtype.kind == "b" else x


def lay_out(where: str, x: Array, kind: str | None) -> tuple[Array, str, str]:
    """Inputs as `(N, C, H, W)`, `(N, channels, length)` or `(N, features)`, their kind, and what was done.

    Two axes are a table and four an image. Three are an image when they hold uint8 or squares, otherwise a
    series. `kind` decides instead where it is given. Raises DataError for a number of axes that does not fit.
    """
    if kind is None:
        kind = _guess_kind(x)
    if kind not in _AXES or x.ndim not in _AXES[kind]:
        raise DataError(
            f"{where} has inputs of shape {x.shape[1:]}, which are no {kind or 'image, series or table'}."
        )
    if kind == "image":
        return _lay_out_images(x)
    if kind == "series":
        return _lay_out_series(x)
    return x, kind, ""


def _guess_kind(x: Array) -> str:
    if x.ndim == 3:
        height, width = x.shape[1:]
        return "image" if min(height, width) > 3 and (x.dtype == np.uint8 or height == width) else "series"
    return {2: "table", 4: "image"}.get(x.ndim, "")


def _lay_out_images(x: Array) -> tuple[Array, str, str]:
    if x.ndim == 3:
        return x[:, None], "image", ""
    if not _channels_last(x.shape):
        return x, "image", ""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)), "image", "channels moved from last to first"


def _channels_last(shape: tuple[int, ...]) -> bool:
    _, first, middle, last = shape
    if last <= 4 < first or (last in (1, 3) and first in (2, 4)):
        return True
    return first > 4 and first == middle != last


def _lay_out_series(x: Array) -> tuple[Array, str, str]:
    if x.ndim == 2:
        return x[:, None], "series", ""
    if x.shape[1] <= x.shape[2]:
        return x, "series", ""
    # More channels than steps is rare; (N, length, channels) is how several libraries store a series.
    return np.ascontiguousarray(x.transpose(0, 2, 1)), "series", "the longer axis is taken as time"


def _check_lengths(where: str, x: Array, y: Array, part: str) -> None:
    if len(x) != len(y):
        of = f" in its {part} part" if part else ""
        raise DataError(f"{where} has {len(x):,} inputs but {len(y):,} labels{of}.")
