"""Functional ANOVA of a random forest: which decisions matter, and which values of them are good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright._optional import require
from netwright.quality.importance._effects import Effect, Effects, Importance

if TYPE_CHECKING:
    from netwright.space import Space

__all__ = ["functional_anova", "spearman"]

TREES = 200
REFERENCE = 2000
"""Designs drawn uniformly from the space, over which the model is averaged."""
Floats = NDArray[np.float64]


def functional_anova(
    space: Space, designs: Sequence[Mapping[str, Any]], values: Sequence[float], *, limits: Any = (), seed: int = 0
) -> Effects:
    """Main effects of decisions: the variance between their values of what a random forest predicts.

    >>> import numpy as np
    >>> import netwright as nw
    >>> layer = nw.conv(nw.oneof(8, 16), kernel=nw.oneof(1, 3, 5))
    >>> space = nw.Space(nw.seq(layer, nw.classifier(10)), input=nw.image(1, 8, 8))
    >>> designs = space.sample(np.random.default_rng(0), 20)
    >>> found = functional_anova(space, designs, [design["conv.kernel"] for design in designs])
    >>> found.options["conv.kernel", 5].value > 0 > found.options["conv.kernel", 1].value
    True

    The average is over the designs of the space within the limits, drawn uniformly from its forest, so that a
    decision that only some designs make is treated as it occurs; whether they make it is the effect of another one.
    values: of the metric, higher is better.

    Source: Hutter, Hoos, Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance",
    equations 1 to 8, with sampled instead of closed marginals.

    Raises MissingExtraError without scikit-learn.
    """
    from netwright.space.encode import one_hot

    ensemble = require("sklearn.ensemble", extra="train")
    model = ensemble.RandomForestRegressor(
        TREES, min_samples_leaf=2, max_features=1 / 3, oob_score=spearman, bootstrap=True, random_state=seed
    )
    model.fit(one_hot(space, designs), np.asarray(values, dtype=float))
    drawn = space.sample(np.random.default_rng(seed), REFERENCE, limits)
    rows = one_hot(space, drawn)
    predictions = np.array([tree.predict(rows) for tree in model.estimators_])
    importances, options = [], {}
    for path, allowed in space.decisions().items():
        levels = np.array([_level(design, path, allowed) for design in drawn])
        importances.append(_importance(path, predictions, levels))
        for level, value in enumerate(allowed if isinstance(allowed, tuple) else ()):
            if (levels == level).any():
                options[path, value] = _effect(predictions, levels, level)
    return Effects("functional-anova", float(model.oob_score_), tuple(importances), options)


def spearman(truth: Floats, found: Floats) -> float:
    """Spearman's rank correlation."""
    ranks = [
        np.argsort(np.argsort(each, kind="stable"), kind="stable") for each in (np.ravel(truth), np.ravel(found))
    ]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _level(design: Mapping[str, Any], path: str, allowed: Any) -> int:
    """Number of the value that a design has there; -1 where it decides nothing, and for numbers of an interval."""
    if path not in design or not isinstance(allowed, tuple):
        return -1
    return next(i for i, value in enumerate(allowed) if value == design[path] and type(value) is type(design[path]))


def _importance(path: str, predictions: Floats, levels: NDArray[np.int64]) -> Importance:
    """Variance between the values of a decision, over the designs that make it, as a share of all variance."""
    total = predictions.var(axis=1)
    between = np.zeros(len(predictions))
    middle = predictions[:, levels >= 0].mean(axis=1) if (levels >= 0).any() else between
    for level in np.unique(levels[levels >= 0]):
        members = predictions[:, levels == level]
        between += members.shape[1] / len(levels) * (members.mean(axis=1) - middle) ** 2
    shares = between[total > 0] / total[total > 0]
    return Importance(path, float(shares.mean()), float(shares.std())) if len(shares) else Importance(path, 0.0, 0.0)


def _effect(predictions: Floats, levels: NDArray[np.int64], level: int) -> Effect:
    """Against all designs that make the decision."""
    deciding = predictions[:, levels >= 0].mean(axis=1)
    difference = predictions[:, levels == level].mean(axis=1) - deciding
    return Effect(float(difference.mean()), float(difference.std()))
