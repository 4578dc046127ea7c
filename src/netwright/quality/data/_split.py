"""Which examples train, choose and test: fixed by a seed, each class in its share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netwright._count import counted
from netwright.errors import DataError
from netwright.quality.data._base import PARTS, TEST, TRAIN, VALID, Array


def split_rows(
    where: str,
    strata: Array,
    part: Array,
    *,
    valid: float,
    test: float,
    seed: int,
    names: Sequence[str] = (),
) -> dict[str, Array]:
    """Sorted rows of train, valid and test; parts that a file brings stay as they are.

    >>> rows = split_rows("x", np.repeat([0, 1], 10), np.zeros(20, int), valid=0.2, test=0.3, seed=0)
    >>> {name: len(index) for name, index in rows.items()}
    {'train': 10, 'valid': 4, 'test': 6}

    `strata` is the class of each example. `valid` and `test` are shares of the examples that the file
    leaves to be split. Of every class at least one example trains; the next goes to test, then to valid.

    Raises DataError when a class has too few examples for that.
    """
    check_shares(valid, test)
    shares = {mark: share for mark, share in ((TEST, test), (VALID, valid)) if not (part == mark).any()}
    place = part.astype(np.uint8)
    rng = np.random.default_rng(seed)
    for stratum in np.unique(strata):
        rows = rng.permutation(np.flatnonzero((strata == stratum) & (part == TRAIN)))
        _check_size(where, len(rows), bool(shares), names[stratum] if len(names) else "")
        counts = allot(len(rows), list(shares.values()))
        start = 0
        for mark, count in zip(shares, counts, strict=True):
            place[rows[start : start + count]] = mark
            start += count
    return _rows_by_part(where, place)


def allot(count: int, shares: Sequence[float]) -> list[int]:
    """How many of `count` examples each share takes: at least one, but one is left over.

    >>> allot(100, [0.2, 0.1]), allot(3, [0.2, 0.2]), allot(2, [0.2, 0.2])
    ([20, 10], [1, 1], [1, 0])
    """
    counts = [max(1, round(share * count)) for share in shares]
    while sum(counts) > max(count - 1, 0):
        largest = max(range(len(counts)), key=lambda i: (counts[i], i))
        counts[largest] -= 1
    return counts


def quantile_strata(values: Array, bins: int = 10) -> Array:
    """The bin of each value among bins of equal size, so that a regression target is split evenly too.

    >>> quantile_strata(np.array([0.1, 7.0, 3.0, 5.0]), bins=2).tolist()
    [0, 0, 0, 0]
    """
    # Bins of fewer than ten examples would let the rule "at least one" distort the shares.
    bins = max(1, min(bins, len(values) // 10))
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return ranks * bins // len(values)


def check_shares(valid: float, test: float) -> None:
    """Raises DataError unless both shares are above 0 and leave something to train on."""
    if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
        raise DataError(f"0 < valid, 0 < test and valid + test < 1 must hold, but got valid={valid}, test={test}.")


def _rows_by_part(where: str, place: Array) -> dict[str, Array]:
    split = {name: np.flatnonzero(place == mark) for mark, name in enumerate(PARTS)}
    for name, rows in split.items():
        if not len(rows):
            raise DataError(f"{where} has too few examples: none is left for the {name} part.")
    return split


def _check_size(where: str, count: int, cut: bool, name: str) -> None:
    needed = 2 if cut else 1
    if count < needed:
        what = f"class {name!r} of {where}" if name else where
        has = counted(count, "example")
        raise DataError(f"{what} has {has} to train on, but at least {needed} are needed to split it.")
