"""A Gaussian process whose covariance is a sum of terms, the variance of each learned from examples of the task.

Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006): the posterior is their algorithm 2.1. Learning
one set of variances from several data sets is empirical Bayes over tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netwright._optional import require

__all__ = [
    "JITTER", "MEAN", "Term", "covariance", "learned", "likeliness", "prior_variance", "resisted", "standardised",
    "weighed",
]  # fmt: skip

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

MEAN = 4.0
"""Prior variance of the mean of a standardised value."""
BOUNDS = (-9.0, 4.0)
"""Of the logarithm of a variance; values are standardised, so a variance of 1 is all that varies."""
USUAL = -1.0
"""Logarithm of a variance before anything is learned, to which the learning also shrinks a little."""
SHRINKAGE = 0.01
JITTER = 1e-6
TAIL = 2.0
"""Degrees of freedom of the t distribution of noise: of whole tables some percent were measured while another
programme slowed the device, and lie five deviations and more above."""
ROUNDS = 5


@dataclass(frozen=True)
class Term:
    """Columns of covariates, (designs, columns), standardised; a linear covariance in them, or a smooth one.

    topic: what they are about.
    """

    values: Array
    smooth: bool = False
    topic: str = ""

    def between(self, a: Rows, b: Rows) -> Array:
        """Covariance of designs `a` with designs `b`; about 1 on the diagonal."""
        columns = max(self.values.shape[1], 1)
        left, right = self.values[a], self.values[b]
        products = left @ right.T
        if not self.smooth:
            return np.asarray(products / columns)
        squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None] - 2 * products
        return np.asarray(np.exp(-np.maximum(squares, 0.0) / (2 * columns)))

    def own(self, rows: Rows) -> Array:
        """Covariance of each of these designs with itself."""
        if self.smooth:
            return np.ones(len(rows))
        return np.asarray((self.values[rows] ** 2).sum(axis=1) / max(self.values.shape[1], 1))


def standardised(columns: Array) -> Array:
    """Columns with mean 0 and deviation 1; constant ones are left out."""
    centred = columns - columns.mean(axis=0)
    deviation = centred.std(axis=0)
    kept: Array = centred[:, deviation > 1e-9] / deviation[deviation > 1e-9]
    return kept


def covariance(terms: Sequence[Term], variances: Array, a: Rows, b: Rows) -> Array:
    """Prior covariance of designs `a` with designs `b`, without the noise."""
    return weighed([term.between(a, b) for term in terms], variances)


def prior_variance(terms: Sequence[Term], variances: Array, rows: Rows) -> Array:
    """Prior variance of each of these designs, without the noise."""
    return weighed([term.own(rows) for term in terms], variances)


def weighed(parts: Sequence[Array], variances: Array) -> Array:
    """Sum of what each term says, weighed with its variance, and the mean's; the last variance is the noise's."""
    return np.asarray(sum((v * part for v, part in zip(variances[:-1], parts, strict=True)), start=np.float64(MEAN)))


def resisted(prior: Array, noise: Array, y: Array) -> tuple[Array, Array, Array]:
    """Noise of each of the values `y`, larger where the others foretell a different one; how different; and how sure.

    The second is the square of the error with the value left out, in units of what is expected of it, which is the
    third (Rasmussen & Williams, equation 5.12); the noise is that of a t distribution with it (Lange, Little &
    Taylor, 1989). Were the error not that of a value left out, an outlier among few values would pull the mean to
    itself, and hide. prior: covariance of the values without noise.

    >>> import numpy as np
    >>> resisted(np.full((4, 4), 9.0), np.full(4, 0.1), np.array([0.0, 0.1, -0.1, 3.0]))[0].round(1).tolist()
    [0.1, 0.1, 0.1, 2.5]
    """
    own, errors, expected = noise, np.ones(len(y)), np.ones(len(y))
    for _ in range(ROUNDS):
        inverse = np.linalg.inv(prior + np.diag(own + JITTER))
        left = 1 / np.diag(inverse)
        # Of designs that are alike to the last digit, rounding could leave less than nothing.
        expected = np.maximum(left - own, 0.0) + noise
        errors = (inverse @ y * left) ** 2 / expected
        own = noise * (TAIL + errors) / (TAIL + 1)
    return own, errors, expected


def likeliness(errors: Array, expected: Array) -> float:
    """Logarithm of the density of values, each as the others foretell it, up to a constant: t distributions."""
    return float(-0.5 * (np.log(expected) + (TAIL + 1) * np.log1p(errors / TAIL)).sum())


def learned(lessons: Sequence[tuple[Sequence[Term], Rows, Array]], terms: int) -> Array:
    """Variances of the terms and of the noise under which the lessons are likeliest together.

    lessons: terms, rows and standardised values of each task; none leaves the usual variances. Needs SciPy.
    """
    start = np.full(terms + 1, USUAL)
    if not lessons:
        return np.asarray(np.exp(start))
    optimize = require("scipy.optimize", extra="train")
    prepared = [([term.between(rows, rows) for term in given], y) for given, rows, y in lessons]

    def loss(logs: Array) -> tuple[float, Array]:
        value, slope = _shrinkage(logs)
        for parts, y in prepared:
            more, steeper = _unlikelihood(np.exp(logs), parts, y)
            value, slope = value + more / len(prepared), slope + steeper / len(prepared)
        return value, slope

    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[BOUNDS] * (terms + 1))
    result: Array = np.exp(found.x)
    return result


def _shrinkage(logs: Array) -> tuple[float, Array]:
    return SHRINKAGE * float(((logs - USUAL) ** 2).sum()), 2 * SHRINKAGE * (logs - USUAL)


def _unlikelihood(variances: Array, parts: Sequence[Array], y: Array) -> tuple[float, Array]:
    """Negative log marginal likelihood and its slope in the logarithms of the variances (equations 5.8 and 5.9)."""
    noise = np.eye(len(y))
    whole = sum(
        (v * k for v, k in zip(variances, parts, strict=False)), start=MEAN + (variances[-1] + JITTER) * noise
    )
    inverse = np.linalg.inv(whole)
    weights = inverse @ y
    value = 0.5 * float(y @ weights) + 0.5 * float(np.linalg.slogdet(whole)[1])
    gap = inverse - np.outer(weights, weights)
    slope = np.array([0.5 * v * float((gap * k).sum()) for v, k in zip(variances, [*parts, noise], strict=True)])
    return value, slope
