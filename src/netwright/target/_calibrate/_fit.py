"""From measured networks to a model: the likeliest smoothness, and what to make of measurements that went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import EvaluationError
from netwright.target._additive import rank_correlation
from netwright.target._calibrate._kernels import in_a_run
from netwright.target._calibrate._model import KernelModel, Observation, Smoothness
from netwright.target._calibrate._roofline import fit_roofline

__all__ = ["FEWEST", "Fit", "fit", "in_runs"]

Array = NDArray[np.float64]

FEWEST = 12
"""Networks below which nothing is learned."""
GRID = {
    "reach": (1.0, 2.0, 4.0),
    "shared": (0.1, 0.3, 0.6),
    "own": (0.02, 0.05, 0.15),
    "noise": (0.005, 0.01, 0.02, 0.04, 0.08),
    "moment": (0.0, 0.005, 0.01, 0.02, 0.04),
}
OUTLIER = 3.0
"""Standard deviations from which on a measurement is held for disturbed, and counts the less."""
SHARES = (0.8, 0.9)
ROUNDS = 3
FOLDS = 5
"""Parts of which one at a time is left out; what is measured in turns is in the same one."""
CACHES = (None, *(2**power for power in range(17, 26)))
"""Bytes of weights that may stay near the processor; the likeliest is taken."""
DOUBT = 10.0
"""How much likelier, in logarithms, it must be that there is such a bound at all."""


@dataclass(frozen=True)
class Fit:
    """A model, and how good it is on each whole network that was measured when the others predict it.

    cache: bytes of weights that stay near the processor, as `in_a_run` has it. errors: relative standard deviation of
    each measurement that the model was fitted with. widths: how many
    deviations make an interval that holds a share of the networks, by the share. checked: the numbers to tell.
    """

    model: KernelModel
    cache: int | None
    errors: tuple[float, ...]
    widths: dict[float, float]
    checked: dict[str, float]


def fit(observations: Sequence[Observation], *, fused: bool = True) -> Fit:
    """Fit a model to networks that were measured.

    fused: whether they are told as kernels, to which what a run of the whole costs is added; nodes that are to hold
    for any part of a network stay by themselves.

    Raises EvaluationError when there are fewer than twelve, MissingExtraError without SciPy.
    """
    if len(observations) < FEWEST:
        raise EvaluationError(
            f"a calibration needs at least {FEWEST} measured networks, but has {len(observations)}."
        )
    if not any(each.whole for each in observations):
        raise EvaluationError("a calibration needs whole networks, but has only parts of them.")
    if not fused:
        return _fitted(observations, None)
    firsts = {cache: _first(in_runs(observations, cache)).unlikelihood() for cache in CACHES}
    cache = min(firsts, key=lambda each: firsts[each] + (0.0 if each is None else DOUBT))
    return _fitted(in_runs(observations, cache), cache)


def in_runs(observations: Sequence[Observation], cache: int | None) -> list[Observation]:
    """The same networks with what a run of each costs beside its kernels."""
    return [replace(each, counts=in_a_run(each.counts, cache)) for each in observations]


def _first(observations: Sequence[Observation]) -> KernelModel:
    """A quick model, to compare."""
    roofline = fit_roofline([each.counts for each in observations], [each.ms for each in observations])
    model = KernelModel(roofline, Smoothness(), observations)
    return min((model.with_smoothness(noise=noise) for noise in GRID["noise"]), key=lambda each: each.unlikelihood())


def _fitted(observations: Sequence[Observation], cache: int | None) -> Fit:
    own = errors = np.array([each.error for each in observations])
    calm = np.ones(len(observations), dtype=bool)
    smoothness = Smoothness()
    for _ in range(ROUNDS):
        kept = [each for each, is_calm in zip(observations, calm, strict=True) if is_calm]
        roofline = fit_roofline([each.counts for each in kept], [each.ms for each in kept])
        model = likeliest(KernelModel(roofline, smoothness, observations, errors.tolist()))
        off, expected = model.left_out()
        odd = np.abs(off) / expected > OUTLIER
        # From their own errors each time: what a disturbed one made look odd is not, once that one counts less.
        errors, smoothness = np.where(odd, np.maximum(own, np.abs(off)), own), model.smoothness
        calm = ~odd if odd.mean() < 0.5 else calm
    model = likeliest(KernelModel(roofline, smoothness, observations, errors.tolist()))
    return Fit(model, cache, tuple(map(float, errors)), *_checked(model, errors))


def likeliest(model: KernelModel) -> KernelModel:
    """The model with the smoothness under which the observations are likeliest, one number of it after the other."""
    best = model
    for _ in range(2):
        for name, values in GRID.items():
            candidates = [best.with_smoothness(**{name: value}) for value in values]
            best = min(candidates, key=lambda each: each.unlikelihood())
    return best


def _checked(model: KernelModel, errors: Array) -> tuple[dict[float, float], dict[str, Any]]:
    """Widths of intervals, and how good the model is, on whole networks that neither roofline nor model knew."""
    took, told, expected = _told_by_others(model, errors).T
    whole = np.array([each.whole for each in model.observations])
    alone, spread = (each[whole] for each in model.moments_left_out())
    ways = (np.abs(np.log(told / took)) / expected, np.abs(alone) / spread)
    # One more than there are stands for the network to come (split conformal prediction, Papadopoulos et al. 2002);
    # the wider way is taken, as what comes is measured on another day.
    widths = {
        share: max(float(np.quantile(way, min(share * (1 + 1 / len(took)), 1.0))) for way in ways) for share in SHARES
    }
    off = np.abs(told / took - 1)
    return widths, {
        "median_error": float(np.median(off)),
        "within_10_percent": float(np.mean(off <= 0.1)),
        "spearman": rank_correlation(took, told),
    }


def _told_by_others(model: KernelModel, errors: Array) -> Array:
    """Measured ms, predicted ms and the deviation expected, a row for each whole network, in turns left out."""
    observations = model.observations
    calm = [error <= each.error for each, error in zip(observations, errors, strict=True)]
    rows, folds = [], model.folds(FOLDS)
    for fold in range(FOLDS):
        known = [place for place in range(len(observations)) if folds[place] != fold]
        trusted = [observations[place] for place in known if calm[place]]
        roofline = fit_roofline([each.counts for each in trusted], [each.ms for each in trusted])
        part = KernelModel(
            roofline, model.smoothness, [observations[i] for i in known], [float(errors[i]) for i in known]
        )
        for place, each in enumerate(observations):
            if folds[place] == fold and each.whole:
                rows.append([each.ms, part.ms(each.counts), part.deviation(each.counts)])
    return np.array(rows)
