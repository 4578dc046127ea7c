"""From the labels of a file to classes 0, 1, ... or to numbers for regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.errors import DataError
from netwright.quality.data._base import Array, check_numbers

# Numbers with more different values than this are a quantity, unless they look like many full classes.
MAX_NUMERIC_CLASSES = 20
MIN_CLASS_EXAMPLES = 10
# Labels of more different names than this, most of them met once, are identifiers or sentences.
MAX_NAMED_CLASSES = 64


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels as a task has them: int64 classes with their names, or float64 values and no names."""

    target: str
    y: Array
    names: tuple[str, ...]


def encode_labels(where: str, y: Array, kind: str, regression: bool | None = None) -> Labels:
    """Number the classes in their sorted order, or keep the numbers when they are a quantity.

    >>> encode_labels("x", np.array(["cat", "ant", "cat"]), "image").y.tolist()
    [1, 0, 1]
    >>> encode_labels("x", np.linspace(0.5, 9.5, 50), "table").target
    'regression'

    Only tables are given regression by default: fractions, or whole numbers, with more than 20 different
    values; whole numbers without a gap and at least 10 examples of each stay classes.

    Raises DataError for NaN, one class only, or fractions where classes are needed.
    """
    y = flat_labels(where, y)
    check_numbers(where, y, "labels")
    if regression is None:
        regression = kind == "table" and is_quantity(y)
    if regression:
        return _numbers(where, y)
    if has_fractions(y) and len(np.unique(y)) > MAX_NUMERIC_CLASSES:
        raise DataError(f"{where} has fractions as labels, but classes must be whole numbers or names.")
    values, codes = np.unique(y, return_inverse=True)
    if len(values) > MAX_NAMED_CLASSES and 2 * len(values) > len(y):
        raise DataError(f"{where} has {len(values):,} different labels in {len(y):,} examples, which are no classes.")
    names = tuple(_name(value) for value in values)
    if len(names) == 1:
        raise DataError(f"{where} has one class only ({names[0]!r}), so there is nothing to learn.")
    return Labels("classification", codes.reshape(-1).astype(np.int64), names)


def flat_labels(where: str, y: Array) -> Array:
    """Labels as `(N,)`, from `(N,)`, `(N, 1)` or one-hot `(N, K)`.

    Raises DataError for any other shape or for Python objects.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    elif y.ndim == 2 and y.dtype.kind in "buif" and (np.sort(y, axis=1) == np.eye(1, y.shape[1])[0][::-1]).all():
        y = y.argmax(axis=1)
    if y.ndim != 1:
        raise DataError(f"{where} has labels of shape {y.shape}, but one label for each example is needed.")
    if y.dtype.kind not in "buifUS":
        raise DataError(f"{where} has labels of type {y.dtype}, but they must be whole numbers, numbers or names.")
    return np.char.decode(y, "latin-1") if y.dtype.kind == "S" else y


def is_quantity(y: Array) -> bool:
    """Whether numbers are a quantity to regress rather than the numbers of classes.

    >>> is_quantity(np.arange(100) % 3), is_quantity(np.arange(100) / 7)
    (False, True)
    """
    if y.dtype.kind not in "uif":
        return False
    values, counts = np.unique(y, return_counts=True)
    if len(values) <= MAX_NUMERIC_CLASSES:
        return False
    if has_fractions(y):
        return True
    without_gap = values[-1] - values[0] + 1 == len(values)
    return not (without_gap and counts.min() >= MIN_CLASS_EXAMPLES)


def has_fractions(y: Array) -> bool:
    """Whether any number is not whole."""
    return y.dtype.kind == "f" and bool((y != np.round(y)).any())


def _numbers(where: str, y: Array) -> Labels:
    if y.dtype.kind not in "buif":
        raise DataError(f"{where} has names as labels, but regression needs numbers.")
    values = y.astype(np.float64)
    if values.min() == values.max():
        raise DataError(f"{where} has the same label {values[0]:g} everywhere, so there is nothing to learn.")
    return Labels("regression", values, ())


def _name(value: object) -> str:
    if isinstance(value, np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
