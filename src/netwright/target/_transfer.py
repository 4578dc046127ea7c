"""A new device from a few measurements: all latencies from k measured ones and the tables of other devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netwright.errors import DataError
from netwright.target._design_features import design_features
from netwright.target._device_belief import NOISES, PLACES, Belief, agreed, plain_variances
from netwright.target._gaussian_process import Term, covariance, learned, standardised

__all__ = ["DeviceTransfer", "Prediction"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

LESSONS, LESSON = 2, 60
"""Subsets of each reference device from which the variances are learned, and their size."""
CANDIDATES = 1000
"""Designs among which the ones to measure are chosen."""
COVERAGE = 0.9
PRIOR_DEVICES = 2
PRIOR_LEARNED = 0.5
"""Other devices that say as much for the variances learned from them as there is to say for plain ones beforehand."""
PRIOR_MEASURED = 2
"""Measurements of the new device that weigh as much as what the other devices say of the size of the errors."""
NARROWEST = -0.4
"""Logarithm of the squares of errors, beside the usual one, below which intervals become no narrower: designs that
were measured because they are alike foretell one another better than they do the rest."""
WIDTH = 1.645
"""Standard deviations on each side that hold 90 % of a normal distribution."""
USUAL_ERROR = float(np.log(2 / np.pi))
"""Logarithm of the square of the mean absolute value of a standard normal variable."""
AUDITED = 1000
"""Designs of each other device on which the width of the intervals is learned."""


@dataclass(frozen=True)
class Prediction:
    """Latency of every design on the new device, in ms, and the ends of an interval meant to hold 90 % of them.

    >>> import numpy as np
    >>> predicted = Prediction(np.array([1.0, 2.0]), np.array([0.9, 1.8]), np.array([1.1, 2.2]))
    >>> bool(np.all(predicted.low_ms < predicted.high_ms)), predicted.median_ms.shape
    (True, (2,))
    """

    median_ms: Array
    low_ms: Array
    high_ms: Array


class DeviceTransfer:
    """Predicts a device from few of its measurements and the tables of other devices on the same designs.

    A mixture of Gaussian processes on the logarithm of the latency, whose covariance is a sum of terms: linear and
    smooth ones in the other devices' latencies as an additive model of the decisions gives them, which takes the
    noise out; linear ones in those latencies as measured, which tell what is no sum, in what each kind of option
    costs on them, and in the decisions themselves; linear and smooth ones in how often each kind occurs, and in
    decisions that are numbers. How much each term weighs is learned from the other devices, each predicted in turn
    from the rest, and held against plain weights by how well the measurements foretell one another under each. The
    width of the intervals is learned in the same way. A measurement that the others do not foretell weighs less.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> designs = [{f"layer{i}": int(rng.integers(3)) for i in range(6)} for _ in range(200)]
    >>> work = np.array([sum((i + 1) * design[f"layer{i}"] for i in range(6)) for design in designs]) + 5.0
    >>> transfer = DeviceTransfer(designs, {"phone": 3.0 * work, "board": work**1.2})
    >>> chosen = transfer.choose(8)
    >>> predicted = transfer.predict(chosen, 0.5 * work[chosen] + 2.0)
    >>> bool(np.corrcoef(predicted.median_ms, work)[0, 1] > 0.99)
    True

    designs: of one space, value by path. references: latency of each design in ms by device; with none, only the
    decisions tell designs apart. seed: of the subsets that are learned from.

    Raises DataError when a table has not one row for each design, or a latency that is not positive and finite.
    """

    def __init__(
        self, designs: Sequence[Mapping[str, Any]], references: Mapping[str, ArrayLike], *, seed: int = 0
    ) -> None:
        self.features = design_features(designs)
        logs = [_logarithms(name, table, len(designs)) for name, table in references.items()]
        self._tables = np.stack(logs, axis=1) if logs else np.zeros((len(designs), 0))
        self._additive = _additive(self.features.decisions, self._tables)
        self._seed = seed

    def choose(self, k: int, among: ArrayLike | None = None) -> Rows:
        """Numbers of the k designs to measure: one after the other the one that leaves least unknown of all of them.

        among: numbers of the designs to choose from; if none, 1,000 drawn from all.

        Raises DataError unless k is between 1 and their number.
        """
        pool = self._candidates() if among is None else np.asarray(among, dtype=np.int64)
        if not 1 <= k <= len(pool):
            raise DataError(f"the designs to measure must be between 1 and {len(pool)}, but got {k}.")
        # The covariance of a mixture is that of the mean of its variances, for they weigh sums.
        variances = np.asarray(sum(share * each for share, each in self._mixture))
        left = covariance(self._terms, variances, pool, pool)
        picked: list[int] = []
        for _ in range(k):
            told = (left**2).sum(axis=0) / (np.diag(left) + variances[-1])
            told[picked] = -np.inf
            picked.append(int(np.argmax(told)))
            step = left[picked[-1]]
            left = left - np.outer(step, step) / (step[picked[-1]] + variances[-1])
        return pool[picked]

    def predict(self, measured: ArrayLike, latency_ms: ArrayLike) -> Prediction:
        """Latency of every design from those of the measured ones.

        measured: numbers of the designs. latency_ms: their latencies in ms, in the same order.

        Raises DataError for fewer than two measurements, a number that no design has, or a latency that is not
        positive and finite.
        """
        rows = np.asarray(measured, dtype=np.int64)
        if len(rows) < 2 or rows.min() < 0 or rows.max() >= len(self._tables):
            raise DataError(
                f"at least 2 designs of numbers below {len(self._tables)} must be measured, but got {rows.tolist()}."
            )
        logs = _logarithms("the new device", latency_ms, len(rows))
        mean, deviation, error = self._belief(self._devices).after(rows, logs, self._all)
        reach = self._width(rows, error) * deviation
        return Prediction(np.exp(mean), np.exp(mean - reach), np.exp(mean + reach))

    def _candidates(self) -> Rows:
        count = len(self._tables)
        return np.random.default_rng(self._seed).choice(count, min(CANDIDATES, count), replace=False)

    @cached_property
    def _all(self) -> Rows:
        return np.arange(len(self._tables))

    @cached_property
    def _audited(self) -> Rows:
        count = len(self._tables)
        return np.random.default_rng(self._seed + 1).choice(count, min(AUDITED, count), replace=False)

    @cached_property
    def _devices(self) -> list[int]:
        return list(range(self._tables.shape[1]))

    @cached_property
    def _terms(self) -> list[Term]:
        return self._terms_from(self._devices)

    def _terms_from(self, devices: Sequence[int]) -> list[Term]:
        """Terms of the covariance where only these devices are known."""
        decisions, counts = standardised(self.features.decisions), standardised(self.features.by_kind())
        terms = [Term(counts, topic="kinds"), Term(counts, True, "kinds"), Term(decisions, topic=PLACES)]
        sizes = standardised(self.features.sizes)
        if sizes.shape[1]:
            terms += [Term(sizes, topic="sizes"), Term(sizes, True, "sizes")]
        if devices:
            weights = self._additive[:, devices]
            spent = np.concatenate([self.features.by_kind(column) for column in weights.T], axis=1)
            told = standardised(self.features.decisions @ weights)
            linear = (told, standardised(self._tables[:, devices]), standardised(spent))
            terms += [*(Term(each, topic="devices") for each in linear), Term(told, True, "devices")]
        return terms

    def _others(self, device: int) -> list[int]:
        return [other for other in self._devices if other != device]

    @cached_property
    def _variances(self) -> Array:
        """Variances of the terms and of the noise, learned by predicting each device from the others."""
        rng = np.random.default_rng(self._seed)
        count = len(self._tables)
        lessons = []
        for device in self._devices if len(self._devices) > 1 else []:
            terms = self._terms_from(self._others(device))
            for _ in range(LESSONS):
                rows = rng.choice(count, min(LESSON, count), replace=False)
                lessons.append((terms, rows, _standard(self._tables[rows, device])[0]))
        return learned(lessons, len(self._terms))

    @cached_property
    def _mixture(self) -> list[tuple[float, Array]]:
        """Variances that may hold, and how probable each is before anything is measured.

        The more other devices there are, the more those learned from them. Where these are few, alike, or unlike the
        new one, or it is measured with more noise, its measurements tell which of the others is right.
        """
        plain = plain_variances([term.topic for term in self._terms])
        devices = len(self._devices)
        if devices < 2:
            return [(1 / len(plain), variances) for variances in plain]
        known = self._variances
        noisier = [np.append(known[:-1], noise) for noise in NOISES if noise > known[-1]]
        trust = devices / (devices + PRIOR_LEARNED)
        rest = (1 - trust) / 2
        shares = [(rest / len(each), variances) for each in (plain, noisier) for variances in each]
        return [*shares, (trust, known)]

    def _belief(self, devices: Sequence[int]) -> Belief:
        """What these devices say of another one before it is measured."""
        terms = self._terms_from(devices)
        if not devices:
            return Belief(terms, self._mixture, np.zeros(len(self._tables)), None)
        spread = float(np.median(self._tables[:, devices].std(axis=0)))
        sums = self.features.decisions @ self._additive[:, devices]
        told = self._summed * sums + (1 - self._summed) * self._tables[:, devices]
        return Belief(terms, self._mixture, agreed(told), spread)

    @cached_property
    def _summed(self) -> float:
        """How much of what other devices tell is told by their sums over decisions rather than as measured."""
        summed, measured, _, smooth = self._variances[-5:-1]
        return float((summed + smooth) / (summed + smooth + measured))

    def _width(self, rows: Rows, error: float) -> float:
        """Deviations on each side that hold 90 % of the designs of the new device.

        Learned where each of the other devices is the new one in turn, and shrunk towards those of a normal
        distribution, which weigh as much as `PRIOR_DEVICES` devices. The errors among the measured ones widen or
        narrow it by their logarithm, shrunk towards that of the other devices; with fewer than two of these, from
        which nothing is learned, towards that of a normal distribution.
        """
        rng = np.random.default_rng(self._seed)
        misses, errors = [], []
        for device in self._devices if len(self._devices) > 1 else []:
            belief, logs = self._belief(self._others(device)), self._tables[:, device]
            for measured in (rows, rng.choice(len(logs), len(rows), replace=False)):
                mean, deviation, own = belief.after(measured, logs[measured], self._audited)
                misses.append(np.abs(mean - logs[self._audited]) / deviation)
                errors.append(own)
        trust = len(rows) / (len(rows) + PRIOR_MEASURED)
        if not misses:
            return float(WIDTH * np.exp(trust * max(error - USUAL_ERROR, NARROWEST) / 2))
        usual = float(np.mean(errors))
        factors = np.exp(trust * np.maximum(np.array(errors) - usual, NARROWEST) / 2)
        found = float(np.quantile(np.concatenate([m / f for m, f in zip(misses, factors, strict=True)]), COVERAGE))
        devices = len(self._devices)
        width = np.sqrt((devices * found**2 + PRIOR_DEVICES * WIDTH**2) / (devices + PRIOR_DEVICES))
        return float(width * np.exp(trust * max(error - usual, NARROWEST) / 2))


def _logarithms(name: str, table: ArrayLike, count: int) -> Array:
    values = np.asarray(table, dtype=np.float64)
    if values.shape != (count,):
        raise DataError(f"{name} must have one latency for each of {count} designs, but has shape {values.shape}.")
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(wrong):
        raise DataError(f"latencies must be positive and finite, but {name} has {values[wrong[0]]} at {wrong[0]}.")
    return np.log(values)


def _standard(logs: Array) -> tuple[Array, float, float]:
    centre, scale = float(logs.mean()), float(logs.std()) or 1e-6
    return (logs - centre) / scale, centre, scale


def _additive(decisions: Array, tables: Array) -> Array:
    """Cost of each decision on each device, by ridge regression on all designs."""
    centred = decisions - decisions.mean(axis=0)
    square = centred.T @ centred + np.eye(decisions.shape[1])
    result: Array = np.linalg.solve(square, centred.T @ (tables - tables.mean(axis=0)))
    return result
