"""Latency of a design from a few numbers that describe it, learned from measured designs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright._count import percent
from netwright.errors import DataError, EvaluationError
from netwright.target._base import LEAST, Estimate, Target

if TYPE_CHECKING:
    from netwright.graph import Graph

__all__ = ["LatencyPredictor", "PredictedTarget"]

Array = NDArray[np.float64]
Describe = Callable[[Mapping[str, Any]], Sequence[float]]

PENALTIES = tuple(10.0**power for power in range(-6, 4))
COVERAGE = 0.9


@dataclass(frozen=True)
class _Fit:
    weights: Array
    left_out: Array
    """Relative errors of each row, predicted from all others."""


class LatencyPredictor:
    """Latency as a polynomial of numbers that describe a design: each of them, and the product of each two.

    What HAT (Wang et al. 2020, section 3.2) does with a network of three layers on ten numbers of a design, as a
    ridge regression, whose penalty is the one that foretells each row best from all others.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> features = rng.integers(1, 9, (60, 3))
    >>> predictor = LatencyPredictor(features, 5.0 + features[:, 0] * features[:, 1])
    >>> [round(float(ms), 2) for ms in predictor.predict([[8, 8, 1], [2, 3, 8]])]
    [69.0, 11.0]

    features: of the measured designs, `(designs, numbers)`. ms: what was measured. base: what is foretold of them
    without measurement, such as by a data sheet, in ms; the factor on it is then what is learned, and 20 designs may
    do where hundreds are needed else.

    Raises DataError for fewer than three designs, numbers that are not finite, and latencies that are not positive.
    """

    def __init__(self, features: ArrayLike, ms: ArrayLike, base: ArrayLike | None = None) -> None:
        x, y = np.asarray(features, dtype=np.float64), np.asarray(ms, dtype=np.float64)
        if x.ndim != 2 or len(x) < 3 or y.shape != x.shape[:1]:
            raise DataError(
                f"a predictor needs numbers and a latency of 3 designs or more, but got shapes {x.shape}, {y.shape}."
            )
        wrong = np.flatnonzero(~(np.isfinite(x).all(axis=1) & np.isfinite(y) & (y > 0)))
        if len(wrong):
            row = wrong[0]
            raise DataError(
                f"a predictor needs finite numbers and positive latencies, but design {row} has {x[row].tolist()} and"
                f" {y[row]:g} ms."
            )
        self._based = base is not None
        if base is not None:
            y = y / _positive(base, y.shape)
        self.designs = len(x)
        self._centre, self._scale = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
        self._mean, self._least = float(y.mean()), LEAST * float(y.min())
        self._fit = _ridge(self._terms(x), y, self._mean)

    @property
    def error(self) -> float:
        """Median of the relative errors of the measured designs, each predicted from the others."""
        return float(np.median(self._fit.left_out))

    @property
    def reach(self) -> float:
        """Relative error within which 90 % of them are."""
        return float(np.quantile(self._fit.left_out, COVERAGE))

    def predict(self, features: ArrayLike, base: ArrayLike | None = None) -> Array:
        """Milliseconds of each design, with a base where it was learned with one; never none at all.

        Raises DataError for rows of another length than those learned from, and a base too many or too few.
        """
        x = np.asarray(features, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != len(self._centre):
            raise DataError(f"a design is described by {len(self._centre)} numbers, but got shape {x.shape}.")
        if (base is not None) != self._based:
            raise DataError("a prediction must have a base where the predictor was learned with one, and only then.")
        result: Array = np.maximum(self._mean + self._terms(x) @ self._fit.weights, self._least)
        return result if base is None else result * _positive(base, result.shape)

    def _terms(self, x: Array) -> Array:
        z = (x - self._centre) / self._scale
        first, second = np.triu_indices(z.shape[1])
        return np.column_stack([np.ones(len(z)), z, z[:, first] * z[:, second]])


class PredictedTarget(Target):
    """A device known from some measured designs of a space, each described by a few numbers.

    >>> designs = [{"width": width, "depth": depth} for width in (1, 2, 3, 4) for depth in (1, 2, 3)]
    >>> ms = [2.0 * design["width"] * design["depth"] + 1 for design in designs]
    >>> phone = PredictedTarget("phone", lambda design: (design["width"], design["depth"]), designs, ms)
    >>> round(phone.predictor.predict([(6, 2)])[0])
    25

    describe: numbers of a design, always as many. designs, ms: what was measured. base: what is foretold of a design
    without measurement, in ms: see LatencyPredictor.

    Raises DataError as LatencyPredictor does.
    """

    knows = frozenset({"latency_ms"})

    def __init__(
        self,
        name: str,
        describe: Describe,
        designs: Sequence[Mapping[str, Any]],
        ms: ArrayLike,
        base: Callable[[Mapping[str, Any]], float] | None = None,
    ) -> None:
        super().__init__(name)
        self.describe = describe
        self.base = base
        foretold = None if base is None else [base(design) for design in designs]
        self.predictor = LatencyPredictor([list(describe(design)) for design in designs], ms, foretold)

    @property
    def how(self) -> str:
        error = percent(self.predictor.error)
        return f"learned from {self.predictor.designs:,} measured designs, median error {error}"

    def latency(self, graph: Graph, design: Mapping[str, Any] | None = None) -> Estimate:
        """Prediction with an interval that is meant to hold 90 % of what would be measured."""
        if design is None:
            raise EvaluationError(f"target {self.name} knows designs, but got a network without one.")
        foretold = None if self.base is None else [self.base(design)]
        value = float(self.predictor.predict([list(self.describe(design))], foretold)[0])
        reach = self.predictor.reach
        return Estimate(value, max(value * (1 - reach), 0.0), value * (1 + reach), "ms", f"{self.how}, 90 % interval")


def _positive(base: ArrayLike, shape: tuple[int, ...]) -> Array:
    values = np.asarray(base, dtype=np.float64)
    if values.shape != shape or not (np.isfinite(values) & (values > 0)).all():
        raise DataError(f"a base has one positive number for each of {shape[0]} designs, but got {values!r}.")
    return values


def _ridge(terms: Array, y: Array, mean: float) -> _Fit:
    """Ridge regression with the penalty of the least error of rows that are left out in turn, in closed form."""
    left, values, right = np.linalg.svd(terms, full_matrices=False)
    best: _Fit | None = None
    for penalty in PENALTIES:
        kept = values**2 / (values**2 + penalty)
        leverage = np.minimum((left**2 * kept).sum(axis=1), 1 - 1e-9)
        fitted = left @ (kept * (left.T @ (y - mean)))
        errors = np.abs((y - mean - fitted) / (1 - leverage)) / y
        weights = right.T @ (kept / np.maximum(values, 1e-12) * (left.T @ (y - mean)))
        if best is None or errors.mean() < best.left_out.mean():
            best = _Fit(weights, errors)
    assert best is not None
    return best
