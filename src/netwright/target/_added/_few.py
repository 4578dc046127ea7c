"""What a few measured designs, and other devices, say of all designs of a space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netwright._count import counted
from netwright.space import Design
from netwright.target._additive import AdditiveFit, rank_correlation
from netwright.target._transfer import DeviceTransfer, Prediction

if TYPE_CHECKING:
    from netwright.target._table_target import TableTarget

__all__ = ["Foretold", "foretell", "reference_values"]

Array = NDArray[np.float64]

FOLDS = 5
COVERAGE = 0.9
VARIES = 0.01
"""Share of the spread of all measured values below which that of some of them tells nothing of the others."""
PRIOR = 10
"""Measured designs that weigh as much as what other devices say of the width of the intervals."""


@dataclass(frozen=True)
class Foretold:
    """A quantity on a device that was measured on few designs.

    fit: the sum over decisions by which designs are foretold that are not in the table; its error and its rank
    correlation are those of designs left out of the measured ones. table: value and 90 % interval by design. method:
    in words.
    """

    fit: AdditiveFit
    table: Mapping[Design, tuple[float, float, float]]
    method: str


def foretell(
    designs: Sequence[Design], values: Array, pool: Sequence[Design], others: Mapping[str, TableTarget], quantity: str
) -> Foretold:
    """The better of a sum over decisions and the transfer from other devices, on designs left out.

    designs, values: what was measured. pool: designs of the space, measured or not. others: devices with tables, of
    which those count that tell the quantity of these designs; none leaves a Gaussian process on the decisions alone.
    """
    others = {name: each for name, each in others.items() if quantity in each.knows and all(map(each.tells, designs))}
    pool = [design for design in pool if all(each.tells(design) for each in others.values())]
    alone = AdditiveFit.of(designs, values)
    whole = list(dict.fromkeys([*designs, *pool]))
    taken = {decision for design in whole for decision in design.items()}
    if len(whole) == len(designs):
        return Foretold(alone, {}, "a sum over decisions")
    transfer = DeviceTransfer(whole, reference_values(others, whole, quantity))
    guess, ratio = _left_out(transfer, values)
    error = float(np.median(np.abs(guess - values) / values))
    if taken <= alone.prices.keys() and alone.error <= error:
        return Foretold(alone, {}, "a sum over decisions")
    told = _widened(transfer.predict(np.arange(len(designs)), values), ratio, len(designs))
    spread = AdditiveFit.of(whole, told.median_ms)
    # Outside of the pool both may be wrong: the process, and the sum that stands for it.
    own = float(np.median((told.high_ms - told.low_ms) / 2 / told.median_ms))
    fit = replace(
        spread, designs=len(designs), error=error, spearman=rank_correlation(guess, values), exact=False,
        reach=float(np.hypot(own, spread.reach)),
    )  # fmt: skip
    columns = (told.median_ms.tolist(), told.low_ms.tolist(), told.high_ms.tolist())
    table = dict(zip(whole, zip(*columns, strict=True), strict=True))
    return Foretold(
        fit, table, f"transfer from {counted(len(others), 'device')}" if others else "a process on decisions"
    )


def reference_values(others: Mapping[str, TableTarget], designs: Sequence[Design], quantity: str) -> dict[str, Array]:
    """The quantity on each of the other devices: as measured, or as their sum over decisions has it."""
    return {name: np.array([each.told(quantity, d) for d in designs]) for name, each in others.items()}


def _left_out(transfer: DeviceTransfer, values: Array) -> tuple[Array, float]:
    """Each measured value as the others foretell it, and how many half intervals hold nine of ten misses.

    The measured designs are the first ones of the transfer.
    """
    count = len(values)
    folds = np.random.default_rng(0).permutation(count) % min(FOLDS, count)
    guess, ratios = np.full(count, float(np.median(values))), np.ones(count)
    logs = np.log(values)
    for fold in range(int(folds.max()) + 1):
        rows, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        # Where the others are all but equal, the interval is all but nothing, and any miss is millions of it.
        if len(rows) > 1 and logs[rows].std() > VARIES * logs.std():
            told = transfer.predict(rows, values[rows])
            guess[held] = told.median_ms[held]
            ratios[held] = np.abs(np.log(values[held] / guess[held])) / np.log(told.high_ms[held] / guess[held])
    # One more than there are stands for the design to come (split conformal prediction, Papadopoulos et al. 2002).
    return guess, float(np.sort(ratios)[min(ceil((count + 1) * COVERAGE), count) - 1])


def _widened(told: Prediction, ratio: float, count: int) -> Prediction:
    """The prediction with its intervals as wide as the misses on the device itself say; few of these say little."""
    scale = float(np.sqrt((count * ratio**2 + PRIOR) / (count + PRIOR)))
    reach = (told.high_ms / told.median_ms) ** scale
    return Prediction(told.median_ms, told.median_ms / reach, told.median_ms * reach)
