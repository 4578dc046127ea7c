"""What is believed of a device before and after it is measured: a mixture of Gaussian processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright.target._gaussian_process import JITTER, Term, likeliness, resisted, weighed

__all__ = ["NOISES", "PLACES", "Belief", "agreed", "plain_variances"]

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

PLACES = "places"
"""Topic of the terms in the decisions themselves, to which every other topic may add."""
NOISES = tuple(np.exp([-1.0, -3.0, -5.0]).tolist())
"""Variances of the noise that may hold, of all that varies."""
LITTLE = float(np.exp(-4.0))
"""Variance of a term that tells little."""
USUAL_AGREEMENT = 0.5
"""Correlation expected with the only other device that is known."""
PRIOR_SPREAD = 4
"""Measurements that weigh as much as what is known beforehand of how far latencies spread."""
ROUNDS = 2
ROUNDING = 1 / 12
"""Variance that rounding to whole numbers adds."""
ENOUGH = 20
"""Measurements from which on more say no more of which process holds: what none of the processes knows errs alike in
many of them."""
TINY = 0.1
"""Least mean of errors, which are measured in deviations: few small ones are luck."""
NEVER = 1e-6
"""Least deviation."""
NEGLIGIBLE = 1e-3
"""Probability, beside that of the most probable one, of what is left out to save time."""


def plain_variances(topics: Sequence[str]) -> list[Array]:
    """Variances of terms and noise where mostly one topic tells designs apart, or it and the decisions, or all do.

    topics: of each term.

    >>> [found.round(2).tolist() for found in plain_variances(["kinds", "places"])][:2]
    [[1.0, 0.02, 0.37], [1.0, 0.02, 0.05]]
    """
    names = list(dict.fromkeys(topics))
    telling = [{name} for name in names] + [set(names)] + [{PLACES, name} for name in names if name != PLACES]
    return [np.array([_variance(topics, each, told) for each in topics] + [n]) for told in telling for n in NOISES]


def _variance(topics: Sequence[str], topic: str, telling: set[str]) -> float:
    return float(1 / np.sqrt(sum(each in telling for each in topics))) if topic in telling else LITTLE


def agreed(told: Array) -> Array:
    """What a further device is expected to take, in deviations: the mean of others, as far as they agree.

    told: logarithms by design and device.

    >>> agreed(np.array([[1.0, 3.0], [2.0, 5.0], [3.0, 7.0]])).round(2).tolist()
    [-1.22, 0.0, 1.22]
    """
    columns = _deviations(told)
    if columns.shape[1] == 1:
        return np.asarray(USUAL_AGREEMENT * columns[:, 0])
    rest = _deviations(columns.sum(axis=1, keepdims=True) - columns)
    agreement = max(float((columns * rest).mean()), 0.0)
    return np.asarray(agreement * _deviations(columns.mean(axis=1, keepdims=True))[:, 0])


def _deviations(columns: Array) -> Array:
    centred = columns - columns.mean(axis=0)
    return np.asarray(centred / np.maximum(centred.std(axis=0), NEVER))


@dataclass(frozen=True)
class Belief:
    """Gaussian processes of which one may hold, on the logarithm of the latency.

    Each has the same terms and its own variances; how probable it is, the measurements tell by how well the others
    foretell each of them under it (pseudo-Bayesian model averaging; Yao, Vehtari, Simpson & Gelman, 2018).

    mixture: probability and variances of each. expected: mean of every design, in deviations. spread: deviation of
    the logarithms, where other devices tell it.
    """

    terms: Sequence[Term]
    mixture: Sequence[tuple[float, Array]]
    expected: Array
    spread: float | None

    def after(self, rows: Rows, logs: Array, wanted: Rows) -> tuple[Array, Array, float]:
        """Mean and deviation of the wanted designs' logarithms, and how far off the measured ones are.

        That is the logarithm of the square of the latter's mean absolute error, each as the others foretell it, in
        units of the deviation expected.
        """
        scale = self._scale(logs)
        y, rounding = (logs - logs.mean()) / scale - self.expected[rows], _rounding(logs) / scale**2
        shift = float(y.mean())
        inner, across = ([term.between(rows, to) for term in self.terms] for to in (rows, wanted))
        alone = [term.own(wanted) for term in self.terms]
        fits = [self._fit(share, variances, inner, y - shift, rounding) for share, variances in self.mixture]
        most = max(fit.score for fit in fits)
        kept = [fit for fit in fits if fit.score - most > np.log(NEGLIGIBLE)]
        weights = np.exp([fit.score - most for fit in kept])
        weights /= weights.sum()
        told = [fit.told(weighed(across, fit.variances), weighed(alone, fit.variances)) for fit in kept]
        means, lefts = (np.array(column) for column in zip(*told, strict=True))
        mean = weights @ means
        deviation = scale * np.sqrt(weights @ (lefts + (means - mean) ** 2))
        error = float(weights @ [fit.error for fit in kept])
        return logs.mean() + scale * (shift + self.expected[wanted] + mean), deviation, error

    def _scale(self, logs: Array) -> float:
        """Deviation of all logarithms: that of the measured ones, which may be alike, and that of other devices."""
        weight = 0 if self.spread is None else PRIOR_SPREAD
        squares = len(logs) * float(logs.var()) + weight * (self.spread or 0.0) ** 2
        return max(float(np.sqrt(squares / (len(logs) + weight))), NEVER)

    def _fit(self, share: float, variances: Array, inner: Sequence[Array], y: Array, rounding: Array) -> _Fit:
        prior, size, least = weighed(inner, variances), 1.0, float(variances[-1])
        noise, errors, expected = resisted(prior, least + rounding, y)
        # Without other devices, each set of variances has its own say of how far latencies spread.
        for _ in range(ROUNDS if self.spread is None else 0):
            square = float(y @ np.linalg.solve(prior + np.diag(noise + JITTER), y))
            size = float(np.sqrt((square + PRIOR_SPREAD) / (len(y) + PRIOR_SPREAD)))
            noise, errors, expected = resisted(prior, least + rounding / size**2, y / size)
        inverse = np.asarray(np.linalg.inv(prior + np.diag(noise + JITTER)), dtype=np.float64)
        # The mean of absolute values: one outlier says less of the size of the others' errors than its square would.
        error = float(2 * np.log(np.sqrt(errors).mean() + TINY))
        tempered = min(1.0, ENOUGH / len(y))
        score = float(np.log(share)) + tempered * likeliness(errors, expected * size**2)
        return _Fit(variances, inverse, inverse @ y, size, error, score)


@dataclass(frozen=True)
class _Fit:
    """The process with one set of variances after measurements.

    size: factor of its deviations. score: logarithm of how probable it is, up to a constant.
    """

    variances: Array
    inverse: Array
    pull: Array
    size: float
    error: float
    score: float

    def told(self, cross: Array, before: Array) -> tuple[Array, Array]:
        """Mean and variance of designs, from their covariance with the measured ones and their own."""
        left = np.maximum(before - (cross * (self.inverse @ cross)).sum(axis=0), 0.0) + self.variances[-1]
        return cross.T @ self.pull, self.size**2 * left


def _rounding(logs: Array) -> Array:
    """Variance of the logarithms that comes from rounding, where all values are whole numbers."""
    values = np.exp(logs)
    whole = np.allclose(values, np.round(values), rtol=1e-9, atol=0.0)
    return ROUNDING / values**2 if whole else np.zeros(len(values))
