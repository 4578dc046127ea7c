"""A model of latency by kernels, learned from the latencies of whole networks.

A network takes the sum of its kernels. A kernel takes what a roofline of its kind says (Williams, Waterman &
Patterson 2009: so long to start, so long for each multiply-add and each byte), times what kernels like it were found
to take beside that: a Gaussian process over kernels, of which only sums were ever seen. Such sums are linear in it,
so that its posterior is exact (Rasmussen & Williams 2006, algorithm 2.1), and so is the variance of any other sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from netwright.target._calibrate._kernels import Kernel
from netwright.target._calibrate._roofline import Roofline

__all__ = ["KernelModel", "Observation", "Smoothness"]

Array = NDArray[np.float64]
Counts = Mapping[Kernel, int]

LEAST = 0.05
"""Least part of its roofline that a kernel takes, whatever was learned of it."""
UNKNOWN = 0.5
"""Standard deviation of what kernels of a kind that was never measured take, relative to that of any kind."""
NEAR, FAR = 1.0, 0.25
"""Powers of two of a size up to which a roofline is trusted beyond what was measured, and deviation for each more."""
TAIL_LIKENESS = 0.95
"""Covariance of kernels that differ in what is fused into them, over that of those that do not."""


@dataclass(frozen=True)
class Observation:
    """A network that was measured.

    counts: of its kernels, with `RUN`. ms: what it took. error: standard deviation of that, relative. whole: whether
    it is one of those that are to be predicted, rather than a part of one. turn: number of the moment at which it was
    measured; those with the same number were measured in turns with each other.
    """

    counts: Counts
    ms: float
    error: float
    whole: bool = True
    turn: int | None = None


@dataclass(frozen=True)
class Smoothness:
    """How kernels of a kind differ from their roofline, relative to it.

    reach: of likeness, in powers of two of a size. shared: standard deviation of what kernels that are alike have in
    common. own: of what each has alone. noise: of a network as a whole. moment: of all networks that are measured in
    turns with each other: what else uses the memory meanwhile slows them all, and the reference, which needs none,
    hardly.
    """

    reach: float = 2.0
    shared: float = 0.3
    own: float = 0.05
    noise: float = 0.02
    moment: float = 0.0

    @property
    def measuring(self) -> float:
        """Standard deviation of a network that is measured once, relative to what is known of its kernels."""
        return math.hypot(self.noise, self.moment)


class KernelModel:
    """Latency by kernels, from a roofline, a smoothness and observations.

    observations: what was measured. errors: relative standard deviation of each, in place of their own.
    """

    def __init__(
        self,
        roofline: Roofline,
        smoothness: Smoothness,
        observations: Sequence[Observation],
        errors: Sequence[float] | None = None,
    ) -> None:
        self.roofline = roofline
        self.smoothness = smoothness
        self.observations = tuple(observations)
        self.kernels = tuple(dict.fromkeys(kernel for each in observations for kernel in each.counts))
        self._ms = np.array([each.ms for each in observations])
        self._errors = np.array([each.error for each in observations] if errors is None else errors)
        self._known: dict[Kernel, Array] = {}
        self._doubts: dict[Kernel, float] = {}
        self._priors: dict[float, tuple[Array, Array]] = {}

    @cached_property
    def _number(self) -> dict[Kernel, int]:
        return {kernel: place for place, kernel in enumerate(self.kernels)}

    @cached_property
    def _base(self) -> Array:
        return np.array([self.roofline.ms(kernel) for kernel in self.kernels])

    @cached_property
    def _relative(self) -> Array:
        """Share that each kernel's roofline has in each network's latency, (networks, kernels)."""
        counts = np.zeros((len(self.observations), len(self.kernels)))
        for row, each in enumerate(self.observations):
            for kernel, count in each.counts.items():
                counts[row, self._number[kernel]] = count
        shares: Array = counts * self._base / self._ms[:, None]
        return shares

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        """Where the kernels of each kind stand; what is of two kinds has nothing in common."""
        found: dict[str, list[int]] = {}
        for place, kernel in enumerate(self.kernels):
            found.setdefault(kernel.kind, []).append(place)
        return found

    def _prior(self, reach: float) -> tuple[Array, Array]:
        """Covariance of the networks' deviations for a variance of 1 of what is shared, and of what is own."""
        if reach not in self._priors:
            common, own = np.zeros((2, len(self._ms), len(self._ms)))
            for places in self._places.values():
                kernels, shares = [self.kernels[place] for place in places], self._relative[:, places]
                alike, same = _likeness(kernels, kernels, reach)
                common, own = common + shares @ alike @ shares.T, own + shares @ same @ shares.T
            self._priors[reach] = common, own
        return self._priors[reach]

    @property
    def _covariance(self) -> Array:
        """Of the networks' times, relative to them, (networks, networks)."""
        smooth = self.smoothness
        common, own = self._prior(smooth.reach)
        prior = smooth.shared**2 * common + smooth.own**2 * own + smooth.moment**2 * self._at_once
        return prior + np.diag(smooth.noise**2 + self._errors**2)

    @cached_property
    def _inverse(self) -> Array:
        return np.asarray(np.linalg.inv(self._covariance))

    @cached_property
    def _residual(self) -> Array:
        """What the networks take beside their rooflines, relative to what they take."""
        return np.asarray(1 - self._relative.sum(axis=1))

    @cached_property
    def _turns(self) -> Array:
        """Number of the moment at which each was measured; what has none has a moment to itself."""
        return np.array([-1 - i if each.turn is None else each.turn for i, each in enumerate(self.observations)])

    @cached_property
    def _at_once(self) -> Array:
        """Which observations are of the same moment, (networks, networks)."""
        return np.asarray(self._turns[:, None] == self._turns, dtype=np.float64)

    @cached_property
    def _weights(self) -> Array:
        return np.asarray(self._inverse @ self._residual)

    def _covariances(self, kernels: Sequence[Kernel]) -> Array:
        """Covariance of kernels' deviations, relative to their rooflines, with each network's, relative to that."""
        asked: dict[str, list[Kernel]] = {}
        for kernel in dict.fromkeys(kernels):
            if kernel not in self._known:
                asked.setdefault(kernel.kind, []).append(kernel)
        for kind, new in asked.items():
            places = self._places.get(kind, [])
            between = likeness(new, [self.kernels[place] for place in places], self.smoothness)
            self._known.update(zip(new, between @ self._relative[:, places].T, strict=True))
        return np.array([self._known[kernel] for kernel in kernels])

    def kernel_ms(self, kernel: Kernel) -> float:
        """What one run of a kernel takes."""
        known = self._covariances((kernel,))[0]
        return self.roofline.ms(kernel) * max(LEAST, 1 + float(known @ self._weights))

    def ms(self, counts: Counts) -> float:
        """What a network takes."""
        self._covariances(tuple(counts))  # of all at once, which is quicker than one by one
        return sum(count * self.kernel_ms(kernel) for kernel, count in counts.items())

    def deviation(self, counts: Counts) -> float:
        """Standard deviation of what a network takes, relative to it, by the model alone."""
        kernels = tuple(counts)
        base = np.array([count * self.roofline.ms(kernel) for kernel, count in counts.items()])
        between = base @ self._covariances(kernels)
        prior = base @ likeness(kernels, kernels, self.smoothness) @ base
        unknown = base @ np.array([self._doubt(kernel) for kernel in kernels])
        variance = max(float(prior - between @ self._inverse @ between), 0.0) + unknown**2
        return float(np.sqrt(variance)) / self.ms(counts) + self.smoothness.measuring

    def _doubt(self, kernel: Kernel) -> float:
        """Standard deviation of what a kernel unlike all that were measured takes, relative to it."""
        if kernel in self._number:
            return 0.0
        if kernel.kind not in self.roofline.kinds:
            return UNKNOWN
        if kernel not in self._doubts:
            known = [self.kernels[place].place for place in self._places.get(kernel.kind, [])]
            nearest = min((math.dist(kernel.place, each) for each in known), default=0.0)
            self._doubts[kernel] = FAR * max(0.0, nearest - NEAR)
        return self._doubts[kernel]

    def left_out(self) -> tuple[Array, Array]:
        """Relative error of each observation when the others predict it, and the deviation expected of it.

        In closed form (Rasmussen & Williams 2006, section 5.4.2).
        """
        spread = np.diag(self._inverse)
        return self._weights / spread, 1 / np.sqrt(spread)

    def moments_left_out(self) -> tuple[Array, Array]:
        """The same when those of all other moments predict it: how a network fares that is measured another time."""
        off, spread = np.empty((2, len(self._ms)))
        for turn in np.unique(self._turns):
            places = np.flatnonzero(self._turns == turn)
            expected = np.linalg.inv(self._inverse[np.ix_(places, places)])
            off[places], spread[places] = expected @ self._weights[places], np.sqrt(np.diag(expected))
        return off, spread

    def folds(self, count: int) -> list[int]:
        """Which of so many parts each observation is in: those of one moment together, if that leaves none empty."""
        moments, place = np.unique(self._turns, return_inverse=True)
        return [int(each) % count for each in (place if len(moments) >= count else range(len(place)))]

    def unlikelihood(self) -> float:
        """Negative logarithm of the marginal likelihood of the observations, but for a constant."""
        # Of the factor, which takes a third of the inverse that only the likeliest needs.
        factor = np.linalg.cholesky(self._covariance)
        whitened = np.linalg.solve(factor, self._residual)
        return float(0.5 * whitened @ whitened + np.log(np.diag(factor)).sum())

    def with_smoothness(self, **changes: float) -> KernelModel:
        """The same with another smoothness."""
        twin = copy(self)
        twin.smoothness, twin._known = replace(self.smoothness, **changes), {}
        for learned in ("_inverse", "_weights"):
            twin.__dict__.pop(learned, None)
        return twin


def likeness(a: Sequence[Kernel], b: Sequence[Kernel], smoothness: Smoothness) -> Array:
    """Prior covariance of the deviations of kernels, relative to their rooflines, (a, b)."""
    alike, same = _likeness(a, b, smoothness.reach)
    return smoothness.shared**2 * alike + smoothness.own**2 * same


def _likeness(a: Sequence[Kernel], b: Sequence[Kernel], reach: float) -> tuple[Array, Array]:
    """How far kernels are alike, and whether they are the same."""
    codes: dict[object, int] = {}

    def coded(values: Sequence[object]) -> Array:
        return np.array([codes.setdefault(value, len(codes)) for value in values], dtype=np.float64)

    widest = max((len(kernel.place) for kernel in (*a, *b)), default=0)

    def places(kernels: Sequence[Kernel]) -> Array:
        return np.array([[*kernel.place, *[0.0] * (widest - len(kernel.place))] for kernel in kernels]).reshape(
            len(kernels), widest
        )

    left, right = places(a), places(b)
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * left @ right.T
    alike = np.exp(-np.maximum(squares, 0.0) / (2 * reach**2))
    same_kind = coded([("kind", k.kind) for k in a])[:, None] == coded([("kind", k.kind) for k in b])[None]
    same_tail = coded([("tail", k.tails) for k in a])[:, None] == coded([("tail", k.tails) for k in b])[None]
    same = coded([("key", k.key) for k in a])[:, None] == coded([("key", k.key) for k in b])[None]
    return same_kind * (alike * np.where(same_tail, 1.0, TAIL_LIKENESS) + 0.5), same.astype(np.float64)
