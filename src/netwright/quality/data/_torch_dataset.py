"""Tasks from any torch Dataset: an object with a length whose items are pairs of input and label."""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.errors import DataError
from netwright.quality.data._arrays import as_array, from_pieces
from netwright.quality.data._base import Array, Raw


def is_dataset(source: object) -> bool:
    """Whether an object can be read item by item, as a torch Dataset with a length can."""
    plain = isinstance(source, str | bytes | tuple | list | dict) or hasattr(source, "__array__")
    return not plain and hasattr(source, "__getitem__") and hasattr(source, "__len__")


def read_dataset(datasets: dict[str, Any], *, kind: str | None) -> Raw:
    """Raw examples of the data sets given for each part; each is read through once.

    Raises DataError for items that are no pairs, mixed shapes, or no items.
    """
    name = type(datasets["train"]).__name__
    return from_pieces(name, name, {part: items(data, name) for part, data in datasets.items()}, kind=kind)


def items(dataset: Any, where: str) -> tuple[Array, Array]:
    """All inputs and all labels of a data set.

    >>> x, y = items([(np.zeros(3), 0), (np.ones(3), 1)], "pairs")
    >>> x.shape, y.tolist()
    ((2, 3), [0, 1])
    """
    inputs, labels = [], []
    for index in range(len(dataset)):
        item = dataset[index]
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise DataError(f"item {index} of {where} is no pair of input and label.")
        inputs.append(as_array(where, item[0], "inputs"))
        labels.append(as_array(where, item[1], "labels"))
    if not inputs:
        raise DataError(f"{where} has no examples.")
    for what, arrays in (("inputs", inputs), ("labels", labels)):
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise DataError(f"{where} has {what} of mixed shapes: {', '.join(map(str, shapes[:4]))}.")
    return np.stack(inputs), np.stack(labels)
