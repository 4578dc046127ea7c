"""Spaces with fewer options."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from netwright.errors import EmptySpaceError, SpaceError
from netwright.space._condition import condition, same
from netwright.space._design import Value
from netwright.space._forest import Forest

__all__ = ["restricted"]


def restricted(forest: Forest, allowed: Sequence[tuple[str, Collection[Value]]], name: str) -> Forest:
    """The designs in which every decision whose path fits a pattern has one of the values beside it.

    Raises SpaceError for a pattern that fits no decision, EmptySpaceError when no design is left.
    """
    if not allowed:
        return forest
    found = condition(forest, lambda path, value: value is None or _allowed(allowed, path, value), None)
    for pattern, values in allowed:
        # One restriction may leave nothing of the parts that another is about, so each is looked for by itself.
        if not _fits(forest, pattern):
            raise SpaceError(f"a restriction must fit a decision of {name}, but none has the path {pattern!r}.")
        if found is None:
            raise EmptySpaceError(f"a restriction must leave a design of {name}, but {pattern}={values} leaves none.")
    return forest if found is None else found


def _allowed(allowed: Sequence[tuple[str, Collection[Value]]], path: str, value: Value) -> bool:
    return all(any(same(value, each) for each in values) for pattern, values in allowed if fnmatchcase(path, pattern))


def _fits(forest: Forest, pattern: str) -> bool:
    fitting = False

    def note(path: str, value: Value | None) -> bool:
        nonlocal fitting
        fitting = fitting or fnmatchcase(path, pattern)
        return True

    condition(forest, note, None)
    return fitting
