"""Designs as rows of numbers: one column per decision and value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.errors import DesignError

__all__ = ["one_hot", "one_hot_columns"]

Column = tuple[str, Any]


class _Decisive(Protocol):
    """A space, as far as this encoding knows it: the values of each path, or an interval with low, high and log."""

    def decisions(self) -> Mapping[str, Any]: ...


def one_hot_columns(space: _Decisive) -> tuple[str, ...]:
    """Names of the columns of `one_hot`: `path=value`, and `path` for the scaled number of a numeric decision.

    >>> import netwright as nw
    >>> layer = nw.conv(8, kernel=3, activation=nw.oneof("relu", "gelu"))
    >>> one_hot_columns(nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8)))
    ('conv.activation=relu', 'conv.activation=gelu')
    """
    return tuple(path if value is None else f"{path}={value}" for path, value in _columns(space.decisions()))


def one_hot(space: _Decisive, designs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """One row per design, shape (designs, columns): 1 in the column of each decision's value, 0 elsewhere.

    >>> class Small:
    ...     def decisions(self):
    ...         return {"op": ("conv", "skip"), "width": (8, 16, 32)}
    >>> one_hot_columns(Small())
    ('op=conv', 'op=skip', 'width=8', 'width=16', 'width=32', 'width')
    >>> one_hot(Small(), [{"op": "conv", "width": 16}, {"op": "skip"}]).round(2).tolist()
    [[1.0, 0.0, 0.0, 1.0, 0.0, 0.33], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]

    A decision whose values are all numbers has one more column, from 0 at the least to 1 at the greatest value; an
    interval (`real`) has that column alone, in its logarithm where the space draws it so. A decision that a design
    does not make leaves all of its columns at zero.

    Raises DesignError when a design has a path or a value that the space does not.
    """
    decisions = space.decisions()
    columns = {_key(column): i for i, column in enumerate(_columns(decisions))}
    matrix = np.zeros((len(designs), len(columns)))
    for row, design in enumerate(designs):
        for path, value in design.items():
            if path not in decisions:
                raise DesignError(f"a design's paths must be those of the space, but {path!r} is not one.")
            if _key((path, None)) in columns:
                matrix[row, columns[_key((path, None))]] = _scaled(path, value, decisions[path])
            if not _is_interval(decisions[path]):
                matrix[row, _column(columns, path, value, decisions[path])] = 1.0
    return matrix


def _columns(decisions: Mapping[str, Any]) -> Iterator[Column]:
    for path, values in decisions.items():
        if _is_interval(values):
            yield path, None
            continue
        yield from ((path, value) for value in values)
        if len(values) > 1 and all(map(_is_number, values)):
            yield path, None


def _key(column: Column) -> tuple[str, bool, Any]:
    """True and 1 are different values, though Python has them equal."""
    return column[0], isinstance(column[1], bool), column[1]


def _column(columns: Mapping[tuple[str, bool, Any], int], path: str, value: Any, values: Sequence[Any]) -> int:
    try:
        return columns[_key((path, value))]
    except KeyError:
        known = ", ".join(map(repr, values))
        raise DesignError(f"{path!r} must be one of {known}, but the design has {value!r}.") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_interval(values: Any) -> bool:
    return hasattr(values, "low") and hasattr(values, "high")


def _scaled(path: str, value: Any, values: Any) -> float:
    low, high = (values.low, values.high) if _is_interval(values) else (min(values), max(values))
    if not _is_number(value) or not low <= value <= high:
        raise DesignError(f"{path!r} must be a number from {low} to {high}, but the design has {value!r}.")
    if getattr(values, "log", False):
        return math.log(value / low) / math.log(high / low)
    return float((value - low) / (high - low))
